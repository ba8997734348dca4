//! What the operator may do: list, create, change, halt. Sequenced, proved, and bound by the same state.

use types::{
    AccountId, AssetId, AssetParams, Event, Limits, MarketId, MarketParams, Outcome, Phase, PhaseCause,
    Quanta, Rate, Reject, Timestamp,
};

use crate::execute::{Stop, reject};
use crate::ledger::Run;
use crate::{Asset, EventSink, Market, Store};

/// Neither fee may exceed 10 %.
const MAX_FEE: i32 = 100_000;

impl<S: Store, E: EventSink> Run<'_, S, E> {
    pub fn list_asset(&mut self, params: AssetParams) -> Result<Outcome, Stop<S::Error>> {
        if params.quantum == 0 {
            return reject(Reject::BadAssetParams);
        }
        let globals = self.store.globals();
        if globals.assets == globals.capacity.assets {
            return reject(Reject::CapacityReached);
        }
        let asset = AssetId(globals.assets);
        globals.assets += 1;
        self.store.add_asset(asset, Asset { params, total: Quanta(0) })?;
        self.emit(Event::AssetListed { asset });
        Ok(Outcome::Done)
    }

    pub fn create_market(&mut self, params: &MarketParams) -> Result<Outcome, Stop<S::Error>> {
        self.check_params(params)?;
        let globals = self.store.globals();
        let levels = globals.price_levels.checked_add(params.max_price.0);
        let Some(levels) = levels.filter(|levels| *levels <= globals.capacity.price_levels) else {
            return reject(Reject::CapacityReached);
        };
        if globals.markets == globals.capacity.markets {
            return reject(Reject::CapacityReached);
        }
        let market = MarketId(globals.markets);
        globals.markets += 1;
        globals.price_levels = levels;
        self.store.add_market(market, Market::new(*params))?;
        self.emit(Event::MarketCreated { market });
        Ok(Outcome::Done)
    }

    pub fn change_market(&mut self, id: MarketId, params: &MarketParams) -> Result<Outcome, Stop<S::Error>> {
        self.check_params(params)?;
        let Some(market) = self.store.market(id)? else { return reject(Reject::UnknownMarket) };
        let old = &market.params;
        if (old.base, old.quote, old.lot, old.tick, old.max_price)
            != (params.base, params.quote, params.lot, params.tick, params.max_price)
        {
            return reject(Reject::FixedParameter);
        }
        market.params = *params;
        self.emit(Event::MarketChanged { market: id });
        Ok(Outcome::Done)
    }

    fn check_params(&mut self, params: &MarketParams) -> Result<(), Stop<S::Error>> {
        let fees = (0..=MAX_FEE).contains(&params.taker_fee.0)
            && (-params.taker_fee.0..=params.taker_fee.0).contains(&params.maker_fee.0);
        let sane = fees
            && params.base != params.quote
            && params.lot != 0
            && params.tick != 0
            && (1..=MarketParams::MAX_TICKS).contains(&params.max_price.0)
            && params.reference_price <= params.max_price
            && u64::from(params.collar) <= Rate::ONE
            && u64::from(params.breaker.band) <= Rate::ONE;
        if !sane {
            return reject(Reject::BadMarketParams);
        }
        if self.store.asset(params.base)?.is_none() || self.store.asset(params.quote)?.is_none() {
            return reject(Reject::UnknownAsset);
        }
        if self.store.account(params.fee_account)?.is_none() {
            return reject(Reject::UnknownAccount);
        }
        Ok(())
    }

    pub fn halt_market(&mut self, id: MarketId, until: Timestamp) -> Result<Outcome, Stop<S::Error>> {
        let Some(market) = self.store.market(id)? else { return reject(Reject::UnknownMarket) };
        let phase = Phase::Halted { until };
        if market.phase == phase {
            return reject(Reject::NothingToDo);
        }
        self.set_phase(id, phase, PhaseCause::Operator)?;
        Ok(Outcome::Done)
    }

    pub fn resume_market(&mut self, id: MarketId) -> Result<Outcome, Stop<S::Error>> {
        let Some(market) = self.store.market(id)? else { return reject(Reject::UnknownMarket) };
        if market.phase == Phase::Open {
            return reject(Reject::NothingToDo);
        }
        self.set_phase(id, Phase::Open, PhaseCause::Operator)?;
        Ok(Outcome::Done)
    }

    pub fn suspend_account(&mut self, id: AccountId, suspended: bool) -> Result<Outcome, Stop<S::Error>> {
        let Some(account) = self.store.account(id)? else { return reject(Reject::UnknownAccount) };
        if account.suspended == suspended {
            return reject(Reject::NothingToDo);
        }
        account.suspended = suspended;
        self.emit(Event::AccountSuspended { account: id, suspended });
        Ok(Outcome::Done)
    }

    pub fn set_limits(
        &mut self,
        id: AccountId,
        market: MarketId,
        limits: Option<Limits>,
    ) -> Result<Outcome, Stop<S::Error>> {
        if self.store.market(market)?.is_none() {
            return reject(Reject::UnknownMarket);
        }
        if self.store.account(id)?.is_none() {
            return reject(Reject::UnknownAccount);
        }
        let had = self.store.limits(id, market)?.is_some();
        if !had && limits.is_none() {
            return reject(Reject::NothingToDo);
        }
        if let Some(account) = self.store.account(id)? {
            match (had, limits.is_some()) {
                (false, true) => account.custom_limits += 1,
                (true, false) => account.custom_limits -= 1,
                _ => {}
            }
        }
        self.store.set_limits(id, market, limits)?;
        self.emit(Event::LimitsSet { account: id, market });
        Ok(Outcome::Done)
    }

    pub fn halt_exchange(&mut self, halted: bool) -> Result<Outcome, Stop<S::Error>> {
        let globals = self.store.globals();
        if globals.halted == halted {
            return reject(Reject::NothingToDo);
        }
        globals.halted = halted;
        self.emit(Event::ExchangeHalted { halted });
        Ok(Outcome::Done)
    }
}
