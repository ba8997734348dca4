//! Reading a new order: which parameters go with which type, and what they mean to the rules.

use std::str::FromStr;
use std::sync::Arc;

use types::{
    ClientOrderId, Limits, OrderType, Place, Price, Quanta, Quantity, Reject, SelfTrade, Side, TimeInForce,
    Trigger, TriggerKind,
};

use super::failure::Failure;
use super::params::Params;
use crate::client_ids;
use crate::view::{Market, View};

/// How an order is priced, by Binance's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Limit,
    Market,
    LimitMaker,
    StopLoss,
    StopLossLimit,
    TakeProfit,
    TakeProfitLimit,
}

/// How much is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Ack,
    Result,
    Full,
}

/// A new order as it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub market: Arc<Market>,
    pub place: Place,
    /// What the caller calls it, if anything.
    pub client_id: Option<String>,
    pub response: Response,
}

/// Parameters of orders that there are not here.
const UNKNOWN: [&str; 7] = [
    "icebergQty",
    "trailingDelta",
    "pegPriceType",
    "pegOffsetValue",
    "pegOffsetType",
    "stopLimitPrice",
    "sideEffectType",
];

impl NewOrder {
    pub fn read(params: &Params, view: &View) -> Result<Self, Failure> {
        let market = params.market(view)?;
        params.required("side")?;
        let side = params.choice::<SideName>("side", -1117, "Invalid side.")?.map(|name| name.0);
        let side = side.ok_or_else(|| Failure::missing("side"))?;
        params.required("type")?;
        let kind = params.choice::<Kind>("type", -1116, "Invalid orderType.")?;
        let kind = kind.ok_or_else(|| Failure::missing("type"))?;
        if let Some(name) = UNKNOWN.iter().find(|name| params.has(name)) {
            return Err(Failure::not_required(name));
        }
        let given = Given::read(params, &market)?;
        let (order_type, time_in_force, trigger) = given.terms(kind, side)?;
        let self_trade = match params.text("selfTradePreventionMode")? {
            None => SelfTrade::default(),
            Some(text) => self_trade(text).ok_or_else(|| {
                Failure::new(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
            })?,
        };
        let response = params.choice(
            "newOrderRespType",
            -1130,
            "Data sent for parameter 'newOrderRespType' is not valid.",
        )?;
        let usual = if matches!(kind, Kind::Market | Kind::Limit) { Response::Full } else { Response::Ack };
        let client_id = params.client_id("newClientOrderId")?.map(str::to_owned);
        let number = client_id.as_deref().map_or_else(client_ids::fresh, client_ids::number);
        let place = Place {
            market: market.id,
            side,
            order_type,
            time_in_force,
            post_only: kind == Kind::LimitMaker,
            self_trade,
            trigger,
            client_id: number,
        };
        Ok(Self { market, place, client_id, response: response.unwrap_or(usual) })
    }

    /// What the rules will say of the order by itself, whatever the book and the account hold. `limits`: also of the market's
    /// limits.
    pub fn check(&self, limits: bool) -> Result<(), Reject> {
        let (params, place) = (&self.market.params, &self.place);
        let bounds = if limits { params.limits } else { Limits::NONE };
        let within = |price: Price| price.0 != 0 && price <= params.max_price;
        let (quantity, notional) = match place.order_type {
            OrderType::Limit { price, quantity } => {
                (quantity.0, u128::from(price.0) * u128::from(quantity.0) * u128::from(params.tick))
            }
            OrderType::Market { quantity } => (quantity.0, 0),
            OrderType::MarketBudget { budget } => (0, budget.0.into()),
        };
        if quantity == 0 && notional == 0 {
            return Err(Reject::ZeroQuantity);
        }
        if matches!(place.order_type, OrderType::Limit { price, .. } if !within(price)) {
            return Err(Reject::PriceOutOfRange);
        }
        if let Some(trigger) = place.trigger {
            if !within(trigger.price) {
                return Err(Reject::PriceOutOfRange);
            }
            if place.side == Side::Buy && matches!(place.order_type, OrderType::Market { .. }) {
                return Err(Reject::BudgetRequired);
            }
        }
        if quantity > bounds.max_quantity.0 {
            return Err(Reject::QuantityLimit);
        }
        if notional > u128::from(bounds.max_notional.0) {
            return Err(Reject::NotionalLimit);
        }
        Ok(())
    }

    pub fn number(&self) -> ClientOrderId {
        self.place.client_id
    }
}

/// The terms that were sent, whatever the type.
struct Given {
    quantity: Option<Quantity>,
    budget: Option<Quanta>,
    price: Option<Price>,
    trigger: Option<Price>,
    time_in_force: Option<TimeInForce>,
}

impl Given {
    fn read(params: &Params, market: &Market) -> Result<Self, Failure> {
        let price = |name: &str| -> Result<Option<Price>, Failure> {
            let ticks = params.units(name, market.price, market.quote.scale, "PRICE_FILTER")?;
            let fit = |ticks| u32::try_from(ticks).map(Price).map_err(|_| Failure::filter("PRICE_FILTER"));
            ticks.map(fit).transpose()
        };
        let (base, quote) = (market.base.scale, market.quote.scale);
        let time_in_force = params.choice::<Life>("timeInForce", -1115, "Invalid timeInForce.")?;
        Ok(Self {
            quantity: params.units("quantity", market.quantity, base, "LOT_SIZE")?.map(Quantity),
            budget: params.units("quoteOrderQty", quote, quote, "NOTIONAL")?.map(Quanta),
            price: price("price")?,
            trigger: price("stopPrice")?,
            time_in_force: time_in_force.map(|life| life.0),
        })
    }

