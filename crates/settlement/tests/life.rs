//! Lives of batches on a model of a chain: killed at every moment, with faults, reorgs and a second process.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use settlement::{
    Action, BlockRef, Chain, Conflict, Fate, Fault, Heads, Policy, Ports, Prover, Publisher, Record, Records,
    Sealed, Sent, Settlement, SettlementError, Source, Standing, State, Store, StoreError, Totals,
};

/// What a transaction costs. Prime, so that parts are not equal.
const GAS: u64 = 101;
/// From a proof to finality, in milliseconds.
const DELAY: u64 = 3_000;

#[derive(Clone, Debug, PartialEq)]
struct Tx {
    id: u64,
    /// Of those with the same nonce one is mined at most.
    nonce: u64,
    action: Action,
    batches: Vec<Sealed>,
    /// Nobody mines it.
    stuck: bool,
}

/// The contract: strictly in order, everything once. A proof may begin with batches that are proved.
#[derive(Clone, Default)]
struct Contract {
    committed: Vec<([u8; 32], BlockRef)>,
    proved: Vec<(BlockRef, u64)>,
    finals: Vec<BlockRef>,
}

impl Contract {
    fn standing(&self, number: u64) -> Standing {
        let at = number as usize - 1;
        let Some(&(digest, block)) = self.committed.get(at) else { return Standing::Unknown };
        match (self.proved.get(at), self.finals.get(at)) {
            (_, Some(&block)) => Standing::Final { digest, block },
            (Some(&(block, final_from)), None) => Standing::Proved { digest, block, final_from },
            (None, None) => Standing::Committed { digest, block },
        }
    }

    /// Carries a transaction out, or refuses it.
    fn execute(&mut self, tx: &Tx, block: BlockRef, time: u64, paused: bool) -> bool {
        let first = tx.batches[0].number as usize;
        let end = first + tx.batches.len() - 1;
        let known = tx.batches.iter().enumerate().all(|(place, batch)| {
            batch.number as usize == first + place
                && self.committed.get(first + place - 1).is_some_and(|(digest, _)| *digest == batch.digest)
        });
        match tx.action {
            Action::Commit => {
                let done = !paused && first == self.committed.len() + 1;
                if done {
                    self.committed.extend(tx.batches.iter().map(|batch| (batch.digest, block)));
                }
                done
            }
            Action::Prove => {
                let next = self.proved.len() + 1;
                let done = !paused && known && first <= next && next <= end;
                if done {
                    self.proved.extend((next..=end).map(|_| (block, time + DELAY)));
                }
                done
            }
            Action::Finalise => {
                let done = known
                    && first == self.finals.len() + 1
                    && end <= self.proved.len()
                    && self.proved[first - 1..end].iter().all(|(_, from)| *from <= time);
                if done {
                    self.finals.extend(tx.batches.iter().map(|_| block));
                }
                done
            }
        }
    }
}

#[derive(Clone, Default)]
struct Block {
    salt: u64,
    txs: Vec<(Tx, bool)>,
    /// The contract after it.
    contract: Contract,
}

#[derive(Default)]
struct Model {
    blocks: Vec<Block>,
    /// Blocks that may be replaced.
    depth: usize,
    finalized: usize,
    mempool: Vec<Tx>,
    last_id: u64,
    salt: u64,
    /// The block at which a pause ends.
    pause_ends: usize,
}

impl Model {
    fn block(&self, at: usize) -> BlockRef {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&self.blocks[at].salt.to_le_bytes());
        BlockRef { number: at as u64 + 1, hash }
    }

    fn contract(&self) -> Contract {
        self.blocks.last().map(|block| block.contract.clone()).unwrap_or_default()
    }

    fn paused(&self) -> bool {
        self.blocks.len() < self.pause_ends
    }

    fn mine(&mut self, time: u64) {
        self.salt += 1;
        self.blocks.push(Block { salt: self.salt, txs: Vec::new(), contract: self.contract() });
        let at = self.blocks.len() - 1;
        let (block, paused) = (self.block(at), self.paused());
        let (stuck, mined) = std::mem::take(&mut self.mempool).into_iter().partition(|tx: &Tx| tx.stuck);
        self.mempool = stuck;
        for tx in mined {
            let done = self.blocks[at].contract.execute(&tx, block, time, paused);
            self.blocks[at].txs.push((tx, done));
        }
        self.finalized = self.finalized.max(self.blocks.len().saturating_sub(self.depth));
    }

    fn reorg(&mut self, depth: usize, requeue: bool, time: u64) {
        let depth = depth.min(self.blocks.len() - self.finalized);
        let dropped = self.blocks.split_off(self.blocks.len() - depth);
        for _ in 0..depth {
            let waiting = std::mem::take(&mut self.mempool);
            self.mine(time);
            self.mempool = waiting;
        }
        if requeue {
            self.mempool.extend(dropped.into_iter().flat_map(|block| block.txs).map(|(tx, _)| tx));
        }
    }

    /// The operator reverts what is not proved, in a pause of some blocks.
    fn revert(&mut self, pause: usize, time: u64) {
        self.pause_ends = self.blocks.len() + pause;
        self.mine(time);
        let contract = &mut self.blocks.last_mut().unwrap().contract;
        contract.committed.truncate(contract.proved.len());
    }

    fn txs(&self) -> impl Iterator<Item = &(Tx, bool)> {
        self.blocks.iter().flat_map(|block| &block.txs)
    }

    fn refused(&self) -> usize {
        self.txs().filter(|(_, done)| !done).count()
    }
}

