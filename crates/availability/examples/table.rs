//! temporary
use availability::*;
use std::time::Instant;
fn bench<T>(mut f: impl FnMut() -> T) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..9 {
        let t = Instant::now();
        std::hint::black_box(f());
        best = best.min(t.elapsed().as_secs_f64());
    }
    best
}
fn main() {
    for mib in [1usize, 8, 32] {
        let n = mib << 20;
        let payload: Vec<u8> = (0..n).map(|i| (i as u32).wrapping_mul(2654435761).to_le_bytes()[3]).collect();
        for path in available_paths() {
            let t = bench(|| encode_with(&payload, Parameters::DEFAULT, path).unwrap());
            let e = encode_with(&payload, Parameters::DEFAULT, path).unwrap();
            let v = Verifier::new_with(e.header(), e.combination(), path).unwrap();
            let s = e.sample(300).unwrap();
            let tv = bench(|| {
                for _ in 0..100 {
                    v.verify(&s).unwrap()
                }
            }) / 100.0;
            println!(
                "{mib} MiB {path}: {:.3} ms {:.3} GB/s; verify {:.2} us",
                t * 1e3,
                n as f64 / t / 1e9,
                tv * 1e6
            );
        }
        let e = encode(&payload, Parameters::DEFAULT).unwrap();
        let samples: Vec<_> = (0..384).map(|i| e.sample(i).unwrap()).collect();
        for lost in [128, 8, 3, 0] {
            let (a, b) = (lost, 256 + lost);
            let mut pushed = 0.0f64;
            let t = bench(|| {
                let mut d = Decoder::new(e.header()).unwrap();
                for i in a..b {
                    d.push(&samples[i]).unwrap();
                }
                d.finish().unwrap()
            });
            let mut best = f64::MAX;
            for _ in 0..5 {
                let mut d = Decoder::new(e.header()).unwrap();
                let t0 = Instant::now();
                for i in a..b {
                    d.push(&samples[i]).unwrap();
                }
                pushed = t0.elapsed().as_secs_f64();
                let t0 = Instant::now();
                assert!(d.finish().unwrap() == payload);
                best = best.min(t0.elapsed().as_secs_f64());
            }
            println!(
                "   lost {lost}: total {:.3} ms {:.3} GB/s; finish {:.3} ms {:.3} GB/s push {:.3} ms",
                t * 1e3,
                n as f64 / t / 1e9,
                best * 1e3,
                n as f64 / best / 1e9,
                pushed * 1e3
            );
        }
    }
}
