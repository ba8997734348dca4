//! Commands on an honest state: whatever the commands, the whole tree and the witness it records agree, and a refusal
//! leaves the tree as it was. Signatures are taken as checked, so that the commands reach the rules.
#![no_main]

use std::sync::LazyLock;

use kit::Honest;
use libfuzzer_sys::fuzz_target;
use state::{PartialTree, Sha256Hash, StateTree};
use transition::{CommandsBlob, EventsLog, Native, execute_batch};
use types::{Reader, Sequenced};

static START: LazyLock<Honest> = LazyLock::new(|| Honest::after(3, 400));

fuzz_target!(|bytes: &[u8]| {
    let start = &*START;
    let mut blob = CommandsBlob::new(start.batch, start.sequence, start.timestamp);
    let mut reader = Reader::new(bytes);
    let mut previous = start.timestamp;
    // As many as decode; bytes that do not are for `batch_input`.
    while blob.count() < 64 {
        let sequence = start.sequence + blob.count();
        let Ok(sequenced) = Sequenced::decode(sequence, previous, &mut reader) else { break };
        previous = sequenced.timestamp;
        blob.push(&sequenced);
    }
    let commands = blob.finish();

    let mut tree = start.tree.clone();
    let before = tree.start_recording();
    let log = EventsLog::with_contents();
    match execute_batch::<_, Native>(&mut tree, &commands, None, log, &mut ()) {
        Err(_) => assert_eq!(tree.root(), before),
        Ok(output) => {
            assert_eq!(output.claim.state_root, tree.root());
            let witness = tree.take_witness().expect("it was recording");
            let mut partial = PartialTree::<Sha256Hash>::from_witness(witness).expect("an honest witness");
            partial.verify(before).expect("of the state before");
            let log = EventsLog::root_only();
            let again = execute_batch::<_, Native>(&mut partial, &commands, None, log, &mut ())
                .expect("the witness shows all that is needed");
            assert_eq!(again.claim, output.claim);
            let last = output.events.len() as u64 - 1;
            for receipt in output.events.receipts::<Sha256Hash>(output.claim.first_sequence, &[0, last]) {
                receipt.verify::<Sha256Hash>(&output.claim).expect("an honest receipt");
            }
        }
    }
});
