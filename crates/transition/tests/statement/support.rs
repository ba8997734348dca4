//! A whole exchange in the hand: a state tree, real session and owner keys, and batches that are signed as a
//! gateway's clients sign them.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signer as _, SigningKey};
use k256::ecdsa::{SigningKey as OwnerKey, VerifyingKey as OwnerPublic};
use rules::{Capacity, Genesis, OPERATOR};
use state::{
    Digest, FullTree, Key, Leaf, Sha256Hash, StateTree, TouchedLeaf, TreeHash, Witness, empty_subtrees,
};
use transition::{
    Authorisation, BatchInput, BatchOutput, Claim, CommandsBlob, CommandsHeader, Crypto, EventsLog, Native,
    Stream, TransitionError, execute, execute_batch, genesis, owner_digest, stream_digest, stream_start,
};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, Command, Event, Limits, MarketId, MarketParams,
    OperatorCommand, Origin, Outcome, Place, Price, Quanta, Quantity, Rate, Reader, Sequenced, SessionKey,
    Side, Timestamp,
};

pub const CHAIN: u64 = 31_337;
pub const EXCHANGE: Address = Address([0xee; 20]);
pub const QUOTE: AssetId = AssetId(0);
pub const BASE: AssetId = AssetId(1);
pub const MARKET: MarketId = MarketId(0);

/// The session key with this number of an account.
pub fn session_key(account: AccountId, number: u64) -> SigningKey {
    let mut seed = [0x5e; 32];
    seed[..4].copy_from_slice(&account.0.to_be_bytes());
    seed[4..12].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(&seed)
}

pub fn public(key: &SigningKey) -> SessionKey {
    SessionKey(key.verifying_key().to_bytes())
}

pub fn owner_key(account: AccountId) -> OwnerKey {
    let mut scalar = [0x0e; 32];
    scalar[28..].copy_from_slice(&account.0.to_be_bytes());
    OwnerKey::from_slice(&scalar).unwrap()
}

pub fn address(key: &OwnerKey) -> Address {
    let point = OwnerPublic::from(key).to_encoded_point(false);
    let hash = Native::keccak256(&point.as_bytes()[1..]);
    Address(*hash.last_chunk().unwrap())
}

pub fn owner(account: AccountId) -> Address {
    address(&owner_key(account))
}

/// `r ‖ s ‖ v`, with v 27 or 28.
pub fn sign_owner(key: &OwnerKey, digest: &Digest) -> [u8; 65] {
    let (signature, recovery) = key.sign_prehash_recoverable(digest).unwrap();
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = 27 + recovery.to_byte();
    bytes
}

pub fn command_bytes(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    bytes
}

pub fn genesis_state(capacity: Capacity) -> Genesis {
    Genesis {
        chain_id: CHAIN,
        exchange: EXCHANGE,
        capacity,
        operator: owner(OPERATOR),
        operator_key: public(&session_key(OPERATOR, 1)),
        operator_expires: Timestamp::NEVER,
    }
}

/// What the clients of one account know.
#[derive(Clone)]
pub struct Signer {
    pub sessions: u64,
    pub nonce: u64,
    pub stream: Option<Stream>,
    pub key: SigningKey,
}

/// An exchange between two batches, and commands for the next one.
#[derive(Clone)]
pub struct Exchange {
    pub tree: FullTree,
    pub signers: BTreeMap<AccountId, Signer>,
    pub claim: Option<Claim>,
    pub pending: Vec<Sequenced>,
    pub batch: u64,
    pub sequence: u64,
    pub now: u64,
    pub l1_position: u64,
}

/// A batch, the exchange before it, and what an honest exchange makes of it.
pub struct Sealed {
    pub before: Exchange,
    pub list: Vec<Sequenced>,
    pub input: BatchInput,
    pub output: BatchOutput,
}

impl Exchange {
    pub fn new(capacity: Capacity) -> Self {
        let mut tree = FullTree::new();
        genesis(&mut tree, &genesis_state(capacity)).unwrap();
        let operator = Signer { sessions: 1, nonce: 0, stream: None, key: session_key(OPERATOR, 1) };
        Self {
            tree,
            signers: BTreeMap::from([(OPERATOR, operator)]),
            claim: None,
            pending: Vec::new(),
            batch: 0,
            sequence: 0,
            now: 0,
            l1_position: 0,
        }
    }

