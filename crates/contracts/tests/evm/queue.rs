//! The queue is, entry by entry and hash by hash, what `transition` consumes.

use alloy_primitives::{B256, U256};
use contracts::bindings::Exchange;
use contracts::{QueueEntry, QueueError, QueueHash};
use proptest::prelude::*;
use types::{AccountId, AssetId, Command, MarketId, Quanta, SessionKey, Side, Timestamp};

use crate::chain::{digest, person};
use crate::world::{ALICE, BOB, COIN, DEADLINE, FORCE_FEE, TOKEN, World};

#[test]
fn accounts_are_numbered_by_first_deposits_after_the_operator() {
    let mut world = World::new();
    assert_eq!(world.account(world.operator), AccountId(0));
    world.deposit(BOB, COIN, 1).done();
    world.deposit(ALICE, COIN, 1).done();
    let outcome = world.deposit_for(person(ALICE), COIN, 1, person(BOB)).done();
    assert!(outcome.events::<Exchange::AccountOpened>().is_empty());
    assert_eq!(world.account(person(BOB)), AccountId(1));
    assert_eq!(world.account(person(ALICE)), AccountId(2));
    assert_eq!(world.view(&Exchange::accountCountCall {}), 3);
    // The state agrees: it opens the same accounts for the same owners.
    world.seal(Vec::new());
    let globals = world.entries.iter().map(|entry| entry.account.0).collect::<Vec<_>>();
    assert_eq!(globals, [1, 2, 1]);
}

#[test]
fn the_last_account_is_refused_by_name() {
    let mut world = World::new();
    // Where `accountCount` lies is found, not written here.
    let count = |world: &World| world.view(&Exchange::accountCountCall {});
    let slot = (0..32u64)
        .map(U256::from)
        .find(|slot| {
            let mut changed = world.clone();
            let word = changed.chain.storage(world.exchange, *slot);
            changed.chain.set_storage(world.exchange, *slot, word | U256::from(u32::MAX));
            count(&changed) == u32::MAX
        })
        .unwrap();
    world.chain.set_storage(world.exchange, slot, U256::from(u32::MAX));
    world.deposit(ALICE, COIN, 1).refused::<Exchange::TooManyAccounts>();
    world.deposit_for(person(ALICE), COIN, 1, world.operator).done();
}

#[test]
fn every_forced_operation_becomes_its_command() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 5).done();
    let from = person(ALICE);
    world.force(from, &Exchange::forceWithdrawCall { asset: TOKEN, amount: 9 }).done();
    for (scope, side) in [(0, 0), (1, 1), (65_536, 2)] {
        let call = Exchange::forceCancelCall { marketPlusOne: scope, side };
        world.force(from, &call).done();
    }
    let call = Exchange::registerSessionCall { key: digest(4), expires: u64::MAX };
    world.force(from, &call).done();
    let commands: Vec<_> = world.entries.iter().skip(1).map(|entry| entry.command.clone()).collect();
    assert_eq!(
        commands,
        [
            Command::Withdraw { asset: AssetId(TOKEN), amount: Quanta(9) },
            Command::MassCancel { market: None, side: None },
            Command::MassCancel { market: Some(MarketId(0)), side: Some(Side::Buy) },
            Command::MassCancel { market: Some(MarketId(65_535)), side: Some(Side::Sell) },
            Command::RegisterSession { key: SessionKey([4; 32]), expires: Timestamp(u64::MAX) },
        ]
    );
    assert!(world.entries.iter().all(|entry| entry.account == AccountId(1)));
    let sealed = world.seal(Vec::new());
    assert_eq!(sealed.claim.l1_hash, world.queue.hash);
    assert_eq!(world.view(&Exchange::queueHashCall { entries: 6 }), B256::from(sealed.claim.l1_hash));
    assert_eq!(world.view(&Exchange::enqueuedAtCall { position: 5 }), world.chain.time);
    world.settle();
}

#[test]
fn a_forced_operation_needs_an_account_and_a_meaning() {
    let mut world = World::open();
    let from = person(ALICE);
    let withdraw = |asset, amount| Exchange::forceWithdrawCall { asset, amount };
    world.force(from, &withdraw(COIN, 1)).refused::<Exchange::NoAccount>();
    let cancel = |scope, side| Exchange::forceCancelCall { marketPlusOne: scope, side };
    world.force(from, &cancel(0, 0)).refused::<Exchange::NoAccount>();
    let session = Exchange::registerSessionCall { key: digest(4), expires: 1 };
    world.force(from, &session).refused::<Exchange::NoAccount>();
    world.deposit(ALICE, COIN, 1).done();
    world.force(from, &withdraw(COIN, 0)).refused::<Exchange::BadAmount>();
    world.force(from, &withdraw(3, 1)).refused::<Exchange::UnknownAsset>();
    world.force(from, &cancel(65_537, 0)).refused::<Exchange::BadScope>();
    world.force(from, &cancel(0, 3)).refused::<Exchange::BadScope>();
}

#[test]
fn a_forced_operation_burns_exactly_its_fee() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    let held = world.view(&Exchange::heldCall { asset: COIN });
    let from = person(ALICE);
    let withdraw = Exchange::forceWithdrawCall { asset: COIN, amount: 1 };
    let cancel = Exchange::forceCancelCall { marketPlusOne: 0, side: 0 };
    let session = Exchange::registerSessionCall { key: digest(4), expires: 1 };
    for fee in [0, FORCE_FEE - 1, FORCE_FEE + 1].map(U256::from) {
        world.send(from, fee, &withdraw).refused::<Exchange::WrongValue>();
        world.send(from, fee, &cancel).refused::<Exchange::WrongValue>();
        world.send(from, fee, &session).refused::<Exchange::WrongValue>();
    }
    world.force(from, &withdraw).done();
    world.force(from, &cancel).done();
    world.force(from, &session).done();
    // Nobody is owed it.
    assert_eq!(world.view(&Exchange::heldCall { asset: COIN }), held);
    assert_eq!(world.chain.balance(world.exchange), held + U256::from(3 * FORCE_FEE));
}

