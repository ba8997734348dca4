//! The first state: nothing but the operator's account.

use alloc::vec::Vec;

use types::{AccountId, Address, DecodeError, Reader, SessionKey, Timestamp, Writer};

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
    /// Appends the canonical encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.chain_id);
        out.raw(&self.exchange.0);
        self.capacity.encode(out);
        out.raw(&self.operator.0);
        out.raw(&self.operator_key.0);
        out.uint(self.operator_expires.0);
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            chain_id: r.uint("chain id")?,
            exchange: Address(r.array("exchange")?),
            capacity: Capacity::decode(r)?,
            operator: Address(r.array("operator")?),
            operator_key: SessionKey(r.array("operator key")?),
            operator_expires: Timestamp(r.uint("operator expiry")?),
        })
    }

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
