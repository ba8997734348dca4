//! What is kept of everybody's past: the newest of each account, and the newest of all.

use std::collections::VecDeque;

use hashbrown::HashMap;
use types::AccountId;

/// Things of accounts, the oldest of which leave when one has too many, or all together do.
pub(super) struct Kept<T> {
    accounts: HashMap<AccountId, Own<T>>,
    /// Whose things came in which order; of what has left since only so many are still in it that looking through it
    /// costs no more than what was added.
    order: VecDeque<AccountId>,
    live: usize,
    each: usize,
    all: usize,
}

struct Own<T> {
    list: VecDeque<T>,
    /// How many of the account's first places in the order are of things that have left.
    left: usize,
}

impl<T> Kept<T> {
    pub fn new(each: usize, all: usize) -> Self {
        Self { accounts: HashMap::new(), order: VecDeque::new(), live: 0, each: each.max(1), all: all.max(1) }
    }

    /// An account's things, oldest first.
    pub fn of(&self, account: AccountId) -> impl Iterator<Item = &T> {
        self.accounts.get(&account).into_iter().flat_map(|own| &own.list)
    }

    /// Adds a thing; `gone` is told whose leaves for it, and what.
    pub fn push(&mut self, account: AccountId, thing: T, mut gone: impl FnMut(AccountId, T)) {
        let own = self.accounts.entry(account).or_insert_with(|| Own { list: VecDeque::new(), left: 0 });
        own.list.push_back(thing);
        self.order.push_back(account);
        self.live += 1;
        if own.list.len() > self.each
            && let Some(oldest) = own.list.pop_front()
        {
            own.left += 1;
            self.live -= 1;
            gone(account, oldest);
        }
        while self.live > self.all
            && let Some(account) = self.order.pop_front()
            && let Some(own) = self.accounts.get_mut(&account)
        {
            if own.left > 0 {
                own.left -= 1;
                continue;
            }
            if let Some(oldest) = own.list.pop_front() {
                self.live -= 1;
                gone(account, oldest);
            }
            if own.list.is_empty() {
                self.accounts.remove(&account);
            }
        }
        if self.order.len() > 2 * self.live + 64 {
            self.order.retain(|account| match self.accounts.get_mut(account) {
                Some(own) if own.left > 0 => {
                    own.left -= 1;
                    false
                }
                _ => true,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_has_its_newest_and_all_have_the_newest(
            pushes in proptest::collection::vec(0..6u32, 0..600),
            each in 1..20usize,
            all in 1..60usize,
        ) {
            let mut kept = Kept::new(each, all);
            let mut model: VecDeque<(AccountId, usize)> = VecDeque::new();
            for (number, account) in pushes.into_iter().enumerate() {
                // One is much louder than the others.
                let account = AccountId(account.saturating_sub(3));
                let mut gone = Vec::new();
                kept.push(account, number, |account, number| gone.push((account, number)));
                model.push_back((account, number));
                let mut left = Vec::new();
                if model.iter().filter(|(of, _)| *of == account).count() > each {
                    let at = model.iter().position(|(of, _)| *of == account).unwrap();
                    left.extend(model.remove(at));
                }
                if model.len() > all {
                    left.extend(model.pop_front());
                }
                prop_assert_eq!(gone, left);
                for account in (0..4).map(AccountId) {
                    let own = model.iter().filter(|(of, _)| *of == account).map(|(_, number)| number);
                    prop_assert!(kept.of(account).eq(own));
                }
                prop_assert!(kept.order.len() <= 2 * kept.live + 65);
            }
        }
    }
}