fn nonce(sent: &Sent) -> u64 {
    u64::from_le_bytes(sent.handle[..].try_into().unwrap())
}

/// Thrown when a process dies.
struct Death;

/// The world around the nodes.
struct World {
    chain: RefCell<Model>,
    sealed: Cell<u64>,
    published: RefCell<BTreeSet<u64>>,
    asked: RefCell<BTreeMap<u64, u64>>,
    now: Cell<u64>,
    /// The next so many transactions are not mined until they are replaced.
    stuck: Cell<u64>,
    /// Proofs are of one batch each.
    single: Cell<bool>,
    /// Batches that fit into one transaction to finality.
    room: Cell<usize>,
    /// The chain tells its own time, which settlement's has fallen behind.
    ahead: Cell<bool>,
}

impl World {
    fn new(sealed: u64, depth: usize) -> Self {
        Self {
            chain: RefCell::new(Model { depth, ..Model::default() }),
            sealed: Cell::new(sealed),
            published: RefCell::default(),
            asked: RefCell::default(),
            now: Cell::new(1_000),
            stuck: Cell::new(0),
            single: Cell::new(false),
            room: Cell::new(usize::MAX),
            ahead: Cell::new(false),
        }
    }

    fn batch(number: u64) -> Sealed {
        Sealed { number, digest: [number as u8; 32] }
    }

    fn tick(&self) {
        self.chain.borrow_mut().mine(self.now.get());
        self.now.set(self.now.get() + 1_000);
    }
}

/// How something goes wrong once.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    /// It is not done.
    Passing,
    /// It is done, and the answer is lost.
    Lost,
    /// It is not done, and will not be.
    Lasting,
}

/// A node: its disk, and its way to the world.
struct Node<'a> {
    world: &'a World,
    disk: RefCell<(Totals, BTreeMap<u64, Record>)>,
    /// Moments until the process dies.
    life: Cell<u64>,
    /// Of so many calls one fails.
    trouble: Cell<Option<u64>>,
    /// This call goes wrong.
    wrong: Cell<Option<(u64, Wrong)>>,
    calls: Cell<u64>,
    /// From this write on so many fail.
    full: Cell<Option<(u64, u64)>>,
    writes: Cell<u64>,
    /// Writes that succeeded since something was sent.
    stored: Cell<u64>,
    /// What events said of each batch.
    seen: RefCell<BTreeMap<u64, State>>,
}

impl<'a> Node<'a> {
    fn new(world: &'a World) -> Self {
        Self {
            world,
            disk: RefCell::default(),
            life: Cell::new(u64::MAX),
            trouble: Cell::new(None),
            wrong: Cell::new(None),
            calls: Cell::new(0),
            full: Cell::new(None),
            writes: Cell::new(0),
            stored: Cell::new(0),
            seen: RefCell::default(),
        }
    }

    /// Any moment may be the last.
    fn moment(&self) {
        let left = self.life.get();
        if left == 0 {
            panic_any(Death);
        }
        self.life.set(left - 1);
    }

