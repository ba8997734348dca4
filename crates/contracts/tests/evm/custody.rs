//! Money comes in and goes out exactly, whatever the token does.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall as _, SolError as _};
use contracts::bindings::Exchange;
use types::{AccountId, AssetId};

use crate::chain::person;
use crate::ledger::{opening, withdrawal};
use crate::tokens::{FeeToken, FreezingToken, GreedyToken, HostileToken, RefusingToken, Token, Wallet};
use crate::world::{ALICE, BOB, COIN, DEADLINE, QUANTA, SILENT, TOKEN, World};

fn held(world: &World, asset: u16) -> U256 {
    world.view(&Exchange::heldCall { asset })
}

#[test]
fn deposits_of_every_asset_are_held_to_the_wei() {
    let mut world = World::open();
    for (asset, amount) in [(COIN, 7), (TOKEN, 1_000), (SILENT, u64::MAX)] {
        world.deposit(ALICE, asset, amount).done();
        assert_eq!(held(&world, asset), World::wei(asset, amount));
        assert_eq!(world.money(world.exchange, asset), World::wei(asset, amount));
    }
    let account = world.account(person(ALICE));
    world.seal(Vec::new());
    assert_eq!(world.ledger.balance(account, AssetId(TOKEN)), (1_000, 0));
}

#[test]
fn coins_must_be_exactly_the_amount() {
    let mut world = World::open();
    let call = Exchange::depositCall { asset: COIN, amount: 3, owner: person(ALICE) };
    let expected = World::wei(COIN, 3);
    for sent in [expected - U256::ONE, expected + U256::ONE, U256::ZERO] {
        let error = world.send(person(ALICE), sent, &call).refused::<Exchange::WrongValue>();
        assert_eq!(error, Exchange::WrongValue { expected, sent });
    }
    let call = Exchange::depositCall { asset: TOKEN, amount: 3, owner: person(ALICE) };
    world.send(person(ALICE), U256::ONE, &call).refused::<Exchange::WrongValue>();
}

#[test]
fn a_deposit_needs_an_amount_an_asset_and_an_owner() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 0).refused::<Exchange::BadAmount>();
    world.deposit(ALICE, 3, 1).refused::<Exchange::UnknownAsset>();
    for owner in [Address::ZERO, world.exchange] {
        world.deposit_for(person(ALICE), COIN, 1, owner).refused::<Exchange::ZeroAddress>();
    }
    world.view(&Exchange::queueLengthCall {});
    assert_eq!(world.entries.len(), 0);
}

#[test]
fn a_token_that_refuses_is_refused() {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &RefusingToken::BYTECODE, &[]);
    let asset = world.list(token, 1);
    let error = world.deposit(ALICE, asset, 5).refused::<Exchange::TransferFailed>();
    assert_eq!(error.token, token);
    // One without the money, or without approval, reverts itself.
    world.deposit_for(person(77), TOKEN, 5, person(77)).refused::<Exchange::TransferFailed>();
}

#[test]
fn a_token_with_a_fee_brings_what_arrives() {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &FeeToken::BYTECODE, &[]);
    world.tokens.push(token);
    world.fund(person(ALICE));
    let asset = world.list(token, 10);
    // 99 % of ten quanta is not a whole number of quanta; of a hundred it is.
    let error = world.deposit(ALICE, asset, 10).refused::<Exchange::InexactTransfer>();
    assert_eq!(error, Exchange::InexactTransfer { received: U256::from(99), quantum: 10 });
    world.deposit(ALICE, asset, 100).done();
    assert_eq!(held(&world, asset), U256::from(990));
    assert_eq!(
        world.entries[0].command,
        types::Command::Deposit {
            owner: types::Address(person(ALICE).into()),
            asset: AssetId(asset),
            amount: types::Quanta(99),
        }
    );
    // The exchange does not know this asset, so the deposit goes back in the batch that takes it.
    let sealed = world.seal(Vec::new());
    assert_eq!(sealed.withdrawals[0].amount.0, 99);
    world.settle();
    world.anybody(&world.claim_call(2, 0)).done();
    assert_eq!(held(&world, asset), U256::ZERO);
    assert_eq!(world.chain.view(token, &Token::balanceOfCall(world.exchange)), U256::ZERO);
}

