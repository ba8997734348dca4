//! Listen keys: whoever knows one may listen to an account. They end unless they are kept alive.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use types::AccountId;

use crate::keys::random_text;
use crate::settings::Limits;

/// All listen keys, one an account. All times in milliseconds since 1970.
pub(crate) struct ListenKeys {
    life: u64,
    limit: usize,
    keys: Mutex<HashMap<AccountId, Held>>,
}

struct Held {
    key: String,
    ends: u64,
}

impl ListenKeys {
    pub fn new(limits: &Limits) -> Self {
        let life = limits.listen_key_minutes.saturating_mul(60_000);
        Self { life, limit: limits.listen_keys, keys: Mutex::default() }
    }

    /// The account's key, which lives on from now; a new one if it has none. `None` when there are too many.
    pub fn start(&self, account: AccountId, now: u64) -> Option<String> {
        let mut keys = self.keys();
        let ends = now.saturating_add(self.life);
        if let Some(held) = keys.get_mut(&account).filter(|held| now < held.ends) {
            held.ends = ends;
            return Some(held.key.clone());
        }
        if keys.len() >= self.limit && !keys.contains_key(&account) {
            return None;
        }
        let key = random_text();
        keys.insert(account, Held { key: key.clone(), ends });
        Some(key)
    }

    /// Lets a key live on. False when the account has none like it.
    pub fn keep(&self, account: AccountId, key: &str, now: u64) -> bool {
        let mut keys = self.keys();
        let held = keys.get_mut(&account).filter(|held| held.key == key && now < held.ends);
        held.map(|held| held.ends = now.saturating_add(self.life)).is_some()
    }

    /// Ends a key. False when the account has none like it.
    pub fn close(&self, account: AccountId, key: &str) -> bool {
        let mut keys = self.keys();
        let found = keys.get(&account).is_some_and(|held| held.key == key);
        if found {
            keys.remove(&account);
        }
        found
    }

    /// Ends the key of an account, whoever has it.
    pub fn end(&self, account: AccountId) {
        if let Some(held) = self.keys().get_mut(&account) {
            held.ends = 0;
        }
    }

    /// Ends all keys.
    pub fn end_all(&self) {
        self.keys().values_mut().for_each(|held| held.ends = 0);
    }

    /// Whose key this is.
    pub fn account(&self, key: &str, now: u64) -> Option<AccountId> {
        let keys = self.keys();
        let found = keys.iter().find(|(_, held)| held.key == key && now < held.ends);
        found.map(|(account, _)| *account)
    }

    /// Takes out the keys whose time is over.
    pub fn take_ended(&self, now: u64) -> Vec<(AccountId, String)> {
        let mut keys = self.keys();
        let ended = keys.extract_if(|_, held| held.ends <= now);
        ended.map(|(account, held)| (account, held.key)).collect()
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<AccountId, Held>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_an_hour_from_when_it_was_last_asked_for() {
        let keys = ListenKeys::new(&Limits { listen_keys: 1, ..Limits::default() });
        let (account, hour) = (AccountId(1), 3_600_000);
        let key = keys.start(account, 0).unwrap();
        assert_eq!(keys.start(account, 1_000), Some(key.clone()));
        assert!(keys.keep(account, &key, 2_000));
        assert!(!keys.keep(AccountId(2), &key, 2_000), "somebody else's");
        assert_eq!(keys.start(AccountId(2), 2_000), None, "one too many");
        assert_eq!(keys.account(&key, 1_999 + hour), Some(account));
        assert_eq!(keys.account(&key, 2_000 + hour), None);
        assert!(keys.take_ended(1_999 + hour).is_empty());
        assert_eq!(keys.take_ended(2_000 + hour), [(account, key.clone())]);
        assert!(!keys.keep(account, &key, 0) && !keys.close(account, &key));
        let next = keys.start(account, 0).unwrap();
        assert_ne!(next, key);
        keys.end(account);
        assert_eq!((keys.account(&next, 0), keys.take_ended(0)), (None, vec![(account, next)]));
    }
}
