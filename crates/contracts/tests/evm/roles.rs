//! Who may do what, pauses, and the verifier registry.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue as _;
use contracts::bindings::Exchange;
use contracts::{concatenated, kind};

use crate::chain::{digest, person};
use crate::ledger::opening;
use crate::tokens::{CredulousVerifier, UnnamedVerifier};
use crate::world::{
    ALICE, COIN, DEADLINE, FINALITY_DELAY, FINALITY_GRACE, MAX_PAUSE, PAUSE_DELAY, VERIFIER_DELAY, World,
    config,
};

#[test]
fn the_admin_changes_only_when_the_next_accepts() {
    let mut world = World::new();
    let next = person(3);
    world.operator(&Exchange::transferAdminCall { to: next }).refused::<Exchange::NotAdmin>();
    world.admin(&Exchange::transferAdminCall { to: next }).done();
    world.admin(&Exchange::acceptAdminCall {}).refused::<Exchange::NotPendingAdmin>();
    assert_eq!(world.view(&Exchange::adminCall {}), world.admin);
    world.send(next, U256::ZERO, &Exchange::acceptAdminCall {}).done();
    assert_eq!(world.view(&Exchange::adminCall {}), next);
    assert_eq!(world.view(&Exchange::pendingAdminCall {}), Address::ZERO);
    world.admin(&Exchange::announcePauseCall {}).refused::<Exchange::NotAdmin>();
}

#[test]
fn the_admin_names_the_operator() {
    let mut world = World::new();
    let next = person(3);
    world.anybody(&Exchange::setOperatorCall { to: next }).refused::<Exchange::NotAdmin>();
    world.admin(&Exchange::setOperatorCall { to: Address::ZERO }).refused::<Exchange::ZeroAddress>();
    let outcome = world.admin(&Exchange::setOperatorCall { to: next }).done();
    assert_eq!(
        outcome.events::<Exchange::OperatorChanged>(),
        [Exchange::OperatorChanged { previous: world.operator, operator: next }]
    );
    world.seal(opening(1));
    world.commit(&world.claims(1, 1)).refused::<Exchange::NotOperator>();
    world.operator = next;
    world.commit(&world.claims(1, 1)).done();
}

#[test]
fn a_pause_comes_announced_and_ends_by_itself() {
    let mut world = World::open();
    world.operator(&Exchange::announcePauseCall {}).refused::<Exchange::NotAdmin>();
    world.admin(&Exchange::cancelPauseCall {}).refused::<Exchange::NotPaused>();
    let start = world.chain.time;
    world.admin(&Exchange::announcePauseCall {}).done();
    world.admin(&Exchange::announcePauseCall {}).refused::<Exchange::PauseAlreadyAnnounced>();
    world.chain.time = start + PAUSE_DELAY - 1;
    world.deposit(ALICE, COIN, 1).done();
    world.chain.time = start + PAUSE_DELAY;
    let error = world.deposit(ALICE, COIN, 1).refused::<Exchange::Paused>();
    assert_eq!(error.until, start + PAUSE_DELAY + MAX_PAUSE);
    world.chain.time = start + PAUSE_DELAY + MAX_PAUSE - 1;
    world.deposit(ALICE, COIN, 1).refused::<Exchange::Paused>();
    world.chain.time += 1;
    world.deposit(ALICE, COIN, 1).done();
    // The next pause waits again.
    world.admin(&Exchange::announcePauseCall {}).done();
    world.deposit(ALICE, COIN, 1).done();
    world.anybody(&Exchange::cancelPauseCall {}).refused::<Exchange::NotAdmin>();
    world.admin(&Exchange::cancelPauseCall {}).done();
    world.chain.time += PAUSE_DELAY;
    world.deposit(ALICE, COIN, 1).done();
    assert!(!world.view(&Exchange::pausedCall {}));
}

#[test]
fn a_pause_stops_commits_and_proofs_but_no_exit() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 5).done();
    world.force(person(ALICE), &Exchange::forceWithdrawCall { asset: COIN, amount: 2 }).done();
    world.seal(Vec::new());
    world.seal(vec![opening(1).remove(0)]);
    world.seal(vec![opening(1).remove(0)]);
    world.admin(&Exchange::announcePauseCall {}).done();
    world.commit(&world.claims(2, 3)).done();
    world.prove(&world.claims(2, 2)).done();
    world.chain.time += PAUSE_DELAY;
    world.commit(&world.claims(4, 4)).refused::<Exchange::Paused>();
    world.prove(&world.claims(3, 3)).refused::<Exchange::Paused>();
    world.finalise(&world.claims(2, 2)).done();
    world.anybody(&world.claim_call(2, 0)).done();
}

