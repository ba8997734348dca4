//! The operator takes the L1 queue's entries as they are and in their order, or proves a claim that the contract
//! refuses: the contract compares position and rolling hash with its own.

use transition::{Authorisation, Claim, Native, TransitionError, execute, l1_hash};
use types::{
    AccountId, Address, AssetId, Command, MarketId, OrderRef, Origin, Quanta, Sequenced, SessionKey, Side,
    Timestamp,
};

use crate::support::*;

/// What the contract holds after these entries.
fn contract(before: &Exchange, entries: &[Sequenced]) -> (u64, [u8; 32]) {
    let claim = before.claim.as_ref().unwrap();
    let mut queue = (claim.l1_position, claim.l1_hash);
    for entry in entries {
        queue.1 = l1_hash::<Native>(&queue.1, queue.0, entry.account, &entry.command).unwrap();
        queue.0 += 1;
    }
    queue
}

fn queue(claim: &Claim) -> (u64, [u8; 32]) {
    (claim.l1_position, claim.l1_hash)
}

/// One entry of each kind.
fn entries() -> Sealed {
    let mut exchange = busy_exchange();
    exchange.deposit(1, QUOTE, 77).l1(2, withdraw(QUOTE, 5));
    exchange.l1(3, Command::MassCancel { market: Some(MARKET), side: Some(Side::Buy) });
    exchange.l1(4, Command::RegisterSession { key: SessionKey([9; 32]), expires: Timestamp(9_999_999) });
    exchange.seal()
}

#[test]
fn the_claim_ends_where_the_contract_ends() {
    let sealed = entries();
    let claim = execute::<Native>(&sealed.input).unwrap();
    assert_eq!(queue(&claim), contract(&sealed.before, &sealed.list));
}

#[test]
fn a_batch_without_entries_leaves_the_queue_as_it_is() {
    let mut exchange = busy_exchange();
    let before = exchange.claim.clone().unwrap();
    exchange.session(1, buy(5, 1));
    assert_eq!(queue(&exchange.seal().output.claim), queue(&before));
}

#[test]
fn entries_cannot_be_skipped_repeated_or_swapped() {
    let sealed = entries();
    let first = sealed.before.l1_position;
    let take =
        |order: &[usize]| -> Vec<Sequenced> { order.iter().map(|at| sealed.list[*at].clone()).collect() };
    let wrong = |place: u64, found: u64, expected: u64| {
        let sequence = sealed.before.sequence + 1 + place;
        Err(TransitionError::L1Queue { sequence, found: first + found, expected: first + expected })
    };
    let attempt = |list: &[Sequenced]| sealed.before.attempt(list, &Authorisation::default());
    assert_eq!(attempt(&take(&[1, 2, 3])), wrong(0, 1, 0));
    assert_eq!(attempt(&take(&[0, 2, 3])), wrong(1, 2, 1));
    assert_eq!(attempt(&take(&[0, 0, 1])), wrong(1, 0, 1));
    assert_eq!(attempt(&take(&[0, 1, 3, 2])), wrong(2, 3, 2));
    // Numbered to fit, they are other entries.
    for order in [&[1, 2, 3][..], &[0, 2, 3], &[0, 0, 1, 2], &[1, 0, 2, 3], &[0, 1, 3, 2]] {
        let mut list = take(order);
        for (at, sequenced) in list.iter_mut().enumerate() {
            sequenced.origin = Origin::L1(first + at as u64);
        }
        let claim = attempt(&list).unwrap();
        for consumed in 0..=sealed.list.len() {
            assert_ne!(queue(&claim), contract(&sealed.before, &sealed.list[..consumed]));
        }
    }
    // A batch may stop early: the rest comes next.
    let claim = attempt(&take(&[0, 1])).unwrap();
    assert_eq!(queue(&claim), contract(&sealed.before, &sealed.list[..2]));
}

#[test]
fn positions_at_the_end_of_numbers_are_wrong_positions() {
    let sealed = entries();
    let mut list = sealed.list.clone();
    list[0].origin = Origin::L1(u64::MAX);
    let (sequence, expected) = (list[0].sequence, sealed.before.l1_position);
    let error = sealed.before.attempt(&list, &Authorisation::default());
    assert_eq!(error, Err(TransitionError::L1Queue { sequence, found: u64::MAX, expected }));
}

#[test]
fn every_field_of_an_entry_is_in_the_hash() {
    let sealed = entries();
    let honest = contract(&sealed.before, &sealed.list);
    let owner = owner(AccountId(1));
    let other = SessionKey([8; 32]);
    let expires = Timestamp(9_999_999);
    let changes: Vec<(usize, u32, Command)> = vec![
        (0, 2, sealed.list[0].command.clone()),
        (0, 1, Command::Deposit { owner, asset: QUOTE, amount: Quanta(78) }),
        (0, 1, Command::Deposit { owner, asset: BASE, amount: Quanta(77) }),
        (0, 1, Command::Deposit { owner: Address([1; 20]), asset: QUOTE, amount: Quanta(77) }),
        (1, 3, withdraw(QUOTE, 5)),
        (1, 2, withdraw(QUOTE, 4)),
        (1, 2, withdraw(AssetId(1), 5)),
        (2, 3, Command::MassCancel { market: Some(MARKET), side: Some(Side::Sell) }),
        (2, 3, Command::MassCancel { market: Some(MARKET), side: None }),
        (2, 3, Command::MassCancel { market: None, side: Some(Side::Buy) }),
        (2, 3, Command::MassCancel { market: Some(MarketId(u16::MAX)), side: Some(Side::Buy) }),
        (3, 5, sealed.list[3].command.clone()),
        (3, 4, Command::RegisterSession { key: other, expires }),
        (3, 4, Command::RegisterSession { key: SessionKey([9; 32]), expires: Timestamp::NEVER }),
    ];
    for (at, account, command) in changes {
        let mut list = sealed.list.clone();
        (list[at].account, list[at].command) = (AccountId(account), command);
        let claim = sealed.before.attempt(&list, &Authorisation::default()).unwrap();
        assert_ne!(claim.l1_hash, honest.1, "{:?}", list[at]);
        assert_eq!(claim.l1_position, honest.0);
    }
}

#[test]
fn only_what_the_queue_can_hold_comes_from_it() {
    let sealed = entries();
    let operator = Command::Operator(types::OperatorCommand::AdvanceTime.into());
    let replace = Command::Replace {
        market: MARKET,
        order: OrderRef::Client(types::ClientOrderId(1)),
        price: types::Price(1),
        quantity: types::Quantity(1),
        left: None,
    };
    let cancel = Command::Cancel { market: MARKET, order: OrderRef::Id(types::OrderId(1)) };
    for command in [buy(1, 1), cancel, replace, operator] {
        let mut list = sealed.list.clone();
        list[1].command = command;
        let sequence = list[1].sequence;
        let error = sealed.before.attempt(&list, &Authorisation::default());
        assert_eq!(error, Err(TransitionError::NotAnL1Command { sequence }));
    }
}
