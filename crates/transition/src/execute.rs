//! The execution of a batch, and what it proves.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::marker::PhantomData;

use hashbrown::HashMap;
use state::{Digest, PartialTree, StateTree, TreeHash, Value, Witness};
use types::{AccountId, Command, Event, Origin, Outcome, Reader, Sequenced, Timestamp};

use crate::anchor::Anchor;
use crate::commands::{CommandsHeader, commands_root};
use crate::keys;
use crate::tree_store::{Seeds, TreeStore};
use crate::{
    Authorisation, BatchInput, Claim, Crypto, EventsLog, Stream, TransitionError, Withdrawal, WithdrawalTree,
    l1_hash, owner_digest, stream_digest, stream_start,
};

/// Room is made for at most this many commands ahead: some 40 MB.
const RESERVE: usize = 1 << 17;

/// Sees every command of a batch after it was executed.
pub trait Observer {
    /// About so many commands will follow.
    fn begin(&mut self, _commands: usize) {}

    /// One more.
    fn command(&mut self, sequenced: &Sequenced, outcome: Outcome, events: &[Event]);
}

impl Observer for () {
    fn command(&mut self, _: &Sequenced, _: Outcome, _: &[Event]) {}
}

impl<F: FnMut(&Sequenced, Outcome, &[Event])> Observer for F {
    fn command(&mut self, sequenced: &Sequenced, outcome: Outcome, events: &[Event]) {
        self(sequenced, outcome, events);
    }
}

/// What an execution made.
#[derive(Clone, Debug)]
pub struct BatchOutput {
    /// What it proves.
    pub claim: Claim,
    /// What the commands did.
    pub events: EventsLog,
    /// Money on its way to L1.
    pub withdrawals: Vec<Withdrawal>,
}

/// What an execution says, short of the roots over what was given and what was made known: the commands and the events.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The state's anchor after the batch.
    pub anchor: Anchor,
    /// The number of the first command.
    pub first_sequence: u64,
    /// The root before.
    pub previous_root: Digest,
    /// The root after.
    pub state_root: Digest,
    /// Money on its way to L1.
    pub withdrawals: Vec<Withdrawal>,
}

impl Executed {
    /// The claim, with the roots over the commands and over the events that the observer saw.
    #[must_use]
    pub fn claim<C: Crypto + Clone + 'static>(&self, commands_root: Digest, events_root: Digest) -> Claim {
        let anchor = &self.anchor;
        Claim {
            chain_id: anchor.chain_id,
            exchange: anchor.exchange,
            batch: anchor.batch,
            first_sequence: self.first_sequence,
            last_sequence: anchor.sequence,
            previous_root: self.previous_root,
            state_root: self.state_root,
            commands_root,
            events_root,
            l1_position: anchor.l1_position,
            l1_hash: anchor.l1_hash,
            withdrawals_root: WithdrawalTree::<C>::new(&self.withdrawals).root(),
            timestamp: anchor.timestamp,
        }
    }
}

/// Executes a self-contained batch input. This is the whole statement: what a guest runs, and what anybody can
/// repeat.
///
/// The claim is about the input's own previous root. Whoever gets the input from somebody else compares that root with
/// the last accepted claim's first: under the root of a made-up state the rules' assertions may fail.
///
/// # Errors
/// When the input proves nothing, and why.
pub fn execute<C: Crypto + Clone + 'static>(input: &BatchInput) -> Result<Claim, TransitionError> {
    let limit = input.witness.len();
    let witness = Witness::decode(&input.witness, limit).map_err(state::StateError::from)?;
    let mut tree = PartialTree::<C::Hash>::from_witness(witness)?;
    tree.verify(input.previous_root).map_err(|_| TransitionError::PreviousRoot)?;
    let mut logging = Logging::<_, C> { log: EventsLog::root_only(), observer: &mut (), crypto: PhantomData };
    let signatures = Signatures::Check(&input.authorisation);
    let executed = execute_on_tree::<_, C>(&mut tree, &input.commands, signatures, &mut logging)?;
    Ok(executed.claim::<C>(commands_root::<C::Hash>(&input.commands), logging.log.take_root::<C::Hash>()))
}