#[test]
fn a_new_verifier_waits_longer_than_a_forced_withdrawal() {
    let mut world = World::open();
    world.seal(vec![opening(1).remove(0)]);
    world.commit(&world.claims(2, 2)).done();
    let propose = Exchange::proposeVerifierCall { verifier: world.verifier, programId: world.program };
    world.operator(&propose).refused::<Exchange::NotAdmin>();
    let outcome = world.admin(&propose).done();
    let usable = world.chain.time + VERIFIER_DELAY;
    assert_eq!(
        outcome.events::<Exchange::VerifierProposed>(),
        [Exchange::VerifierProposed {
            version: 2,
            kind: kind("attested"),
            verifier: world.verifier,
            programId: world.program,
            usableFrom: usable,
        }]
    );
    let proof = world.attestation(&world.claims(2, 2));
    let claims = concatenated(&world.claims(2, 2));
    let prove =
        |version| Exchange::proveBatchesCall { version, claims: claims.clone(), proof: proof.clone() };
    world.anybody(&prove(0)).refused::<Exchange::UnknownVerifier>();
    world.anybody(&prove(3)).refused::<Exchange::UnknownVerifier>();
    world.chain.time = usable - 1;
    let error = world.anybody(&prove(2)).refused::<Exchange::VerifierNotUsableYet>();
    assert_eq!(error, Exchange::VerifierNotUsableYet { version: 2, usableFrom: usable });
    world.chain.time = usable;
    let outcome = world.anybody(&prove(2)).done();
    assert_eq!(outcome.events::<Exchange::BatchesProved>()[0].kind, kind("attested"));
    assert_eq!(world.view(&Exchange::verifierCountCall {}), 2);
    let entry = world.view(&Exchange::verifierOfCall { version: 2 });
    assert_eq!((entry.verifier, entry.usableFrom, entry.removed), (world.verifier, usable, false));
}

#[test]
fn a_removed_verifier_counts_for_nothing_any_more() {
    let mut world = World::open();
    world.seal(vec![opening(1).remove(0)]);
    world.seal(vec![opening(1).remove(0)]);
    world.seal(vec![opening(1).remove(0)]);
    world.commit(&world.claims(2, 4)).done();
    world.prove(&world.claims(2, 3)).done();
    let again = Exchange::proposeVerifierCall { verifier: world.verifier, programId: world.program };
    world.admin(&again).done();
    world.anybody(&Exchange::removeVerifierCall { version: 1 }).refused::<Exchange::NotAdmin>();
    world.admin(&Exchange::removeVerifierCall { version: 9 }).refused::<Exchange::UnknownVerifier>();

    let replace = |world: &World, index: u64, version, first, last| {
        let claims = world.claims(first, last);
        Exchange::replaceProofCall {
            proofIndex: U256::from(index),
            version,
            claims: concatenated(&claims),
            proof: world.attestation(&claims),
        }
    };
    let call = replace(&world, 1, 2, 2, 3);
    world.anybody(&call).refused::<Exchange::ProofStillCounts>();
    world.admin(&Exchange::removeVerifierCall { version: 1 }).done();
    world.admin(&Exchange::removeVerifierCall { version: 1 }).refused::<Exchange::VerifierWasRemoved>();
    world.prove(&world.claims(4, 4)).refused::<Exchange::VerifierWasRemoved>();
    world.chain.time += FINALITY_DELAY;
    let error = world.finalise(&world.claims(2, 2)).refused::<Exchange::VerifierWasRemoved>();
    assert_eq!(error.version, 1);

    // Another proof of the same batches, by a verifier that is usable.
    world.anybody(&call).refused::<Exchange::VerifierNotUsableYet>();
    world.chain.time += VERIFIER_DELAY;
    world.anybody(&replace(&world, 0, 2, 1, 1)).refused::<Exchange::NoOpenProof>();
    world.anybody(&replace(&world, 2, 2, 2, 3)).refused::<Exchange::NoOpenProof>();
    world.anybody(&replace(&world, 1, 2, 2, 2)).refused::<Exchange::BatchOutOfOrder>();
    world.anybody(&replace(&world, 1, 2, 3, 4)).refused::<Exchange::BatchOutOfOrder>();
    // Or of more, before and after.
    let mut more = world.clone();
    let outcome = more.anybody(&replace(&world, 1, 2, 1, 4)).done();
    let event = &outcome.events::<Exchange::BatchesProved>()[0];
    assert_eq!((event.first, event.last), (2, 3));
    assert_eq!(more.proved(), 3);
    world.anybody(&call).done();
    world.finalise(&world.claims(2, 3)).refused::<Exchange::NotFinalYet>();
    world.chain.time += FINALITY_DELAY;
    world.finalise(&world.claims(2, 3)).done();
    assert_eq!(world.view(&Exchange::proofOfCall { proofIndex: U256::ONE }).version, 2);
    assert_eq!(world.view(&Exchange::proofCountCall {}), U256::from(2));
}