    pub fn send(&mut self, account: u32, origin: Origin, command: Command) -> &mut Self {
        let sequence = self.sequence + self.pending.len() as u64 + 1;
        self.now += 10;
        let timestamp = Timestamp(self.now);
        self.pending.push(Sequenced { sequence, timestamp, account: AccountId(account), origin, command });
        self
    }

    pub fn session(&mut self, account: u32, command: Command) -> &mut Self {
        self.send(account, Origin::Session, command)
    }

    pub fn owner(&mut self, account: u32, command: Command) -> &mut Self {
        self.send(account, Origin::Owner, command)
    }

    pub fn l1(&mut self, account: u32, command: Command) -> &mut Self {
        let ahead = self.pending.iter().filter(|s| matches!(s.origin, Origin::L1(_))).count() as u64;
        self.send(account, Origin::L1(self.l1_position + ahead), command)
    }

    pub fn operator(&mut self, command: OperatorCommand) -> &mut Self {
        self.session(0, Command::Operator(command.into()))
    }

    pub fn deposit(&mut self, account: u32, asset: AssetId, amount: u64) -> &mut Self {
        let owner = owner(AccountId(account));
        self.l1(account, Command::Deposit { owner, asset, amount: Quanta(amount) })
    }

    /// The session that follows the account's present one.
    pub fn registration(&self, account: u32) -> Command {
        let account = AccountId(account);
        let number = self.signers.get(&account).map_or(0, |signer| signer.sessions) + 1;
        Command::RegisterSession { key: public(&session_key(account, number)), expires: Timestamp::NEVER }
    }

    /// The state's root before the next batch.
    pub fn root(&self) -> Digest {
        self.tree.clone().root()
    }

    /// The published bytes of these commands as the next batch.
    pub fn blob(&self, list: &[Sequenced]) -> Vec<u8> {
        let previous = self.claim.as_ref().map_or(Timestamp(0), |claim| claim.timestamp);
        let mut blob = CommandsBlob::new(self.batch + 1, self.sequence + 1, previous);
        list.iter().for_each(|sequenced| blob.push(sequenced));
        blob.finish()
    }

    /// The input that an operator can make who checks no signatures: the true witness for any bytes that the rules
    /// take, with the signatures given.
    pub fn forge(
        &self,
        commands: &[u8],
        authorisation: Authorisation,
    ) -> Result<BatchInput, TransitionError> {
        let mut tree = self.tree.clone();
        let previous_root = tree.start_recording();
        execute_batch::<_, Native>(&mut tree, commands, None, EventsLog::root_only(), &mut ())?;
        let witness = tree.take_witness().unwrap().encode();
        Ok(BatchInput { previous_root, commands: commands.to_vec(), authorisation, witness })
    }

    /// What comes of such an input.
    pub fn attempt(
        &self,
        list: &[Sequenced],
        authorisation: &Authorisation,
    ) -> Result<Claim, TransitionError> {
        execute::<Native>(&self.forge(&self.blob(list), authorisation.clone())?)
    }

    /// Seals the pending commands as the next batch.
    pub fn seal(&mut self) -> Sealed {
        let before = Self { pending: Vec::new(), ..self.clone() };
        let list = std::mem::take(&mut self.pending);
        let commands = before.blob(&list);
        let previous_root = self.tree.start_recording();
        let mut signing =
            Signing { signers: self.signers.clone(), owners: Vec::new(), spoke: BTreeSet::new() };
        let output = execute_batch::<_, Native>(
            &mut self.tree,
            &commands,
            None,
            EventsLog::with_contents(),
            &mut |sequenced: &Sequenced, _: Outcome, events: &[Event]| signing.follow(sequenced, events),
        )
        .unwrap();
        let witness = self.tree.take_witness().unwrap().encode();
        let authorisation = signing.authorisation();
        self.signers = signing.signers;
        self.batch += 1;
        self.sequence = output.claim.last_sequence;
        self.now = output.claim.timestamp.0;
        self.l1_position = output.claim.l1_position;
        self.claim = Some(output.claim.clone());
        let input = BatchInput { previous_root, commands, authorisation, witness };
        Sealed { before, list, input, output }
    }
}

/// The clients of a batch, each signing its own commands.
struct Signing {
    signers: BTreeMap<AccountId, Signer>,
    owners: Vec<[u8; 65]>,
    spoke: BTreeSet<AccountId>,
}

