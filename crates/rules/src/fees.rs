//! Fees and what an open order sets aside.
//!
//! All fees are in quote quanta. A taker's fee is rounded up, over the whole order and not fill by fill, so
//! rounding costs a taker less than one quantum an order. A maker's fee and rebate are rounded down. What is
//! collected is therefore never less than what is paid out.
//!
//! A resting buy order sets aside `n + floor(n * maker fee)` for its remaining notional `n`. That always
//! suffices: `floor(a + b) - floor(a) >= floor(b)`, so each fill releases at least what it costs. An incoming
//! buy needs `n + ceil(n * taker fee)` up front; with a part `s` filled and a rest `r` that suffices for both,
//! since `ceil(a) + floor(b) <= ceil(a + b)` and a maker's fee is never above the taker's.

use types::{Quanta, Rate, Side};

use crate::{Order, OrderKind};

/// What a taker pays in total on orders that traded `notional` so far: rounded up.
#[must_use]
#[inline]
pub fn taker_fee(notional: u64, rate: Rate) -> u64 {
    share(notional, rate.0.unsigned_abs(), Rate::ONE - 1)
}

/// What a maker pays on a fill of `notional`: rounded down; negative is a rebate, also rounded down.
#[must_use]
#[inline]
pub fn maker_fee(notional: u64, rate: Rate) -> i64 {
    let fee = share(notional, rate.0.unsigned_abs(), 0).cast_signed();
    if rate.0 < 0 { -fee } else { fee }
}

/// `(notional * rate + round) / 1_000_000`. A rate is at most 10 %, so the result fits.
#[inline]
fn share(notional: u64, rate: u32, round: u64) -> u64 {
    match notional.checked_mul(rate.into()).and_then(|product| product.checked_add(round)) {
        Some(product) => product / Rate::ONE,
        None => {
            let product = u128::from(notional) * u128::from(rate) + u128::from(round);
            (product / u128::from(Rate::ONE)) as u64
        }
    }
}

/// The most notional that `quanta` can pay for together with a taker's fee on it.
#[inline]
pub(crate) fn affordable_notional(quanta: u64, rate: Rate) -> u64 {
    let one = u128::from(Rate::ONE);
    (u128::from(quanta) * one / (one + u128::from(rate.0.unsigned_abs()))) as u64
}

/// The notional of `quantity` lots at `price` ticks, if it fits.
#[inline]
pub(crate) fn notional(price: u32, quantity: u64, tick: u64) -> Option<u64> {
    u64::from(price).checked_mul(tick)?.checked_mul(quantity)
}

/// What an open order sets aside, in base quanta for a sell and quote quanta for a buy.
#[inline]
pub(crate) fn reserve(order: &Order, lot: u64, tick: u64) -> Quanta {
    reserve_of(order, order.quantity.0, lot, tick)
}

/// What it would set aside with `quantity` left.
#[inline]
pub(crate) fn reserve_of(order: &Order, quantity: u64, lot: u64, tick: u64) -> Quanta {
    Quanta(match (order.side, order.kind) {
        (Side::Sell, _) => quantity * lot,
        (Side::Buy, OrderKind::MarketBudget) => order.budget.0,
        (Side::Buy, _) => {
            let notional = u64::from(order.price.0) * tick * quantity;
            let rate = Rate(order.fee_rate.0.max(0));
            notional
                + if order.is_waiting() {
                    taker_fee(notional, rate)
                } else {
                    maker_fee(notional, rate).unsigned_abs()
                }
        }
    })
}
