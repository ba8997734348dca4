//! Money in, money out, and session keys.

use types::{AccountId, Address, AssetId, Event, Outcome, Quanta, Reject, SessionKey, Timestamp};

use crate::execute::{Stop, reject};
use crate::ledger::Run;
use crate::{Account, EventSink, Store};

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// Credits money that arrived on L1, opening the account when it is the next new one. What cannot be
    /// credited goes back in the same batch: a deposit is never lost.
    pub fn deposit(
        &mut self,
        id: AccountId,
        owner: Address,
        asset: AssetId,
        amount: Quanta,
    ) -> Result<Outcome, Stop<S::Error>> {
        let globals = self.store.globals();
        if id.0 == globals.accounts && id.0 < globals.capacity.accounts {
            globals.accounts += 1;
            let account = Account {
                owner,
                session_key: SessionKey::default(),
                session_expires: Timestamp(0),
                sessions: 0,
                nonce: 0,
                suspended: false,
                custom_limits: 0,
            };
            self.store.add_account(id, account)?;
            self.emit(Event::AccountOpened { account: id, owner });
        }
        let mine = self.store.account(id)?.is_some_and(|account| account.owner == owner);
        let total = match self.store.asset(asset)? {
            Some(asset) if mine => asset.total.0.checked_add(amount.0).map(|total| (asset, total)),
            _ => None,
        };
        match total {
            Some((asset, total)) => asset.total = Quanta(total),
            None => {
                self.emit_withdrawal(id, owner, asset, amount);
                return Ok(Outcome::Done);
            }
        }
        self.note(asset, -i128::from(amount.0));
        self.credit(id, asset, amount.0)?;
        self.emit(Event::Deposited { account: id, asset, amount });
        Ok(Outcome::Done)
    }

    /// Takes a free balance out.
    pub fn withdraw(
        &mut self,
        id: AccountId,
        asset: AssetId,
        amount: Quanta,
    ) -> Result<Outcome, Stop<S::Error>> {
        if amount.0 == 0 {
            return reject(Reject::ZeroQuantity);
        }
        if self.store.asset(asset)?.is_none() {
            return reject(Reject::UnknownAsset);
        }
        if self.store.balance(id, asset)?.free < amount {
            return reject(Reject::InsufficientBalance);
        }
        self.debit(id, asset, amount.0)?;
        if let Some(asset) = self.store.asset(asset)? {
            asset.total.0 -= amount.0;
        }
        self.note(asset, i128::from(amount.0));
        let owner = self.store.account(id)?.map(|account| account.owner).unwrap_or_default();
        self.emit_withdrawal(id, owner, asset, amount);
        Ok(Outcome::Done)
    }

    /// A withdrawal forced through L1 takes what is free, up to `amount`: the user cannot know the balance
    /// at the time the queue is read.
    pub fn force_withdraw(
        &mut self,
        id: AccountId,
        asset: AssetId,
        amount: Quanta,
    ) -> Result<Outcome, Stop<S::Error>> {
        if self.store.asset(asset)?.is_none() {
            return reject(Reject::UnknownAsset);
        }
        let free = self.store.balance(id, asset)?.free;
        if free.0 == 0 {
            return reject(Reject::InsufficientBalance);
        }
        self.withdraw(id, asset, amount.min(free))
    }

    /// Replaces the session key; the stream begins again.
    pub fn register_session(
        &mut self,
        id: AccountId,
        key: SessionKey,
        expires: Timestamp,
    ) -> Result<Outcome, Stop<S::Error>> {
        let Some(account) = self.store.account(id)? else { return reject(Reject::UnknownAccount) };
        account.session_key = key;
        account.session_expires = expires;
        account.sessions += 1;
        self.emit(Event::SessionRegistered { account: id, key, expires });
        Ok(Outcome::Done)
    }

    fn emit_withdrawal(&mut self, account: AccountId, owner: Address, asset: AssetId, amount: Quanta) {
        let globals = self.store.globals();
        let index = globals.withdrawals;
        globals.withdrawals += 1;
        self.emit(Event::Withdrawn { index, account, owner, asset, amount });
    }
}