    fn terms(&self, kind: Kind, side: Side) -> Result<(OrderType, TimeInForce, Option<Trigger>), Failure> {
        let trigger = match kind {
            Kind::StopLoss | Kind::StopLossLimit => Some(TriggerKind::StopLoss),
            Kind::TakeProfit | Kind::TakeProfitLimit => Some(TriggerKind::TakeProfit),
            _ => None,
        };
        let trigger = match (trigger, self.trigger) {
            (Some(kind), Some(price)) => Some(Trigger { kind, price }),
            (Some(_), None) => return Err(Failure::missing("stopPrice")),
            (None, Some(_)) => return Err(Failure::not_required("stopPrice")),
            (None, None) => None,
        };
        let order_type = match kind {
            Kind::Market | Kind::StopLoss | Kind::TakeProfit => {
                absent(self.price.is_some(), "price")?;
                absent(self.time_in_force.is_some(), "timeInForce")?;
                return Ok((self.market_order(side)?, TimeInForce::Ioc, trigger));
            }
            Kind::Limit | Kind::LimitMaker | Kind::StopLossLimit | Kind::TakeProfitLimit => {
                absent(self.budget.is_some(), "quoteOrderQty")?;
                let quantity = self.quantity.ok_or_else(|| Failure::missing("quantity"))?;
                let price = self.price.ok_or_else(|| Failure::missing("price"))?;
                OrderType::Limit { price, quantity }
            }
        };
        let time_in_force = if kind == Kind::LimitMaker {
            absent(self.time_in_force.is_some(), "timeInForce")?;
            TimeInForce::Gtc
        } else {
            self.time_in_force.ok_or_else(|| Failure::missing("timeInForce"))?
        };
        Ok((order_type, time_in_force, trigger))
    }

    fn market_order(&self, side: Side) -> Result<OrderType, Failure> {
        match (self.quantity, self.budget) {
            (Some(quantity), None) => Ok(OrderType::Market { quantity }),
            (None, Some(budget)) if side == Side::Buy => Ok(OrderType::MarketBudget { budget }),
            (None, Some(_)) => {
                Err(Failure::new(-1128, "Only a market buy can have quoteOrderQty; a sell has a quantity."))
            }
            (Some(_), Some(_)) => Err(Failure::new(-1128, "Combination of optional parameters invalid.")),
            (None, None) => Err(Failure::missing("quantity")),
        }
    }
}

fn absent(present: bool, name: &str) -> Result<(), Failure> {
    if present { Err(Failure::not_required(name)) } else { Ok(()) }
}

struct SideName(Side);

impl FromStr for SideName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "BUY" => Ok(Self(Side::Buy)),
            "SELL" => Ok(Self(Side::Sell)),
            _ => Err(()),
        }
    }
}

struct Life(TimeInForce);

impl FromStr for Life {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "GTC" => Ok(Self(TimeInForce::Gtc)),
            "IOC" => Ok(Self(TimeInForce::Ioc)),
            "FOK" => Ok(Self(TimeInForce::Fok)),
            _ => Err(()),
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "LIMIT" => Self::Limit,
            "MARKET" => Self::Market,
            "LIMIT_MAKER" => Self::LimitMaker,
            "STOP_LOSS" => Self::StopLoss,
            "STOP_LOSS_LIMIT" => Self::StopLossLimit,
            "TAKE_PROFIT" => Self::TakeProfit,
            "TAKE_PROFIT_LIMIT" => Self::TakeProfitLimit,
            _ => return Err(()),
        })
    }
}

impl FromStr for Response {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "ACK" => Ok(Self::Ack),
            "RESULT" => Ok(Self::Result),
            "FULL" => Ok(Self::Full),
            _ => Err(()),
        }
    }
}

fn self_trade(text: &str) -> Option<SelfTrade> {
    Some(match text {
        "EXPIRE_TAKER" => SelfTrade::ExpireTaker,
        "EXPIRE_MAKER" => SelfTrade::ExpireMaker,
        "EXPIRE_BOTH" => SelfTrade::ExpireBoth,
        "DECREMENT" => SelfTrade::Decrement,
        _ => return None,
    })
}
