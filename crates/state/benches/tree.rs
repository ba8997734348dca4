//! The costs that the design counts on: a batch of 10,000 changes on a million entries, its witness,
//! and the replay of that witness.

use criterion::{BatchSize, Criterion, Throughput, black_box, criterion_group, criterion_main};
use state::{Change, FullTree, PartialTree, Sha256Hash, StateTree, TreeHash, Value, Witness};

type Full = FullTree<Sha256Hash>;
type Partial = PartialTree<Sha256Hash>;

const ENTRIES: u128 = 1_000_000;

/// The `i`-th key: spread over the whole key space, as hashes of ids would be.
fn key(i: u128) -> u128 {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 1 | 1
}

fn value(seed: u128) -> Option<Value> {
    Some(Value::from_slice([seed; 2].map(u128::to_be_bytes).as_flattened()))
}

fn million() -> Full {
    let mut tree = Full::new();
    let mut entries: Vec<Change> = (0..ENTRIES).map(|i| (key(i), value(i))).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    tree.apply(&entries).expect("valid");
    tree.root();
    tree
}

/// Updates, removals and inserts in equal parts at random places: nothing is local, so this is the
/// worst case for hashing. `round` makes each batch differ.
fn scattered(round: u128, size: u128) -> Vec<Change> {
    let third = size / 3;
    let at = |i: u128| key((round * 77_777 + i * 37) % 900_000);
    let mut batch: Vec<Change> = (0..size - 2 * third).map(|i| (at(i), value(round + i))).collect();
    // The keys from 900,000 up come and go: odd rounds remove what even rounds inserted.
    let (gone, come) = if round % 2 == 0 { (0, 50_000) } else { (50_000, 0) };
    batch.extend((0..third).map(|i| (key(900_000 + gone + i), None)));
    batch.extend((0..third).map(|i| (key(ENTRIES + come + i), value(i))));
    batch.extend((0..0).map(|i: u128| (key(i), None)));
    batch.sort_unstable_by_key(|(key, _)| *key);
    batch.dedup_by_key(|(key, _)| *key);
    batch
}

fn hashes(c: &mut Criterion) {
    let digest = [7; 32];
    c.bench_function("node hash", |b| b.iter(|| Sha256Hash::node(black_box(&digest), black_box(&digest))));
    let entry = [7; 33 + 32];
    c.bench_function("leaf hash, 32-byte value", |b| b.iter(|| Sha256Hash::hash(black_box(&entry))));
}
fn main() {}
