//! Everybody gets their money, once: withdrawals, the freeze, escapes, refunds.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall as _;
use contracts::bindings::Exchange;
use proptest::prelude::*;
use transition::{Native, Withdrawal, WithdrawalTree, balance_key};
use types::{
    AssetId, Command, MarketId, Origin, Place, Price, Quanta, Quantity, SessionKey, Side, Timestamp,
};

use crate::chain::{digest, person};
use crate::ledger::{opening, withdrawal};
use crate::world::{
    ALICE, BOB, COIN, DEADLINE, FINALITY_DELAY, FINALITY_GRACE, FORCE_FEE, SILENT, TOKEN, World,
};

/// Alice has 100 of the coin and 50 of the token, and five withdrawals of the coin in batch 2, which is final.
fn withdrawn() -> World {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 100).done();
    world.deposit(ALICE, TOKEN, 50).done();
    let alice = world.account(person(ALICE));
    let take = |amount| (alice, Origin::Owner, withdrawal(alice, COIN, amount).2);
    world.seal((1..=5).map(take).collect());
    world.settle();
    world
}

#[test]
fn a_withdrawal_is_claimed_once_by_anybody_for_its_owner() {
    let mut world = withdrawn();
    let before = world.chain.balance(person(ALICE));
    for place in [4, 0, 2, 1, 3] {
        let call = world.claim_call(2, place);
        assert!(!world.view(&Exchange::isClaimedCall { index: place as u64 }));
        let outcome = world.anybody(&call).done();
        assert_eq!(outcome.events::<Exchange::WithdrawalClaimed>()[0].index, place as u64);
        assert!(world.view(&Exchange::isClaimedCall { index: place as u64 }));
        let error = world.anybody(&call).refused::<Exchange::AlreadyClaimed>();
        assert_eq!(error.index, place as u64);
    }
    for place in 0..5 {
        world.anybody(&world.claim_call(2, place)).refused::<Exchange::AlreadyClaimed>();
    }
    assert_eq!(world.chain.balance(person(ALICE)), before + World::wei(COIN, 15));
    assert_eq!(world.view(&Exchange::heldCall { asset: COIN }), World::wei(COIN, 85));
}

#[test]
fn a_withdrawal_of_a_batch_that_is_not_final_waits() {
    let mut world = withdrawn();
    let alice = world.account(person(ALICE));
    world.seal(vec![(alice, Origin::Owner, withdrawal(alice, COIN, 9).2)]);
    let call = world.claim_call(3, 0);
    world.anybody(&call).refused::<Exchange::NotInBatch>();
    world.commit(&world.claims(3, 3)).done();
    world.anybody(&call).refused::<Exchange::NotInBatch>();
    world.prove(&world.claims(3, 3)).done();
    world.anybody(&call).refused::<Exchange::NotInBatch>();
    world.settle();
    world.anybody(&call).done();
}

#[test]
fn a_changed_withdrawal_or_path_is_refused() {
    let mut world = withdrawn();
    let good = world.claim_call(2, 1);
    let mut refuse = |change: &dyn Fn(&mut Exchange::claimWithdrawalCall)| {
        let mut call = good.clone();
        change(&mut call);
        world.anybody(&call).refused::<Exchange::NotInBatch>();
    };
    refuse(&|call| call.batch = 1);
    refuse(&|call| call.batch = 3);
    refuse(&|call| call.withdrawal.index += 1);
    refuse(&|call| call.withdrawal.owner = person(BOB));
    refuse(&|call| call.withdrawal.asset = TOKEN);
    refuse(&|call| call.withdrawal.amount += 1);
    refuse(&|call| call.place = 0);
    refuse(&|call| call.place += 1 << call.siblings.len());
    refuse(&|call| call.siblings[0][0] ^= 1);
    refuse(&|call| call.siblings.truncate(1));
    refuse(&|call| call.siblings.clear());
    refuse(&|call| call.siblings.push(B256::ZERO));
    refuse(&|call| call.siblings = vec![B256::ZERO; 65]);
}

