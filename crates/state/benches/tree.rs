//! The costs that the design counts on: a batch of 10,000 changes on a million entries, its witness,
//! and the replay of that witness.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use state::{Change, FullTree, PartialTree, Sha256Hash, StateTree, TreeHash, Value, Witness};
use std::cell::RefCell;
use std::hint::black_box;

type Full = FullTree<Sha256Hash>;
type Partial = PartialTree<Sha256Hash>;

const ENTRIES: u128 = 1_000_000;
const BATCH: u128 = 10_000;

/// The `i`-th key: spread over the whole key space, as hashes of ids would be.
fn key(i: u128) -> u128 {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 1 | 1
}

fn value(seed: u128) -> Option<Value> {
    Some(Value::from_slice([seed; 2].map(u128::to_be_bytes).as_flattened()))
}

fn sorted(changes: impl Iterator<Item = Change>) -> Vec<Change> {
    let mut batch: Vec<Change> = changes.collect();
    batch.sort_unstable_by_key(|(key, _)| *key);
    batch.dedup_by_key(|(key, _)| *key);
    batch
}

fn million() -> Full {
    let mut tree = Full::new();
    tree.set_parallel_from(usize::MAX);
    tree.apply(&sorted((0..ENTRIES).map(|i| (key(i), value(i))))).expect("valid");
    tree.root();
    tree
}

/// Updates at random places: nothing is local, so this is the worst case for hashing.
fn scattered(round: u128) -> Vec<Change> {
    let at = move |i| key((round * 7_777_777 + i) * 65_537 % ENTRIES);
    sorted((0..BATCH).map(|i| (at(i), value(round + i))))
}

/// Half inserts at random keys, half removals of what the batch before inserted: the slots are few, but
/// the entries below, whose successor changes, are anywhere.
fn churn(round: u128) -> Vec<Change> {
    let first = ENTRIES + round * BATCH / 2;
    sorted((first..first + BATCH).map(|i| (key(i), if i < first + BATCH / 2 { None } else { value(i) })))
}

/// The same on a book: keys of 200 price levels, ordered by arrival within each.
fn book(round: u128) -> Vec<Change> {
    let order = |i: u128| 1 << 120 | (i * 37 % 200) << 64 | i;
    let first = round * BATCH / 2;
    sorted((first..first + BATCH).map(|i| (order(i), if i < first + BATCH / 2 { None } else { value(i) })))
}

fn hashes(c: &mut Criterion) {
    let digest = [7; 32];
    c.bench_function("node hash", |b| b.iter(|| Sha256Hash::node(black_box(&digest), black_box(&digest))));
    let entry = [7; 33 + 32];
    c.bench_function("leaf hash of a 32-byte value", |b| b.iter(|| Sha256Hash::hash(black_box(&entry))));
}

fn batches(c: &mut Criterion) {
    let tree = RefCell::new(million());
    let mut group = c.benchmark_group("10,000 changes on 1,000,000 entries");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    let round = RefCell::new(0);
    let next = |make: fn(u128) -> Vec<Change>| {
        *round.borrow_mut() += 1;
        make(*round.borrow() - 1)
    };
    let apply = |batch: Vec<Change>| tree.borrow_mut().apply(&batch).expect("valid");
    let root = || tree.borrow_mut().root();

    for (name, make) in
        [("book", book as fn(u128) -> Vec<Change>), ("scattered", scattered), ("churn", churn)]
    {
        // What the first batch removes has to be there.
        let removed = make(0).into_iter().filter(|(_, value)| value.is_none());
        apply(removed.map(|(key, _)| (key, value(0))).collect());
        *round.borrow_mut() = 0;
        let setup = || {
            root();
            next(make)
        };
        group.bench_function(format!("{name}: apply"), |b| {
            b.iter_batched(setup, apply, BatchSize::PerIteration);
        });
        group.bench_function(format!("{name}: root"), |b| {
            b.iter_batched(|| apply(next(make)), |()| root(), BatchSize::PerIteration);
        });
        let both = |batch| {
            apply(batch);
            root()
        };
        group.bench_function(format!("{name}: apply and root"), |b| {
            b.iter_batched(setup, both, BatchSize::PerIteration);
        });
        tree.borrow_mut().set_parallel_from(1024);
        group.bench_function(format!("{name}: apply and root, all cores"), |b| {
            b.iter_batched(setup, both, BatchSize::PerIteration);
        });
        tree.borrow_mut().set_parallel_from(usize::MAX);
        let recording = || {
            tree.borrow_mut().start_recording();
            next(make)
        };
        group.bench_function(format!("{name}: apply, root and witness"), |b| {
            let record = |batch| {
                both(batch);
                tree.borrow_mut().take_witness()
            };
            b.iter_batched(recording, record, BatchSize::PerIteration);
        });

        let batch = recording();
        let before = tree.borrow().hashes();
        both(batch.clone());
        let cost = tree.borrow().hashes().since(&before);
        let witness = tree.borrow_mut().take_witness().expect("recording");
        let bytes = witness.encode();
        println!(
            "{name}: {} changes, {cost:?}, {} leaves and {} siblings in {} witness bytes",
            batch.len(),
            witness.touched.len(),
            witness.siblings.len(),
            bytes.len()
        );
        group.bench_function(format!("{name}: decode the witness"), |b| {
            b.iter(|| Witness::decode(&bytes, bytes.len()).expect("valid"));
        });
        group.bench_function(format!("{name}: partial tree from the witness"), |b| {
            let open = |witness| Partial::from_witness(witness).expect("valid");
            b.iter_batched(|| witness.clone(), open, BatchSize::PerIteration);
        });
        let partial = Partial::from_witness(witness).expect("valid");
        group.bench_function(format!("{name}: partial tree, apply and root"), |b| {
            let replay = |mut partial: Partial| {
                partial.apply(&batch).expect("valid");
                partial.root()
            };
            b.iter_batched(|| partial.clone(), replay, BatchSize::PerIteration);
        });
    }
}

// The macro makes a public function without documentation.
#[allow(missing_docs)]
mod group {
    use super::*;
    criterion_group!(benches, hashes, batches);
}
use group::benches;

criterion_main!(benches);