impl Signing {
    fn follow(&mut self, sequenced: &Sequenced, events: &[Event]) {
        let account = sequenced.account;
        let bytes = command_bytes(&sequenced.command);
        match sequenced.origin {
            Origin::Session => {
                let signer = self.signers.get_mut(&account).unwrap();
                let stream = signer.stream.get_or_insert_with(|| {
                    stream_start::<Sha256Hash>(CHAIN, EXCHANGE, account, signer.sessions)
                });
                stream.digest = stream_digest::<Sha256Hash>(&stream.digest, &bytes);
                stream.position += 1;
                self.spoke.insert(account);
            }
            Origin::Owner => {
                let signer = self.signers.get_mut(&account).unwrap();
                let digest = owner_digest::<Native>(CHAIN, EXCHANGE, account, signer.nonce, &bytes);
                signer.nonce += 1;
                self.owners.push(sign_owner(&owner_key(account), &digest));
            }
            Origin::L1(_) => {}
        }
        for event in events {
            match *event {
                Event::AccountOpened { account, .. } => {
                    let key = session_key(account, 0);
                    self.signers.insert(account, Signer { sessions: 0, nonce: 0, stream: None, key });
                }
                Event::SessionRegistered { account, .. } => {
                    let signer = self.signers.get_mut(&account).unwrap();
                    signer.sessions += 1;
                    signer.stream = None;
                    signer.key = session_key(account, signer.sessions);
                }
                _ => {}
            }
        }
    }

    fn authorisation(&self) -> Authorisation {
        let sign = |account: &AccountId| {
            let signer = &self.signers[account];
            let digest = signer.stream.expect("it sent something").digest;
            (*account, signer.key.sign(&digest).to_bytes())
        };
        Authorisation { streams: self.spoke.iter().map(sign).collect(), owners: self.owners.clone() }
    }
}

pub fn limit(side: Side, price: u32, quantity: u64) -> Place {
    Place::limit(MARKET, side, Price(price), Quantity(quantity))
}

pub fn buy(price: u32, quantity: u64) -> Command {
    Command::Place(limit(Side::Buy, price, quantity))
}

pub fn sell(price: u32, quantity: u64) -> Command {
    Command::Place(limit(Side::Sell, price, quantity))
}

pub fn withdraw(asset: AssetId, amount: u64) -> Command {
    Command::Withdraw { asset, amount: Quanta(amount) }
}

/// One market, five funded accounts with sessions, and no orders.
pub fn open_exchange() -> Exchange {
    let capacity = Capacity { accounts: 64, open_orders: 1_000, assets: 4, markets: 4, price_levels: 4_000 };
    let mut exchange = Exchange::new(capacity);
    for symbol in [*b"USD\0\0\0\0\0", *b"BTC\0\0\0\0\0"] {
        exchange.operator(OperatorCommand::ListAsset(AssetParams {
            token: Address([1; 20]),
            quantum: 1,
            symbol,
        }));
    }
    for account in 1..=5 {
        exchange.deposit(account, QUOTE, 1_000_000);
        exchange.deposit(account, BASE, 10_000);
        let registration = exchange.registration(account);
        match account % 2 {
            0 => exchange.owner(account, registration),
            _ => exchange.l1(account, registration),
        };
    }
    exchange.operator(OperatorCommand::CreateMarket(MarketParams {
        base: BASE,
        quote: QUOTE,
        lot: 1,
        tick: 1,
        max_price: Price(1_000),
        maker_fee: Rate(100),
        taker_fee: Rate(1_000),
        fee_account: OPERATOR,
        limits: Limits::NONE,
        collar: 0,
        breaker: Breaker { band: 0, window: 0, halt: 0 },
        reference_price: Price(0),
    }));
    exchange.seal();
    exchange
}

/// The same with orders on both sides: asks at 101, 102 and 103, bids at 99 and 98, the best ask by account 1.
pub fn busy_exchange() -> Exchange {
    let mut exchange = open_exchange();
    exchange.session(1, sell(101, 10)).session(2, sell(102, 10)).session(3, sell(103, 10));
    exchange.session(2, buy(99, 10)).session(3, buy(98, 10)).session(1, sell(150, 1));
    exchange.seal();
    exchange
}