/// Executes a batch on a tree, whole or partial, and writes the new state into it.
///
/// With `authorisation` every signature is checked. Without, they are taken as checked before, as by
/// [`Signatures::Checked`].
///
/// # Errors
/// When the batch proves nothing, and why. The tree has then not changed.
pub fn execute_batch<T: StateTree, C: Crypto + Clone + 'static>(
    tree: &mut T,
    commands: &[u8],
    authorisation: Option<&Authorisation>,
    log: EventsLog,
    observer: &mut impl Observer,
) -> Result<BatchOutput, TransitionError> {
    let mut logging = Logging::<_, C> { log, observer, crypto: PhantomData };
    let signatures = authorisation.map_or(Signatures::Checked, Signatures::Check);
    let executed = execute_on_tree::<T, C>(tree, commands, signatures, &mut logging)?;
    let events = logging.log;
    let claim = executed.claim::<C>(commands_root::<C::Hash>(commands), events.root::<C::Hash>());
    Ok(BatchOutput { claim, events, withdrawals: executed.withdrawals })
}

/// Writes the events down before somebody else sees them.
struct Logging<'o, O, C> {
    log: EventsLog,
    observer: &'o mut O,
    crypto: PhantomData<C>,
}

impl<O: Observer, C: Crypto> Observer for Logging<'_, O, C> {
    fn begin(&mut self, commands: usize) {
        self.log.reserve(commands);
        self.observer.begin(commands);
    }

    #[inline]
    fn command(&mut self, sequenced: &Sequenced, outcome: Outcome, events: &[Event]) {
        self.log.push::<C::Hash>(sequenced.sequence, outcome, events);
        self.observer.command(sequenced, outcome, events);
    }
}

