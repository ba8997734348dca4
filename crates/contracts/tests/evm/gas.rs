//! What every function costs, pinned in `contracts/GAS.md`.
//!
//! Whole transactions, with their 21,000 and their call data, after refunds, on the rules of Osaka. When a change is meant,
//! `UPDATE_GAS=1` writes the file anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue as _;
use ark_bn254::Fr;
use contracts::bindings::{AttestedVerifier, Exchange, Groth16Verifier};
use contracts::{MAX_WITHDRAWALS, concatenated};
use transition::{Native, Withdrawal, WithdrawalTree};
use types::{AssetId, Origin, Quanta};

use crate::chain::{Chain, digest, person};
use crate::groth16::{self, Setup, number};
use crate::ledger::withdrawal;
use crate::tokens::Token;
use crate::world::{
    ALICE, BOB, COIN, FINALITY_DELAY, PAUSE_DELAY, TOKEN, World, address_of, config, signers,
};

struct Report(Vec<(&'static str, u64)>);

impl Report {
    fn row(&mut self, name: &'static str, gas: u64) {
        self.0.push((name, gas));
    }
}

#[test]
fn every_function_costs_what_the_report_says() {
    let mut report = Report(Vec::new());
    deployments(&mut report);
    queue(&mut report);
    batches(&mut report);
    exits(&mut report);
    governance(&mut report);
    verifiers(&mut report);

    let mut text = String::from(
        "# Gas\n\n\
         Whole transactions on the rules of Osaka, call data and the 21,000 of every transaction included. Pinned by\n\
         `crates/contracts/tests/evm/gas.rs`; `UPDATE_GAS=1 cargo test -p contracts gas` writes this file.\n\n\
         | function | gas |\n|---|---:|\n",
    );
    for (name, gas) in &report.0 {
        writeln!(text, "| {name} | {gas} |").unwrap();
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/GAS.md");
    if std::env::var_os("UPDATE_GAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text);
}

fn deployments(report: &mut Report) {
    let mut world = World::new();
    let arguments = (config(&world),).abi_encode_params();
    let outcome = world.chain.try_deploy(person(8), &Exchange::BYTECODE, &arguments).done();
    report.row("deploy `Exchange`", outcome.gas);
    let arguments = (signers().iter().map(address_of).collect::<Vec<_>>(), U256::from(2)).abi_encode_params();
    let outcome = world.chain.try_deploy(person(8), &AttestedVerifier::BYTECODE, &arguments).done();
    report.row("deploy `AttestedVerifier`, three signers", outcome.gas);
    let outcome = groth16::deploy(&mut world.chain, &Setup::new(2).key()).done();
    report.row("deploy `Groth16Verifier` and key, two inputs", outcome.gas);
}

fn queue(report: &mut Report) {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    world.deposit(ALICE, TOKEN, 1).done();
    report.row("`deposit` of coins, new account", world.deposit(BOB, COIN, 1).done().gas);
    report.row("`deposit` of coins", world.deposit(ALICE, COIN, 1).done().gas);
    report.row("`deposit` of a token", world.deposit(ALICE, TOKEN, 1).done().gas);
    let alice = person(ALICE);
    let call = Exchange::forceWithdrawCall { asset: COIN, amount: 1 };
    report.row("`forceWithdraw`", world.force(alice, &call).done().gas);
    let call = Exchange::forceCancelCall { marketPlusOne: 1, side: 1 };
    report.row("`forceCancel`", world.force(alice, &call).done().gas);
    let call = Exchange::forceExitCall { assets: vec![COIN, TOKEN] };
    let fees = U256::from(4 * crate::world::FORCE_FEE);
    report.row("`forceExit` with two assets", world.send(alice, fees, &call).done().gas);
    let call = Exchange::registerSessionCall { key: digest(1), expires: 1 << 50 };
    report.row("`registerSession`", world.force(alice, &call).done().gas);
}

fn batches(report: &mut Report) {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1_000).done();
    let alice = world.account(person(ALICE));
    for _ in 0..22 {
        world.seal(vec![(alice, Origin::Owner, withdrawal(alice, COIN, 1).2)]);
    }
    report.row("`commitBatches`, one", world.commit(&world.claims(2, 2)).done().gas);
    report.row("`commitBatches`, ten", world.commit(&world.claims(3, 12)).done().gas);
    report.row("`proveBatches`, one, attested by two", world.prove(&world.claims(2, 2)).done().gas);
    report.row("`proveBatches`, ten, attested by two", world.prove(&world.claims(3, 12)).done().gas);
    world.chain.time += FINALITY_DELAY;
    report.row("`finaliseBatches`, one, with a withdrawal", world.finalise(&world.claims(2, 2)).done().gas);
    report
        .row("`finaliseBatches`, ten, a withdrawal in each", world.finalise(&world.claims(3, 12)).done().gas);
    report.row("`finaliseBatches`, one, with 4,096 withdrawals", most_withdrawals());

    world.commit(&world.claims(13, 14)).done();
    world.prove(&world.claims(13, 13)).done();
    let again = Exchange::proposeVerifierCall { verifier: world.verifier, programId: world.program };
    world.admin(&again).done();
    world.admin(&Exchange::removeVerifierCall { version: 1 }).done();
    world.chain.time += crate::world::VERIFIER_DELAY;
    let call = Exchange::replaceProofCall {
        proofIndex: U256::from(3),
        version: 2,
        claims: concatenated(&world.claims(13, 13)),
        proof: world.attestation(&world.claims(13, 13)),
    };
    report.row("`replaceProof`, one, attested by two", world.anybody(&call).done().gas);
    world.pause();
    let call = Exchange::revertBatchesCall { lastKept: 13, claim: concatenated(&world.claims(13, 13)) };
    report.row("`revertBatches`", world.operator(&call).done().gas);
}

fn exits(report: &mut Report) {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 100_000).done();
    world.deposit(ALICE, TOKEN, 1_000).done();
    world.deposit(BOB, COIN, 5).done();
    let alice = world.account(person(ALICE));
    let mut commands: Vec<_> =
        (0..1_024).map(|_| (alice, Origin::Owner, withdrawal(alice, COIN, 1).2)).collect();
    commands[500].2 = withdrawal(alice, TOKEN, 1).2;
    world.seal(commands);
    world.settle();
    world.anybody(&world.claim_call(2, 0)).done();
    let outcome = world.anybody(&world.claim_call(2, 77)).done();
    report.row("`claimWithdrawal` of coins, one of 1,024", outcome.gas);
    let outcome = world.anybody(&world.claim_call(2, 500)).done();
    report.row("`claimWithdrawal` of a token, one of 1,024", outcome.gas);
    world.deposit(BOB, COIN, 5).done();
    world.deposit(BOB, TOKEN, 5).done();
    world.chain.time += crate::world::DEADLINE + 1;
    report.row("`freeze`", world.anybody(&Exchange::freezeCall {}).done().gas);
    let outcome = world.anybody(&world.escape_call(person(ALICE), COIN)).done();
    report.row("`escape` with coins", outcome.gas);
    let outcome = world.anybody(&world.escape_call(person(ALICE), TOKEN)).done();
    report.row("`escape` with a token", outcome.gas);
    report.row("`refundDeposit` of coins", world.anybody(&world.refund_call(3)).done().gas);
    report.row("`refundDeposit` of a token", world.anybody(&world.refund_call(4)).done().gas);
}

/// As many as a call should bring, with numbers that have no zeros.
fn most_withdrawals() -> u64 {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    world.seal(Vec::new());
    let withdrawals: Vec<_> = (0..MAX_WITHDRAWALS as u64)
        .map(|number| Withdrawal {
            index: 0x7777_7777_7777_0000 + number,
            owner: types::Address([0x77; 20]),
            asset: AssetId(0x7777),
            amount: Quanta(u64::MAX),
        })
        .collect();
    let batch = world.batches.last_mut().unwrap();
    batch.claim.withdrawals_root = WithdrawalTree::<Native>::new(&withdrawals).root();
    batch.withdrawals = withdrawals;
    let claims = world.claims(2, 2);
    world.commit(&claims).done();
    world.prove(&claims).done();
    world.chain.time += FINALITY_DELAY;
    world.finalise(&claims).done().gas
}

fn governance(report: &mut Report) {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &Token::BYTECODE, &[]);
    let call = Exchange::listAssetCall { token, quantum: 5 };
    report.row("`listAsset`", world.admin(&call).done().gas);
    let call = Exchange::proposeVerifierCall { verifier: world.verifier, programId: world.program };
    report.row("`proposeVerifier`", world.admin(&call).done().gas);
    report.row("`removeVerifier`", world.admin(&Exchange::removeVerifierCall { version: 2 }).done().gas);
    report.row("`announcePause`", world.admin(&Exchange::announcePauseCall {}).done().gas);
    world.chain.time += PAUSE_DELAY;
    report.row("`cancelPause`", world.admin(&Exchange::cancelPauseCall {}).done().gas);
    let to = person(3);
    report.row("`setOperator`", world.admin(&Exchange::setOperatorCall { to }).done().gas);
    report.row("`transferAdmin`", world.admin(&Exchange::transferAdminCall { to }).done().gas);
    let outcome = world.send(to, U256::ZERO, &Exchange::acceptAdminCall {}).done();
    report.row("`acceptAdmin`", outcome.gas);
}

/// The call alone: what a contract pays that asks for a proof, call data and transaction apart.
fn inner(chain: &mut Chain, to: Address, call: &impl alloy_sol_types::SolCall) -> u64 {
    let outcome = chain.call(person(1), to, call).done();
    let data = call.abi_encode();
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    outcome.gas - 21_000 - 4 * zeros - 16 * (data.len() as u64 - zeros)
}

fn verifiers(report: &mut Report) {
    let setup = Setup::new(2);
    let mut chain = Chain::new();
    let verifier = groth16::deploy(&mut chain, &setup.key()).done().created.unwrap();
    let inputs = [Fr::from(5u64), Fr::from(6u64)];
    let proof: Bytes = setup.prove(&inputs).into();
    let call = Groth16Verifier::verifyProofCall { inputs: inputs.map(number).to_vec(), proof };
    report.row(
        "`Groth16Verifier.verifyProof`, two inputs, without the transaction",
        inner(&mut chain, verifier, &call),
    );

    let mut world = World::new();
    let claims: Bytes = vec![5; 416].into();
    let proof = world.attestation_of(world.verifier, &claims);
    let call = AttestedVerifier::verifyCall { programId: world.program, publicValues: claims, proof };
    let verifier = world.verifier;
    report.row(
        "`AttestedVerifier.verify`, two signatures, without the transaction",
        inner(&mut world.chain, verifier, &call),
    );
}
