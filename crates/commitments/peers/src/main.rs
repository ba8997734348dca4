//! Times and sizes of every scheme beside libraries that do the same, on this machine.
//!
//! ```text
//! cargo run --release --manifest-path crates/commitments/peers/Cargo.toml
//! ```
//!
//! The reference is degree 1023 over a domain of 2048 positions; FRI also at 8 MiB of payload. A time is the best of
//! several; what runs beside makes all of them worse.

use std::time::{Duration, Instant};

use ark_crypto_primitives::sponge::CryptographicSponge;
use ark_crypto_primitives::sponge::poseidon::{PoseidonConfig, PoseidonSponge, find_poseidon_ark_and_mds};
use ark_ff::UniformRand;
use ark_pallas::{Affine, Fr};
use ark_poly::DenseUVPolynomial;
use ark_poly::univariate::DensePolynomial;
use ark_poly_commit::{LabeledPolynomial, PolynomialCommitment as _, ipa_pc::InnerProductArgPC};
use ark_serialize::CanonicalSerialize;
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use commitments::fri::{Challenge, Fri, Value};
use commitments::ipa::Ipa;
use commitments::{Encoding, Opening, PolynomialCommitment, SecurityStatement};
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use p3_matrix::dense::RowMajorMatrix;

/// The best of as many runs as fit into two seconds, at least three, and what the last gave.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let mut best = Duration::MAX;
    for round in 1.. {
        let start = Instant::now();
        let result = run();
        best = best.min(start.elapsed());
        if round >= 3 && begun.elapsed() > Duration::from_secs(2) {
            return (best, result);
        }
    }
    unreachable!("runs do not run out")
}

struct Row {
    what: String,
    commit: Duration,
    open: Duration,
    verify: Duration,
    bytes: usize,
}

impl Row {
    fn print(&self) {
        let ms = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
        println!(
            "| {} | {} | {} | {} | {} |",
            self.what,
            ms(self.commit),
            ms(self.open),
            ms(self.verify),
            self.bytes
        );
    }
}

fn heading(of: &str, security: SecurityStatement) {
    println!(
        "\n{of}: {} bits proven, {} conjectured, under: {}; {:?} setup{}\n",
        security.proven_bits,
        security.conjectured_bits,
        security.assumption,
        security.setup,
        if security.post_quantum { "; post-quantum" } else { "" }
    );
    println!("| | commit, ms | open, ms | verify, ms | proof, bytes |");
    println!("|---|---|---|---|---|");
}

fn main() {
    println!("{}", machine());
    fri();
    ipa();
    #[cfg(feature = "kzg")]
    kzg();
}

fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("unknown processor", |(_, m)| m);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, load {load}")
}

