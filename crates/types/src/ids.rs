//! Ids and quantities. A number that has a unit has a type, so that lots are never added to quanta.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// An account, numbered densely from zero by the L1 contract in the order of first deposits.
    /// Account 0 is the operator's.
    AccountId(u32)
}
number! {
    /// An asset, numbered densely from zero in the order of listing.
    AssetId(u16)
}
number! {
    /// A market, numbered densely from zero in the order of creation.
    MarketId(u16)
}
number! {
    /// An order, numbered from one in the order of acceptance. Stays the same through replacement and
    /// triggering.
    OrderId(u64)
}
number! {
    /// A number the trader chose for an order; zero means none. Unique among the account's open orders.
    /// FIX tag 11.
    ClientOrderId(u64)
}
number! {
    /// A price in ticks: `tick` quote quanta for one lot.
    Price(u32)
}
number! {
    /// A quantity in lots: `lot` base quanta each.
    Quantity(u64)
}
number! {
    /// An amount of an asset in its smallest unit on the exchange.
    Quanta(u64)
}
number! {
    /// A fee rate in hundredths of a basis point (one millionth of the notional). Negative is a rebate.
    Rate(i32)
}
number! {
    /// Microseconds since the Unix epoch.
    Timestamp(u64)
}

impl ClientOrderId {
    /// No client order id.
    pub const NONE: Self = Self(0);
}

impl Timestamp {
    /// Later than everything: "never".
    pub const NEVER: Self = Self(u64::MAX);
    /// The latest expiry an order may have (the year 4253): expiries are 56 bits of a state key.
    pub const LAST_EXPIRY: Self = Self((1 << 56) - 1);
}

impl Rate {
    /// One whole: a rate of 100 %.
    pub const ONE: u64 = 1_000_000;
}

/// An Ethereum address: the owner of an account, the token of an asset, the exchange's contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// An Ed25519 public key (RFC 8032) under which a trader's session signs its stream of commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub [u8; 32]);
