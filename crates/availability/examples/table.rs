//! Prints how fast payloads are coded, committed to, checked and decoded here, on one thread.
//!
//!     cargo run --release -p availability --example table
//!
//! Each figure is the best of several runs: the machine's, not that of whatever else it does. Peers that need many more
//! libraries are measured on the same payloads by `crates/availability/peers`.

use std::{hint::black_box, time::Instant};

use availability::{
    CodingError, Decoder, Encoded, Parameters, Path, Verifier, available_paths, encode, encode_in_place,
    encode_with,
};
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

const CODE: Parameters = Parameters::DEFAULT;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print_processor();
    for mebibytes in [1, 8, 32] {
        let payload = payload(mebibytes << 20);
        let length = CODE.shard_length(payload.len() as u64)?;
        println!("\n{mebibytes} MiB, {} + {} shards of {length} bytes", CODE.data(), CODE.parity());
        library(&payload, length)?;
        for path in available_paths() {
            let time = best(|| encode_with(&payload, CODE, path));
            report(&format!("encode, commit, prove validity ({path})"), payload.len(), time);
        }
        in_place(&payload)?;
        let encoded = encode(&payload, CODE)?;
        for path in available_paths() {
            verify(&encoded, path)?;
        }
        for lost in [0, 3, 32, 128] {
            decode(&encoded, &payload, lost)?;
        }
    }
    Ok(())
}

fn print_processor() {
    #[cfg(target_arch = "x86_64")]
    {
        let features = [
            ("AVX2", is_x86_feature_detected!("avx2")),
            ("AVX-512F", is_x86_feature_detected!("avx512f")),
            ("AVX-512BW", is_x86_feature_detected!("avx512bw")),
            ("AVX-512VBMI", is_x86_feature_detected!("avx512vbmi")),
            ("GFNI", is_x86_feature_detected!("gfni")),
            ("VPCLMULQDQ", is_x86_feature_detected!("vpclmulqdq")),
        ];
        let has = |wanted: bool| {
            let names = features.iter().filter(|(_, is_there)| *is_there == wanted).map(|(name, _)| *name);
            names.collect::<Vec<_>>().join(" ")
        };
        println!("x86-64; has: {}; lacks: {}", has(true), has(false));
    }
    #[cfg(not(target_arch = "x86_64"))]
    println!("{}", std::env::consts::ARCH);
}

/// The library alone: parity of shards that lie there, and data shards from what is left.
fn library(payload: &[u8], length: usize) -> Result<(), reed_solomon_simd::Error> {
    let mut encoder = ReedSolomonEncoder::new(CODE.data(), CODE.parity(), length)?;
    let mut parity = vec![0; length * CODE.parity()];
    let time = best(|| {
        for shard in payload.chunks_exact(length) {
            encoder.add_original_shard(shard)?;
        }
        let coded = encoder.encode()?;
        for (shard, coded) in parity.chunks_exact_mut(length).zip(coded.recovery_iter()) {
            shard.copy_from_slice(coded);
        }
        Ok::<(), reed_solomon_simd::Error>(())
    });
    report("reed-solomon-simd: encode, no commitment", payload.len(), time);
    // What a commitment to these shards costs at least: below the sum of both is no scheme with this library and this hash.
    let shards = || payload.chunks_exact(length).chain(parity.chunks_exact(length));
    let time = best(|| shards().map(|shard| blake3::hash(shard).as_bytes()[0]).max());
    report("BLAKE3 of all shards, nothing else", payload.len(), time);
    let mut decoder = ReedSolomonDecoder::new(CODE.data(), CODE.parity(), length)?;
    let time = best(|| {
        for (index, shard) in payload.chunks_exact(length).enumerate().skip(128) {
            decoder.add_original_shard(index, shard)?;
        }
        for (index, shard) in parity.chunks_exact(length).enumerate() {
            decoder.add_recovery_shard(index, shard)?;
        }
        let decoded = decoder.decode()?;
        Ok::<_, reed_solomon_simd::Error>(decoded.restored_original_iter().map(|(_, shard)| shard[0]).max())
    });
    report("reed-solomon-simd: decode, 128 lost, no check", payload.len(), time);
    Ok(())
}

/// The fastest path in memory that is used again and again.
fn in_place(payload: &[u8]) -> Result<(), CodingError> {
    let mut memory = Vec::with_capacity(CODE.coded_length(payload.len() as u64)?);
    memory.extend_from_slice(payload);
    let time = best(|| {
        memory = encode_in_place(std::mem::take(&mut memory), CODE, Path::fastest())?.into_payload();
        Ok::<(), CodingError>(())
    });
    assert_eq!(memory, payload, "the payload comes back");
    report(&format!("the same in place ({})", Path::fastest()), payload.len(), time);
    Ok(())
}

fn verify(encoded: &Encoded, path: Path) -> Result<(), CodingError> {
    let verifier = Verifier::new_with(encoded.header(), encoded.combination(), path)?;
    let sample = encoded.sample(300)?;
    let setup = best(|| Verifier::new_with(encoded.header(), encoded.combination(), path));
    let time = best(|| verifier.verify(&sample));
    println!(
        "  {:<52} {:>9.2} µs (once a header: {:.0} µs); {} bytes beside the shard",
        format!("verify one sample ({path})"),
        time * 1e6,
        setup * 1e6,
        sample.encode().len() - sample.shard.len()
    );
    Ok(())
}

/// Decoding with all its checks: a path for each shard taken in, and the root.
fn decode(encoded: &Encoded, payload: &[u8], lost: usize) -> Result<(), CodingError> {
    let samples: Vec<_> =
        (lost..lost + CODE.data()).map(|index| encoded.sample(index)).collect::<Result<_, _>>()?;
    let run = || {
        let mut decoder = Decoder::new(encoded.header())?;
        for sample in &samples {
            decoder.push(sample)?;
        }
        decoder.finish()
    };
    assert_eq!(run()?, payload, "decoded to something else");
    report(&format!("decode with paths and root check, {lost} lost"), payload.len(), best(run));
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

/// Bytes without a pattern.
fn payload(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}