#[test]
fn a_verifier_has_a_name() {
    let mut world = World::new();
    let unnamed = world.chain.deploy(world.admin, &UnnamedVerifier::BYTECODE, &[]);
    let call = Exchange::proposeVerifierCall { verifier: unnamed, programId: digest(1) };
    world.admin(&call).refused::<Exchange::UnnamedVerifier>();
    // One that accepts anything, as the first too.
    let credulous = world.chain.deploy(world.admin, &CredulousVerifier::BYTECODE, &[]);
    let call = Exchange::proposeVerifierCall { verifier: credulous, programId: digest(1) };
    let error = world.admin(&call).refused::<Exchange::VerifierAcceptsAnything>();
    assert_eq!(error.verifier, credulous);
    let config = Exchange::Config { verifiers: vec![credulous], ..config(&world) };
    let outcome = world.chain.try_deploy(person(9), &Exchange::BYTECODE, &(config,).abi_encode_params());
    outcome.refused::<Exchange::VerifierAcceptsAnything>();
    // No contract at all.
    let call = Exchange::proposeVerifierCall { verifier: person(1), programId: digest(1) };
    assert!(!world.admin(&call).done);
}

#[test]
fn a_verifier_whose_code_changes_counts_no_more() {
    let mut world = World::open();
    world.seal(vec![opening(1).remove(0)]);
    world.commit(&world.claims(2, 2)).done();
    let code = world.chain.code(world.verifier);
    assert_eq!(world.view(&Exchange::verifierOfCall { version: 1 }).codeHash, keccak256(&code));
    let credulous = world.chain.deploy(world.admin, &CredulousVerifier::BYTECODE, &[]);
    let other = world.chain.code(credulous);
    for other in [other, Bytes::new()] {
        let mut world = world.clone();
        world.chain.set_code(world.verifier, other.clone());
        let error = world.prove(&world.claims(2, 2)).refused::<Exchange::VerifierChanged>();
        assert_eq!((error.version, error.expected, error.found), (1, keccak256(&code), keccak256(&other)));
    }
    world.prove(&world.claims(2, 2)).done();
}

#[test]
fn an_exchange_without_ways_out_cannot_be_deployed() {
    let mut world = World::new();
    let good = config(&world);
    let mut deploy = |change: &dyn Fn(&mut Exchange::Config)| {
        let mut config = good.clone();
        change(&mut config);
        world.chain.try_deploy(person(9), &Exchange::BYTECODE, &(config,).abi_encode_params())
    };
    deploy(&|_| {}).done();
    deploy(&|config| config.admin = Address::ZERO).refused::<Exchange::ZeroAddress>();
    deploy(&|config| config.operator = Address::ZERO).refused::<Exchange::ZeroAddress>();
    deploy(&|config| config.operatorOwner = Address::ZERO).refused::<Exchange::ZeroAddress>();
    deploy(&|config| config.finalityDelay = DEADLINE).refused::<Exchange::BadDelays>();
    deploy(&|config| config.maxPause = DEADLINE).refused::<Exchange::BadDelays>();
    deploy(&|config| config.pauseDelay = DEADLINE).refused::<Exchange::BadDelays>();
    // Each is short enough, and all together are not.
    let pause = DEADLINE - PAUSE_DELAY - FINALITY_DELAY;
    deploy(&|config| config.maxPause = pause).refused::<Exchange::BadDelays>();
    deploy(&|config| config.maxPause = pause - 1).done();
    deploy(&|config| config.maxPause = u64::MAX).refused::<Exchange::BadDelays>();
    deploy(&|config| config.finalityDelay = u64::MAX).refused::<Exchange::BadDelays>();
    let out = 2 * DEADLINE + FINALITY_DELAY + FINALITY_GRACE;
    deploy(&|config| config.verifierDelay = out - 1).refused::<Exchange::BadDelays>();
    deploy(&|config| config.verifierDelay = out).done();
    let most = U256::from(10_000_000_000_000_000u64);
    deploy(&|config| config.forceFee = most + U256::ONE).refused::<Exchange::BadForceFee>();
    deploy(&|config| config.forceFee = most).done();
    deploy(&|config| config.forceFee = U256::ZERO).done();
    deploy(&|config| {
        config.forceDeadline = 31 * 86_400;
        config.verifierDelay = 60 * 86_400;
    })
    .refused::<Exchange::BadDelays>();
    deploy(&|config| config.programIds.clear()).refused::<Exchange::BadVerifiers>();
    deploy(&|config| {
        config.programIds.clear();
        config.verifiers.clear();
    })
    .refused::<Exchange::BadVerifiers>();
    assert_eq!(world.view(&Exchange::genesisRootCall {}), B256::from(world.ledger.root()));
}
