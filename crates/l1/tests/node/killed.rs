//! Settlement on a real chain, killed at every moment: before and after each thing that it writes down, publishes or sends.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use l1::EthereumChain;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;
use settlement::{
    Action, Chain, Fate, Fault, Heads, Policy, Ports, Prover, Publisher, Record, Records, Sealed, Sent,
    Settlement, Source, Standing, State, Store, StoreError, Totals,
};

use crate::world::{Book, OPERATOR, World, config, sealed, sync};

/// Batches of one life.
const BATCHES: u64 = 3;
/// Steps after which nothing more is expected.
const PATIENCE: usize = 120;

/// Thrown when a process dies.
struct Death;

/// Counts down to a process's death.
#[derive(Clone)]
struct Fuse(Rc<Cell<Option<u64>>>);

impl Fuse {
    fn burn(&self) {
        match self.0.get() {
            Some(0) => panic_any(Death),
            left => self.0.set(left.map(|left| left - 1)),
        }
    }

    /// Something with an effect: death comes before it or after it.
    fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        self.burn();
        let done = work();
        self.burn();
        done
    }
}

struct Mortal<T> {
    inner: T,
    fuse: Fuse,
}

impl Records for Mortal<Store> {
    fn load(&self) -> Result<(Totals, Vec<Record>), StoreError> {
        self.inner.load()
    }

    fn list(&self, from: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.list(from, limit)
    }

    fn put(&self, records: &[&Record], totals: &Totals) -> Result<(), StoreError> {
        self.fuse.around(|| self.inner.put(records, totals))
    }
}

impl Chain for Mortal<EthereumChain<Book>> {
    fn heads(&self) -> Result<Heads, Fault> {
        self.inner.heads()
    }

    fn time(&self) -> u64 {
        self.inner.time()
    }

    fn standing(&self, number: u64) -> Result<Standing, Fault> {
        self.inner.standing(number)
    }

    fn last_committed(&self) -> Result<u64, Fault> {
        self.inner.last_committed()
    }

    fn room(&self, action: Action, batches: &[Sealed]) -> Result<usize, Fault> {
        self.inner.room(action, batches)
    }

    fn send(
        &self,
        action: Action,
        batches: &[Sealed],
        earlier: Option<&Sent>,
        signed: &mut dyn FnMut(&Sent) -> Result<(), Fault>,
    ) -> Result<Sent, Fault> {
        self.fuse.around(|| self.inner.send(action, batches, earlier, signed))
    }

    fn fate(&self, sent: &Sent) -> Result<Fate, Fault> {
        self.inner.fate(sent)
    }
}

/// What is sealed, published and proved at once.
struct Office {
    book: Book,
    fuse: Fuse,
}

impl Source for Office {
    fn sealed(&self, number: u64) -> Result<Option<Sealed>, Fault> {
        Ok(self.book.claims.lock().unwrap().get(number as usize - 1).map(sealed))
    }
}

impl Publisher for Office {
    fn publish(&self, batch: &Sealed) -> Result<Vec<u8>, Fault> {
        self.fuse.around(|| Ok(batch.digest.to_vec()))
    }
}

impl Prover for Office {
    fn ask(&self, _: &Sealed) -> Result<(), Fault> {
        self.fuse.around(|| Ok(()))
    }

    fn proof(&self, batch: &Sealed) -> Result<Option<(u64, u64)>, Fault> {
        Ok(Some((batch.number, batch.number)))
    }
}

/// One process from its start, until everything is final or its fuse has burnt. Whether it lived.
async fn live(world: &World, fuse: Fuse) -> bool {
    let chain = world.process("settlement", OPERATOR, world.book.clone()).await;
    let store = Store::open(&world.dir.path().join("settlement.redb")).unwrap();
    let office = Office { book: world.book.clone(), fuse: fuse.clone() };
    let chain = Mortal { inner: chain, fuse: fuse.clone() };
    let store = Mortal { inner: store, fuse };
    let policy = Policy { group: 2, replace_after: 90_000, ..Policy::default() };
    let mut settlement = Settlement::open(store, policy, ChaCha12Rng::seed_from_u64(1)).unwrap();
    for _ in 0..PATIENCE {
        let block = world.client.heads().await.unwrap().latest;
        let ports = Ports { source: &office, publisher: &office, prover: &office, chain: &chain };
        let step = AssertUnwindSafe(|| settlement.step(&ports, block.timestamp * 1_000));
        match sync(|| catch_unwind(step)) {
            Ok(done) => drop(done.unwrap()),
            Err(death) if death.is::<Death>() => return false,
            Err(panic) => resume_unwind(panic),
        }
        if settlement.first_open() > BATCHES {
            let records = settlement.batches(1, usize::MAX).unwrap();
            assert_eq!(records.len() as u64, BATCHES);
            assert!(records.iter().all(|record| record.state == State::Final));
            return true;
        }
        world.l1.advance_clock(Duration::from_secs(30));
        world.mine(1).await;
    }
    panic!("not final after {PATIENCE} steps: {:?}", settlement.open_batches());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_moment_loses_nothing_and_settles_nothing_twice() {
    let mut moments = 0;
    for moment in 0.. {
        let world = World::with(config()).await;
        for _ in 0..BATCHES {
            world.seal();
        }
        if live(&world, Fuse(Rc::new(Cell::new(Some(moment))))).await {
            break;
        }
        moments += 1;
        assert!(live(&world, Fuse(Rc::new(Cell::new(None)))).await, "after a death at moment {moment}");
        settled_once(&world).await;
        world.l1.shutdown().await;
    }
    // Each batch is written down in ten states, published, asked for; three kinds of transactions are sent.
    assert!(moments > 40, "{moments}");
}

/// Every step of every batch is on the chain once, and no transaction was in vain.
async fn settled_once(world: &World) {
    use contracts::bindings::Exchange::ExchangeEvents as Event;
    let indexer = world.indexer("afterwards");
    indexer.follow().await.unwrap();
    let (mut committed, mut proved, mut finals) = (Vec::new(), Vec::new(), Vec::new());
    let (mut blocks, mut transactions) = (BTreeSet::new(), BTreeSet::new());
    for event in indexer.events(0, u64::MAX).unwrap() {
        if matches!(event.what, Event::BatchCommitted(_) | Event::BatchesProved(_) | Event::BatchFinal(_))
            && blocks.insert(event.block)
        {
            let logs = world.client.logs_in(world.exchange, event.block.hash.into()).await.unwrap();
            transactions.extend(logs.iter().filter_map(|log| log.transaction_hash));
        }
        match event.what {
            Event::BatchCommitted(event) => committed.push(event.batch),
            Event::BatchesProved(event) => proved.extend(event.first..=event.last),
            Event::BatchFinal(event) => finals.push(event.batch),
            _ => {}
        }
    }
    let all: Vec<u64> = (1..=BATCHES).collect();
    assert_eq!((&committed, &proved, &finals), (&all, &all, &all));
    let operator = world.sender(OPERATOR).address();
    assert_eq!(world.client.nonce(operator).await.unwrap(), transactions.len() as u64, "none was sent twice");
}