#[test]
fn a_token_that_takes_more_than_is_paid_is_stopped() {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &GreedyToken::BYTECODE, &[]);
    world.tokens.push(token);
    world.fund(person(ALICE));
    let asset = world.list(token, 1);
    world.deposit(ALICE, asset, 100).done();
    world.seal(Vec::new());
    world.deposit(BOB, COIN, 1).done();
    world.settle();
    world.chain.call(world.admin, token, &GreedyToken::setGreedyCall {}).done();
    // The exchange holds one more than the debt, or the token's own arithmetic would refuse.
    world
        .chain
        .call(world.admin, token, &Token::mintCall { to: world.exchange, amount: U256::from(5) })
        .done();
    let error = world.anybody(&world.claim_call(2, 0)).refused::<Exchange::TokenTookMore>();
    assert_eq!(error, Exchange::TokenTookMore { token, expected: U256::from(100), taken: U256::from(101) });
}

#[test]
fn a_hostile_token_cannot_come_back_in() {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &HostileToken::BYTECODE, &[]);
    world.tokens.push(token);
    world.fund(person(ALICE));
    let asset = world.list(token, 1);
    let exchange = world.exchange;
    let arm = |world: &mut World, call: Vec<u8>| {
        let arm = HostileToken::armCall { target_: exchange, call_: call.into() };
        world.chain.call(world.admin, token, &arm).done();
    };
    let answer = |world: &World| world.chain.view(token, &HostileToken::answerCall {});

    // In a deposit: another deposit, which would count the same tokens twice.
    arm(&mut world, Exchange::depositCall { asset, amount: 1, owner: person(ALICE) }.abi_encode());
    world.deposit(ALICE, asset, 100).done();
    assert_eq!(answer(&world)[..], Exchange::Reentered::SELECTOR);
    assert_eq!(world.entries.len(), 1);
    world.deposit(ALICE, asset, 100).done();
    world.seal(Vec::new());
    world.settle();

    // In a payment: the same withdrawal, and another one.
    let (claim, other) = (world.claim_call(2, 0), world.claim_call(2, 1));
    for (paid, inner, left) in [(&claim, &other, 100), (&other, &other, 0)] {
        arm(&mut world, inner.abi_encode());
        world.anybody(paid).done();
        assert_eq!(answer(&world)[..], Exchange::Reentered::SELECTOR);
        assert_eq!(held(&world, asset), U256::from(left));
    }
}

#[test]
fn a_deposit_during_which_the_exchange_is_frozen_is_refunded() {
    let mut world = World::open();
    let token = world.chain.deploy(world.admin, &FreezingToken::BYTECODE, &[]);
    world.tokens.push(token);
    world.fund(person(ALICE));
    let asset = world.list(token, 1);
    world.deposit(ALICE, COIN, 1).done();
    world.chain.time += DEADLINE + 1;
    let arm = FreezingToken::armCall { target_: world.exchange };
    world.chain.call(world.admin, token, &arm).done();
    world.deposit(ALICE, asset, 100).done();
    assert!(world.view(&Exchange::frozenCall {}));
    world.anybody(&world.refund_call(1)).done();
    assert_eq!(held(&world, asset), U256::ZERO);
}

#[test]
fn a_paid_contract_cannot_come_back_in() {
    let mut world = World::open();
    let wallet = world.chain.deploy(world.admin, &Wallet::BYTECODE, &[]);
    world.deposit_for(person(ALICE), COIN, 5, wallet).done();
    let account = world.account(wallet);
    world.seal(vec![withdrawal_of(account, 2), withdrawal_of(account, 3)]);
    world.settle();
    let claim = world.claim_call(2, 0);
    let other = world.claim_call(2, 1).abi_encode().into();
    let arm = Wallet::armCall { target_: world.exchange, call_: other };
    world.chain.call(world.admin, wallet, &arm).done();
    world.anybody(&claim).done();
    assert_eq!(world.chain.view(wallet, &Wallet::answerCall {})[..], Exchange::Reentered::SELECTOR);
    assert_eq!(world.chain.balance(wallet), World::wei(COIN, 2));
    world.anybody(&claim).refused::<Exchange::AlreadyClaimed>();
}

/// Sessions are taken as signed, but an account must have registered one.
fn withdrawal_of(account: AccountId, amount: u64) -> (AccountId, types::Origin, types::Command) {
    (account, types::Origin::Owner, withdrawal(account, COIN, amount).2)
}