#[test]
fn the_chain_alone_gives_the_path_of_every_withdrawal() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 100).done();
    let alice = world.account(person(ALICE));
    world.seal((1..=5).map(|amount| (alice, Origin::Owner, withdrawal(alice, COIN, amount).2)).collect());
    world.seal(vec![opening(1).remove(0)]);
    let claims = world.claims(2, 3);
    world.commit(&claims).done();
    world.prove(&claims).done();
    world.chain.time += FINALITY_DELAY;
    let logs = world.finalise(&claims).done().events::<Exchange::BatchWithdrawals>();
    // The third batch has none, and no event.
    let [event] = &logs[..] else { panic!("{logs:?}") };
    assert_eq!(event.batch, 2);
    let published = contracts::withdrawals_of(event);
    assert_eq!(published, world.batches[1].withdrawals);
    let tree = WithdrawalTree::<Native>::new(&published);
    for (place, withdrawal) in published.iter().enumerate() {
        let path = tree.path(place as u64).unwrap();
        let call = Exchange::claimWithdrawalCall {
            batch: event.batch,
            withdrawal: (*withdrawal).into(),
            place: place as u64,
            siblings: path.siblings.iter().map(B256::from).collect(),
            recipient: person(ALICE),
        };
        world.anybody(&call).done();
    }
}

#[test]
fn a_batch_is_not_final_without_exactly_its_withdrawals() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 100).done();
    let alice = world.account(person(ALICE));
    world.seal((1..=5).map(|amount| (alice, Origin::Owner, withdrawal(alice, COIN, amount).2)).collect());
    let claims = world.claims(2, 2);
    world.commit(&claims).done();
    world.prove(&claims).done();
    world.chain.time += FINALITY_DELAY;
    let good: Vec<Exchange::Withdrawal> =
        world.batches[1].withdrawals.iter().copied().map(Into::into).collect();
    world.finalise_with(&claims, Vec::new()).refused::<Exchange::WithdrawalsMissing>();
    let error = world
        .finalise_with(&claims, vec![good.clone(), Vec::new()])
        .refused::<Exchange::WithdrawalsMissing>();
    assert_eq!((error.claims, error.lists), (U256::from(1), U256::from(2)));
    let error = world.finalise_with(&claims, vec![Vec::new()]).refused::<Exchange::WrongWithdrawals>();
    assert_eq!((error.batch, error.expected), (2, B256::from(claims[0].withdrawals_root)));
    let mut refuse = |change: &dyn Fn(&mut Vec<Exchange::Withdrawal>)| {
        let mut list = good.clone();
        change(&mut list);
        world.finalise_with(&claims, vec![list]).refused::<Exchange::WrongWithdrawals>();
    };
    refuse(&|list| list.truncate(4));
    refuse(&|list| list.push(list[4].clone()));
    refuse(&|list| list.swap(0, 1));
    refuse(&|list| list[4].index += 1);
    refuse(&|list| list[4].owner = person(BOB));
    refuse(&|list| list[4].asset = TOKEN);
    refuse(&|list| list[4].amount += 1);
    world.finalise_with(&claims, vec![good]).done();
}

