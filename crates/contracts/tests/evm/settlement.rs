//! Batches are committed, proved and made final in order, and only as claimed.

use alloy_primitives::{B256, Bytes, U256};
use contracts::bindings::{AttestedVerifier, Exchange};
use contracts::{concatenated, kind, kind_name};
use transition::Claim;

use crate::chain::{CHAIN_ID, digest, person};
use crate::ledger::opening;
use crate::world::{ALICE, COIN, DEADLINE, FINALITY_DELAY, TOKEN, World, commit_call, data_commitment};

/// Three sealed batches: the opening, one with two L1 entries, one without any.
fn sealed() -> World {
    let mut world = World::new();
    world.seal(opening(3));
    world.deposit(ALICE, COIN, 5).done();
    world.deposit(ALICE, TOKEN, 5).done();
    world.seal(Vec::new());
    world.seal(vec![opening(1).remove(0)]);
    world
}

#[test]
fn solidity_reads_the_claim_as_rust_writes_it() {
    let mut world = sealed();
    let claims = world.claims(1, 3);
    let outcome = world.commit(&claims).done();
    let events = outcome.events::<Exchange::BatchCommitted>();
    for (place, (event, claim)) in events.iter().zip(&claims).enumerate() {
        assert_eq!(event.dataCommitment, data_commitment(place));
        assert_eq!(event.batch, claim.batch);
        assert_eq!(event.stateRoot, B256::from(claim.state_root));
        assert_eq!(Claim::decode(&event.claim).as_ref(), Ok(claim));
        let hash = world.view(&Exchange::claimHashCall { batch: claim.batch });
        assert_eq!(hash, alloy_primitives::keccak256(claim.encode()));
    }
    let tip = world.view(&Exchange::committedCall {});
    let last = &claims[2];
    assert_eq!(
        (tip.batch, tip.lastSequence, tip.l1Position, tip.timestamp, tip.stateRoot),
        (3, last.last_sequence, last.l1_position, last.timestamp.0, B256::from(last.state_root))
    );
}

#[test]
fn a_batch_goes_from_committed_to_final() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    let outcome = world.prove(&world.claims(1, 2)).done();
    assert_eq!(
        outcome.events::<Exchange::BatchesProved>(),
        [Exchange::BatchesProved {
            first: 1,
            last: 2,
            kind: kind("attested"),
            version: 1,
            proofIndex: U256::ZERO,
        }]
    );
    world.prove(&world.claims(3, 3)).done();
    world.chain.time += FINALITY_DELAY;
    let outcome = world.finalise(&world.claims(1, 3)).done();
    let events = outcome.events::<Exchange::BatchFinal>();
    assert_eq!(events.len(), 3);
    for (event, claim) in events.iter().zip(world.claims(1, 3)) {
        assert_eq!(kind_name(&event.kind), "attested");
        assert_eq!(event.stateRoot, B256::from(claim.state_root));
        assert_eq!(event.l1Position, claim.l1_position);
    }
    assert_eq!(world.view(&Exchange::finalRootCall {}), B256::from(world.ledger.root()));
    assert_eq!(world.view(&Exchange::finalL1PositionCall {}), 2);
    assert_eq!((world.committed(), world.proved(), world.finals()), (3, 3, 3));
}

#[test]
fn finality_can_stop_in_the_middle_of_a_proof() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    world.prove(&world.claims(1, 2)).done();
    world.prove(&world.claims(3, 3)).done();
    world.chain.time += FINALITY_DELAY;
    for batch in 1..=3 {
        world.finalise(&world.claims(batch, batch)).done();
        assert_eq!(world.finals(), batch);
    }
}

#[test]
fn one_proofs_age_does_not_count_for_the_next() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    world.prove(&world.claims(1, 2)).done();
    world.chain.time += FINALITY_DELAY;
    world.prove(&world.claims(3, 3)).done();
    let error = world.finalise(&world.claims(1, 3)).refused::<Exchange::NotFinalYet>();
    assert_eq!(error, Exchange::NotFinalYet { batch: 3, finalAt: world.chain.time + FINALITY_DELAY });
    world.finalise(&world.claims(1, 2)).done();
}

/// Commits with one field of the second batch changed.
fn commit_changed(change: impl Fn(&mut Claim)) -> crate::chain::Outcome {
    let mut world = sealed();
    let mut claims = world.claims(1, 3);
    change(&mut claims[1]);
    world.commit(&claims)
}

