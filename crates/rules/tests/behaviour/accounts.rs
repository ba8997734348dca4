//! Deposits, withdrawals, sessions, and who may do what.

use types::{
    AccountId, Address, AssetId, Command, Event, OperatorCommand, Origin, Outcome, Quanta, Reject,
    SessionKey, Side, Timestamp,
};

use crate::support::*;

const DAN: AccountId = AccountId(5);

fn deposit(owner: Address, asset: AssetId, amount: u64) -> Command {
    Command::Deposit { owner, asset, amount: Quanta(amount) }
}

fn withdraw(amount: u64) -> Command {
    Command::Withdraw { asset: USD, amount: Quanta(amount) }
}

fn register(expires: u64) -> Command {
    Command::RegisterSession { key: SessionKey([7; 32]), expires: Timestamp(expires) }
}

#[test]
fn the_first_deposit_opens_the_next_account() {
    let mut exchange = Exchange::new();
    assert_eq!(exchange.l1(DAN, deposit(owner(DAN), USD, 70)), Outcome::Done);
    let (account, owner) = (DAN, owner(DAN));
    let opened = Event::AccountOpened { account, owner };
    let deposited = Event::Deposited { account, asset: USD, amount: Quanta(70) };
    assert_eq!(exchange.events, [opened, deposited]);
    assert_eq!(exchange.free(DAN, USD), 70);
    assert_eq!(exchange.refuse(DAN, buy(1, 1)), Reject::SessionExpired);
}

#[test]
fn a_deposit_that_cannot_be_credited_goes_back() {
    let mut exchange = Exchange::new();
    let stranger = Address([0xdd; 20]);
    for (account, owner, asset, amount) in [
        (ANN, stranger, USD, 10),
        (ANN, owner(ANN), AssetId(2), 10),
        (ANN, owner(ANN), USD, u64::MAX),
        (AccountId(77), stranger, USD, 10),
        (AccountId(u32::MAX), stranger, AssetId(u16::MAX), u64::MAX),
    ] {
        let index = exchange.store.counters().withdrawals;
        assert_eq!(exchange.l1(account, deposit(owner, asset, amount)), Outcome::Done);
        let back = Event::Withdrawn { index, account, owner, asset, amount: Quanta(amount) };
        assert_eq!(exchange.events, [back]);
        assert_eq!(exchange.free(ANN, USD), RICH);
    }
}

#[test]
fn a_deposit_to_an_exchange_full_of_accounts_goes_back() {
    let mut exchange = Exchange::new();
    exchange.l1(DAN, deposit(owner(DAN), USD, 1));
    let (account, stranger) = (AccountId(6), Address([0xdd; 20]));
    exchange.l1(account, deposit(stranger, USD, 9));
    assert!(matches!(exchange.events[..], [Event::Withdrawn { amount: Quanta(9), .. }]));
    assert_eq!(exchange.store.accounts().count(), 6);
}

#[test]
fn only_a_free_balance_can_be_withdrawn() {
    let mut exchange = Exchange::new();
    exchange.buy(ANN, 100, 100);
    for (command, reason) in [
        (withdraw(RICH - 9_999), Reject::InsufficientBalance),
        (withdraw(u64::MAX), Reject::InsufficientBalance),
        (withdraw(0), Reject::ZeroQuantity),
        (Command::Withdraw { asset: AssetId(2), amount: Quanta(1) }, Reject::UnknownAsset),
    ] {
        assert_eq!(refused(exchange.send(ANN, command)), reason);
    }
    assert_eq!(exchange.send(ANN, withdraw(RICH - 10_000)), Outcome::Done);
    assert!(
        matches!(exchange.events[..], [Event::Withdrawn { index: 0, owner, .. }] if owner == Address([1; 20]))
    );
    assert_eq!((exchange.free(ANN, USD), exchange.locked(ANN, USD)), (0, 10_000));
    assert_eq!(exchange.send_from(Origin::Owner, BOB, withdraw(1)), Outcome::Done);
    assert!(matches!(exchange.events[..], [Event::Withdrawn { index: 1, .. }]));
}

