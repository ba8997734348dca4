//! Groth16 over BN254. The proofs are true ones: whoever knows the setup's secrets can make a proof of any inputs, and the
//! verifier's equation is the same.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue as _;
use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{BigInteger as _, Field as _, PrimeField};
use contracts::bindings::Groth16Verifier;
use contracts::kind;
use sha2::{Digest as _, Sha256};

use crate::chain::{Chain, Outcome, digest, person};

/// A setup with known secrets.
pub struct Setup {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    inputs: Vec<Fr>,
}

fn coordinate(value: Fq) -> Vec<u8> {
    value.into_bigint().to_bytes_be()
}

fn g1(scalar: Fr) -> Vec<u8> {
    let point = (G1Affine::generator() * scalar).into_affine();
    [coordinate(point.x), coordinate(point.y)].concat()
}

fn g2(scalar: Fr) -> Vec<u8> {
    let point = (G2Affine::generator() * scalar).into_affine();
    [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(coordinate).concat()
}

pub fn number(value: Fr) -> U256 {
    U256::from_be_slice(&value.into_bigint().to_bytes_be())
}

impl Setup {
    pub fn new(inputs: u64) -> Self {
        Self {
            alpha: Fr::from(11u64),
            beta: Fr::from(12u64),
            gamma: Fr::from(13u64),
            delta: Fr::from(14u64),
            inputs: (0..=inputs).map(|at| Fr::from(1_000 + at)).collect(),
        }
    }

    pub fn key(&self) -> Vec<u8> {
        let mut key = [g1(self.alpha), g2(self.beta), g2(self.gamma), g2(self.delta)].concat();
        // gamma is divided out of the points, as a setup does.
        let inverse = self.gamma.inverse().unwrap();
        self.inputs.iter().for_each(|scalar| key.extend(g1(*scalar * inverse)));
        key
    }

    /// A proof of these inputs: A and B are free, C follows.
    pub fn prove(&self, inputs: &[Fr]) -> Vec<u8> {
        let (a, b) = (Fr::from(31_337u64), Fr::from(271_828u64));
        let mut sum = self.inputs[0];
        for (input, scalar) in inputs.iter().zip(&self.inputs[1..]) {
            sum += *input * scalar;
        }
        let c = (a * b - self.alpha * self.beta - sum) * self.delta.inverse().unwrap();
        [g1(a), g2(b), g1(c)].concat()
    }
}

pub fn deploy(chain: &mut Chain, key: &[u8]) -> Outcome {
    let arguments = (Bytes::from(key.to_vec()),).abi_encode_params();
    chain.try_deploy(person(1), &Groth16Verifier::BYTECODE, &arguments)
}

fn verify(chain: &mut Chain, verifier: Address, inputs: &[U256], proof: &[u8]) -> Outcome {
    let call = Groth16Verifier::verifyProofCall { inputs: inputs.to_vec(), proof: proof.to_vec().into() };
    chain.call(person(1), verifier, &call)
}

#[test]
fn true_proofs_hold_for_any_number_of_inputs() {
    for count in [0, 1, 2, 5, 64] {
        let setup = Setup::new(count);
        let mut chain = Chain::new();
        let verifier = deploy(&mut chain, &setup.key()).done().created.unwrap();
        assert_eq!(chain.view(verifier, &Groth16Verifier::inputCountCall {}), U256::from(count));
        let key = chain.view(verifier, &Groth16Verifier::keyCall {});
        assert_eq!(chain.code(key)[1..], setup.key());
        let inputs: Vec<Fr> = (0..count).map(|at| Fr::from(at * at + 3)).collect();
        let words: Vec<U256> = inputs.iter().map(|input| number(*input)).collect();
        verify(&mut chain, verifier, &words, &setup.prove(&inputs)).done();
    }
}

#[test]
fn everything_else_is_refused() {
    let setup = Setup::new(2);
    let mut chain = Chain::new();
    let verifier = deploy(&mut chain, &setup.key()).done().created.unwrap();
    let inputs = [Fr::from(5u64), Fr::from(6u64)];
    let words = inputs.map(number);
    let proof = setup.prove(&inputs);

    for wrong in [[6, 5], [5, 7], [0, 0]] {
        let words = wrong.map(U256::from);
        verify(&mut chain, verifier, &words, &proof).refused::<Groth16Verifier::InvalidProof>();
    }
    let order = U256::from_be_slice(&Fr::MODULUS.to_bytes_be());
    for (at, word) in [(0, words[0] + order), (1, U256::MAX), (1, order)] {
        let mut words = words;
        words[at] = word;
        let error =
            verify(&mut chain, verifier, &words, &proof).refused::<Groth16Verifier::InputOutOfRange>();
        assert_eq!(error, Groth16Verifier::InputOutOfRange { index: U256::from(at), value: word });
    }
    for words in [&words[..1], &[words[0], words[1], words[1]]] {
        verify(&mut chain, verifier, words, &proof).refused::<Groth16Verifier::WrongInputCount>();
    }
    for proof in [&proof[..255], &[&proof[..], &[0]].concat(), &[]] {
        verify(&mut chain, verifier, &words, proof).refused::<Groth16Verifier::BadProofLength>();
    }
    // Every changed coordinate, and every coordinate written in a second way.
    let field = U256::from_be_slice(&Fq::MODULUS.to_bytes_be());
    for at in 0..8 {
        let range = at * 32..at * 32 + 32;
        let value = U256::from_be_slice(&proof[range.clone()]);
        for value in [value + field, value ^ U256::ONE, U256::ZERO, U256::MAX, field] {
            let mut proof = proof.clone();
            proof[range.clone()].copy_from_slice(&value.to_be_bytes::<32>());
            verify(&mut chain, verifier, &words, &proof).refused::<Groth16Verifier::InvalidProof>();
        }
    }
    // Points at infinity.
    for range in [0..64, 64..192, 192..256, 0..256] {
        let mut proof = proof.clone();
        proof[range].fill(0);
        verify(&mut chain, verifier, &words, &proof).refused::<Groth16Verifier::InvalidProof>();
    }
    verify(&mut chain, verifier, &words, &proof).done();
}

#[test]
fn as_a_batch_verifier_it_binds_program_and_claims() {
    let setup = Setup::new(2);
    let mut chain = Chain::new();
    let verifier = deploy(&mut chain, &setup.key()).done().created.unwrap();
    assert_eq!(chain.view(verifier, &Groth16Verifier::kindCall {}), kind("groth16"));
    let claims: Bytes = vec![5; 416].into();
    let mut hash: [u8; 32] = Sha256::digest(&claims).into();
    hash[0] &= 0x1f;
    let program = digest(2);
    let inputs = [program.0, hash].map(|bytes| Fr::from_be_bytes_mod_order(&bytes));
    let proof: Bytes = setup.prove(&inputs).into();
    let call = Groth16Verifier::verifyCall { programId: program, publicValues: claims, proof };
    chain.call(person(1), verifier, &call).done();
    let other = Groth16Verifier::verifyCall { programId: digest(3), ..call.clone() };
    chain.call(person(1), verifier, &other).refused::<Groth16Verifier::InvalidProof>();
    let other = Groth16Verifier::verifyCall { publicValues: vec![6; 416].into(), ..call.clone() };
    chain.call(person(1), verifier, &other).refused::<Groth16Verifier::InvalidProof>();
    let other = Groth16Verifier::verifyCall { programId: digest(0xff), ..call.clone() };
    chain.call(person(1), verifier, &other).refused::<Groth16Verifier::InputOutOfRange>();
    // A circuit with another number of inputs is no batch verifier.
    let single = deploy(&mut chain, &Setup::new(1).key()).done().created.unwrap();
    chain.call(person(1), single, &call).refused::<Groth16Verifier::WrongInputCount>();
}

#[test]
fn a_key_is_whole_and_of_points_in_their_groups() {
    let mut chain = Chain::new();
    let key = Setup::new(2).key();
    for length in [0, 448, key.len() - 1, key.len() - 32] {
        deploy(&mut chain, &key[..length]).refused::<Groth16Verifier::BadKeyLength>();
    }
    deploy(&mut chain, &Setup::new(65).key()).refused::<Groth16Verifier::BadKeyLength>();
    for at in (31..key.len()).step_by(32) {
        let mut changed = key.clone();
        changed[at] ^= 1;
        deploy(&mut chain, &changed).refused::<Groth16Verifier::BadKeyPoint>();
    }
}
