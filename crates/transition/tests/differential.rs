//! The fast book, the tree store on the whole tree and the tree store on a witness must agree, event for event and
//! root for root, on hostile random commands.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use book::Book;
use std::collections::BTreeSet;

use rules::{Genesis, ModelStore, Store, model_flow};
use state::{FullTree, PartialTree, Sha256Hash, StateTree, Witness};
use transition::{CommandsBlob, EventsLog, Native, execute_batch, genesis, restore};
use types::{Command, Event, Origin, Outcome, Sequenced, Timestamp};

/// What an exchange's ingress lets through: nobody can sign for an account that does not exist, and the L1 queue
/// holds only its own kinds of commands.
fn admitted(flow: Vec<Sequenced>) -> Vec<Sequenced> {
    let mut model = ModelStore::open(&model_flow::genesis());
    let mut position = 0;
    let mut admitted: Vec<Sequenced> = Vec::new();
    for mut sequenced in flow {
        let Ok(known) = model.account(sequenced.account).map(|account| account.is_some());
        let possible = match (&sequenced.origin, &sequenced.command) {
            (
                Origin::L1(_),
                Command::Deposit { .. }
                | Command::Withdraw { .. }
                | Command::MassCancel { .. }
                | Command::RegisterSession { .. },
            ) => true,
            (Origin::L1(_), _) => false,
            _ => known,
        };
        if !possible {
            continue;
        }
        if let Origin::L1(at) = &mut sequenced.origin {
            *at = position;
            position += 1;
        }
        sequenced.sequence = admitted.len() as u64 + 1;
        let Ok(_) = rules::execute(&mut model, &sequenced, &mut |_| {});
        admitted.push(sequenced);
    }
    admitted
}

/// Batches of at most `size`, ended early where a session is registered after commands of the stream it ends.
fn batches(flow: &[Sequenced], size: usize) -> Vec<&[Sequenced]> {
    let mut batches = Vec::new();
    let mut start = 0;
    let mut streams = BTreeSet::new();
    for (at, sequenced) in flow.iter().enumerate() {
        let registers = matches!(sequenced.command, Command::RegisterSession { .. });
        if at - start == size || registers && streams.contains(&sequenced.account) {
            batches.push(&flow[start..at]);
            start = at;
            streams.clear();
        }
        if sequenced.origin == Origin::Session {
            streams.insert(sequenced.account);
        }
    }
    batches.push(&flow[start..]);
    batches
}

/// Both stores on `flow` in batches of `size`; every batch is also executed from its witness alone.
fn run(genesis_state: &Genesis, flow: &[Sequenced], size: usize) {
    let mut book = Book::new(genesis_state.capacity);
    let Ok(()) = rules::open(&mut book, genesis_state);
    let mut tree = FullTree::<Sha256Hash>::new();
    genesis(&mut tree, genesis_state).unwrap();
    let mut previous = Timestamp(0);
    for (number, batch) in batches(flow, size).into_iter().enumerate() {
        let mut expected: Vec<(Outcome, Vec<Event>)> = Vec::new();
        let mut blob = CommandsBlob::new(number as u64 + 1, batch[0].sequence, previous);
        for sequenced in batch {
            blob.push(sequenced);
            let mut events = Vec::new();
            let Ok(outcome) = rules::execute(&mut book, sequenced, &mut |event| events.push(event));
            expected.push((outcome, events));
        }
        previous = batch[batch.len() - 1].timestamp;
        let commands = blob.finish();

        let before = tree.start_recording();
        let mut at = 0;
        let full = execute_batch::<_, Native>(
            &mut tree,
            &commands,
            None,
            EventsLog::with_contents(),
            &mut |sequenced: &Sequenced, outcome: Outcome, events: &[Event]| {
                let (fast, fast_events) = &expected[at];
                assert_eq!(outcome, *fast, "outcome of {sequenced:?}");
                assert_eq!(events, fast_events, "events of {sequenced:?}");
                at += 1;
            },
        )
        .unwrap();
        let witness = tree.take_witness().unwrap().encode();

        let witness = Witness::decode(&witness, witness.len()).unwrap();
        let mut partial = PartialTree::<Sha256Hash>::from_witness(witness).unwrap();
        partial.verify(before).unwrap();
        let proved =
            execute_batch::<_, Native>(&mut partial, &commands, None, EventsLog::root_only(), &mut ())
                .unwrap();
        assert_eq!(proved.claim, full.claim);
        assert_eq!(full.claim.state_root, tree.root());

        let places: Vec<u64> = (0..batch.len() as u64).step_by(7).collect();
        for receipt in full.events.receipts::<Sha256Hash>(full.claim.first_sequence, &places) {
            let (outcome, events) = receipt.verify::<Sha256Hash>(&full.claim).unwrap();
            let (fast, fast_events) = &expected[receipt.path.index as usize];
            assert_eq!((outcome, &events), (*fast, fast_events));
        }
    }

    // A book restored from the tree goes on exactly as the one that never stopped.
    let mut restored = Book::new(genesis_state.capacity);
    restore(&tree, &mut restored, |never| match never {}).unwrap();
    assert_eq!(restored.counters(), book.counters());
    let rest = model_flow::flow(99, 400);
    for sequenced in &rest {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let Ok(a) = rules::execute(&mut book, sequenced, &mut |event| ours.push(event));
        let Ok(b) = rules::execute(&mut restored, sequenced, &mut |event| theirs.push(event));
        assert_eq!((a, ours), (b, theirs), "after a restart, {sequenced:?}");
    }
}

#[test]
fn fast_book_whole_tree_and_witness_agree() {
    for seed in 0..12 {
        let flow = admitted(model_flow::flow(seed, 3_000));
        for size in [1, 37, 1_000] {
            if size == 1 && seed > 1 {
                continue;
            }
            run(&model_flow::genesis(), &flow, size);
        }
    }
}