#[test]
fn a_forced_withdrawal_takes_what_is_free() {
    let mut exchange = Exchange::new();
    exchange.buy(ANN, 100, 100);
    exchange.operator(OperatorCommand::SuspendAccount { account: ANN, suspended: true });
    exchange.operator(OperatorCommand::HaltExchange { halted: true });
    assert_eq!(exchange.l1(ANN, withdraw(u64::MAX)), Outcome::Done);
    assert!(matches!(exchange.events[..], [Event::Withdrawn { amount: Quanta(990_000), .. }]));
    assert_eq!(refused(exchange.l1(ANN, withdraw(1))), Reject::InsufficientBalance);
    assert_eq!(exchange.l1(ANN, Command::MassCancel { market: None, side: None }), Outcome::Done);
    assert_eq!(exchange.l1(ANN, withdraw(10_000)), Outcome::Done);
    assert_eq!(refused(exchange.l1(AccountId(88), withdraw(1))), Reject::UnknownAccount);
}

#[test]
fn a_session_ends_at_its_time_and_a_new_one_begins() {
    let mut exchange = Exchange::new();
    let end = exchange.now + 100;
    assert_eq!(exchange.send_from(Origin::Owner, ANN, register(end)), Outcome::Done);
    assert!(matches!(exchange.events[..], [Event::SessionRegistered { account: ANN, .. }]));
    exchange.now += 99;
    let order = exchange.buy(ANN, 90, 1);
    exchange.now += 1;
    assert_eq!(exchange.refuse(ANN, buy(90, 1)), Reject::SessionExpired);
    assert_eq!(refused(exchange.cancel(ANN, order)), Reject::SessionExpired);
    assert_eq!(exchange.book(Side::Buy).len(), 1);
    assert_eq!(exchange.l1(ANN, register(u64::MAX)), Outcome::Done);
    assert_eq!(exchange.cancel(ANN, order), Outcome::Done);
}

#[test]
fn each_command_may_come_only_from_where_it_belongs() {
    let mut exchange = Exchange::new();
    let operator = || Command::Operator(OperatorCommand::AdvanceTime.into());
    let cancel = || Command::Cancel { market: MARKET, order: types::OrderRef::Id(types::OrderId(1)) };
    let nobody = AccountId(99);
    for (origin, account, command, reason) in [
        (Origin::Session, nobody, withdraw(1), Reject::UnknownAccount),
        (Origin::Owner, nobody, withdraw(1), Reject::UnknownAccount),
        (Origin::Session, ANN, operator(), Reject::NotOperator),
        (Origin::Owner, ANN, operator(), Reject::NotOperator),
        (Origin::Owner, rules::OPERATOR, operator(), Reject::NotOperator),
        (Origin::L1(0), rules::OPERATOR, operator(), Reject::NotAuthorised),
        (Origin::Session, ANN, deposit(owner(ANN), USD, 5), Reject::NotAuthorised),
        (Origin::Owner, ANN, deposit(owner(ANN), USD, 5), Reject::NotAuthorised),
        (Origin::Session, ANN, register(u64::MAX), Reject::NotAuthorised),
        (Origin::L1(0), ANN, Command::Place(buy(90, 1)), Reject::NotAuthorised),
        (Origin::L1(0), ANN, cancel(), Reject::NotAuthorised),
    ] {
        let wanted = format!("{origin:?} {command:?}");
        assert_eq!(refused(exchange.send_from(origin, account, command)), reason, "{wanted}");
        assert_eq!(exchange.events, []);
    }
    let outcome = exchange.send_from(Origin::Owner, ANN, Command::Place(buy(90, 1)));
    assert!(matches!(outcome, Outcome::Accepted(_)));
}

#[test]
fn whatever_the_owner_signs_counts_once() {
    let mut exchange = Exchange::new();
    let nonce = |exchange: &Exchange| {
        exchange.store.accounts().find(|(id, _)| *id == ANN).map(|(_, a)| (a.nonce, a.sessions))
    };
    let (_, sessions) = nonce(&exchange).expect("Ann has an account");
    exchange.send_from(Origin::Owner, ANN, withdraw(u64::MAX));
    exchange.send_from(Origin::Owner, ANN, register(u64::MAX));
    exchange.send_from(Origin::Owner, ANN, deposit(owner(ANN), USD, 1));
    exchange.l1(ANN, register(u64::MAX));
    exchange.buy(ANN, 90, 1);
    assert_eq!(nonce(&exchange), Some((3, sessions + 2)));
}
