//! Why nothing was corrected.

/// Why nothing was corrected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionError {
    /// Not a code that this module corrects.
    #[error(
        "{data} data and {parity} parity shards: there must be at least one of each, and at most 4,096 shards"
    )]
    Shape {
        /// Data shards.
        data: usize,
        /// Parity shards.
        parity: usize,
    },
    /// The points of a code must differ, and there must be at least as many as its dimension, which is not zero.
    #[error("a code of dimension {dimension} needs as many points at least, all different, at most 4,096")]
    Points {
        /// Its dimension.
        dimension: usize,
    },
    /// Another number of symbols or shards than the code has.
    #[error("{found} symbols for a code of length {length}")]
    Length {
        /// Symbols given.
        found: usize,
        /// The code's length.
        length: usize,
    },
    /// Fewer symbols than any decoder needs.
    #[error("{present} symbols are present, {needed} are needed")]
    TooFew {
        /// Symbols present.
        present: usize,
        /// The code's dimension.
        needed: usize,
    },
    /// The code is not a code of shards.
    #[error("only a code made for shards corrects shards")]
    NotOfShards,
    /// Shards must be of one length, even and not zero.
    #[error("shard {0} is empty, of odd length, or not as long as the first")]
    Uneven(usize),
    /// No codeword lies within the radius.
    #[error("no codeword differs in at most {radius} of the {present} symbols present{}",
        column.map(|column| format!(" (symbol {column} of the shards)")).unwrap_or_default())]
    BeyondRadius {
        /// The radius.
        radius: usize,
        /// Symbols present.
        present: usize,
        /// Which symbol of the shards, where shards are corrected.
        column: Option<usize>,
    },
    /// A list of this radius could be longer than any algorithm can write.
    #[error("a list can be made up to a radius of {johnson}, the Johnson bound, not of {radius}")]
    BeyondJohnson {
        /// The radius asked for.
        radius: usize,
        /// The largest.
        johnson: usize,
    },
    /// The list would take too much work.
    #[error(
        "a list of radius {radius} takes more than {limit} equations; a smaller radius or a smaller code takes fewer"
    )]
    TooLarge {
        /// The radius asked for.
        radius: usize,
        /// The most equations.
        limit: usize,
    },
}
