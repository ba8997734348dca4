//! What an honest exchange makes: states with everything in them, and signed batches.

use ed25519_dalek::Signer;
use flow::{FlowOrigin, Numbering, Simulation, SimulationOptions, dev_key};
use rules::{ModelStore, Store, model_flow};
use state::{FullTree, Sha256Hash, StateTree};
use transition::{
    Authorisation, BatchInput, Claim, CommandsBlob, EventsLog, Native, Stream, execute_batch, stream_digest,
    stream_start,
};
use types::{AccountId, Command, Origin, Sequenced, Timestamp};

/// A state that an honest exchange has reached, and where its next batch goes on.
pub struct Honest {
    /// The state.
    pub tree: FullTree<Sha256Hash>,
    /// The next batch.
    pub batch: u64,
    /// Its first command.
    pub sequence: u64,
    /// The time of the command before.
    pub timestamp: Timestamp,
}

impl Honest {
    /// After the first `commands` commands of the model's flow with this seed: resting and waiting orders, expiries,
    /// own limits, halts.
    pub fn after(seed: u64, commands: usize) -> Self {
        let mut tree = FullTree::<Sha256Hash>::new();
        transition::genesis(&mut tree, &model_flow::genesis()).expect("the tree is empty");
        let mut this = Self { tree, batch: 1, sequence: 1, timestamp: Timestamp(0) };
        for sequenced in admitted_flow(seed, commands) {
            // One command a batch: a session may then be registered at any time.
            let mut blob = CommandsBlob::new(this.batch, this.sequence, this.timestamp);
            blob.push(&sequenced);
            let bytes = blob.finish();
            execute_batch::<_, Native>(&mut this.tree, &bytes, None, EventsLog::root_only(), &mut ())
                .expect("honest commands execute");
            this.batch += 1;
            this.sequence += 1;
            this.timestamp = sequenced.timestamp;
        }
        this
    }
}

/// The model's flow without what an exchange's ingress keeps out: commands in the name of accounts that do not exist,
/// and L1 entries that the queue cannot hold.
pub fn admitted_flow(seed: u64, commands: usize) -> Vec<Sequenced> {
    let mut model = ModelStore::open(&model_flow::genesis());
    let mut position = 0;
    let mut admitted: Vec<Sequenced> = Vec::new();
    for mut sequenced in model_flow::flow(seed, commands) {
        let Ok(known) = model.account(sequenced.account).map(|account| account.is_some());
        let queueable = matches!(
            sequenced.command,
            Command::Deposit { .. }
                | Command::Withdraw { .. }
                | Command::MassCancel { .. }
                | Command::RegisterSession { .. }
        );
        match &mut sequenced.origin {
            Origin::L1(at) if queueable => {
                *at = position;
                position += 1;
            }
            Origin::L1(_) => continue,
            Origin::Session | Origin::Owner if known => {}
            Origin::Session | Origin::Owner => continue,
        }
        sequenced.sequence = admitted.len() as u64 + 1;
        let Ok(_) = rules::execute(&mut model, &sequenced, &mut |_| {});
        admitted.push(sequenced);
    }
    admitted
}

/// A batch with all its signatures, and what it claims.
pub struct SignedBatch {
    /// What it claims.
    pub claim: Claim,
    /// What the claim follows from.
    pub input: BatchInput,
}

/// A simulated exchange's first batches of `size` commands each, all signed with development keys.
pub fn signed_batches(seed: u64, count: usize, size: usize) -> Vec<SignedBatch> {
    let options = SimulationOptions {
        seed,
        commands: 10_000,
        markets: 2,
        accounts: 12,
        makers: 4,
        ..SimulationOptions::default()
    };
    let mut simulation = Simulation::new(options).expect("the options are in range");
    let genesis = *simulation.genesis();
    let mut tree = FullTree::<Sha256Hash>::new();
    transition::genesis(&mut tree, &genesis).expect("the tree is empty");
    let mut streams: Vec<Stream> = (0..=options.accounts)
        .map(|account| {
            let session = 1;
            stream_start::<Sha256Hash>(genesis.chain_id, genesis.exchange, AccountId(account), session)
        })
        .collect();

    let mut numbering = Numbering::default();
    let mut previous = Timestamp(0);
    let mut batches = Vec::new();
    for number in 1..=count as u64 {
        let mut blob = CommandsBlob::new(number, numbering.next_sequence(), previous);
        let mut signers = std::collections::BTreeSet::new();
        let mut bytes = Vec::new();
        for item in simulation.by_ref().take(size) {
            if item.origin == FlowOrigin::Session {
                bytes.clear();
                item.command.encode(&mut bytes);
                let stream = &mut streams[item.account.0 as usize];
                stream.digest = stream_digest::<Sha256Hash>(&stream.digest, &bytes);
                stream.position += 1;
                signers.insert(item.account);
            }
            previous = item.timestamp;
            blob.push(&numbering.number(item));
        }
        let commands = blob.finish();
        let sign = |account: AccountId| {
            (account, dev_key(account).sign(&streams[account.0 as usize].digest).to_bytes())
        };
        let authorisation =
            Authorisation { streams: signers.into_iter().map(sign).collect(), owners: Vec::new() };
        let previous_root = tree.start_recording();
        let log = EventsLog::root_only();
        let output = execute_batch::<_, Native>(&mut tree, &commands, Some(&authorisation), log, &mut ())
            .expect("an honest batch executes");
        assert_eq!(output.claim.state_root, tree.root());
        let witness = tree.take_witness().expect("it was recording").encode();
        let input = BatchInput { previous_root, commands, authorisation, witness };
        batches.push(SignedBatch { claim: output.claim, input });
    }
    batches
}
