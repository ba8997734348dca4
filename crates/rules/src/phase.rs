//! Open and halted: kill switches, the circuit breaker, and the way back.

use types::{Event, MarketId, MarketParams, Phase, PhaseCause, Price, Rate, Reject, Timestamp};

use crate::execute::{Stop, reject};
use crate::ledger::Run;
use crate::{EventSink, Market, Store};

/// The circuit breaker's view of a market while an order matches.
pub(crate) struct Window {
    pub start: Timestamp,
    pub price: Price,
    band: u32,
}

impl Window {
    /// The window that holds at `now`: a new one begins when the old one's time is over. After a halt the
    /// first trade opens it, at whatever price the collar allows: measuring from the price before the halt
    /// would only halt again.
    #[inline]
    pub fn at(market: &Market, now: Timestamp) -> Self {
        let breaker = market.params.breaker;
        let over = now.0.saturating_sub(market.window_start.0) >= breaker.window;
        if market.window_price.0 == 0 {
            Self { start: now, price: Price(0), band: breaker.band }
        } else if over {
            Self { start: now, price: market.reference(), band: breaker.band }
        } else {
            Self { start: market.window_start, price: market.window_price, band: breaker.band }
        }
    }

    /// Whether a trade at `price` would move too far.
    #[inline]
    pub fn breaks(&mut self, price: Price) -> bool {
        if self.band == 0 {
            return false;
        }
        if self.price.0 == 0 {
            self.price = price;
        }
        let moved = u64::from(price.0.abs_diff(self.price.0));
        moved * Rate::ONE > u64::from(self.band) * u64::from(self.price.0)
    }
}

/// The lowest and highest price within the collar; all prices when there is no collar or nothing to measure
/// from.
#[inline]
pub(crate) fn collar(params: &MarketParams, reference: Price) -> (Price, Price) {
    if params.collar == 0 || reference.0 == 0 {
        return (Price(1), params.max_price);
    }
    let reach = u64::from(reference.0) * u64::from(params.collar) / Rate::ONE;
    let lowest = u64::from(reference.0).saturating_sub(reach).max(1);
    let highest = (u64::from(reference.0) + reach).min(params.max_price.0.into());
    (Price(lowest as u32), Price(highest as u32))
}

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// The market, if orders are accepted in it now. A timed halt that is over ends here.
    #[inline]
    pub fn open_market(&mut self, id: MarketId) -> Result<(), Stop<S::Error>> {
        let Some(market) = self.store.market(id)? else { return reject(Reject::UnknownMarket) };
        if let Phase::Halted { until } = market.phase {
            if self.now < until {
                return reject(Reject::MarketHalted);
            }
            market.triggers_pending = true;
            self.set_phase(id, Phase::Open, PhaseCause::Time)?;
        }
        if self.store.market(id)?.is_some_and(|market| market.triggers_pending) && !self.run_triggers(id)? {
            return reject(Reject::TriggersPending);
        }
        // The triggered orders may have broken the circuit.
        match self.store.market(id)? {
            Some(market) if market.phase == Phase::Open => Ok(()),
            _ => reject(Reject::MarketHalted),
        }
    }

    /// Halts a market for as long as its breaker says.
    pub fn break_circuit(&mut self, id: MarketId) -> Result<(), S::Error> {
        let halt = self.store.market(id)?.map_or(0, |market| market.params.breaker.halt);
        let until = match halt {
            0 => Timestamp::NEVER,
            halt => Timestamp(self.now.0.saturating_add(halt)),
        };
        self.set_phase(id, Phase::Halted { until }, PhaseCause::Breaker)
    }

    /// Sets a market's phase and says so.
    pub fn set_phase(&mut self, id: MarketId, phase: Phase, cause: PhaseCause) -> Result<(), S::Error> {
        if let Some(market) = self.store.market(id)? {
            market.phase = phase;
            if phase == Phase::Open {
                market.window_price = Price(0);
                market.triggers_pending = true;
            }
            self.emit(Event::PhaseChanged { market: id, phase, cause });
        }
        Ok(())
    }
}