#[test]
fn any_path_of_any_tree_leads_to_its_root() {
    // Through the contract alone, with roots that attestors swear to.
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    let base = World::open();
    runner
        .run(&(1u64..70, any::<u16>(), any::<prop::sample::Index>()), |(count, owners, which)| {
            let mut world = base.clone();
            world.deposit(ALICE, COIN, 1_000_000).done();
            world.seal(Vec::new());
            let withdrawals: Vec<_> = (0..count)
                .map(|number| Withdrawal {
                    index: number * 7 + 300,
                    owner: types::Address(person(u64::from(owners) + number).into()),
                    asset: AssetId(COIN),
                    amount: Quanta(number + 1),
                })
                .collect();
            let batch = world.batches.last_mut().unwrap();
            batch.claim.withdrawals_root = WithdrawalTree::<Native>::new(&withdrawals).root();
            batch.withdrawals = withdrawals;
            world.settle();
            let place = which.index(count as usize);
            let call = world.claim_call(2, place);
            prop_assert!(world.anybody(&call).done);
            prop_assert!(!world.anybody(&call).done);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_exchange_freezes_only_when_an_entry_is_overdue() {
    let mut world = World::open();
    world.chain.time += 10 * DEADLINE;
    world.anybody(&Exchange::freezeCall {}).refused::<Exchange::NothingOverdue>();
    world.deposit(ALICE, COIN, 1).done();
    world.chain.time += DEADLINE;
    world.anybody(&Exchange::freezeCall {}).refused::<Exchange::NothingOverdue>();
    let mut kept = world.clone();
    kept.seal(Vec::new());
    kept.commit(&kept.claims(2, 2)).done();
    kept.prove(&kept.claims(2, 2)).done();
    // Proved in time: it has the time that finality takes, whoever makes it final, and no more.
    kept.chain.time += FINALITY_DELAY + FINALITY_GRACE;
    kept.anybody(&Exchange::freezeCall {}).refused::<Exchange::NothingOverdue>();
    let mut late = kept.clone();
    late.chain.time += 1;
    let outcome = late.anybody(&Exchange::freezeCall {}).done();
    assert_eq!(outcome.events::<Exchange::Frozen>()[0].overduePosition, 0);
    kept.finalise(&kept.claims(2, 2)).done();
    kept.chain.time += 1;
    kept.anybody(&Exchange::freezeCall {}).refused::<Exchange::NothingOverdue>();

    world.chain.time += 1;
    let outcome = world.anybody(&Exchange::freezeCall {}).done();
    let event = &outcome.events::<Exchange::Frozen>()[0];
    assert_eq!((event.overduePosition, event.finalBatch), (0, 1));
    assert_eq!(event.finalRoot, B256::from(world.final_ledger().root()));
    assert!(world.view(&Exchange::frozenCall {}));
    world.anybody(&Exchange::freezeCall {}).refused::<Exchange::ExchangeFrozen>();
}

#[test]
fn a_proof_excuses_no_entry_after_it() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    world.deposit(BOB, COIN, 1).done();
    world.chain.time += DEADLINE;
    world.seal_some(1, Vec::new());
    world.commit(&world.claims(2, 2)).done();
    world.prove(&world.claims(2, 2)).done();
    world.anybody(&Exchange::freezeCall {}).refused::<Exchange::NothingOverdue>();
    world.chain.time += 1;
    let outcome = world.anybody(&Exchange::freezeCall {}).done();
    assert_eq!(outcome.events::<Exchange::Frozen>()[0].overduePosition, 1);
}

#[test]
fn a_batch_whose_withdrawals_are_kept_back_does_not_put_the_freeze_off_for_ever() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 9).done();
    world.force(person(ALICE), &Exchange::forceWithdrawCall { asset: COIN, amount: 9 }).done();
    let sealed = world.seal(Vec::new());
    assert_eq!(sealed.withdrawals.len(), 1);
    world.commit(&world.claims(2, 2)).done();
    world.prove(&world.claims(2, 2)).done();
    world.chain.time += DEADLINE + FINALITY_DELAY + FINALITY_GRACE + 1;
    world.finalise_with(&world.claims(2, 2), vec![Vec::new()]).refused::<Exchange::WrongWithdrawals>();
    world.anybody(&Exchange::freezeCall {}).done();
    world.anybody(&world.refund_call(0)).done();
}

#[test]
fn an_entry_forced_later_does_not_hide_an_older_one() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    world.chain.time += DEADLINE;
    world.deposit(BOB, COIN, 1).done();
    world.seal_some(1, Vec::new());
    world.settle();
    world.chain.time += DEADLINE - 3_600;
    world.anybody(&Exchange::freezeCall {}).refused::<Exchange::NothingOverdue>();
    world.chain.time += 1;
    world.anybody(&Exchange::freezeCall {}).done();
}

#[test]
fn a_deposit_in_the_block_of_the_freeze_is_safe() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    world.chain.time += DEADLINE + 1;
    // Before the freeze, in the same block: refundable. After it: refused.
    let before = world.chain.balance(person(BOB));
    world.deposit(BOB, COIN, 7).done();
    world.anybody(&Exchange::freezeCall {}).done();
    world.deposit(BOB, COIN, 7).refused::<Exchange::ExchangeFrozen>();
    world.anybody(&world.refund_call(1)).done();
    assert_eq!(world.chain.balance(person(BOB)), before);
    world.anybody(&world.refund_call(0)).done();
    assert_eq!(world.view(&Exchange::heldCall { asset: COIN }), U256::ZERO);
    assert_eq!(world.chain.balance(world.exchange), U256::ZERO);
}