/// A batch with something of everything: trades, cancels, owners, the L1 queue, a new account, withdrawals.
pub fn busy_batch() -> Sealed {
    let mut exchange = busy_exchange();
    exchange.session(4, buy(102, 15));
    exchange.session(1, sell(105, 3));
    exchange.session(1, Command::MassCancel { market: Some(MARKET), side: None });
    exchange.deposit(6, QUOTE, 500);
    exchange.l1(
        6,
        Command::RegisterSession { key: public(&session_key(AccountId(6), 1)), expires: Timestamp::NEVER },
    );
    exchange.session(6, buy(40, 2));
    exchange.owner(5, sell(99, 4));
    exchange.owner(5, withdraw(QUOTE, 70));
    exchange.session(2, withdraw(QUOTE, 80));
    exchange.l1(3, withdraw(BASE, 90));
    exchange.session(4, withdraw(BASE, u64::MAX));
    exchange.seal()
}

/// The commands of a batch's published bytes, and its header.
pub fn decode_blob(bytes: &[u8]) -> Result<(CommandsHeader, Vec<Sequenced>), types::DecodeError> {
    let mut r = Reader::new(bytes);
    let header = CommandsHeader::decode(&mut r)?;
    let (mut list, mut sequence, mut previous) =
        (Vec::new(), header.first_sequence, header.previous_timestamp);
    while r.left() > 0 {
        let sequenced = Sequenced::decode(sequence, previous, &mut r)?;
        previous = sequenced.timestamp;
        sequence = sequence.wrapping_add(1);
        list.push(sequenced);
    }
    Ok((header, list))
}

pub fn decode_witness(input: &BatchInput) -> Witness {
    Witness::decode(&input.witness, input.witness.len()).unwrap()
}

/// The witness of exactly these slots of a tree, made without any of the tree's own code for witnesses.
pub fn witness_of(tree: &FullTree, slots: &BTreeSet<u32>, appends: bool) -> Witness {
    let leaves: Vec<&Leaf> = tree.iter_slots().map(|(_, leaf)| leaf).collect();
    let len = leaves.len() as u32;
    let empty = empty_subtrees::<Sha256Hash>();
    let mut level: Vec<Digest> = leaves.iter().map(|leaf| leaf.digest::<Sha256Hash>()).collect();
    let mut known: BTreeSet<u32> = slots.iter().copied().chain(appends.then_some(len)).collect();
    let mut siblings = Vec::new();
    for none in &empty[..32] {
        for node in &known {
            let sibling = node ^ 1;
            if !known.contains(&sibling) && (sibling as usize) < level.len() {
                siblings.push(level[sibling as usize]);
            }
        }
        known = known.into_iter().map(|node| node / 2).collect();
        level = level.chunks(2).map(|pair| Sha256Hash::node(&pair[0], pair.get(1).unwrap_or(none))).collect();
    }
    let touched = slots.iter().map(|slot| TouchedLeaf { slot: *slot, leaf: leaves[*slot as usize].clone() });
    Witness { len, free_head: tree.free_head(), appends, touched: touched.collect(), siblings }
}

/// The root of a tree with these slots.
pub fn root_of_slots(leaves: &[Leaf], free_head: u32) -> Digest {
    let empty = empty_subtrees::<Sha256Hash>();
    let mut level: Vec<Digest> = leaves.iter().map(|leaf| leaf.digest::<Sha256Hash>()).collect();
    for none in &empty[..32] {
        level = level.chunks(2).map(|pair| Sha256Hash::node(&pair[0], pair.get(1).unwrap_or(none))).collect();
    }
    state::state_root::<Sha256Hash>(&level[0], leaves.len() as u32, free_head)
}

/// Nodes above these slots that are hashed when the slots change, in a tree of this length.
pub fn paths(slots: &BTreeSet<u32>) -> u64 {
    let mut known = slots.clone();
    let mut nodes = 0;
    for _ in 0..32 {
        known = known.into_iter().map(|node| node / 2).collect();
        nodes += known.len() as u64;
    }
    nodes
}

/// The slot of a key.
pub fn slot_of(tree: &FullTree, key: Key) -> u32 {
    let holds = |leaf: &Leaf| leaf.entry().is_some_and(|entry| entry.key == key);
    tree.iter_slots().find(|(_, leaf)| holds(leaf)).unwrap().0
}

/// Keys of the layout that `src/keys.rs` draws, written down again.
pub mod key {
    use super::Key;

    pub const ANCHOR: Key = 0x01 << 120;
    pub const GLOBALS: Key = 0x02 << 120;

    pub fn stream(account: u32) -> Key {
        0x06 << 120 | Key::from(account)
    }

    /// Of the order with this arrival that sells at this price in market 0.
    pub fn ask(price: u32, arrival: u64) -> Key {
        0x0a << 120 | 1 << 96 | Key::from(price) << 64 | Key::from(arrival)
    }
}
