//! Prints how fast commonware-coding does what the example `table` of `availability` measures: Reed-Solomon and a Merkle tree,
//! without a proof that the shards are a codeword.
//!
//!     cargo run --release --manifest-path crates/availability/peers/Cargo.toml

use std::{error::Error, hint::black_box, num::NonZeroU16, time::Instant};

use commonware_coding::{Config, ReedSolomon, Scheme};
use commonware_cryptography::{Hasher, Sha256, blake3::Blake3};
use commonware_parallel::Sequential;

fn main() -> Result<(), Box<dyn Error>> {
    for mebibytes in [1, 8, 32] {
        let mut payload = vec![0; mebibytes << 20];
        blake3::Hasher::new().finalize_xof().fill(&mut payload);
        println!("\n{mebibytes} MiB, 256 + 128 shards");
        measure::<Blake3>("BLAKE3", &payload)?;
        measure::<Sha256>("SHA-256", &payload)?;
    }
    Ok(())
}

fn measure<H: Hasher>(hash: &str, payload: &[u8]) -> Result<(), Box<dyn Error>> {
    let count = |count| NonZeroU16::new(count).ok_or("a code has shards");
    let config = Config { minimum_shards: count(256)?, extra_shards: count(128)? };
    let time = best(|| ReedSolomon::<H>::encode(&config, payload, &Sequential));
    report(&format!("commonware-coding, {hash}: encode, commit"), payload.len(), time);

    let (commitment, shards) = ReedSolomon::<H>::encode(&config, payload, &Sequential)?;
    let check = |index: u16| {
        ReedSolomon::<H>::check(&config, &commitment, index, &shards[usize::from(index)], &Sequential)
    };
    println!(
        "  {:<52} {:>9.2} µs",
        format!("commonware-coding, {hash}: check one shard"),
        best(|| check(300)) * 1e6
    );
    for lost in [0, 3, 128] {
        let run = || {
            let checked = (lost..lost + 256).map(check).collect::<Result<Vec<_>, _>>()?;
            ReedSolomon::<H>::decode(&config, &commitment, checked.iter(), &Sequential)
        };
        if run()? != payload {
            return Err("decoded to something else".into());
        }
        report(
            &format!("commonware-coding, {hash}: decode with checks, {lost} lost"),
            payload.len(),
            best(run),
        );
    }
    Ok(())
}

/// The best time in seconds of runs that take half a second together, nine at least.
fn best<T>(mut run: impl FnMut() -> T) -> f64 {
    let (mut best, mut runs, begin) = (f64::MAX, 0, Instant::now());
    while runs < 9 || begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    best
}

fn report(what: &str, bytes: usize, time: f64) {
    println!("  {what:<52} {:>9.2} ms {:>8.2} GB/s", time * 1e3, bytes as f64 / time / 1e9);
}