/// Who answers for a batch's signatures.
#[derive(Clone, Copy, Debug)]
pub enum Signatures<'a> {
    /// All are checked here.
    Check(&'a Authorisation),
    /// They were checked before: only the exchange's own shadow may say so, for commands that its ingress took.
    Checked,
    /// They were checked before, against these streams: where every account that sent commands is after the batch. Nothing
    /// is hashed again; how many commands each sent must agree.
    CheckedAt(&'a BTreeMap<AccountId, Stream>),
}

/// [`execute_batch`] without the roots over commands and events, which need no tree: whoever executes batch after batch can
/// have another thread make them.
///
/// # Errors
/// As [`execute_batch`].
pub fn execute_on_tree<T: StateTree, C: Crypto>(
    tree: &mut T,
    commands: &[u8],
    signatures: Signatures<'_>,
    observer: &mut impl Observer,
) -> Result<Executed, TransitionError> {
    let previous_root = tree.root();
    let mut reader = Reader::new(commands);
    let header = CommandsHeader::decode(&mut reader)?;
    // A command takes four bytes at least, so a count that is a lie reserves little.
    let commands_at_most = reader.left() / 4;
    let likely = usize::try_from(header.count).unwrap_or(usize::MAX).min(commands_at_most).min(RESERVE);
    observer.begin(likely);
    let mut store = TreeStore::open(tree, likely, seeds::<C::Hash>(signatures))?;
    let before = store.anchor()?;
    check_header(&header, &before)?;

    let mut anchor = Anchor { batch: header.batch, ..before };
    let mut streams: HashMap<AccountId, Stream, foldhash::fast::FixedState> = HashMap::default();
    let mut registered = BTreeSet::new();
    let mut owners = match signatures {
        Signatures::Check(authorisation) => Some(authorisation.owners.iter()),
        _ => None,
    };
    // Debug builds look whether what was checked before is true.
    let digests = cfg!(debug_assertions) || !matches!(signatures, Signatures::CheckedAt(_));
    let mut events = Vec::new();
    let mut withdrawals = Vec::new();
    let mut found = 0;
    while reader.left() > 0 {
        let rest = reader.clone();
        let sequenced = Sequenced::decode(anchor.sequence + 1, anchor.timestamp, &mut reader)?;
        found += 1;
        let sequence = sequenced.sequence;
        if sequenced.timestamp > Timestamp::LAST_EXPIRY {
            return Err(TransitionError::TimeOutOfRange { sequence });
        }
        anchor.sequence = sequence;
        anchor.timestamp = sequenced.timestamp;

        let account = sequenced.account;
        match sequenced.origin {
            Origin::Session => {
                let stream = match streams.get_mut(&account) {
                    Some(stream) => stream,
                    None => {
                        let start = stream_of::<T, C>(&mut store, &anchor, sequence, account, &registered)?;
                        streams.entry(account).or_insert(start)
                    }
                };
                if digests {
                    let bytes = command_bytes(rest, &reader)?;
                    stream.digest = stream_digest::<C::Hash>(&stream.digest, bytes);
                }
                stream.position += 1;
            }
            Origin::Owner => {
                let signer = store
                    .account_now(account)?
                    .ok_or(TransitionError::UnknownAccount { sequence, account })?;
                if let Some(owners) = &mut owners {
                    let bytes = command_bytes(rest, &reader)?;
                    let (chain_id, exchange) = (anchor.chain_id, anchor.exchange);
                    let digest = owner_digest::<C>(chain_id, exchange, account, signer.nonce, bytes);
                    let recovered =
                        owners.next().and_then(|signature| C::recover_secp256k1(&digest, signature));
                    if recovered != Some(signer.owner) {
                        return Err(TransitionError::OwnerSignature { sequence, account });
                    }
                }
            }
            Origin::L1(position) => {
                if position != anchor.l1_position {
                    let expected = anchor.l1_position;
                    return Err(TransitionError::L1Queue { sequence, found: position, expected });
                }
                anchor.l1_hash = l1_hash::<C>(&anchor.l1_hash, position, account, &sequenced.command)
                    .ok_or(TransitionError::NotAnL1Command { sequence })?;
                anchor.l1_position += 1;
            }
        }
        if matches!(sequenced.command, Command::RegisterSession { .. }) && sequenced.origin != Origin::Session
        {
            if streams.contains_key(&account) {
                return Err(TransitionError::StreamSignature { account });
            }
            registered.insert(account);
        }

        events.clear();
        let outcome = rules::execute(&mut store, &sequenced, &mut |event| events.push(event))?;
        withdrawals.extend(events.iter().filter_map(Withdrawal::from_event));
        observer.command(&sequenced, outcome, &events);
    }
    if found == 0 || found != header.count {
        return Err(TransitionError::CommandCount { stated: header.count, found });
    }

    let mut streams: Vec<(AccountId, Stream)> = streams.into_iter().collect();
    streams.sort_unstable_by_key(|(account, _)| *account);
    match signatures {
        Signatures::Check(authorisation) => {
            check_streams::<T, C>(&mut store, &streams, authorisation)?;
            let left = owners.map_or(0, |owners| owners.len());
            if left != 0 {
                return Err(TransitionError::SignaturesLeft { left });
            }
        }
        Signatures::Checked => {}
        Signatures::CheckedAt(checked) => take_streams(&mut streams, checked)?,
    }

    let mut own = alloc::vec![(keys::ANCHOR, Some(Value::from_slice(&anchor.encode())))];
    own.extend(
        streams
            .iter()
            .map(|(account, stream)| (keys::stream(*account), Some(Value::from_slice(&stream.encode())))),
    );
    // A new session that has sent nothing yet has no stream entry.
    for account in registered {
        let known = streams.binary_search_by_key(&account, |(account, _)| *account).is_ok();
        if !known && store.stream(account)?.is_some() {
            own.push((keys::stream(account), None));
        }
    }
    store.commit(own)?;

    let (first_sequence, state_root) = (header.first_sequence, tree.root());
    Ok(Executed { anchor, first_sequence, previous_root, state_root, withdrawals })
}

/// Seeds of the tables that are found by what traders choose. Random, where there is randomness.
#[cfg(feature = "std")]
#[expect(clippy::extra_unused_type_parameters, reason = "the other one hashes")]
fn seeds<H: TreeHash>(_: Signatures<'_>) -> Seeds {
    Seeds::default()
}

/// Seeds of the same tables, from the signatures over what was chosen: not known when it is chosen.
#[cfg(not(feature = "std"))]
fn seeds<H: TreeHash>(signatures: Signatures<'_>) -> Seeds {
    let Signatures::Check(authorisation) = signatures else { return Seeds::default() };
    let Authorisation { streams, owners } = authorisation;
    let mut bytes = Vec::with_capacity(streams.len() * 64 + owners.len() * 65);
    streams.iter().for_each(|(_, signature)| bytes.extend_from_slice(signature));
    owners.iter().for_each(|signature| bytes.extend_from_slice(signature));
    let [a, b, c, d, e, f, g, h, ..] = H::hash(&bytes);
    Seeds::with_seed(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// The batch must be the one that the state waits for.
fn check_header(header: &CommandsHeader, anchor: &Anchor) -> Result<(), TransitionError> {
    let pairs = [
        ("number", header.batch, anchor.batch + 1),
        ("first sequence number", header.first_sequence, anchor.sequence + 1),
        ("previous timestamp", header.previous_timestamp.0, anchor.timestamp.0),
    ];
    for (what, found, expected) in pairs {
        if found != expected {
            return Err(TransitionError::NotNext { what, found, expected });
        }
    }
    Ok(())
}

/// Where an account's stream stands before its first command in the batch.
fn stream_of<T: StateTree, C: Crypto>(
    store: &mut TreeStore<'_, T>,
    anchor: &Anchor,
    sequence: u64,
    account: AccountId,
    registered: &BTreeSet<AccountId>,
) -> Result<Stream, TransitionError> {
    let session =
        store.account_now(account)?.ok_or(TransitionError::UnknownAccount { sequence, account })?.sessions;
    let start = stream_start::<C::Hash>(anchor.chain_id, anchor.exchange, account, session);
    if registered.contains(&account) {
        return Ok(start);
    }
    Ok(store.stream(account)?.unwrap_or(start))
}

/// Where the streams are after the batch, from whoever checked their signatures.
fn take_streams(
    streams: &mut [(AccountId, Stream)],
    checked: &BTreeMap<AccountId, Stream>,
) -> Result<(), TransitionError> {
    for (account, stream) in streams.iter_mut() {
        let account = *account;
        match checked.get(&account) {
            Some(checked) if checked.position == stream.position => {
                debug_assert_eq!(
                    checked, stream,
                    "account {account}: the stream that was checked is another"
                );
                *stream = *checked;
            }
            _ => return Err(TransitionError::StreamSignature { account }),
        }
    }
    match checked.len() - streams.len() {
        0 => Ok(()),
        left => Err(TransitionError::SignaturesLeft { left }),
    }
}

/// Exactly one signature for every stream of the batch, by the session key.
fn check_streams<T: StateTree, C: Crypto>(
    store: &mut TreeStore<'_, T>,
    streams: &[(AccountId, Stream)],
    authorisation: &Authorisation,
) -> Result<(), TransitionError> {
    let mut signatures = authorisation.streams.iter();
    for (account, stream) in streams {
        let account = *account;
        let key = store.account_now(account)?.map(|account| account.session_key);
        let signed = match (key, signatures.next()) {
            (Some(key), Some((signer, signature))) => {
                *signer == account && C::verify_ed25519(&key.0, &stream.digest, signature)
            }
            _ => false,
        };
        if !signed {
            return Err(TransitionError::StreamSignature { account });
        }
    }
    match signatures.len() {
        0 => Ok(()),
        left => Err(TransitionError::SignaturesLeft { left }),
    }
}

/// The command's own bytes, which end where `after` begins: past time, account and origin, in canonical form.
fn command_bytes<'a>(before: Reader<'a>, after: &Reader<'a>) -> Result<&'a [u8], TransitionError> {
    let mut r = before;
    r.uint("timestamp")?;
    r.uint("account")?;
    if r.byte("origin")? == 2 {
        r.uint("L1 position")?;
    }
    let length = r.left() - after.left();
    Ok(r.raw(length, "command")?)
}
