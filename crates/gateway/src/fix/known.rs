//! What a session has told of orders: so that after a crash it goes on where it was, and under which names orders go.

use std::collections::HashMap;

use types::{MarketId, OrderId};

use super::names::Names;
use crate::view::{Order, OrderStatus};

/// The key of the note that says up to which command everything was told.
const CURSOR: &[u8] = b"cursor";

/// What is written down with a message.
pub(super) type Notes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// What was told of an order that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub market: MarketId,
    /// Lots traded.
    pub executed: u64,
    /// Its limit, in ticks.
    pub price: u32,
    /// Lots asked for in all.
    pub quantity: u64,
    /// The name that a replacement gave it; the exchange does not know of it.
    pub name: Option<String>,
}

/// What a session has told of orders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Everything up to this command was told.
    pub cursor: u64,
    open: HashMap<OrderId, Told>,
    /// Orders by the names that replacements gave them.
    names: HashMap<String, OrderId>,
}

impl Known {
    /// As noted; `None` when nothing was told yet.
    pub fn read(notes: &[(Vec<u8>, Vec<u8>)]) -> Option<Self> {
        let mut known = Self::default();
        let mut begun = false;
        for (key, value) in notes.iter().filter(|(key, _)| !Names::is_key(key)) {
            if key == CURSOR {
                known.cursor = u64::from_le_bytes(*value.first_chunk()?);
                begun = true;
            } else {
                known.insert(OrderId(u64::from_be_bytes(key.as_slice().try_into().ok()?)), decode(value)?);
            }
        }
        begun.then_some(known)
    }

    /// The open orders that were told of.
    pub fn open(&self) -> impl Iterator<Item = (OrderId, &Told)> {
        self.open.iter().map(|(id, told)| (*id, told))
    }

    /// Whether an order that is open was told of.
    pub fn is_open(&self, id: OrderId) -> bool {
        self.open.contains_key(&id)
    }

    /// The name that a replacement gave an order.
    pub fn name(&self, id: OrderId) -> Option<&str> {
        self.open.get(&id).and_then(|told| told.name.as_deref())
    }

    /// The order that a replacement gave this name.
    pub fn find(&self, name: &str) -> Option<OrderId> {
        self.names.get(name).copied()
    }

    /// An order is told of as it is now, under a new name or the one it had. Says what to note with that.
    pub fn tell(&mut self, order: &Order, name: Option<&str>) -> Notes {
        let before = self.remove(order.id);
        let key = order.id.0.to_be_bytes().to_vec();
        if !matches!(order.status, OrderStatus::New | OrderStatus::PartiallyFilled) {
            return vec![(key, None)];
        }
        let told = Told {
            market: order.market,
            executed: order.executed.0,
            price: order.price.0,
            quantity: order.quantity.0,
            name: name.map(str::to_owned).or(before.and_then(|before| before.name)),
        };
        let value = encode(&told);
        self.insert(order.id, told);
        vec![(key, Some(value))]
    }

    /// Nobody knows of an order any more.
    pub fn forget(&mut self, id: OrderId) -> (Vec<u8>, Option<Vec<u8>>) {
        self.remove(id);
        (id.0.to_be_bytes().to_vec(), None)
    }

    /// Everything up to a command was told.
    pub fn reached(&mut self, sequence: u64) -> (Vec<u8>, Option<Vec<u8>>) {
        self.cursor = sequence;
        (CURSOR.to_vec(), Some(sequence.to_le_bytes().to_vec()))
    }

    /// All that is noted.
    #[cfg(feature = "fuzzing")]
    pub fn notes(&self) -> Notes {
        let cursor = (CURSOR.to_vec(), Some(self.cursor.to_le_bytes().to_vec()));
        let open = self.open.iter().map(|(id, told)| (id.0.to_be_bytes().to_vec(), Some(encode(told))));
        open.chain([cursor]).collect()
    }

    fn insert(&mut self, id: OrderId, told: Told) {
        if let Some(name) = &told.name {
            self.names.insert(name.clone(), id);
        }
        self.open.insert(id, told);
    }

    fn remove(&mut self, id: OrderId) -> Option<Told> {
        let told = self.open.remove(&id)?;
        if let Some(name) = &told.name {
            self.names.remove(name);
        }
        Some(told)
    }
}

/// Market (2 bytes), executed (8), price (4), quantity (8), all little endian; then the name, if there is one.
fn encode(told: &Told) -> Vec<u8> {
    let name = told.name.as_deref().unwrap_or_default();
    [
        &told.market.0.to_le_bytes()[..],
        &told.executed.to_le_bytes(),
        &told.price.to_le_bytes(),
        &told.quantity.to_le_bytes(),
        name.as_bytes(),
    ]
    .concat()
}

fn decode(value: &[u8]) -> Option<Told> {
    let (market, rest) = value.split_first_chunk()?;
    let (executed, rest) = rest.split_first_chunk()?;
    let (price, rest) = rest.split_first_chunk()?;
    let (quantity, name) = rest.split_first_chunk()?;
    let name = std::str::from_utf8(name).ok()?;
    Some(Told {
        market: MarketId(u16::from_le_bytes(*market)),
        executed: u64::from_le_bytes(*executed),
        price: u32::from_le_bytes(*price),
        quantity: u64::from_le_bytes(*quantity),
        name: Some(name).filter(|name| !name.is_empty()).map(str::to_owned),
    })
}