#[test]
fn after_a_freeze_everybody_leaves_with_the_last_final_state() {
    let mut world = withdrawn();
    // Committed and proved, and lost in the freeze: the withdrawal of 80 never happened.
    let alice = world.account(person(ALICE));
    world.deposit(BOB, TOKEN, 3).done();
    world.seal(vec![(alice, Origin::Owner, withdrawal(alice, COIN, 80).2)]);
    world.commit(&world.claims(3, 3)).done();
    world.prove(&world.claims(3, 3)).done();
    let escape = world.escape_call(person(ALICE), COIN);
    world.anybody(&escape).refused::<Exchange::NotFrozen>();
    world.anybody(&world.refund_call(2)).refused::<Exchange::NotFrozen>();
    world.freeze();

    let before = world.chain.balance(person(ALICE));
    let outcome = world.anybody(&escape).done();
    let event = &outcome.events::<Exchange::Escaped>()[0];
    assert_eq!((event.account, event.amount), (alice.0, U256::from(85)));
    assert_eq!(world.chain.balance(person(ALICE)), before + World::wei(COIN, 85));
    world.anybody(&escape).refused::<Exchange::AlreadyEscaped>();
    assert!(world.view(&Exchange::isEscapedCall { account: alice.0, asset: COIN }));
    assert!(!world.view(&Exchange::isEscapedCall { account: alice.0, asset: TOKEN }));
    world.anybody(&world.escape_call(person(ALICE), TOKEN)).done();

    // Withdrawals of final batches stay claimable, later ones never are.
    for place in 0..5 {
        world.anybody(&world.claim_call(2, place)).done();
    }
    world.anybody(&world.claim_call(3, 0)).refused::<Exchange::NotInBatch>();

    let refund = world.refund_call(2);
    world.anybody(&refund).done();
    let error = world.anybody(&refund).refused::<Exchange::AlreadyRefunded>();
    assert_eq!(error.position, 2);
    assert!(world.view(&Exchange::isRefundedCall { position: 2 }));
    for asset in [COIN, TOKEN, SILENT] {
        // The fee of the freeze's forced operation stays.
        let burned = U256::from(if asset == COIN { FORCE_FEE } else { 0 });
        assert_eq!(world.money(world.exchange, asset), burned);
        assert_eq!(world.view(&Exchange::heldCall { asset }), U256::ZERO);
    }
}

#[test]
fn money_in_open_orders_leaves_too() {
    let mut world = World::open();
    world.deposit(ALICE, TOKEN, 5_000).done();
    let session = Exchange::registerSessionCall { key: digest(1), expires: u64::MAX };
    world.force(person(ALICE), &session).done();
    let alice = world.account(person(ALICE));
    let order = Place::limit(MarketId(0), Side::Buy, Price(100), Quantity(7));
    world.seal(vec![(alice, Origin::Session, Command::Place(order))]);
    world.settle();
    let (free, locked) = world.final_ledger().balance(alice, AssetId(TOKEN));
    assert!(locked >= 700 && free + locked == 5_000);
    world.freeze();
    let outcome = world.anybody(&world.escape_call(person(ALICE), TOKEN)).done();
    assert_eq!(outcome.events::<Exchange::Escaped>()[0].amount, U256::from(5_000));
}