#[test]
fn forced_operations_go_on_in_a_pause_and_end_with_the_freeze() {
    let mut world = World::open();
    world.deposit(ALICE, COIN, 1).done();
    world.pause();
    let from = person(ALICE);
    let cancel = Exchange::forceCancelCall { marketPlusOne: 0, side: 0 };
    let withdraw = Exchange::forceWithdrawCall { asset: COIN, amount: 1 };
    let session = Exchange::registerSessionCall { key: digest(4), expires: 1 };
    world.force(from, &cancel).done();
    world.force(from, &withdraw).done();
    world.force(from, &session).done();
    world.deposit(ALICE, COIN, 1).refused::<Exchange::Paused>();
    world.chain.time += DEADLINE;
    world.anybody(&Exchange::freezeCall {}).done();
    world.force(from, &cancel).refused::<Exchange::ExchangeFrozen>();
    world.force(from, &withdraw).refused::<Exchange::ExchangeFrozen>();
    world.force(from, &session).refused::<Exchange::ExchangeFrozen>();
    world.deposit(ALICE, COIN, 1).refused::<Exchange::ExchangeFrozen>();
}

fn commands() -> impl Strategy<Value = Command> {
    let side = prop_oneof![Just(None), Just(Some(Side::Buy)), Just(Some(Side::Sell))];
    prop_oneof![
        (any::<[u8; 20]>(), any::<u16>(), any::<u64>()).prop_map(|(owner, asset, amount)| {
            let owner = types::Address(owner);
            Command::Deposit { owner, asset: AssetId(asset), amount: Quanta(amount) }
        }),
        (any::<u16>(), any::<u64>()).prop_map(|(asset, amount)| {
            Command::Withdraw { asset: AssetId(asset), amount: Quanta(amount) }
        }),
        (any::<Option<u16>>(), side)
            .prop_map(|(market, side)| { Command::MassCancel { market: market.map(MarketId), side } }),
        (any::<[u8; 32]>(), any::<u64>()).prop_map(|(key, expires)| {
            Command::RegisterSession { key: SessionKey(key), expires: Timestamp(expires) }
        }),
    ]
}

/// The fields of an entry, as the contract has them.
fn fields(command: &Command) -> (u8, B256, U256, U256) {
    let word = |number: u64| B256::from(U256::from(number));
    match command {
        Command::Deposit { owner, asset, amount } => {
            (0, B256::left_padding_from(&owner.0), U256::from(asset.0), U256::from(amount.0))
        }
        Command::Withdraw { asset, amount } => (1, word(asset.0.into()), U256::from(amount.0), U256::ZERO),
        Command::MassCancel { market, side } => {
            let side = side.map_or(0, |side| if side == Side::Buy { 1 } else { 2 });
            (2, word(market.map_or(0, |market| u64::from(market.0) + 1)), U256::from(side), U256::ZERO)
        }
        Command::RegisterSession { key, expires } => (3, key.0.into(), U256::from(expires.0), U256::ZERO),
        _ => unreachable!(),
    }
}

#[test]
fn the_contract_hashes_any_entry_as_the_statement_does() {
    let world = World::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    runner
        .run(
            &(commands(), any::<u32>(), any::<u64>(), any::<[u8; 32]>()),
            |(command, account, position, hash)| {
                let position = position >> 1;
                let (kind, a, b, c) = fields(&command);
                let found = world.view(&Exchange::entryHashCall {
                    previous: hash.into(),
                    position,
                    account,
                    kind,
                    a,
                    b,
                    c,
                });
                let after = QueueHash { position, hash }.push(AccountId(account), &command).unwrap();
                prop_assert_eq!(found, B256::from(after.hash));
                let event = Exchange::Enqueued { position, account, kind, a, b, c, hash: found };
                let (entry, next) = QueueHash { position, hash }.take(&event).unwrap();
                prop_assert_eq!(next, after);
                prop_assert_eq!(entry, QueueEntry { position, account: AccountId(account), command });
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn events_that_are_no_entries_are_refused() {
    let queue = QueueHash::default();
    let (kind, a, b, c) = fields(&Command::MassCancel { market: None, side: None });
    let good = Exchange::Enqueued { position: 0, account: 1, kind, a, b, c, hash: digest(1) };
    assert!(matches!(queue.take(&good), Err(QueueError::Hash { .. })));
    let gap = Exchange::Enqueued { position: 1, ..good.clone() };
    assert_eq!(queue.take(&gap), Err(QueueError::Position { expected: 0, found: 1 }));
    let one = U256::ONE;
    let huge = B256::repeat_byte(0xff);
    for (kind, a, b, c) in [
        (4, a, b, c),
        (2, a, U256::from(3), c),
        (2, a, b, one),
        (2, huge, b, c),
        (1, huge, b, c),
        (1, a, b, one),
        (3, a, b, one),
        (3, a, U256::MAX, c),
        (0, huge, b, c),
        (0, a, U256::MAX, c),
        (0, a, b, U256::MAX),
    ] {
        let bad = Exchange::Enqueued { kind, a, b, c, ..good.clone() };
        assert_eq!(queue.take(&bad), Err(QueueError::Malformed { position: 0, kind }), "{bad:?}");
    }
}
