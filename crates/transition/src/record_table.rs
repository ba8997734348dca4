//! Records of one kind that a batch has met, each as it was in the tree and as it is now.

use alloc::vec::Vec;
use core::hash::Hash;

use hashbrown::HashMap;
use types::{AccountId, AssetId, MarketId};

use crate::tree_store::Seeds;

/// A record as it was in the tree and as it is now.
#[derive(Clone, Copy)]
pub(crate) struct Cell<R> {
    pub base: Option<R>,
    pub now: Option<R>,
}

/// What records are found by.
pub(crate) trait Id: Copy + Eq + Hash {
    /// A number that tells most of those apart that are in use together.
    fn spread(&self) -> usize;
}

impl Id for AssetId {
    fn spread(&self) -> usize {
        self.0.into()
    }
}

impl Id for MarketId {
    fn spread(&self) -> usize {
        self.0.into()
    }
}

impl Id for AccountId {
    fn spread(&self) -> usize {
        self.0 as usize
    }
}

impl Id for (AccountId, AssetId) {
    fn spread(&self) -> usize {
        (self.0.0 as usize).wrapping_mul(3).wrapping_add(self.1.0.into())
    }
}

impl Id for (AccountId, MarketId) {
    fn spread(&self) -> usize {
        (self.0.0 as usize).wrapping_mul(3).wrapping_add(self.1.0.into())
    }
}

/// Places that are remembered: most commands ask for what the last few asked for.
const REMEMBERED: usize = 64;

/// Records by id. The ids asked for last are found without hashing.
pub(crate) struct RecordTable<K, R> {
    records: Vec<(K, Cell<R>)>,
    places: HashMap<K, u32, Seeds>,
    /// The place found last for each remainder of [`Id::spread`].
    remembered: [u32; REMEMBERED],
}

impl<K: Id, R> RecordTable<K, R> {
    pub fn new() -> Self {
        Self { records: Vec::new(), places: HashMap::default(), remembered: [0; REMEMBERED] }
    }

    /// The record with an id; `read` is asked for what is in the tree, the first time.
    #[inline]
    pub fn get<E>(&mut self, id: K, read: impl FnOnce() -> Result<Option<R>, E>) -> Result<&mut Cell<R>, E>
    where
        R: Copy,
    {
        let memory = id.spread() % REMEMBERED;
        let place = self.remembered[memory] as usize;
        let place = match self.records.get(place) {
            Some((known, _)) if *known == id => place,
            _ => {
                let place = self.look_up(id, read)?;
                self.remembered[memory] = place;
                place as usize
            }
        };
        Ok(&mut self.records[place].1)
    }

    fn look_up<E>(&mut self, id: K, read: impl FnOnce() -> Result<Option<R>, E>) -> Result<u32, E>
    where
        R: Copy,
    {
        if let Some(place) = self.places.get(&id) {
            return Ok(*place);
        }
        let base = read()?;
        let place = self.records.len() as u32;
        self.records.push((id, Cell { base, now: base }));
        self.places.insert(id, place);
        Ok(place)
    }

    /// All records that were asked for.
    pub fn iter(&self) -> impl Iterator<Item = &(K, Cell<R>)> {
        self.records.iter()
    }
}