#[test]
fn a_claim_that_does_not_follow_is_refused() {
    let error = commit_changed(|claim| claim.chain_id += 1).refused::<Exchange::WrongExchange>();
    assert_eq!(error.chainId, CHAIN_ID + 1);
    commit_changed(|claim| claim.exchange.0[0] ^= 1).refused::<Exchange::WrongExchange>();
    let error = commit_changed(|claim| claim.batch += 1).refused::<Exchange::BatchOutOfOrder>();
    assert_eq!(error, Exchange::BatchOutOfOrder { expected: 2, found: 3 });
    commit_changed(|claim| claim.batch = 0).refused::<Exchange::BatchOutOfOrder>();
    commit_changed(|claim| claim.first_sequence += 1).refused::<Exchange::SequenceOutOfOrder>();
    let mut world = sealed();
    let mut claims = world.claims(1, 2);
    claims[1].last_sequence = claims[1].first_sequence - 1;
    world.commit(&claims).refused::<Exchange::SequenceOutOfOrder>();
    // A wrong last sequence shows in the next batch.
    commit_changed(|claim| claim.last_sequence += 1).refused::<Exchange::SequenceOutOfOrder>();
    commit_changed(|claim| claim.previous_root[0] ^= 1).refused::<Exchange::WrongPreviousRoot>();
    commit_changed(|claim| claim.state_root[0] ^= 1).refused::<Exchange::WrongPreviousRoot>();
    commit_changed(|claim| claim.timestamp.0 = 0).refused::<Exchange::TimeGoesBack>();
    let error = commit_changed(|claim| claim.l1_position = 3).refused::<Exchange::WrongQueuePosition>();
    assert_eq!(error, Exchange::WrongQueuePosition { consumed: 0, length: 2, found: 3 });
    commit_changed(|claim| claim.l1_position = 1).refused::<Exchange::WrongQueueHash>();
    commit_changed(|claim| claim.l1_hash[31] ^= 1).refused::<Exchange::WrongQueueHash>();
    let mut world = sealed();
    let mut claims = world.claims(1, 3);
    claims[2].l1_position = 1;
    world.commit(&claims).refused::<Exchange::WrongQueuePosition>();
}

#[test]
fn an_entry_that_was_skipped_or_altered_is_not_the_queues() {
    let mut world = World::new();
    world.seal(opening(3));
    world.deposit(ALICE, COIN, 5).done();
    world.deposit(ALICE, TOKEN, 5).done();
    // The operator takes only the second one, as if it were the first.
    let mut skipping = world.clone();
    skipping.entries.remove(0);
    skipping.entries[0].position = 0;
    skipping.seal(Vec::new());
    skipping.commit(&skipping.claims(1, 2)).refused::<Exchange::WrongQueueHash>();
    // Or takes the first with another amount.
    let mut altering = world.clone();
    altering.entries[0].command = altering.entries[1].command.clone();
    altering.seal(Vec::new());
    altering.commit(&altering.claims(1, 2)).refused::<Exchange::WrongQueueHash>();
}

#[test]
fn claims_come_whole_and_not_too_many() {
    let mut world = sealed();
    let claims = concatenated(&world.claims(1, 3));
    let commit = commit_call;
    for bytes in [Bytes::new(), claims.slice(..415), claims.slice(..417), vec![0; 257 * 416].into()] {
        world.operator(&commit(bytes)).refused::<Exchange::BadClaimsLength>();
    }
    // Numbers that do not fit their types.
    for at in [0, 32, 2 * 32, 3 * 32, 4 * 32, 9 * 32, 12 * 32] {
        let mut bytes = claims.to_vec();
        bytes[at] = 1;
        let outcome = world.operator(&commit(bytes.into()));
        assert!(!outcome.done && outcome.output.is_empty());
    }
    for commitments in [0, 2, 4] {
        let commitments = (0..commitments).map(data_commitment).collect();
        let call = Exchange::commitBatchesCall { claims: claims.clone(), dataCommitments: commitments };
        world.operator(&call).refused::<Exchange::CommitmentsMissing>();
    }
    world.operator(&commit(claims.slice(..416))).done();
}

#[test]
fn a_batch_is_committed_once_by_the_operator() {
    let mut world = sealed();
    let claims = concatenated(&world.claims(1, 1));
    world.anybody(&commit_call(claims.clone())).refused::<Exchange::NotOperator>();
    world.commit(&world.claims(1, 1)).done();
    let error = world.commit(&world.claims(1, 1)).refused::<Exchange::BatchOutOfOrder>();
    assert_eq!(error, Exchange::BatchOutOfOrder { expected: 2, found: 1 });
    assert_eq!(world.view(&Exchange::claimHashCall { batch: 1 }), alloy_primitives::keccak256(&claims));
    for batch in [0, 2] {
        let mut world = world.clone();
        world.anybody(&Exchange::claimHashCall { batch }).refused::<Exchange::NotCommitted>();
    }
}