    fn call<T>(&self, answer: impl FnOnce() -> T) -> Result<T, Fault> {
        self.moment();
        let call = self.calls.get() + 1;
        self.calls.set(call);
        let mut dice = call.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        dice = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        dice = (dice ^ (dice >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33;
        if self.trouble.get().is_some_and(|every| dice.is_multiple_of(every)) {
            return Err(Fault::Passing("no answer".into()));
        }
        let wrong = self.wrong.get().and_then(|(at, wrong)| (at == call).then_some(wrong));
        match wrong {
            Some(Wrong::Passing) => return Err(Fault::Passing("no answer".into())),
            Some(Wrong::Lasting) => {
                return Err(Fault::Lasting { why: "broken".into(), remedy: "mend it".into() });
            }
            _ => {}
        }
        let answer = answer();
        self.moment();
        if wrong == Some(Wrong::Lost) {
            return Err(Fault::Passing("the answer is lost".into()));
        }
        Ok(answer)
    }

    fn settle(&self) -> Settlement<&Self> {
        self.seen.borrow_mut().clear();
        let random = ChaCha12Rng::seed_from_u64(self.world.now.get());
        let policy = Policy {
            window: 6,
            group: 2,
            replace_after: 5_000,
            longest_rest: 8_000,
            audit: 2,
            ..Policy::default()
        };
        Settlement::open(self, policy, random).unwrap()
    }

    fn ports(&self) -> Ports<'_> {
        Ports { source: self, publisher: self, prover: self, chain: self }
    }

    /// All that can be done now.
    fn work(&self, settlement: &mut Settlement<&Self>) {
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 1_000, "it never rests");
            match settlement.step(&self.ports(), self.world.now.get()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(SettlementError::Store(_)) if self.full.get().is_some() => break,
                Err(error) => panic!("{error}"),
            }
        }
        let failed: Vec<u64> = settlement.summary(0).failures.into_keys().collect();
        if self.wrong.get().is_some() {
            for number in failed {
                assert!(settlement.retry(number, self.world.now.get()).unwrap());
            }
        }
        let mut seen = self.seen.borrow_mut();
        for event in settlement.take_events() {
            let before = seen.insert(event.batch, event.to.clone());
            assert_ne!(before, Some(State::Final), "{event:?}");
            assert!(before.is_none() || before == event.from, "{event:?} after {before:?}");
        }
    }

    /// A process from its start until everything is final; false when it dies before.
    fn run(&self, mut meanwhile: impl FnMut(u64)) -> bool {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut settlement = self.settle();
            for turn in 0..5_000 {
                self.work(&mut settlement);
                if settlement.first_open() > self.world.sealed.get() {
                    return;
                }
                self.world.tick();
                meanwhile(turn);
            }
            panic!("it never ends: {:?}", settlement.open_batches());
        }));
        match result {
            Ok(()) => true,
            Err(cause) if cause.is::<Death>() => false,
            Err(cause) => resume_unwind(cause),
        }
    }

    /// Everything is final here and there, and was done once.
    fn check(&self) {
        let (chain, sealed) = (self.world.chain.borrow(), self.world.sealed.get());
        let contract = chain.contract();
        let expected: Vec<[u8; 32]> = (1..=sealed).map(|number| World::batch(number).digest).collect();
        assert!(contract.committed.iter().map(|(digest, _)| *digest).eq(expected));
        assert_eq!(contract.finals.len() as u64, sealed);
        let (totals, records) = &*self.disk.borrow();
        assert_eq!((totals.last_final, records.len() as u64), (sealed, sealed));
        for (number, record) in records {
            assert_eq!(record.state, State::Final, "{record:?}");
            assert!(self.world.published.borrow().contains(number));
            let block = contract.finals[*number as usize - 1];
            assert_eq!(record.blocks[&Action::Finalise], block);
            assert!(block.number <= chain.finalized as u64);
        }
    }

    /// What was paid is what the records say, on a chain that only this node uses.
    fn check_gas(&self) {
        let chain = self.world.chain.borrow();
        let (totals, records) = &*self.disk.borrow();
        for action in [Action::Commit, Action::Prove, Action::Finalise] {
            let paid = chain.txs().filter(|(tx, done)| *done && tx.action == action).count() as u64 * GAS;
            let parts = records.values().map(|record| record.receipts[&action].gas).sum::<u64>();
            assert_eq!((parts, totals.gas[&action]), (paid, paid), "{action:?}");
        }
        for record in records.values() {
            for (action, receipt) in &record.receipts {
                let id: u64 = receipt.transaction.parse().unwrap();
                let (tx, _) = chain.txs().find(|(tx, done)| *done && tx.id == id).unwrap();
                assert!(tx.action == *action && tx.batches.contains(&record.batch));
            }
        }
    }
}

impl Records for &Node<'_> {
    fn load(&self) -> Result<(Totals, Vec<Record>), StoreError> {
        let (totals, records) = &*self.disk.borrow();
        let open = records.range(totals.last_final + 1..).map(|(_, record)| record.clone()).collect();
        Ok((totals.clone(), open))
    }

    fn list(&self, from: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.disk.borrow().1.range(from..).take(limit).map(|(_, record)| record.clone()).collect())
    }

    fn put(&self, records: &[&Record], totals: &Totals) -> Result<(), StoreError> {
        self.moment();
        self.writes.set(self.writes.get() + 1);
        if self.full.get().is_some_and(|(from, count)| (from..from + count).contains(&self.writes.get())) {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Database(Box::new(redb::Error::Io(full))));
        }
        let mut disk = self.disk.borrow_mut();
        self.stored.set(self.stored.get() + 1);
        disk.0 = totals.clone();
        for record in records {
            disk.1.insert(record.batch.number, (*record).clone());
        }
        drop(disk);
        self.moment();
        Ok(())
    }
}

impl Source for Node<'_> {
    fn sealed(&self, number: u64) -> Result<Option<Sealed>, Fault> {
        self.call(|| (number <= self.world.sealed.get()).then(|| World::batch(number)))
    }
}

impl Publisher for Node<'_> {
    fn publish(&self, batch: &Sealed) -> Result<Vec<u8>, Fault> {
        self.call(|| {
            self.world.published.borrow_mut().insert(batch.number);
            batch.digest.to_vec()
        })
    }
}

impl Prover for Node<'_> {
    fn ask(&self, batch: &Sealed) -> Result<(), Fault> {
        self.call(|| {
            let ready = self.world.now.get() + 2_000;
            self.world.asked.borrow_mut().entry(batch.number).or_insert(ready);
        })
    }

    /// Batches 1, then 2 and 3, then 4 and 5 together, as far as there are so many.
    fn proof(&self, batch: &Sealed) -> Result<Option<(u64, u64)>, Fault> {
        self.call(|| {
            let (number, last) = (batch.number, self.world.sealed.get());
            let first = number / 2 * 2;
            let alone = number == 1 || self.world.single.get();
            let range = if alone { (number, number) } else { (first, (first + 1).min(last)) };
            let asked = self.world.asked.borrow();
            asked.get(&number).is_some_and(|ready| *ready <= self.world.now.get()).then_some(range)
        })
    }
}

