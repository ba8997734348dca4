//! Which ClOrdIDs a session has used for orders and replacements: so that nothing is carried out twice, whatever the view
//! forgets, and orders are told under the names that the trader gave them, whatever crashes.

use std::collections::{BTreeMap, HashMap};

use types::{ClientOrderId, MarketId, OrderId};

use super::known::Notes;
use crate::client_ids;
use crate::view::Order;

/// How many a session remembers. The oldest are forgotten.
const LIMIT: usize = 10_000;
/// What the keys of the notes begin with; a number of eight bytes follows, and no other note has a key of nine.
const KEY: u8 = b'n';

/// What a ClOrdID was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub market: MarketId,
    pub name: String,
    /// Whether it replaces an order; otherwise it places one.
    pub replaces: bool,
    /// The order; `None` while it is not known whether it was placed.
    pub order: Option<OrderId>,
}

/// ClOrdIDs in the order of their use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    limit: usize,
    uses: BTreeMap<u64, Use>,
    /// By the number that the exchange has for the name.
    numbers: HashMap<(MarketId, ClientOrderId), u64>,
}

impl Default for Names {
    fn default() -> Self {
        Self { limit: LIMIT, uses: BTreeMap::new(), numbers: HashMap::new() }
    }
}

impl Names {
    /// Whether a note is one of these.
    pub fn is_key(key: &[u8]) -> bool {
        key.len() == 9 && key[0] == KEY
    }

    /// As noted; `None` when something does not decode.
    pub fn read(notes: &[(Vec<u8>, Vec<u8>)]) -> Option<Self> {
        let mut names = Self::default();
        for (key, value) in notes.iter().filter(|(key, _)| Self::is_key(key)) {
            let number = u64::from_be_bytes(*key.get(1..)?.first_chunk()?);
            // After the last number there is none.
            number.checked_add(1)?;
            names.insert(number, decode(value)?);
        }
        Some(names)
    }

    /// What a name was used for.
    pub fn find(&self, market: MarketId, name: &str) -> Option<&Use> {
        self.by_number(market, client_ids::number(name))
    }

    /// The name that an order was placed under.
    pub fn of(&self, order: &Order) -> Option<&str> {
        let used = self.by_number(order.market, order.client_id)?;
        let same = !used.replaces && used.order.is_none_or(|id| id == order.id);
        same.then_some(used.name.as_str())
    }

    /// The orders of which it is not known whether they were placed.
    pub fn unsure(&self) -> Vec<Use> {
        self.uses.values().filter(|used| used.order.is_none()).cloned().collect()
    }

    /// A name that was not used before is. Says what to note before anything is done under it.
    pub fn add(&mut self, used: Use) -> Notes {
        let number = self.uses.last_key_value().map_or(0, |(number, _)| number + 1);
        let mut notes = vec![(key(number), Some(encode(&used)))];
        self.insert(number, used);
        while self.uses.len() > self.limit
            && let Some((oldest, used)) = self.uses.pop_first()
        {
            self.forget(oldest, &used);
            notes.push((key(oldest), None));
        }
        notes
    }

    /// An order was placed under its name.
    pub fn placed(&mut self, market: MarketId, name: &str, order: OrderId) -> Notes {
        let Some(number) = self.numbers.get(&(market, client_ids::number(name))) else { return Notes::new() };
        let Some(used) = self.uses.get_mut(number) else { return Notes::new() };
        used.order = Some(order);
        vec![(key(*number), Some(encode(used)))]
    }

    /// Nothing was done under a name.
    pub fn remove(&mut self, market: MarketId, name: &str) -> Notes {
        let Some(number) = self.numbers.remove(&(market, client_ids::number(name))) else {
            return Notes::new();
        };
        self.uses.remove(&number);
        vec![(key(number), None)]
    }

    /// All that is noted.
    #[cfg(feature = "fuzzing")]
    pub fn notes(&self) -> Notes {
        self.uses.iter().map(|(number, used)| (key(*number), Some(encode(used)))).collect()
    }

    fn by_number(&self, market: MarketId, number: ClientOrderId) -> Option<&Use> {
        self.uses.get(self.numbers.get(&(market, number))?)
    }

    fn insert(&mut self, number: u64, used: Use) {
        self.numbers.insert((used.market, client_ids::number(&used.name)), number);
        self.uses.insert(number, used);
    }

    fn forget(&mut self, number: u64, used: &Use) {
        let name = (used.market, client_ids::number(&used.name));
        if self.numbers.get(&name) == Some(&number) {
            self.numbers.remove(&name);
        }
    }
}

fn key(number: u64) -> Vec<u8> {
    [&[KEY][..], &number.to_be_bytes()].concat()
}

/// Market (2 bytes, little endian), 1 for a replacement (1 byte), whether the order is known (1 byte), the order (8 bytes,
/// little endian), the name.
fn encode(used: &Use) -> Vec<u8> {
    let order = used.order.unwrap_or_default().0.to_le_bytes();
    let flags = [u8::from(used.replaces), u8::from(used.order.is_some())];
    [&used.market.0.to_le_bytes()[..], &flags, &order, used.name.as_bytes()].concat()
}

fn decode(value: &[u8]) -> Option<Use> {
    let (market, rest) = value.split_first_chunk()?;
    let ([replaces, known], rest) = rest.split_first_chunk::<2>()?;
    let (order, name) = rest.split_first_chunk()?;
    Some(Use {
        market: MarketId(u16::from_le_bytes(*market)),
        name: std::str::from_utf8(name).ok()?.to_owned(),
        replaces: *replaces != 0,
        order: (*known != 0).then(|| OrderId(u64::from_le_bytes(*order))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: MarketId = MarketId(3);

    fn used(name: &str, order: Option<u64>) -> Use {
        Use { market: MARKET, name: name.into(), replaces: false, order: order.map(OrderId) }
    }

    /// Notes as the store keeps them.
    fn apply(store: &mut BTreeMap<Vec<u8>, Vec<u8>>, notes: Notes) {
        for (key, value) in notes {
            match value {
                Some(value) => drop(store.insert(key, value)),
                None => drop(store.remove(&key)),
            }
        }
    }

    #[test]
    fn names_come_back_from_their_notes_and_the_oldest_are_forgotten() {
        let mut store = BTreeMap::new();
        let mut names = Names { limit: 3, ..Names::default() };
        for name in ["a", "b", "17", "d", "e"] {
            apply(&mut store, names.add(used(name, None)));
        }
        apply(&mut store, names.placed(MARKET, "d", OrderId(9)));
        apply(&mut store, names.remove(MARKET, "e"));
        apply(&mut store, names.add(Use { replaces: true, ..used("f", Some(9)) }));
        let notes: Vec<(Vec<u8>, Vec<u8>)> = store.into_iter().collect();
        let again = Names::read(&notes).unwrap();
        assert_eq!(Names { limit: 3, ..again }, names);
        assert_eq!(names.find(MARKET, "d"), Some(&used("d", Some(9))));
        assert_eq!(names.find(MARKET, "f").map(|used| used.replaces), Some(true));
        for gone in ["a", "b", "e"] {
            assert_eq!(names.find(MARKET, gone), None, "{gone}");
        }
        assert_eq!(names.find(MarketId(4), "d"), None);
        assert_eq!(names.unsure(), [used("17", None)]);
        assert!(Names::read(&[(key(1), vec![0; 11])]).is_none());
        assert!(Names::read(&[(key(u64::MAX - 1), vec![0; 12])]).is_some());
        assert!(Names::read(&[(key(u64::MAX), vec![0; 12])]).is_none(), "the next would have no number");
    }
}