#[test]
fn only_what_was_committed_is_proved_and_only_in_order() {
    let mut world = sealed();
    world.prove(&world.claims(1, 1)).refused::<Exchange::NotCommitted>();
    world.commit(&world.claims(1, 2)).done();
    world.prove(&world.claims(1, 3)).refused::<Exchange::NotCommitted>();
    let error = world.prove(&world.claims(2, 2)).refused::<Exchange::BatchOutOfOrder>();
    assert_eq!(error, Exchange::BatchOutOfOrder { expected: 1, found: 2 });
    let mut claims = world.claims(1, 1);
    for batch in [0, u64::MAX] {
        claims[0].batch = batch;
        let outcome = world.prove(&claims);
        assert!(!outcome.done);
    }
    let mut claims = world.claims(1, 2);
    claims[1].events_root[0] ^= 1;
    let error = world.prove(&claims).refused::<Exchange::WrongClaim>();
    assert_eq!(error.batch, 2);
    world.prove(&world.claims(1, 1)).done();
    world.prove(&world.claims(1, 1)).refused::<Exchange::ProvedAlready>();
    let prove = Exchange::proveBatchesCall { version: 1, claims: Bytes::new(), proof: Bytes::new() };
    world.anybody(&prove).refused::<Exchange::BadClaimsLength>();
}

#[test]
fn a_proof_of_many_batches_is_not_spoiled_by_one_of_its_beginning() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    world.prove(&world.claims(1, 1)).done();
    // What was proved is checked again.
    let mut claims = world.claims(1, 3);
    claims[0].events_root[0] ^= 1;
    let error = world.prove(&claims).refused::<Exchange::WrongClaim>();
    assert_eq!(error.batch, 1);
    let outcome = world.prove(&world.claims(1, 3)).done();
    let event = &outcome.events::<Exchange::BatchesProved>()[0];
    assert_eq!((event.first, event.last, event.proofIndex), (2, 3, U256::ONE));
    assert_eq!(world.proved(), 3);
    let proof = world.view(&Exchange::proofOfCall { proofIndex: U256::ONE });
    assert_eq!((proof.lastBatch, proof.l1Position), (3, 2));
    world.settle();
    assert_eq!(world.finals(), 3);
}

#[test]
fn a_claims_time_is_not_far_beyond_the_chains() {
    let mut world = sealed();
    let mut claims = world.claims(1, 1);
    let latest = (world.chain.time + 900) * 1_000_000;
    claims[0].timestamp.0 = latest + 1;
    let error = world.commit(&claims).refused::<Exchange::TimeAhead>();
    assert_eq!(error, Exchange::TimeAhead { latest, found: latest + 1 });
    claims[0].timestamp.0 = u64::MAX;
    world.commit(&claims).refused::<Exchange::TimeAhead>();
    claims[0].timestamp.0 = latest;
    world.commit(&claims).done();
}

#[test]
fn a_wrong_proof_changes_nothing() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    let claims = concatenated(&world.claims(1, 1));
    let call = |proof| Exchange::proveBatchesCall { version: 1, claims: claims.clone(), proof };
    // A proof of another batch.
    let other = world.attestation(&world.claims(2, 2));
    world.anybody(&call(other)).refused::<AttestedVerifier::BadSignature>();
    world.anybody(&call(Bytes::new())).refused::<AttestedVerifier::BadAttestationLength>();
    assert_eq!(world.proved(), 0);
    assert_eq!(world.view(&Exchange::proofCountCall {}), U256::ZERO);
}

