//! What the schemes spend their time on: multi-scalar multiplication and number-theoretic
//! transforms; and what comes of it: openings by the inner-product argument.
//!
//! ```text
//! cargo bench -p commitments
//! ```
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use ark_ff::UniformRand;
use ark_pallas::Fr;
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use commitments::PolynomialCommitment as _;
use commitments::arithmetic::{
    low_degree_extension, multi_scalar_multiplication, number_theoretic_transform,
};
use commitments::ipa::{FixedBases, Ipa};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use p3_field::PrimeCharacteristicRing;
use p3_koala_bear::KoalaBear;
use p3_matrix::dense::RowMajorMatrix;

fn multiplication(criterion: &mut Criterion) {
    let ipa = Ipa::new(1024).expect("a power of two");
    let (points, _) = ipa.generators();
    let mut rng = StdRng::seed_from_u64(1);
    let scalars: Vec<Fr> = points.iter().map(|_| Fr::rand(&mut rng)).collect();
    let terms: Vec<(usize, Fr)> = scalars.iter().copied().enumerate().collect();
    let bases = FixedBases::new(points);
    let mut group = criterion.benchmark_group("multi-scalar multiplication, Pallas");
    for size in [64, 1024] {
        group.bench_function(BenchmarkId::new("any points (ark-ec)", size), |bencher| {
            bencher.iter(|| multi_scalar_multiplication(&points[..size], black_box(&scalars[..size])));
        });
        group.bench_function(BenchmarkId::new("kept multiples", size), |bencher| {
            bencher.iter(|| bases.msm(black_box(&terms[..size])));
        });
    }
    group.bench_function("fold 1024 points into 64", |bencher| {
        bencher.iter(|| bases.fold(black_box(&scalars[..16])));
    });
    group.finish();
}

fn transforms(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    let coefficients: Vec<Fr> = (0..1024).map(|_| Fr::rand(&mut rng)).collect();
    let mut group = criterion.benchmark_group("number-theoretic transform");
    group.bench_function("Pallas' scalars, 1024 to 2048 (ark-poly)", |bencher| {
        bencher.iter(|| number_theoretic_transform(black_box(&coefficients), 2048));
    });
    for (rows, columns) in [(1024, 1), (1 << 14, 133)] {
        let values = (0..rows * columns).map(KoalaBear::from_usize).collect();
        let matrix = RowMajorMatrix::new(values, columns);
        let name = format!("KoalaBear, {rows} x {columns} to twice the rows (p3-dft)");
        group.bench_function(name, |bencher| {
            bencher.iter(|| low_degree_extension(black_box(matrix.clone())));
        });
    }
    group.finish();
}

fn openings(criterion: &mut Criterion) {
    let ipa = Ipa::new(1024).expect("a power of two");
    let mut rng = StdRng::seed_from_u64(1);
    let polynomial: Vec<Fr> = (0..1024).map(|_| Fr::rand(&mut rng)).collect();
    let point = Fr::rand(&mut rng);
    let (commitment, committed) = ipa.commit(&polynomial).expect("it fits");
    let (value, proof) = ipa.open(&committed, &point).expect("it opens");
    let mut group = criterion.benchmark_group("IPA, degree 1023");
    group.bench_function("commit", |bencher| bencher.iter(|| ipa.commit(black_box(&polynomial))));
    group.bench_function("open", |bencher| bencher.iter(|| ipa.open(black_box(&committed), &point)));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| ipa.verify(&commitment, &point, black_box(&value), &proof).expect("it is right"));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = multiplication, transforms, openings
}
criterion_main!(benches);
