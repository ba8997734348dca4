//! Decimal strings at the edge, integers inside.

use thiserror::Error;

/// What one unit inside (a tick, a lot, a quantum) is worth outside: `step` × 10^-`decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// At least one.
    pub step: u64,
    /// Digits after the point.
    pub decimals: u32,
}

/// Why a decimal string is not a number of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Not digits with at most one point between them.
    #[error("not a decimal number")]
    Malformed,
    /// Not a whole number of units.
    #[error("too precise")]
    Precision,
    /// Beyond what is counted inside.
    #[error("too large")]
    Range,
}