#[test]
fn only_what_was_proved_becomes_final_and_only_after_the_delay() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    world.finalise(&world.claims(1, 1)).refused::<Exchange::NotProved>();
    world.prove(&world.claims(1, 2)).done();
    let error = world.finalise(&world.claims(1, 1)).refused::<Exchange::NotFinalYet>();
    assert_eq!(error, Exchange::NotFinalYet { batch: 1, finalAt: world.chain.time + FINALITY_DELAY });
    world.chain.time += FINALITY_DELAY;
    world.finalise(&world.claims(2, 2)).refused::<Exchange::WrongClaim>();
    let mut claims = world.claims(1, 2);
    claims[0].withdrawals_root = [1; 32];
    world.finalise(&claims).refused::<Exchange::WrongClaim>();
    world.finalise(&world.claims(1, 3)).refused::<Exchange::NotProved>();
    world.finalise(&world.claims(1, 2)).done();
    world.finalise(&world.claims(1, 2)).refused::<Exchange::WrongClaim>();
    // The second proof has its own time.
    world.prove(&world.claims(3, 3)).done();
    world.finalise(&world.claims(3, 3)).refused::<Exchange::NotFinalYet>();
}

fn revert(world: &World, kept: u64) -> Exchange::revertBatchesCall {
    let claim = if kept == 0 { Bytes::new() } else { concatenated(&world.claims(kept, kept)) };
    Exchange::revertBatchesCall { lastKept: kept, claim }
}

#[test]
fn commits_are_reverted_only_in_a_pause_and_never_below_a_proof() {
    let mut world = sealed();
    world.commit(&world.claims(1, 3)).done();
    world.operator(&revert(&world, 1)).refused::<Exchange::NotPaused>();
    let genesis = world.clone();
    world.prove(&world.claims(1, 1)).done();
    world.pause();
    world.anybody(&revert(&world, 1)).refused::<Exchange::NotOperator>();
    world.admin(&revert(&world, 1)).refused::<Exchange::NotOperator>();
    world.operator(&revert(&world, 0)).refused::<Exchange::ProvedAlready>();
    world.operator(&revert(&world, 3)).refused::<Exchange::NotCommitted>();
    let wrong = Exchange::revertBatchesCall { lastKept: 1, claim: concatenated(&world.claims(2, 2)) };
    world.operator(&wrong).refused::<Exchange::WrongClaim>();
    let outcome = world.operator(&revert(&world, 1)).done();
    assert_eq!(
        outcome.events::<Exchange::BatchesReverted>(),
        [Exchange::BatchesReverted { first: 2, last: 3 }]
    );
    assert_eq!((world.committed(), world.proved()), (1, 1));
    world.admin(&Exchange::cancelPauseCall {}).done();
    // Another second batch follows the first.
    world.ledger = world.batches[0].after.clone();
    world.batches.truncate(1);
    world.seal(vec![opening(1).remove(0)]);
    world.settle();
    assert_eq!(world.finals(), 2);

    // Without any proof everything may go.
    let mut world = genesis;
    world.pause();
    let wrong = Exchange::revertBatchesCall { lastKept: 0, claim: concatenated(&world.claims(1, 1)) };
    world.operator(&wrong).refused::<Exchange::BadClaimsLength>();
    world.operator(&revert(&world, 0)).done();
    world.admin(&Exchange::cancelPauseCall {}).done();
    assert_eq!(world.committed(), 0);
    world.settle();
    assert_eq!(world.finals(), 3);
}

#[test]
fn nothing_is_settled_after_a_freeze() {
    let mut world = sealed();
    world.commit(&world.claims(1, 2)).done();
    world.prove(&world.claims(1, 1)).done();
    world.chain.time += DEADLINE + 1;
    // The two entries are in the second batch, which nobody proved.
    world.anybody(&Exchange::freezeCall {}).done();
    world.commit(&world.claims(3, 3)).refused::<Exchange::ExchangeFrozen>();
    world.prove(&world.claims(2, 2)).refused::<Exchange::ExchangeFrozen>();
    world.finalise(&world.claims(1, 1)).refused::<Exchange::ExchangeFrozen>();
    world.operator(&revert(&world, 1)).refused::<Exchange::ExchangeFrozen>();
    let claims = concatenated(&world.claims(1, 1));
    let replace =
        Exchange::replaceProofCall { proofIndex: U256::ZERO, version: 1, claims, proof: Bytes::new() };
    world.anybody(&replace).refused::<Exchange::ExchangeFrozen>();
}

#[test]
fn an_exchange_takes_no_claims_of_its_double() {
    // The same deployer on another contract address makes another genesis, and other claims.
    let mut world = sealed();
    let mut other = World::new();
    let mut claims = world.claims(1, 1);
    claims[0].exchange = types::Address(person(4).into());
    other.commit(&claims).refused::<Exchange::WrongExchange>();
    claims[0].exchange = types::Address(world.exchange.into());
    claims[0].previous_root = digest(3).0;
    world.commit(&claims).refused::<Exchange::WrongPreviousRoot>();
}
