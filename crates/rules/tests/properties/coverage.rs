//! The random commands reach every kind of result.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};

use rules::model_flow::{flow, genesis};
use rules::{ModelStore, execute};
use types::{
    AccountId, Address, AssetId, CancelReason, Event, Fill, MarketId, OrderId, Outcome, Phase, PhaseCause,
    Price, Quanta, Quantity, Reject, SessionKey, Side, Timestamp,
};

const REASONS: [CancelReason; 9] = [
    CancelReason::Requested,
    CancelReason::Mass,
    CancelReason::Expired,
    CancelReason::Immediate,
    CancelReason::SelfTrade,
    CancelReason::Funds,
    CancelReason::Collar,
    CancelReason::Halted,
    CancelReason::TriggerRefused,
];
const CAUSES: [PhaseCause; 3] = [PhaseCause::Operator, PhaseCause::Breaker, PhaseCause::Time];

/// One of each variant.
fn kinds() -> Vec<Event> {
    let (order, market, account, asset) = (OrderId(1), MarketId(0), AccountId(1), AssetId(0));
    let (side, price, quantity, amount) = (Side::Buy, Price(1), Quantity(1), Quanta(1));
    let owner = Address::default();
    vec![
        Event::Fill(Fill {
            market,
            taker_side: side,
            maker: order,
            taker: order,
            maker_account: account,
            taker_account: account,
            price,
            quantity,
            maker_fee: 0,
            taker_fee: amount,
        }),
        Event::Rested { order, market, account, side, price, quantity },
        Event::Waiting { order, market, account, side, trigger: price },
        Event::Triggered { order, market, account },
        Event::Replaced {
            order,
            market,
            account,
            old_price: price,
            old_quantity: quantity,
            price,
            quantity,
            kept_place: true,
        },
        Event::Cancelled {
            order,
            market,
            account,
            side,
            price,
            quantity,
            remaining: quantity,
            resting: true,
            reason: CancelReason::Requested,
        },
        Event::AccountOpened { account, owner },
        Event::Deposited { account, asset, amount },
        Event::Withdrawn { index: 0, account, owner, asset, amount },
        Event::SessionRegistered { account, key: SessionKey::default(), expires: Timestamp(0) },
        Event::AssetListed { asset },
        Event::MarketCreated { market },
        Event::MarketChanged { market },
        Event::PhaseChanged { market, phase: Phase::Open, cause: PhaseCause::Operator },
        Event::AccountSuspended { account, suspended: true },
        Event::LimitsSet { account, market },
        Event::ExchangeHalted { halted: true },
    ]
}

fn missing<T: Copy + PartialEq + std::fmt::Debug>(all: &[T], seen: &[T]) -> Vec<T> {
    all.iter().copied().filter(|one| !seen.contains(one)).collect()
}

#[test]
fn every_rejection_cancel_reason_and_kind_of_event_occurs() {
    let mut rejects: Vec<Reject> = Vec::new();
    let mut reasons: Vec<CancelReason> = Vec::new();
    let mut causes: Vec<PhaseCause> = Vec::new();
    let mut events: Vec<Discriminant<Event>> = Vec::new();
    let mut counts = std::collections::BTreeMap::<u16, u64>::new();
    let mut fills = 0;
    let mut total = 0;
    for seed in 0..6 {
        let mut store = ModelStore::open(&genesis());
        for command in flow(seed, 8_000) {
            total += 1;
            let Ok(outcome) = execute(&mut store, &command, &mut |event| {
                events.push(discriminant(&event));
                match event {
                    Event::Cancelled { reason, .. } => reasons.push(reason),
                    Event::PhaseChanged { cause, .. } => causes.push(cause),
                    Event::Fill(_) => fills += 1,
                    _ => {}
                }
            });
            if let Outcome::Rejected(reason) = outcome {
                rejects.push(reason);
                *counts.entry(reason.code()).or_default() += 1;
            }
        }
    }
    println!("{total} commands, {fills} fills, {} rejected: {counts:?}", rejects.len());
    assert_eq!(missing(Reject::ALL, &rejects), []);
    assert_eq!(missing(&REASONS, &reasons), []);
    assert_eq!(missing(&CAUSES, &causes), []);
    let all: Vec<_> = kinds().iter().map(discriminant).collect();
    let absent: Vec<_> = kinds().into_iter().filter(|kind| !events.contains(&discriminant(kind))).collect();
    assert_eq!(absent, []);
    assert!(
        all.len() == kinds().len() && events.iter().all(|event| all.contains(event)),
        "a kind is not listed"
    );
    assert!(rejects.len() * 2 < total, "most commands should be carried out");
    assert!(fills * 8 > total, "much should trade");
    let distinct: BTreeSet<u16> = rejects.iter().map(|reason| reason.code()).collect();
    assert_eq!(distinct.len(), Reject::ALL.len());
}
