//! The first state: nothing but the operator's account.

use types::{AccountId, Address, SessionKey, Timestamp};

use crate::{Account, Capacity, Globals, Store};

/// The operator's account.
pub const OPERATOR: AccountId = AccountId(0);

/// What an exchange begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The L1 chain it settles on.
    pub chain_id: u64,
    /// Its contract there.
    pub exchange: Address,
    /// What it is configured for.
    pub capacity: Capacity,
    /// Who owns the operator's account.
    pub operator: Address,
    /// The operator's first session key.
    pub operator_key: SessionKey,
    /// When that session ends.
    pub operator_expires: Timestamp,
}

impl Genesis {
    /// The counters at the beginning.
    #[must_use]
    pub fn globals(&self) -> Globals {
        Globals {
            capacity: self.capacity,
            orders: 0,
            open_orders: 0,
            accounts: 0,
            assets: 0,
            markets: 0,
            price_levels: 0,
            withdrawals: 0,
            halted: false,
        }
    }
}

/// Writes the first state into an empty store.
///
/// # Errors
/// When the store fails.
pub fn open<S: Store>(store: &mut S, genesis: &Genesis) -> Result<(), S::Error> {
    *store.globals() = Globals { accounts: 1, ..genesis.globals() };
    store.add_account(
        OPERATOR,
        Account {
            owner: genesis.operator,
            session_key: genesis.operator_key,
            session_expires: genesis.operator_expires,
            sessions: 1,
            nonce: 0,
            suspended: false,
            custom_limits: 0,
        },
    )
}