impl Chain for Node<'_> {
    fn heads(&self) -> Result<Heads, Fault> {
        self.call(|| {
            let chain = self.world.chain.borrow();
            let latest = match chain.blocks.len() {
                0 => BlockRef { number: 0, hash: [0; 32] },
                length => chain.block(length - 1),
            };
            Heads { latest, finalized: chain.finalized as u64 }
        })
    }

    fn time(&self) -> u64 {
        if self.world.ahead.get() { self.world.now.get() - 1_000 } else { 0 }
    }

    fn standing(&self, number: u64) -> Result<Standing, Fault> {
        self.call(|| self.world.chain.borrow().contract().standing(number))
    }

    fn last_committed(&self) -> Result<u64, Fault> {
        self.call(|| self.world.chain.borrow().contract().committed.len() as u64)
    }

    fn room(&self, action: Action, batches: &[Sealed]) -> Result<usize, Fault> {
        self.call(|| match action {
            Action::Finalise => self.world.room.get().min(batches.len()),
            _ => batches.len(),
        })
    }

    fn send(
        &self,
        action: Action,
        batches: &[Sealed],
        earlier: Option<&Sent>,
        signed: &mut dyn FnMut(&Sent) -> Result<(), Fault>,
    ) -> Result<Sent, Fault> {
        assert!(action != Action::Finalise || batches.len() <= self.world.room.get().max(1));
        // It is on disk that this is about to be sent, and the disk took a write since the last time.
        let about = match action {
            Action::Commit => State::Committing,
            Action::Prove => State::Submitted,
            Action::Finalise => State::Finalising,
        };
        let proved = self.world.chain.borrow().contract().proved.len() as u64;
        for batch in batches.iter().filter(|batch| action != Action::Prove || batch.number > proved) {
            assert_eq!(self.disk.borrow().1[&batch.number].state, about);
        }
        assert!(self.stored.replace(0) > 0, "nothing was written before sending");
        if self.world.chain.borrow().paused() && action != Action::Finalise {
            return Err(Fault::Passing("paused".into()));
        }
        self.call(|| {
            self.world.chain.borrow_mut().last_id += 1;
            let id = self.world.chain.borrow().last_id;
            // The transaction before has the same nonce: the new one takes its place.
            let nonce = earlier.map_or(id, nonce);
            let sent = Sent { id: id.to_string(), handle: nonce.to_le_bytes().to_vec() };
            signed(&sent)?;
            for batch in batches.iter().filter(|batch| action != Action::Prove || batch.number > proved) {
                assert_eq!(self.disk.borrow().1[&batch.number].sent[&action].sent, sent, "it is on disk");
            }
            let mut chain = self.world.chain.borrow_mut();
            let stuck = self.world.stuck.get() > 0;
            self.world.stuck.set(self.world.stuck.get().saturating_sub(1));
            let tx = Tx { id, nonce, action, batches: batches.to_vec(), stuck };
            match chain.mempool.iter_mut().find(|tx| tx.nonce == nonce) {
                Some(place) => *place = tx,
                None => chain.mempool.push(tx),
            }
            Ok(sent)
        })?
    }

    fn fate(&self, sent: &Sent) -> Result<Fate, Fault> {
        self.call(|| match self.world.chain.borrow().txs().find(|(tx, _)| tx.nonce == nonce(sent)) {
            None => Fate::Open,
            Some((_, true)) => Fate::Done { gas: GAS },
            Some((_, false)) => Fate::Refused { why: "not in order".into() },
        })
    }
}

#[test]
fn without_trouble_every_batch_becomes_final_at_the_first_try() {
    let world = World::new(9, 3);
    let node = Node::new(&world);
    assert!(node.run(|_| {}));
    node.check();
    node.check_gas();
    assert_eq!(world.chain.borrow().refused(), 0, "nothing is sent twice");
    let disk = node.disk.borrow();
    for record in disk.1.values() {
        for name in &State::NAMES[..10] {
            assert!(record.entered.contains_key(*name), "batch {} was never {name}", record.batch.number);
        }
        assert_eq!(record.retries, 0);
        assert_eq!(record.blocks.len(), 3);
        // What was committed before it was proved is so on the chain too.
        assert!(record.blocks[&Action::Commit].number < record.blocks[&Action::Prove].number);
        assert!(
            record.blocks[&Action::Prove].number + DELAY / 1_000 <= record.blocks[&Action::Finalise].number
        );
    }
    let together =
        world.chain.borrow().txs().any(|(tx, _)| tx.action == Action::Finalise && tx.batches.len() == 2);
    assert!(together, "batches that are ready become final together");
}

#[test]
fn what_the_contract_waits_for_is_by_the_chains_clock_and_what_is_recorded_by_ours() {
    let world = World::new(9, 3);
    world.ahead.set(true);
    let node = Node::new(&world);
    let mut settlement = node.settle();
    // A block each millisecond, and a second by the chain's clock.
    let (begin, end) = (world.now.get(), world.now.get() + 100);
    for now in begin..end {
        while settlement.step(&node.ports(), now).unwrap() {}
        let oldest = settlement.summary(now).oldest_open;
        assert!(oldest.is_none_or(|age| age <= 100), "{oldest:?}");
        world.tick();
    }
    let disk = node.disk.borrow();
    assert_eq!(disk.1.len(), 9);
    for record in disk.1.values() {
        assert_eq!(record.state, State::Final, "batch {}", record.batch.number);
        assert!(record.entered.values().all(|at| (begin..end).contains(at)), "{:?}", record.entered);
    }
    assert_eq!(world.chain.borrow().refused(), 0, "nothing is sent before the contract takes it");
}