#[test]
fn an_owner_that_refuses_coins_names_another_recipient() {
    let mut world = World::open();
    let wallet = world.chain.deploy(world.admin, &Wallet::BYTECODE, &[]);
    world.chain.call(world.admin, wallet, &Wallet::setRefusesCall { refuses_: true }).done();
    world.deposit_for(person(ALICE), COIN, 5, wallet).done();
    let account = world.account(wallet);
    world.seal(vec![withdrawal_of(account, 5)]);
    world.settle();
    let mut call = world.claim_call(2, 0);
    let error = world.anybody(&call).refused::<Exchange::TransferFailed>();
    assert_eq!(error, Exchange::TransferFailed { token: Address::ZERO, to: wallet });
    call.recipient = person(BOB);
    let error = world.anybody(&call).refused::<Exchange::NotOwner>();
    assert_eq!(error, Exchange::NotOwner { caller: person(5_000), owner: wallet });
    call.recipient = Address::ZERO;
    world.anybody(&call).refused::<Exchange::ZeroAddress>();
    call.recipient = person(BOB);
    let before = world.chain.balance(person(BOB));
    let act = Wallet::actCall { to: world.exchange, value: U256::ZERO, data: call.abi_encode().into() };
    world.chain.call(person(ALICE), wallet, &act).done();
    assert_eq!(world.chain.balance(person(BOB)), before + World::wei(COIN, 5));
}

#[test]
fn coins_that_nobody_asked_for_are_refused_or_not_counted() {
    let mut world = World::open();
    let outcome = world.chain.call_data(person(ALICE), world.exchange, U256::ONE, Default::default());
    assert!(!outcome.done);
    world.chain.fund(world.exchange, U256::from(1_000));
    world.deposit(ALICE, COIN, 1).done();
    assert_eq!(held(&world, COIN), World::wei(COIN, 1));
}

#[test]
fn assets_are_listed_once_by_the_admin() {
    let mut world = World::new();
    let listed = world.tokens[usize::from(TOKEN)];
    let call = |token, quantum| Exchange::listAssetCall { token, quantum };
    world.operator(&call(person(1), 1)).refused::<Exchange::NotAdmin>();
    world.admin(&call(listed, 0)).refused::<Exchange::BadAsset>();
    world.admin(&call(person(1), 1)).refused::<Exchange::BadAsset>();
    let error = world.admin(&call(listed, 5)).refused::<Exchange::AssetAlreadyListed>();
    assert_eq!(error.asset, TOKEN);
    world.admin(&call(Address::ZERO, 5)).refused::<Exchange::AssetAlreadyListed>();
    let info = world.view(&Exchange::assetInfoCall { asset: TOKEN });
    assert_eq!((info.token, info.quantum), (listed, QUANTA[usize::from(TOKEN)]));
    assert_eq!(world.view(&Exchange::assetCountCall {}), U256::from(3));

    // As if 65,536 were listed: the count is the only word that is 3.
    let slots: Vec<_> = (0..64u64)
        .map(U256::from)
        .filter(|slot| world.chain.storage(world.exchange, *slot) == U256::from(3))
        .collect();
    assert_eq!(slots.len(), 1);
    world.chain.set_storage(world.exchange, slots[0], U256::from(65_536));
    let token = world.chain.deploy(world.admin, &Token::BYTECODE, &[]);
    world.admin(&call(token, 1)).refused::<Exchange::TooManyAssets>();
}

#[test]
fn a_false_proof_cannot_pay_one_asset_from_another() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 5).done();
    world.deposit(BOB, TOKEN, 1).done();
    world.seal(Vec::new());
    world.settle();
    // Two of the signers lie: a withdrawal that no execution made.
    let false_withdrawal = transition::Withdrawal {
        index: 900,
        owner: types::Address(person(BOB).into()),
        asset: AssetId(TOKEN),
        amount: types::Quanta(2),
    };
    let mut sealed = world.seal(vec![opening(1).remove(0)]);
    sealed.withdrawals = vec![false_withdrawal];
    sealed.claim.withdrawals_root = false_withdrawal.leaf::<transition::Native>();
    *world.batches.last_mut().unwrap() = sealed;
    world.settle();
    let error = world.anybody(&world.claim_call(3, 0)).refused::<Exchange::InsufficientCustody>();
    assert_eq!(error.held, World::wei(TOKEN, 1));
}
