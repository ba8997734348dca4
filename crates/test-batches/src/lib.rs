//! Sealed batches for tests of provers: of the recorded day and of simulated flow, the same in every run.
//!
//! An exchange cuts batches by time, too; [`Sealer`] cuts them exactly where a test wants. For tests only: it trusts its
//! input and panics.
#![expect(clippy::unwrap_used, reason = "for tests")]

mod cost;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use ed25519_dalek::Signer as _;
use flow::{FlowItem, FlowOrigin, Numbering, Simulation, SimulationOptions, Source, dev_key};
use rules::{Genesis, OPERATOR};
use state::{FullTree, Sha256Hash};
use transition::{
    Authorisation, BatchInput, CommandsBlob, EventsLog, Native, SealedBatch, Stream, execute_batch, genesis,
    stream_digest, stream_start,
};
use types::{AccountId, Command, Timestamp};

pub use cost::costs_exactly;

/// An exchange that seals exactly the commands that it is given.
pub struct Sealer {
    genesis: Genesis,
    items: Box<dyn Iterator<Item = FlowItem>>,
    tree: FullTree<Sha256Hash>,
    numbering: Numbering,
    batch: u64,
    last: Timestamp,
    sessions: HashMap<AccountId, u64>,
    streams: HashMap<AccountId, Stream>,
}

impl Sealer {
    /// The recorded day; none, and a line that says so, where its data is missing.
    #[must_use]
    pub fn recorded() -> Option<Self> {
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/amzn-2012-06-21-a.csv");
        if !path.exists() {
            eprintln!("SKIPPED: the recorded flow is not there");
            return None;
        }
        Some(Self::new(flow::open(&path).unwrap()))
    }

    /// Simulated flow, which is always there: fifty accounts.
    #[must_use]
    pub fn simulated() -> Self {
        let options =
            SimulationOptions { seed: 7, commands: 20_000, accounts: 50, ..SimulationOptions::default() };
        Self::new(Source::Simulation(Box::new(Simulation::new(options).unwrap())))
    }

    fn new(source: Source) -> Self {
        let start = *source.genesis();
        let mut tree = FullTree::new();
        genesis(&mut tree, &start).unwrap();
        Self {
            genesis: start,
            items: Box::new(source.map(Result::unwrap)),
            tree,
            numbering: Numbering::default(),
            batch: 0,
            last: Timestamp(0),
            sessions: HashMap::from([(OPERATOR, 1)]),
            streams: HashMap::new(),
        }
    }

    /// Seals the next commands. Panics when there are not so many.
    pub fn seal(&mut self, commands: usize) -> SealedBatch {
        self.batch += 1;
        let (chain, exchange) = (self.genesis.chain_id, self.genesis.exchange);
        let mut blob = CommandsBlob::new(self.batch, self.numbering.next_sequence(), self.last);
        let mut digests = BTreeMap::new();
        let mut bytes = Vec::new();
        for item in self.items.by_ref().take(commands) {
            let account = item.account;
            if let Command::RegisterSession { .. } = item.command {
                *self.sessions.entry(account).or_default() += 1;
                self.streams.remove(&account);
            }
            if item.origin == FlowOrigin::Session {
                let session = self.sessions[&account];
                let stream = self
                    .streams
                    .entry(account)
                    .or_insert_with(|| stream_start::<Sha256Hash>(chain, exchange, account, session));
                bytes.clear();
                item.command.encode(&mut bytes);
                stream.digest = stream_digest::<Sha256Hash>(&stream.digest, &bytes);
                digests.insert(account, stream.digest);
            }
            let sequenced = self.numbering.number(item);
            self.last = sequenced.timestamp;
            blob.push(&sequenced);
        }
        assert_eq!(blob.count(), commands as u64, "the flow is too short");
        let commands = blob.finish();

        let previous_root = self.tree.start_recording();
        let output =
            execute_batch::<_, Native>(&mut self.tree, &commands, None, EventsLog::root_only(), &mut ())
                .unwrap();
        let witness = self.tree.take_witness().unwrap().encode();
        let streams = digests
            .into_iter()
            .map(|(account, digest)| (account, dev_key(account).sign(&digest).to_bytes()))
            .collect();
        let authorisation = Authorisation { streams, owners: Vec::new() };
        let input = BatchInput { previous_root, commands, authorisation, witness };
        SealedBatch { claim: output.claim, input }
    }

    /// Lets the flow run until the book is full.
    #[must_use]
    pub fn warm_up(mut self) -> Self {
        for _ in 0..5 {
            self.seal(1_000);
        }
        self
    }
}