#[test]
fn what_does_not_fit_into_one_transaction_becomes_final_in_several() {
    // The chain cannot even say that one fits: it is sent alone, and the chain decides.
    for room in [0, 1, 2] {
        let world = World::new(9, 3);
        world.room.set(room);
        let node = Node::new(&world);
        assert!(node.run(|_| {}));
        node.check();
        assert_eq!(world.chain.borrow().refused(), 0);
    }
}

/// Kills a process at every moment of its work, each time in a world of its own, lets the next one end the work, and looks at what
/// came of it. Gives how many moments there are.
fn killed_at_any_moment(new: impl Fn() -> World, look: impl Fn(&World, u64)) -> u64 {
    let mut moment = 0;
    loop {
        let world = new();
        let node = Node::new(&world);
        node.life.set(moment);
        let whole = node.run(|_| {});
        node.life.set(u64::MAX);
        if whole {
            return moment;
        }
        assert!(node.run(|_| {}), "killed at moment {moment}");
        node.check();
        look(&world, moment);
        moment += 1;
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_goes_on_where_it_was() {
    let moments = killed_at_any_moment(
        || World::new(5, 3),
        |world, moment| {
            let refused = world.chain.borrow().refused();
            assert_eq!(refused, 0, "something was sent twice: killed at moment {moment}");
        },
    );
    assert!(moments > 300, "{moments}");
}

#[test]
fn a_call_that_goes_wrong_at_any_moment_is_tried_again_or_reported() {
    for wrong in [Wrong::Passing, Wrong::Lost, Wrong::Lasting] {
        let mut call = 0;
        loop {
            call += 1;
            let world = World::new(5, 3);
            let node = Node::new(&world);
            node.wrong.set(Some((call, wrong)));
            assert!(node.run(|_| {}));
            node.check();
            assert!(world.chain.borrow().refused() <= 1, "call {call}");
            if node.calls.get() < call {
                break;
            }
        }
        assert!(call > 150, "{call}");
    }
}

#[test]
fn a_full_disk_at_any_write_stops_nothing_but_itself_and_sends_nothing_in_a_loop() {
    let mut write = 0;
    loop {
        write += 1;
        let world = World::new(5, 3);
        let node = Node::new(&world);
        node.full.set(Some((write, 12)));
        assert!(node.run(|_| {}));
        node.check();
        assert!(world.chain.borrow().refused() <= 1, "write {write}");
        if node.writes.get() < write {
            break;
        }
    }
    assert!(write > 40, "{write}");
}

#[test]
fn a_reorg_of_any_depth_that_takes_anything_back_is_followed() {
    let mut back = 0;
    let mut lost: BTreeMap<Action, u64> = BTreeMap::new();
    for requeue in [false, true] {
        for depth in [1, 3, 10] {
            for at in 0..30 {
                let world = World::new(5, 12);
                let node = Node::new(&world);
                assert!(node.run(|turn| {
                    if turn == at {
                        let mut chain = world.chain.borrow_mut();
                        let before = chain.contract();
                        chain.reorg(depth, requeue, world.now.get());
                        let after = chain.contract();
                        let mut count = |action, before: usize, after: usize| {
                            *lost.entry(action).or_default() += (before - after) as u64;
                        };
                        count(Action::Commit, before.committed.len(), after.committed.len());
                        count(Action::Prove, before.proved.len(), after.proved.len());
                        count(Action::Finalise, before.finals.len(), after.finals.len());
                    }
                }));
                node.check();
                node.check_gas();
                let records = &node.disk.borrow().1;
                back += records.values().filter(|record| record.sent.len() == 3).count();
                let refused = world.chain.borrow().refused();
                assert!(refused <= 3, "reorg of {depth} at {at}: {refused} refused");
            }
        }
    }
    assert!(back > 0 && lost.values().all(|count| *count > 20), "{lost:?}");
}

#[test]
fn what_a_reorg_takes_back_is_taken_back_here_before_anything_is_sent() {
    let world = World::new(1, 100);
    let node = Node::new(&world);
    let mut settlement = node.settle();
    for _ in 0..30 {
        if settlement.open_batches().values().all(|record| record.blocks.len() < 3) {
            node.work(&mut settlement);
            world.tick();
        }
    }
    assert_eq!(settlement.open_batches()[&1].state, State::Finalising);
    for state in [State::Confirmed, State::Proved, State::Published] {
        let cut = |world: &World| {
            let before = world.chain.borrow().contract().standing(1);
            while world.chain.borrow().contract().standing(1) == before {
                let mut chain = world.chain.borrow_mut();
                chain.blocks.pop();
                chain.mempool.clear();
            }
        };
        cut(&world);
        settlement.reconcile(&node.ports(), world.now.get()).unwrap().unwrap();
        let record = &settlement.open_batches()[&1];
        assert_eq!(record.state, state);
        assert!(record.receipts.keys().eq(record.blocks.keys()), "{record:?}");
    }
    assert_eq!(settlement.summary(0).taken_back, 3);
    drop(settlement);
    world.chain.borrow_mut().depth = 3;
    assert!(node.run(|_| {}));
    node.check();
}

#[test]
fn batches_that_the_operator_reverts_are_committed_again() {
    for at in 0..20 {
        for pause in [0, 5] {
            let world = World::new(5, 3);
            let node = Node::new(&world);
            assert!(node.run(|turn| {
                if turn == at {
                    world.chain.borrow_mut().revert(pause, world.now.get());
                }
            }));
            node.check();
        }
    }
    // Also when it had died before it saw the commitment.
    let world = World::new(2, 3);
    let node = Node::new(&world);
    let mut settlement = node.settle();
    node.work(&mut settlement);
    assert_eq!(world.chain.borrow().mempool.len(), 1);
    drop(settlement);
    world.tick();
    world.chain.borrow_mut().revert(0, world.now.get());
    assert!(node.run(|_| {}));
    node.check();
}

#[test]
fn what_the_exchange_has_changed_since_is_not_committed_again() {
    let world = World::new(2, 3);
    let node = Node::new(&world);
    let mut settlement = node.settle();
    for _ in 0..3 {
        node.work(&mut settlement);
        world.tick();
    }
    assert!(world.chain.borrow().contract().committed.len() == 2);
    world.chain.borrow_mut().revert(0, world.now.get());
    world.sealed.set(1);
    let error = settlement.step(&node.ports(), world.now.get()).unwrap_err();
    assert!(error.to_string().contains("no longer has this batch"), "{error}");
    assert_eq!(settlement.summary(0).halted.unwrap().batch, 2);
    // It stays so, whatever comes.
    world.sealed.set(2);
    let sent = world.chain.borrow().last_id;
    assert!(settlement.step(&node.ports(), world.now.get() + 1_000_000).is_err());
    assert!(settlement.reconcile(&node.ports(), world.now.get() + 1_000_000).is_err());
    assert_eq!(world.chain.borrow().last_id, sent);
}

#[test]
fn a_transaction_that_a_killed_process_sent_is_replaced_when_nobody_mines_it() {
    let stuck = || {
        let world = World::new(2, 3);
        world.stuck.set(1);
        world
    };
    let moments = killed_at_any_moment(stuck, |world, moment| {
        let chain = world.chain.borrow();
        assert!(chain.mempool.is_empty(), "killed at moment {moment}: {:?} waits for ever", chain.mempool);
    });
    assert!(moments > 100, "{moments}");
}

#[test]
fn a_transaction_that_nobody_mines_is_replaced() {
    let world = World::new(3, 3);
    world.stuck.set(2);
    let node = Node::new(&world);
    assert!(node.run(|_| {}));
    node.check();
    node.check_gas();
    assert_eq!(world.chain.borrow().refused(), 0);
    assert!(world.chain.borrow().mempool.is_empty());
    assert_eq!(node.disk.borrow().0.retries, 2);
}

#[test]
fn two_processes_settle_the_same_batches_once() {
    for single in [false, true] {
        for lead in 0..25 {
            let world = World::new(6, 3);
            let (one, two) = (Node::new(&world), Node::new(&world));
            let mut first = one.settle();
            let mut second = two.settle();
            let mut turn = 0;
            while first.first_open() <= 6 || second.first_open() <= 6 {
                one.work(&mut first);
                if turn >= lead {
                    // The second process may have other proofs.
                    world.single.set(single);
                    two.work(&mut second);
                    world.single.set(false);
                }
                world.tick();
                turn += 1;
                assert!(turn < 2_000, "{:?} {:?}", first.open_batches(), second.open_batches());
                if let Some(number) = first.summary(0).failures.into_keys().next() {
                    panic!("{:?}", first.open_batches()[&number]);
                }
            }
            one.check();
            two.check();
        }
    }
}

#[test]
fn a_proof_whose_first_batches_somebody_has_proved_is_sent_all_the_same() {
    // Before ours is sent, while it waits, and so early that the first batch is final by then.
    for (before, late) in [(false, false), (true, false), (true, true)] {
        let world = World::new(3, 3);
        let node = Node::new(&world);
        let mut settlement = node.settle();
        let (mut turn, mut proved, mut sent) = (0, false, 0);
        while settlement.first_open() <= 3 {
            node.work(&mut settlement);
            let contract = world.chain.borrow().contract();
            let ours =
                settlement.open_batches().get(&3).is_some_and(|record| record.state == State::Submitted);
            if !proved && contract.proved.len() == 1 && contract.committed.len() == 3 && (before || ours) {
                proved = true;
                let mut chain = world.chain.borrow_mut();
                let batches = vec![World::batch(2)];
                chain
                    .mempool
                    .insert(0, Tx { id: 1_000, nonce: 1_000, action: Action::Prove, batches, stuck: false });
            }
            if late && turn < 30 {
                // The proof of 2 and 3 takes long.
                world.asked.borrow_mut().insert(3, world.now.get() + 2_000);
            }
            world.tick();
            turn += 1;
            let summary = settlement.summary(0);
            assert!(turn < 200 && summary.failures.is_empty(), "{:?}", settlement.open_batches());
            sent = sent.max(summary.retries);
        }
        node.check();
        assert!(proved);
        let chain = world.chain.borrow();
        let whole = [World::batch(2), World::batch(3)];
        let done = |(tx, done): &&(Tx, bool)| *done && tx.action == Action::Prove && tx.batches == whole;
        assert_eq!(chain.txs().filter(done).count(), 1, "the whole proof is taken once");
        assert_eq!((chain.refused(), sent), (0, 0), "nothing is tried in vain");
    }
}

#[test]
fn a_proof_that_does_not_cover_its_batch_is_asked_for_again_and_reported() {
    struct Other<'a>(&'a Node<'a>);
    impl Prover for Other<'_> {
        fn ask(&self, batch: &Sealed) -> Result<(), Fault> {
            self.0.ask(batch)
        }

        fn proof(&self, batch: &Sealed) -> Result<Option<(u64, u64)>, Fault> {
            Ok(self.0.proof(batch)?.map(|_| (batch.number + 1, batch.number + 1)))
        }
    }
    let world = World::new(1, 3);
    let node = Node::new(&world);
    let other = Other(&node);
    let mut settlement = node.settle();
    let ports = Ports { prover: &other, ..node.ports() };
    for _ in 0..200 {
        while settlement.step(&ports, world.now.get()).unwrap() {}
        world.tick();
    }
    let (why, _) = &settlement.summary(0).failures[&1];
    assert!(why.contains("the proof is of batches 2 to 2, without this one"), "{why}");
    drop(settlement);
    assert!(node.run(|_| {}));
    node.check();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn deaths_faults_and_reorgs_together_lose_nothing(
        deaths in proptest::collection::vec(0_u64..300, 0..6),
        trouble in proptest::option::of(8_u64..40),
        reorgs in proptest::collection::vec((0_u64..40, 1_usize..=5, any::<bool>()), 0..5),
        reverts in proptest::collection::vec((0_u64..40, 0_usize..4), 0..3),
        full in proptest::option::of((1_u64..60, 1_u64..8)),
        stuck in 0_u64..3,
        sealed in 1_u64..12,
    ) {
        let world = World::new(sealed, 5);
        world.stuck.set(stuck);
        let node = Node::new(&world);
        node.trouble.set(trouble);
        node.full.set(full);
        let meanwhile = |turn: u64| {
            for (at, depth, requeue) in &reorgs {
                if turn == *at {
                    world.chain.borrow_mut().reorg(*depth, *requeue, world.now.get());
                }
            }
            for (at, pause) in &reverts {
                if turn == *at {
                    world.chain.borrow_mut().revert(*pause, world.now.get());
                }
            }
        };
        for death in deaths {
            node.life.set(death);
            node.run(meanwhile);
        }
        node.life.set(u64::MAX);
        prop_assert!(node.run(meanwhile));
        node.check();
    }
}

fn stopped(node: &Node<'_>) -> Conflict {
    let mut settlement = node.settle();
    match settlement.reconcile(&node.ports(), 1) {
        Err(SettlementError::Conflict(conflict)) => *conflict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_without_its_records_takes_over_what_the_chain_has() {
    let world = World::new(5, 3);
    let node = Node::new(&world);
    assert!(node.run(|_| {}));
    let sent = world.chain.borrow().last_id;
    *node.disk.borrow_mut() = Default::default();
    assert!(node.run(|_| {}));
    node.check();
    assert_eq!(world.chain.borrow().last_id, sent, "nothing was sent");
}

#[test]
fn what_cannot_be_right_on_both_sides_stops_everything_with_a_report() {
    let whole = |world: &World| -> (Totals, BTreeMap<u64, Record>) {
        let node = Node::new(world);
        assert!(node.run(|_| {}));
        node.disk.take()
    };
    let world = World::new(3, 3);
    let disk = whole(&world);

    // Another batch of that number.
    let node = Node::new(&world);
    node.disk.replace(disk.clone());
    node.disk.borrow_mut().1.get_mut(&2).unwrap().batch.digest = [9; 32];
    let conflict = stopped(&node);
    assert!(conflict.to_string().contains("another batch of this number"));
    assert_eq!(conflict.batch, 2);

    // What was final in one block is final in another.
    let node = Node::new(&world);
    node.disk.replace(disk.clone());
    let other = BlockRef { number: 1, hash: [1; 32] };
    node.disk.borrow_mut().1.get_mut(&3).unwrap().blocks.insert(Action::Finalise, other);
    assert!(stopped(&node).to_string().contains("final in another"));

    // What was final is gone.
    let empty = World::new(3, 3);
    let node = Node::new(&empty);
    node.disk.replace(disk);
    assert!(stopped(&node).to_string().contains("no longer has what was final"));

    // The chain knows more than the exchange.
    let node = Node::new(&world);
    world.sealed.set(2);
    assert!(stopped(&node).to_string().contains("does not have"));
}

#[test]
fn old_final_records_are_compared_in_idle_steps_and_made_again_when_they_are_lost() {
    let world = World::new(9, 3);
    let node = Node::new(&world);
    assert!(node.run(|_| {}));
    let whole = node.disk.borrow().clone();
    node.disk.borrow_mut().1.remove(&3);
    let mut settlement = node.settle();
    settlement.reconcile(&node.ports(), world.now.get()).unwrap().unwrap();
    assert!(settlement.open_batches().is_empty());
    let calls = node.calls.get();
    assert!(!settlement.step(&node.ports(), world.now.get()).unwrap());
    assert!(node.calls.get() - calls < 8, "a step looks at few of them");
    for _ in 0..5 {
        settlement.step(&node.ports(), world.now.get()).unwrap();
    }
    assert_eq!(settlement.summary(0).audited, 9);
    assert_eq!(node.disk.borrow().0, whole.0);
    assert_eq!(settlement.batches(3, 1).unwrap()[0].state, State::Final);

    // One that is damaged is found too, later.
    node.disk.borrow_mut().1.get_mut(&4).unwrap().batch.digest = [77; 32];
    let mut settlement = node.settle();
    settlement.reconcile(&node.ports(), world.now.get()).unwrap().unwrap();
    let halted = (0..5).find_map(|_| settlement.step(&node.ports(), world.now.get()).err()).unwrap();
    assert!(halted.to_string().contains("batch 4"), "{halted}");
}

#[test]
fn what_lasts_is_reported_with_a_remedy_and_goes_on_when_told() {
    struct Refuses<'a>(&'a Node<'a>, Cell<bool>);
    impl Publisher for Refuses<'_> {
        fn publish(&self, batch: &Sealed) -> Result<Vec<u8>, Fault> {
            if self.1.get() {
                return Err(Fault::Lasting { why: "no room".into(), remedy: "make room".into() });
            }
            self.0.publish(batch)
        }
    }
    let world = World::new(1, 3);
    let node = Node::new(&world);
    let refuses = Refuses(&node, Cell::new(true));
    let mut settlement = node.settle();
    let ports = Ports { publisher: &refuses, ..node.ports() };
    for _ in 0..10 {
        settlement.step(&ports, world.now.get()).unwrap();
    }
    assert_eq!(
        settlement.open_batches()[&1].state.to_string(),
        "failed: no room; make room; then start this node again"
    );
    assert_eq!(
        settlement.summary(0).failures[&1],
        ("no room".to_string(), "make room; then start this node again".to_string())
    );
    refuses.1.set(false);
    assert!(settlement.retry(1, 5).unwrap());
    assert!(!settlement.retry(1, 5).unwrap());
    drop(settlement);
    assert!(node.run(|_| {}));
    node.check();
}

#[test]
fn a_batch_that_has_failed_anywhere_goes_on_at_the_next_start() {
    let (mut call, mut failed) = (0, BTreeSet::new());
    loop {
        call += 1;
        let world = World::new(3, 3);
        let node = Node::new(&world);
        node.wrong.set(Some((call, Wrong::Lasting)));
        let mut settlement = node.settle();
        for _ in 0..200 {
            while settlement.step(&node.ports(), world.now.get()).unwrap() {}
            let failures = settlement.summary(0).failures;
            if let Some((number, (_, remedy))) = failures.first_key_value() {
                assert!(remedy.ends_with("start this node again"), "{remedy}");
                let entered = &settlement.open_batches()[number].entered;
                let last = |name: &&&str| entered.contains_key(**name);
                failed.insert(*State::NAMES[..10].iter().rfind(last).unwrap());
                // It stays so in this process, and is tried again by the next.
                drop(settlement);
                settlement = node.settle();
            }
            world.tick();
        }
        node.check();
        if node.calls.get() < call {
            break;
        }
    }
    // Batches fail where something is published, asked for, looked for or sent.
    let places = ["sealed", "committing", "committed", "proving", "submitted", "confirmed", "finalising"];
    assert!(places.iter().all(|place| failed.contains(place)), "{failed:?}");
}

#[test]
fn rests_double_up_to_the_longest_and_are_not_all_the_same() {
    let world = World::new(1, 3);
    let node = Node::new(&world);
    node.trouble.set(Some(1));
    let mut settlement = node.settle();
    let mut tries = vec![];
    for now in (0..60_000).step_by(10) {
        let calls = node.calls.get();
        settlement.step(&node.ports(), now).unwrap();
        if node.calls.get() > calls {
            tries.push(now);
        }
    }
    let rests: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (place, rest) in rests.iter().enumerate() {
        let most = (1_000 << place.min(10)).min(8_000);
        assert!((most / 2..=most + 10).contains(rest), "{rests:?}");
    }
    assert!(rests.len() > 8 && rests[4..].iter().collect::<BTreeSet<_>>().len() > 2, "{rests:?}");
    assert_eq!(settlement.summary(0).trouble, Some(Fault::Passing("no answer".into())));
}

#[test]
fn the_summary_counts_what_is_where() {
    let world = World::new(300, 3);
    let node = Node::new(&world);
    let mut settlement = node.settle();
    for _ in 0..12 {
        node.work(&mut settlement);
        world.tick();
    }
    let summary = settlement.summary(world.now.get());
    assert_eq!(summary.states.values().sum::<u64>(), 300);
    assert_eq!(summary.last_sealed, 300);
    assert_eq!(summary.lag, 300 - summary.last_final);
    assert!(summary.last_final > 0 && summary.states["final"] == summary.last_final);
    assert!(summary.states["sealed"] >= 300 - summary.last_final - 6);
    let chain = world.chain.borrow();
    let commits = chain.txs().filter(|(tx, _)| tx.action == Action::Commit).count() as u64;
    assert!(summary.gas[&Action::Commit].abs_diff(commits * GAS) <= GAS, "{summary:?}");
    assert!(summary.oldest_open.unwrap() > 0);
    assert!(settlement.open_batches().len() <= 6);
}

#[test]
fn records_survive_in_the_database_and_only_one_process_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settlement.redb");
    let records: Vec<Record> = (1..=7).map(|number| Record::new(World::batch(number), 3)).collect();
    let totals = Totals { last_final: 5, gas: BTreeMap::from([(Action::Prove, 7)]), retries: 2 };
    let store = Store::open(&path).unwrap();
    assert_eq!(store.load().unwrap(), (Totals::default(), vec![]));
    store.put(&records.iter().collect::<Vec<_>>(), &totals).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Busy { .. })));
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.load().unwrap(), (totals, records[5..].to_vec()), "only open ones");
    assert_eq!(store.list(2, 3).unwrap(), records[1..4]);
}
