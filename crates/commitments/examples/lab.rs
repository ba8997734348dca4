use ark_ff::*;
use ark_pallas::*;
use commitments::ipa::*;
use commitments::*;
use std::time::Instant;
fn t<R>(name: &str, n: u32, mut f: impl FnMut() -> R) -> R {
    let mut r = f();
    let mut best = f64::MAX;
    for _ in 0..n {
        let s = Instant::now();
        r = f();
        best = best.min(s.elapsed().as_secs_f64() * 1e3);
    }
    println!("{name}: {best:.4} ms");
    r
}
fn main() {
    let mut rng = ark_std::test_rng();
    let s: Vec<Fr> = (0..1024).map(|_| Fr::rand(&mut rng)).collect();
    let ipa = t("setup", 1, || Ipa::new(1024).unwrap());
    let (c, d) = t("commit", 20, || ipa.commit(&s).unwrap());
    let z = Fr::rand(&mut rng);
    let (v, p) = t("open", 20, || ipa.open(&d, &z).unwrap());
    t("verify", 20, || ipa.verify(&c, &z, &v, &p)).unwrap();
    let bytes = p.to_bytes();
    println!("{} bytes", bytes.len());
    assert_eq!(IpaProof::from_bytes(&bytes).unwrap(), p);
}
