//! Verifiers accept what their proof system accepts, about these claims and this program, and nothing else.

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use contracts::bindings::{AttestedVerifier, Exchange, Sp1Verifier, ZiskVerifier};
use contracts::{concatenated, kind};
use sha2::{Digest as _, Sha256};

use crate::chain::{Chain, Outcome, digest, person};
use crate::ledger::opening;
use crate::tokens::{Gateways, Nodder};
use crate::world::{VERIFIER_DELAY, World, address_of, sign};

fn attested(world: &World) -> (Bytes, Bytes) {
    let claims: Bytes = vec![5; 416].into();
    let proof = world.attestation_of(world.verifier, &claims);
    (claims, proof)
}

fn verify(world: &mut World, program: B256, claims: &Bytes, proof: &Bytes) -> Outcome {
    let call = AttestedVerifier::verifyCall {
        programId: program,
        publicValues: claims.clone(),
        proof: proof.clone(),
    };
    world.chain.call(person(1), world.verifier, &call)
}

#[test]
fn attestations_need_the_threshold_of_named_signers() {
    let mut world = World::new();
    let (claims, proof) = attested(&world);
    let program = world.program;
    verify(&mut world, program, &claims, &proof).done();
    assert_eq!(world.chain.view(world.verifier, &AttestedVerifier::kindCall {}), kind("attested"));
    assert_eq!(world.chain.view(world.verifier, &AttestedVerifier::thresholdCall {}), U256::from(2));
    for key in &world.signers {
        let signer = address_of(key);
        assert!(world.chain.view(world.verifier, &AttestedVerifier::isSignerCall { signer }));
    }

    verify(&mut world, digest(8), &claims, &proof).refused::<AttestedVerifier::BadSignature>();
    let other: Bytes = vec![6; 416].into();
    verify(&mut world, program, &other, &proof).refused::<AttestedVerifier::BadSignature>();
    // Another proof file.
    let mut changed = proof.to_vec();
    changed[0] ^= 1;
    verify(&mut world, program, &claims, &changed.into()).refused::<AttestedVerifier::BadSignature>();
    // One too few, one too many, the same twice, the wrong way round.
    let (head, one, two) = (&proof[..32], &proof[32..97], &proof[97..]);
    for signatures in [vec![one], vec![one, two, two], vec![]] {
        let bytes = [&[head], &signatures[..]].concat().concat().into();
        verify(&mut world, program, &claims, &bytes).refused::<AttestedVerifier::BadAttestationLength>();
    }
    for (signatures, bad) in [([one, one], 1), ([two, one], 1)] {
        let bytes = [&[head], &signatures[..]].concat().concat().into();
        let error = verify(&mut world, program, &claims, &bytes).refused::<AttestedVerifier::BadSignature>();
        assert_eq!(error.place, U256::from(bad));
    }
    // Somebody else.
    let stranger = k256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let message = world.chain.view(
        world.verifier,
        &AttestedVerifier::attestationDigestCall {
            programId: program,
            publicValues: claims.clone(),
            proofFile: B256::from_slice(head),
        },
    );
    let bytes = [head, one, &sign(&stranger, &message)].concat().into();
    verify(&mut world, program, &claims, &bytes).refused::<AttestedVerifier::BadSignature>();
    // The same signature with the other s, and one that is of nobody.
    let order = U256::from_be_slice(&[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ]);
    let mut high = one.to_vec();
    let s = order - U256::from_be_slice(&one[32..64]);
    high[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    high[64] = if one[64] == 27 { 28 } else { 27 };
    for bad in [high, vec![0; 65]] {
        let bytes = [head, &bad[..], two].concat().into();
        let error = verify(&mut world, program, &claims, &bytes).refused::<AttestedVerifier::BadSignature>();
        assert_eq!(error.signer, Address::ZERO);
    }
}

#[test]
fn rust_signs_what_solidity_checks() {
    let world = World::new();
    let claims: Bytes = vec![5; 832].into();
    let found = world.chain.view(
        world.verifier,
        &AttestedVerifier::attestationDigestCall {
            programId: world.program,
            publicValues: claims.clone(),
            proofFile: digest(3),
        },
    );
    let chain = crate::chain::CHAIN_ID;
    let expected = contracts::attestation_digest(chain, world.verifier, world.program, &claims, digest(3));
    assert_eq!(found, expected);
}

#[test]
fn signers_are_named_once_and_in_order() {
    let mut chain = Chain::new();
    let mut deploy = |signers: &[u64], threshold: u64| {
        let signers: Vec<_> =
            signers.iter().map(|number| if *number == 0 { Address::ZERO } else { person(*number) }).collect();
        let arguments = (signers, U256::from(threshold)).abi_encode_params();
        chain.try_deploy(person(1), &AttestedVerifier::BYTECODE, &arguments)
    };
    deploy(&[1, 2, 3], 3).done();
    deploy(&[1], 1).done();
    let many: Vec<u64> = (1..=65).collect();
    let refused: [(&[u64], u64); 7] =
        [(&[], 0), (&[1], 0), (&[1], 2), (&[2, 1], 1), (&[1, 1], 1), (&[0, 1], 1), (&many, 1)];
    for (signers, threshold) in refused {
        deploy(signers, threshold).refused::<AttestedVerifier::BadSigners>();
    }
}

fn gateway() -> (Chain, Address) {
    let mut chain = Chain::new();
    let gateway = chain.deploy(person(1), &Gateways::BYTECODE, &[]);
    (chain, gateway)
}

fn accept(chain: &mut Chain, gateway: Address, what: Vec<u8>) {
    chain.call(person(1), gateway, &Gateways::acceptCall { accepted_: keccak256(what) }).done();
}

#[test]
fn sp1_proofs_go_through_one_route_of_the_gateway() {
    let (mut chain, gateway) = gateway();
    let route = FixedBytes([1, 2, 3, 4]);
    for plonk in [false, true] {
        let arguments = (gateway, route, plonk).abi_encode_params();
        let verifier = chain.deploy(person(1), &Sp1Verifier::BYTECODE, &arguments);
        let expected = if plonk { "sp1-plonk" } else { "sp1-groth16" };
        assert_eq!(chain.view(verifier, &Sp1Verifier::kindCall {}), kind(expected));

        let claims: Bytes = vec![5; 832].into();
        let proof: Bytes = [&route[..], &[7; 256]].concat().into();
        // The concatenated claims are the public values.
        accept(&mut chain, gateway, (digest(1), claims.clone(), proof.clone()).abi_encode_params());
        let call = Sp1Verifier::verifyCall { programId: digest(1), publicValues: claims, proof };
        chain.call(person(1), verifier, &call).done();
        let other = Sp1Verifier::verifyCall { programId: digest(2), ..call.clone() };
        chain.call(person(1), verifier, &other).refused::<Gateways::Refused>();
        for proof in [vec![], vec![1, 2, 3], vec![1, 2, 3, 5, 6]] {
            let call = Sp1Verifier::verifyCall { proof: proof.into(), ..call.clone() };
            chain.call(person(1), verifier, &call).refused::<Sp1Verifier::WrongRoute>();
        }
    }
    let arguments = (person(5), route, false).abi_encode_params();
    chain.try_deploy(person(1), &Sp1Verifier::BYTECODE, &arguments).refused::<Sp1Verifier::NoGateway>();
    let nodder = chain.deploy(person(1), &Nodder::BYTECODE, &[]);
    let arguments = (nodder, route, false).abi_encode_params();
    chain.try_deploy(person(1), &Sp1Verifier::BYTECODE, &arguments).refused::<Sp1Verifier::AcceptsAnything>();
}

#[test]
fn zisk_proofs_are_about_the_digest_of_the_claims() {
    let (mut chain, gateway) = gateway();
    let arguments = (gateway, digest(6)).abi_encode_params();
    let verifier = chain.deploy(person(1), &ZiskVerifier::BYTECODE, &arguments);
    assert_eq!(chain.view(verifier, &ZiskVerifier::kindCall {}), kind("zisk-plonk"));

    let claims: Bytes = vec![5; 416].into();
    // The guest's 256 bytes, in 64 outputs of 32 bits, each as eight little-endian bytes.
    let mut output = [0; 256];
    output[..32].copy_from_slice(&Sha256::digest(&claims));
    let words: Vec<u8> = output
        .chunks_exact(4)
        .flat_map(|four| u64::from(u32::from_le_bytes(four.try_into().unwrap())).to_le_bytes())
        .collect();
    let found = chain.view(verifier, &ZiskVerifier::publicOutputCall { publicValues: claims.clone() });
    assert_eq!(*found, *words);

    let proof: Bytes = vec![9; 768].into();
    let what = (digest(1), digest(6), Bytes::from(words), proof.clone()).abi_encode_params();
    accept(&mut chain, gateway, what);
    let call = ZiskVerifier::verifyCall { programId: digest(1), publicValues: claims, proof };
    chain.call(person(1), verifier, &call).done();
    let other = ZiskVerifier::verifyCall { publicValues: vec![6; 416].into(), ..call };
    chain.call(person(1), verifier, &other).refused::<Gateways::Refused>();
    let arguments = (person(5), digest(6)).abi_encode_params();
    let outcome = chain.try_deploy(person(1), &ZiskVerifier::BYTECODE, &arguments);
    outcome.refused::<ZiskVerifier::NoSnarkVerifier>();
    let nodder = chain.deploy(person(1), &Nodder::BYTECODE, &[]);
    let outcome =
        chain.try_deploy(person(1), &ZiskVerifier::BYTECODE, &(nodder, digest(6)).abi_encode_params());
    outcome.refused::<ZiskVerifier::AcceptsAnything>();
}

#[test]
fn a_gateway_that_goes_away_or_changes_accepts_nothing() {
    let (mut chain, gateway) = gateway();
    let route = FixedBytes([1, 2, 3, 4]);
    let sp1 = chain.deploy(person(1), &Sp1Verifier::BYTECODE, &(gateway, route, false).abi_encode_params());
    let zisk = chain.deploy(person(1), &ZiskVerifier::BYTECODE, &(gateway, digest(6)).abi_encode_params());
    let nodder = chain.deploy(person(1), &Nodder::BYTECODE, &[]);
    let nodding = chain.code(nodder);
    let call = Sp1Verifier::verifyCall {
        programId: digest(1),
        publicValues: vec![5; 416].into(),
        proof: vec![1, 2, 3, 4, 5].into(),
    };
    chain.call(person(1), sp1, &call).refused::<Gateways::Refused>();
    chain.call(person(1), zisk, &call).refused::<Gateways::Refused>();
    for code in [nodding, Bytes::new()] {
        chain.set_code(gateway, code);
        chain.call(person(1), sp1, &call).refused::<Sp1Verifier::CodeChanged>();
        chain.call(person(1), zisk, &call).refused::<ZiskVerifier::CodeChanged>();
    }
}

#[test]
fn zisks_verifier_is_called_with_these_bytes_exactly() {
    let (mut chain, gateway) = gateway();
    let verifier =
        chain.deploy(person(1), &ZiskVerifier::BYTECODE, &(gateway, digest(6)).abi_encode_params());
    let word = |number: u64| B256::from(U256::from(number)).to_vec();
    // SHA-256 of one claim of 416 zeros, from another implementation.
    let digest_of_zeros =
        alloy_primitives::hex!("4cc7e6272db6b1ad7581f76c63c694e926e20698e9b02223d5041a55960463f2");
    let mut outputs = Vec::new();
    for four in digest_of_zeros.chunks_exact(4) {
        outputs.extend_from_slice(four);
        outputs.extend_from_slice(&[0; 4]);
    }
    outputs.resize(512, 0);
    let expected = [
        // verifySnarkProof(bytes32,bytes32,bytes,bytes)
        alloy_primitives::hex!("be986861").to_vec(),
        vec![1; 32],
        vec![6; 32],
        word(4 * 32),
        word(4 * 32 + 32 + 512),
        word(512),
        outputs,
        word(33),
        vec![9; 33],
        vec![0; 31],
    ]
    .concat();
    accept(&mut chain, gateway, expected);
    let call = ZiskVerifier::verifyCall {
        programId: digest(1),
        publicValues: vec![0; 416].into(),
        proof: vec![9; 33].into(),
    };
    chain.call(person(1), verifier, &call).done();
    let other = ZiskVerifier::verifyCall { proof: vec![9; 34].into(), ..call };
    chain.call(person(1), verifier, &other).refused::<Gateways::Refused>();
}

#[test]
fn a_batch_is_proved_by_whichever_verifier_is_registered() {
    let mut world = World::open();
    let gateway = world.chain.deploy(world.admin, &Gateways::BYTECODE, &[]);
    let arguments = (gateway, FixedBytes([1, 2, 3, 4]), false).abi_encode_params();
    let verifier = world.chain.deploy(world.admin, &Sp1Verifier::BYTECODE, &arguments);
    let program = digest(0x51);
    world.admin(&Exchange::proposeVerifierCall { verifier, programId: program }).done();
    world.chain.time += VERIFIER_DELAY;
    world.seal(vec![opening(1).remove(0)]);
    world.seal(vec![opening(1).remove(0)]);
    world.commit(&world.claims(2, 3)).done();
    let claims = concatenated(&world.claims(2, 3));
    let proof: Bytes = vec![1, 2, 3, 4, 5].into();
    accept(&mut world.chain, gateway, (program, claims.clone(), proof.clone()).abi_encode_params());
    let outcome = world.anybody(&Exchange::proveBatchesCall { version: 2, claims, proof }).done();
    assert_eq!(outcome.events::<Exchange::BatchesProved>()[0].kind, kind("sp1-groth16"));
    assert_eq!(Exchange::proveBatchesCall::SIGNATURE, "proveBatches(uint32,bytes,bytes)");
    world.settle();
    assert_eq!(world.finals(), 3);
}