#[test]
fn an_exit_ends_the_session_cancels_and_withdraws_in_one_call() {
    let mut world = World::open();
    world.deposit(ALICE, TOKEN, 5_000).done();
    world.deposit(ALICE, COIN, 70).done();
    let session = Exchange::registerSessionCall { key: digest(1), expires: u64::MAX };
    world.force(person(ALICE), &session).done();
    let alice = world.account(person(ALICE));
    let order = |price| {
        let place = Place::limit(MarketId(0), Side::Buy, Price(price), Quantity(7));
        (alice, Origin::Session, Command::Place(place))
    };
    world.seal(vec![order(100)]);
    let exit = Exchange::forceExitCall { assets: vec![TOKEN, COIN] };
    for entries in [0, 1, 3, 5] {
        let fees = U256::from(entries * FORCE_FEE);
        world.send(person(ALICE), fees, &exit).refused::<Exchange::WrongValue>();
    }
    let outcome = world.send(person(ALICE), U256::from(4 * FORCE_FEE), &exit).done();
    assert_eq!(Exchange::forceExitCall::abi_decode_returns(&outcome.output).unwrap(), 3);
    let [session, cancel, token, coin] = &world.entries[3..] else { panic!() };
    assert_eq!(session.command, Command::RegisterSession { key: SessionKey([0; 32]), expires: Timestamp(0) });
    assert_eq!(cancel.command, Command::MassCancel { market: None, side: None });
    let most = Quanta(u64::MAX);
    assert_eq!(token.command, Command::Withdraw { asset: AssetId(TOKEN), amount: most });
    assert_eq!(coin.command, Command::Withdraw { asset: AssetId(COIN), amount: most });

    // An operator that puts what she signed before between the entries gains nothing: the session has ended.
    let commands = world.entries[3..]
        .iter()
        .flat_map(|entry| [(alice, Origin::L1(entry.position), entry.command.clone()), order(102)])
        .collect();
    let sealed = world.seal_some(0, commands);
    let amounts: Vec<_> = sealed.withdrawals.iter().map(|out| (out.asset.0, out.amount.0)).collect();
    assert_eq!(amounts, [(TOKEN, 5_000), (COIN, 70)]);
    world.settle();
    for place in 0..2 {
        world.anybody(&world.claim_call(3, place)).done();
    }
}

#[test]
fn an_exit_names_a_few_assets_that_are_listed() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 5).done();
    let mut exit = |user: u64, assets: Vec<u16>| {
        let fees = U256::from((assets.len() as u64 + 2) * FORCE_FEE);
        world.send(person(user), fees, &Exchange::forceExitCall { assets })
    };
    exit(ALICE, vec![]).refused::<Exchange::BadExit>();
    exit(ALICE, vec![COIN; 17]).refused::<Exchange::BadExit>();
    exit(ALICE, vec![COIN, 3]).refused::<Exchange::UnknownAsset>();
    exit(BOB, vec![COIN]).refused::<Exchange::NoAccount>();
    exit(ALICE, vec![COIN; 16]).done();
}

#[test]
fn only_the_owner_redirects_an_escape_or_a_refund() {
    let mut world = withdrawn();
    world.deposit(ALICE, TOKEN, 3).done();
    world.freeze();
    let escape = Exchange::escapeCall { recipient: person(BOB), ..world.escape_call(person(ALICE), COIN) };
    let refund = Exchange::refundDepositCall { recipient: person(BOB), ..world.refund_call(2) };
    world.anybody(&escape).refused::<Exchange::NotOwner>();
    world.anybody(&refund).refused::<Exchange::NotOwner>();
    let before = world.chain.balance(person(BOB));
    world.send(person(ALICE), U256::ZERO, &escape).done();
    world.send(person(ALICE), U256::ZERO, &refund).done();
    assert_eq!(world.chain.balance(person(BOB)), before + World::wei(COIN, 85));
}

#[test]
fn only_deposits_that_no_final_batch_took_are_refunded() {
    let mut world = withdrawn();
    world.deposit(BOB, COIN, 4).done();
    world.deposit(BOB, COIN, 5).done();
    world.freeze();
    let consumed = world.refund_call(1);
    world.anybody(&consumed).refused::<Exchange::Consumed>();
    let good = world.refund_call(2);
    let mut refuse = |change: &dyn Fn(&mut Exchange::refundDepositCall)| {
        let mut call = good.clone();
        change(&mut call);
        world.anybody(&call).refused::<Exchange::NotThatDeposit>();
    };
    refuse(&|call| call.position += 1);
    refuse(&|call| call.position = 4);
    refuse(&|call| call.position = 5);
    refuse(&|call| call.position = 500);
    refuse(&|call| call.account += 1);
    refuse(&|call| call.owner = person(ALICE));
    refuse(&|call| call.asset = TOKEN);
    refuse(&|call| call.amount += 1);
    world.anybody(&good).done();
}

