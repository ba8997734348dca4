//! What became of a command: every command has exactly one outcome, and every rejection a stable number.

use alloc::vec::Vec;

use crate::{DecodeError, OrderId, Reader, Writer};

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// The order was accepted under this number; the events say what it did.
    Accepted(OrderId),
    /// It did nothing, for this reason. Time still passed: orders may have expired, a halt ended, triggers fired.
    Rejected(Reject),
}

impl Outcome {
    /// Appends the canonical encoding.
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Done => out.byte(0),
            Self::Accepted(order) => {
                out.byte(1);
                out.uint(order.0);
            }
            Self::Rejected(reason) => {
                out.byte(2);
                out.uint(reason.code().into());
            }
        }
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.byte("outcome")? {
            0 => Ok(Self::Done),
            1 => Ok(Self::Accepted(OrderId(r.uint("order id")?))),
            2 => {
                let code = r.u16("reject code")?;
                Reject::from_code(code)
                    .map(Self::Rejected)
                    .ok_or(DecodeError::BadInteger { what: "reject code" })
            }
            tag => Err(DecodeError::UnknownTag { what: "outcome", tag }),
        }
    }
}

macro_rules! rejects {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// Why a command was rejected. The numbers are part of the protocol and never change meaning:
        /// 1xx authority, 2xx what was named, 3xx the order's own terms, 4xx risk, 5xx halts and capacity,
        /// 6xx administration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Reject {
            $(#[doc = $sentence] $(#[$doc])* $name = $code,)*
        }

        impl Reject {
            /// All reasons, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable number.
            #[must_use]
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// The reason with this number.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The reason in a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }

        impl core::fmt::Display for Reject {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.sentence())
            }
        }
    };
}

rejects! {
    UnknownAccount = 100, "The account does not exist.";
    SessionExpired = 101, "The account has no session, or it has expired; register a new session key.";
    NotAuthorised = 102, "This kind of command may not come from this origin.";
    NotOperator = 103, "Only the operator may do this.";
    UnknownMarket = 200, "The market does not exist.";
    UnknownAsset = 201, "The asset is not listed.";
    UnknownOrder = 202, "The account has no open order with this number in this market.";
    DuplicateClientOrderId = 203, "The account already has an open order with this client order id.";
    ZeroQuantity = 300, "The quantity or budget is zero.";
    PriceOutOfRange = 301, "The price is zero or above the market's highest price.";
    BadTimeInForce = 302, "This time in force does not go with this kind of order.";
    PostOnlyNotAllowed = 303, "Only a limit order that may rest can be post-only.";
    BudgetNotAllowed = 304, "Only a market buy can have a budget.";
    BudgetRequired = 305, "A market buy that waits for a trigger needs a budget.";
    ExpiryInPast = 306, "The order would expire at once.";
    PostOnlyWouldTake = 307, "The post-only order would trade at once.";
    CannotFill = 308, "The fill-or-kill order cannot be filled completely.";
    AlreadyTriggered = 309, "The trigger condition already holds; place the order without a trigger.";
    CannotReplaceWaiting = 310, "An order that waits for its trigger cannot be replaced; cancel it instead.";
    NoReferencePrice = 311, "The market has no last price yet, so a market order has no bound.";
    ExpiryOutOfRange = 312, "The expiry is beyond the last time the exchange can represent.";
    InsufficientBalance = 400, "The free balance does not cover the order or withdrawal.";
    QuantityLimit = 401, "The quantity exceeds the account's limit.";
    NotionalLimit = 402, "The notional value exceeds the account's limit.";
    OpenOrderLimit = 403, "The account has as many open orders in this market as it may have.";
    PositionLimit = 404, "With all open orders filled, the position would exceed the account's limit.";
    PriceCollar = 405, "The price is too far from the last price.";
    ExchangeHalted = 500, "The exchange is halted; no new orders are accepted.";
    MarketHalted = 501, "The market is halted; no new orders are accepted.";
    AccountSuspended = 502, "The account is suspended; no new orders are accepted.";
    ExchangeFull = 503, "The exchange holds as many open orders as it was configured for.";
    TriggersPending = 504, "Triggered orders of this market come first; try again.";
    BadMarketParams = 600, "The market's parameters contradict each other or exceed a bound.";
    BadAssetParams = 601, "The asset's quantum is zero.";
    FixedParameter = 602, "A parameter that is fixed for the market's life would change.";
    CapacityReached = 603, "The exchange was not configured for more assets, markets or price levels.";
    NothingToDo = 604, "It is already so.";
}
