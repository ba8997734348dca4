//! The only places where balances change. In debug builds every command's changes are added up, so that a
//! unit created or lost stops the program at the command that did it.

use types::{AccountId, AssetId, Event, Quanta, Timestamp};

use crate::{EventSink, Store};

/// The execution of one command.
pub(crate) struct Run<'a, S, E> {
    pub store: &'a mut S,
    pub events: &'a mut E,
    pub now: Timestamp,
    #[cfg(debug_assertions)]
    pub flows: Flows,
}

impl<S: Store, E: EventSink> Run<'_, S, E> {
    #[inline]
    pub fn emit(&mut self, event: Event) {
        self.events.event(event);
    }

    /// Adds to a free balance. No overflow: the asset's total fits.
    #[inline]
    pub fn credit(&mut self, account: AccountId, asset: AssetId, amount: u64) -> Result<(), S::Error> {
        self.store.balance(account, asset)?.free.0 += amount;
        self.note(asset, i128::from(amount));
        Ok(())
    }

    /// Takes from a free balance that was checked to cover it.
    #[inline]
    pub fn debit(&mut self, account: AccountId, asset: AssetId, amount: u64) -> Result<(), S::Error> {
        self.store.balance(account, asset)?.free.0 -= amount;
        self.note(asset, -i128::from(amount));
        Ok(())
    }

    /// Pays out of a locked balance: `released` comes out of the lock, of which `paid` leaves the account.
    #[inline]
    pub fn pay_locked(
        &mut self,
        account: AccountId,
        asset: AssetId,
        released: u64,
        paid: u64,
    ) -> Result<(), S::Error> {
        let balance = self.store.balance(account, asset)?;
        balance.locked.0 -= released;
        balance.free.0 += released - paid;
        self.note(asset, -i128::from(paid));
        Ok(())
    }

    /// Sets part of a free balance aside.
    #[inline]
    pub fn lock(&mut self, account: AccountId, asset: AssetId, amount: Quanta) -> Result<(), S::Error> {
        let balance = self.store.balance(account, asset)?;
        balance.free.0 -= amount.0;
        balance.locked.0 += amount.0;
        Ok(())
    }

    /// Frees what was set aside.
    #[inline]
    pub fn unlock(&mut self, account: AccountId, asset: AssetId, amount: Quanta) -> Result<(), S::Error> {
        let balance = self.store.balance(account, asset)?;
        balance.locked.0 -= amount.0;
        balance.free.0 += amount.0;
        Ok(())
    }

    #[cfg(debug_assertions)]
    pub fn note(&mut self, asset: AssetId, amount: i128) {
        self.flows.note(asset, amount);
    }

    #[cfg(not(debug_assertions))]
    #[inline]
    pub fn note(&mut self, _: AssetId, _: i128) {}
}

/// What one command added to all balances of an asset, minus what it added to the asset's total.
#[cfg(debug_assertions)]
#[derive(Default)]
pub(crate) struct Flows([(AssetId, i128); 4], usize);

#[cfg(debug_assertions)]
impl Flows {
    fn note(&mut self, asset: AssetId, amount: i128) {
        let used = &mut self.0[..self.1];
        if let Some(flow) = used.iter_mut().find(|flow| flow.0 == asset) {
            flow.1 += amount;
        } else {
            self.0[self.1] = (asset, amount);
            self.1 += 1;
        }
    }

    pub fn assert_conserved(&self) {
        for (asset, amount) in &self.0[..self.1] {
            assert!(*amount == 0, "a command changed the sum of asset {asset} by {amount} quanta");
        }
    }
}
