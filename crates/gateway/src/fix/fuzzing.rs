//! What the fuzz targets read through: messages as they come, and what is understood of them or answered; and the notes of
//! sessions.
#![allow(missing_docs, reason = "as they are called inside")]

use std::sync::Arc;

use ::fix::{Body, Message};
use types::{AccountId, MarketId, OrderId, OrderRef, Place, Price, Quantity, Side};

use super::known::{Known, Notes};
use super::market_data::{self, Subscriptions};
use super::names::{Names, Use};
use super::reports;
use super::requests::{self, Change, Named, NewOrder, Problem, Scope};
use super::tags::{self, kind};
use crate::view::{Market, View};

/// What a MarketDataRequest costs.
pub fn weight(message: &Message) -> u32 {
    market_data::weight(message)
}

/// How a session answers a request that it does not carry out.
fn refusal(message: &Message, problem: Problem) -> Body {
    match (problem, message.kind()) {
        (Problem::Field(error), _) => reports::field_reject(message, error),
        (Problem::Refused(reason, why), kind::MARKET_DATA_REQUEST) => {
            market_data::reject(message, (reason, &why))
        }
        (Problem::Refused(reason, why), kind::NEW_ORDER_SINGLE) => {
            reports::rejected(message, (reason, &why), None)
        }
        (Problem::Refused(reason, why), kind::ORDER_MASS_CANCEL_REQUEST) => {
            reports::mass_cancel(message, Err((reason, &why)), None)
        }
        (Problem::Refused(_, why), kind::ORDER_STATUS_REQUEST) => reports::unknown_order(message, &why),
        (Problem::Refused(reason, why), _) => reports::cancel_reject(message, None, (reason, &why), None),
    }
}

pub fn new_order(message: &Message, view: &View, account: AccountId) -> Result<(Place, String), Body> {
    let read = NewOrder::read(message, view, account);
    read.map(|order| (order.place, order.cl_ord_id)).map_err(|problem| refusal(message, problem))
}

/// The order that a cancellation, a replacement or a status request means.
pub fn named(message: &Message, view: &View) -> Result<(Arc<Market>, OrderRef), Body> {
    let read = || {
        let market = requests::market(message, view, 1)?;
        let id = requests::request_id(message, tags::CL_ORD_ID)?;
        assert!(id.len() <= 64);
        Ok((market, Named::read(message, tags::ORIG_CL_ORD_ID)?.reference()))
    };
    read().map_err(|problem| refusal(message, problem))
}

pub fn change(message: &Message, market: &Market) -> Result<(Price, Quantity), Body> {
    let read = Change::read(message, market);
    read.map(|change| (change.price, change.quantity)).map_err(|problem| refusal(message, problem))
}

pub fn scope(message: &Message, view: &View) -> Result<(Option<MarketId>, Option<Side>), Body> {
    let read = Scope::read(message, view);
    read.map(|scope| (scope.market.map(|market| market.id), scope.side))
        .map_err(|problem| refusal(message, problem))
}

/// A session's subscriptions to market data.
#[derive(Default)]
pub struct MarketData(Subscriptions);

impl MarketData {
    pub fn request(&mut self, message: &Message, view: &View, limit: usize) -> Result<Vec<Body>, Body> {
        self.0.request(message, view, limit).map_err(|problem| refusal(message, problem))
    }

    pub fn tick(&mut self, view: &View) -> Vec<Body> {
        self.0.tick(view)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Keys and values as the store keeps them.
pub type Stored = Vec<(Vec<u8>, Vec<u8>)>;

fn stored(notes: Notes) -> Stored {
    let mut list: Stored = notes.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    list.sort();
    list
}

/// What is read of a session's notes, written again.
pub fn known_again(notes: &[(Vec<u8>, Vec<u8>)]) -> Option<Stored> {
    Known::read(notes).map(|known| stored(known.notes()))
}

/// Which ClOrdIDs a session has used.
pub struct Book(Names);

impl Book {
    pub fn read(notes: &[(Vec<u8>, Vec<u8>)]) -> Option<Self> {
        Names::read(notes).map(Self)
    }

    pub fn stored(&self) -> Stored {
        stored(self.0.notes())
    }

    /// Whether it replaces an order, and which order it is.
    pub fn find(&self, market: MarketId, name: &str) -> Option<(bool, Option<OrderId>)> {
        self.0.find(market, name).map(|used| (used.replaces, used.order))
    }

    pub fn add(&mut self, market: MarketId, name: &str, replaces: bool) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.0.add(Use { market, name: name.to_owned(), replaces, order: None })
    }

    pub fn placed(
        &mut self,
        market: MarketId,
        name: &str,
        order: OrderId,
    ) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.0.placed(market, name, order)
    }

    pub fn remove(&mut self, market: MarketId, name: &str) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.0.remove(market, name)
    }

    pub fn unsure(&self) -> usize {
        self.0.unsure().len()
    }
}