fn fri() {
    heading("FRI", Fri::SECURITY);
    let fri = Fri::default();
    for (rows, columns) in [(1024, 1), (1 << 14, 133)] {
        let values = (0..rows * columns)
            .map(|i| Value::from_u64((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32))
            .collect();
        let matrix = RowMajorMatrix::new(values, columns);
        let point = Challenge::from_basis_coefficients_fn(|i| Value::from_usize(i + 12_345));
        let (commit, (commitment, committed)) = best(|| fri.commit(&matrix).expect("it fits"));
        let (open, (values, proof)) = best(|| fri.open(&committed, &point).expect("it opens"));
        let (verify, result) = best(|| fri.verify(&commitment, &point, &values, &proof));
        result.expect("it is right");
        let bytes = proof.to_bytes().len();
        Row { what: format!("ours, {rows} x {columns}"), commit, open, verify, bytes }.print();
        let (open, row) = best(|| fri.open_row(&committed, 77).expect("there is one"));
        let (verify, result) = best(|| fri.verify_row(&commitment, 77, &row));
        result.expect("it is right");
        let bytes = row.to_bytes().len();
        Row { what: "a row of it".into(), commit, open, verify, bytes }.print();
    }
}

fn ipa() {
    heading("IPA", Ipa::SECURITY);
    let mut rng = StdRng::seed_from_u64(1);
    let coefficients: Vec<Fr> = (0..1024).map(|_| Fr::rand(&mut rng)).collect();
    let point = Fr::rand(&mut rng);

    let ipa = Ipa::new(1024).expect("a power of two");
    let (commit, (commitment, committed)) = best(|| ipa.commit(&coefficients).expect("it fits"));
    let (open, (value, proof)) = best(|| ipa.open(&committed, &point).expect("it opens"));
    let (verify, result) = best(|| ipa.verify(&commitment, &point, &value, &proof));
    result.expect("it is right");
    let bytes = proof.to_bytes().len();
    Row { what: "ours, degree 1023".into(), commit, open, verify, bytes }.print();

    let opening = || Opening { commitment: &commitment, point: &point, value: &value, proof: &proof };
    let openings: Vec<Opening<'_, Ipa>> = (0..64).map(|_| opening()).collect();
    let (many, result) = best(|| ipa.verify_many(&openings));
    result.expect("all are right");
    Row { what: "ours, one of 64 verified together".into(), commit, open, verify: many / 64, bytes }.print();

    type Library = InnerProductArgPC<Affine, blake2::Blake2s256, DensePolynomial<Fr>>;
    let parameters = Library::setup(1023, None, &mut rng).expect("parameters");
    let (committer, verifier) = Library::trim(&parameters, 1023, 0, None).expect("keys");
    let polynomial = DensePolynomial::from_coefficients_vec(coefficients);
    let labeled = LabeledPolynomial::new("p".into(), polynomial, None, None);
    let (commit, (commitments, states)) =
        best(|| Library::commit(&committer, [&labeled], None).expect("it fits"));
    let mut sponge = sponge();
    let fresh = sponge.clone();
    let (open, proof) = best(|| {
        sponge = fresh.clone();
        Library::open(&committer, [&labeled], &commitments, &point, &mut sponge, &states, None)
            .expect("it opens")
    });
    let (verify, accepted) = best(|| {
        sponge = fresh.clone();
        Library::check(&verifier, &commitments, &point, [value], &proof, &mut sponge, None)
    });
    assert!(accepted.expect("it can be checked"));
    let bytes = proof.compressed_size();
    Row { what: "ark-poly-commit 0.6, degree 1023".into(), commit, open, verify, bytes }.print();
}

/// What its user has to bring: a sponge over the scalar field, with Poseidon's usual rounds.
fn sponge() -> PoseidonSponge<Fr> {
    let (full, partial, rate) = (8, 31, 2);
    let (constants, matrix) = find_poseidon_ark_and_mds::<Fr>(255, rate, full as u64, partial as u64, 0);
    PoseidonSponge::new(&PoseidonConfig::new(full, partial, 5, matrix, constants, rate, 1))
}

#[cfg(feature = "kzg")]
fn kzg() {
    use commitments::kzg::{BLOB_BYTES, CELLS, Kzg};
    use rust_eth_kzg::{DASContext, TrustedSetup, UsePrecomp};

    heading("KZG, a blob of 4096 elements", Kzg::SECURITY);
    let kzg = Kzg::default();
    let mut blob = vec![0u8; BLOB_BYTES];
    for (i, byte) in blob.iter_mut().enumerate() {
        *byte = if i % 32 == 0 { 0 } else { (i * i % 251) as u8 };
    }
    let (mut point, at) = ([0; 32], 12_345u32);
    point[28..].copy_from_slice(&at.to_be_bytes());
    let (commit, (commitment, committed)) = best(|| kzg.commit(&blob).expect("a blob"));
    let (open, (value, proof)) = best(|| kzg.open(&committed, &point).expect("it opens"));
    let (verify, result) = best(|| kzg.verify(&commitment, &point, &value, &proof));
    result.expect("it is right");
    Row { what: "ours (c-kzg 2.1.8), at a point".into(), commit, open, verify, bytes: 48 }.print();
    let (open, cells) = best(|| kzg.open_cells(&committed).expect("it has cells"));
    let (verify, result) = best(|| kzg.verify_cells(&cells));
    result.expect("all are right");
    Row { what: format!("ours, {CELLS} cells together"), commit, open, verify, bytes: 48 * CELLS }.print();
    let (verify, result) = best(|| kzg.verify_cells(&cells[..1]));
    result.expect("it is right");
    Row { what: "ours, one cell alone".into(), commit, open, verify, bytes: 48 }.print();
    let half: Vec<(u64, &[u8])> =
        cells.iter().skip(CELLS / 2).map(|o| (o.index, o.cell.as_slice())).collect();
    let (recover, _) = best(|| kzg.recover(commitment, &half).expect("half suffices"));

    let library = DASContext::new(&TrustedSetup::default(), UsePrecomp::No);
    let blob: &[u8; BLOB_BYTES] = blob.as_slice().try_into().expect("a blob");
    let (commit, commitment) = best(|| library.blob_to_kzg_commitment(blob).expect("a blob"));
    let (open, (cells, proofs)) = best(|| library.compute_cells_and_kzg_proofs(blob).expect("it has cells"));
    let indices: Vec<u64> = (0..CELLS as u64).collect();
    let cells: Vec<&[u8; 2048]> = cells.iter().map(AsRef::as_ref).collect();
    let (verify, result) = best(|| {
        library.verify_cell_kzg_proof_batch(
            vec![&commitment; CELLS],
            &indices,
            cells.clone(),
            proofs.iter().collect(),
        )
    });
    result.expect("all are right");
    let what = format!("rust_eth_kzg 0.10, {CELLS} cells together");
    Row { what, commit, open, verify, bytes: 48 * CELLS }.print();
    println!("\nRecovering all cells and proofs from half of them: {:.0} ms", recover.as_secs_f64() * 1e3);
}
