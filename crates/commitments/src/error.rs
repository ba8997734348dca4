//! What can be wrong.

/// Why something was not committed, opened, verified or decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A polynomial has more coefficients (or evaluations, or columns) than the scheme was set up for, or none.
    #[error("size {got} is not within {least} to {most}")]
    Size {
        /// The size offered.
        got: usize,
        /// The smallest allowed.
        least: usize,
        /// The largest allowed.
        most: usize,
    },
    /// A size must be a power of two.
    #[error("{0} is not a power of two")]
    NotAPowerOfTwo(usize),
    /// Lists that belong together have different lengths.
    #[error("{expected} expected, {got} given")]
    Count {
        /// As many as there should be.
        expected: usize,
        /// As many as there are.
        got: usize,
    },
    /// Bytes that encode nothing, or not in the one way.
    #[error("malformed encoding: {0}")]
    Malformed(&'static str),
    /// An encoding is longer than anything of its kind.
    #[error("an encoding of {got} bytes is over the limit of {most}")]
    TooLong {
        /// Its length in bytes.
        got: usize,
        /// The limit.
        most: usize,
    },
    /// A proof does not show what is claimed.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// An index into a domain is outside of it.
    #[error("position {position} is not below {size}")]
    Position {
        /// The index.
        position: usize,
        /// The domain's size.
        size: usize,
    },
    /// The KZG library's complaint.
    #[error("KZG: {0}")]
    Kzg(String),
}