#[test]
fn a_balance_is_proved_as_rust_proves_it() {
    let mut world = withdrawn();
    world.deposit(BOB, SILENT, 123).done();
    world.seal(Vec::new());
    world.settle();
    world.freeze();
    let mut state = world.final_ledger();
    for (user, asset) in [(ALICE, COIN), (ALICE, TOKEN), (BOB, SILENT)] {
        let account = world.account(person(user));
        let proof = state.tree.prove(balance_key(account, AssetId(asset))).unwrap();
        let root = state.root();
        let value = state::verify::<state::Sha256Hash>(root, proof.key, &proof).unwrap().unwrap();
        let balance = transition::decode_balance(value).unwrap();
        let outcome = world.anybody(&world.escape_call(person(user), asset)).done();
        let event = &outcome.events::<Exchange::Escaped>()[0];
        assert_eq!(event.amount, U256::from(balance.free.0 + balance.locked.0));
    }
}

#[test]
fn a_malformed_balance_proof_is_refused() {
    let mut world = withdrawn();
    world.deposit(BOB, COIN, 1).done();
    world.seal(Vec::new());
    world.settle();
    world.freeze();
    let good = world.escape_call(person(ALICE), COIN);
    let mut escape = |proof: Vec<u8>| {
        let call = Exchange::escapeCall { proof: proof.into(), ..good.clone() };
        world.anybody(&call)
    };
    let bytes = good.proof.to_vec();
    // Every single bit counts.
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!escape(changed).done, "byte {at}");
    }
    for bytes in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[]] {
        escape(bytes.to_vec()).refused::<Exchange::BadProofLength>();
    }
    let change = |at: usize, to: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    escape(change(44, &[0, 17])).refused::<Exchange::BadProofLength>();
    escape(change(12, &[8])).refused::<Exchange::WrongKey>();
    escape(change(28, &[0; 16])).refused::<Exchange::MalformedEntry>();
    escape(change(4, &[0; 4])).refused::<Exchange::MalformedEntry>();
    escape(change(53, &[0xff])).refused::<Exchange::WrongStateRoot>();
    escape(change(1_000, &[0xff])).refused::<Exchange::WrongStateRoot>();
    escape(bytes.clone()).done();

    // Another one's balance, a proof of absence, an owner without an account.
    let bob = world.balance_proof(world.account(person(BOB)), COIN);
    let call = Exchange::escapeCall { proof: bob, ..good.clone() };
    world.anybody(&call).refused::<Exchange::WrongKey>();
    let absent = world.balance_proof(world.account(person(ALICE)), SILENT);
    let call = Exchange::escapeCall { asset: SILENT, proof: absent, ..good.clone() };
    assert!(!world.anybody(&call).done);
    let call = Exchange::escapeCall { owner: person(77), ..good.clone() };
    world.anybody(&call).refused::<Exchange::NoAccount>();
    let call = Exchange::escapeCall { recipient: Address::ZERO, ..world.escape_call(person(ALICE), TOKEN) };
    world.anybody(&call).refused::<Exchange::ZeroAddress>();
}

#[test]
fn accounts_beyond_the_capacity_get_their_deposits_back() {
    let mut world = World::open();
    // The state has room for eight accounts, the operator's among them.
    for user in 1..=9 {
        world.fund(person(user));
        world.deposit(user, COIN, user).done();
    }
    let sealed = world.seal(Vec::new());
    assert_eq!(sealed.withdrawals.len(), 2);
    world.settle();
    for place in 0..2 {
        world.anybody(&world.claim_call(2, place)).done();
    }
    let held: u64 = (1..=7).sum();
    assert_eq!(world.view(&Exchange::heldCall { asset: COIN }), World::wei(COIN, held));
}

#[test]
fn an_empty_exchange_freezes_and_refunds() {
    let mut world = World::new();
    world.deposit(ALICE, COIN, 5).done();
    world.seal(opening(3));
    world.freeze();
    world.anybody(&world.refund_call(0)).done();
    let proof: Bytes = vec![0; 62 + 1_024].into();
    let call = Exchange::escapeCall { owner: person(ALICE), asset: COIN, proof, recipient: person(ALICE) };
    assert!(!world.anybody(&call).done);
}
