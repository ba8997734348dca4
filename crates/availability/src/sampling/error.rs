//! What can be wrong with a request for samples.

/// Why there is no plan, no verdict or no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplingError {
    /// A code needs at least one data shard, and has at most 65,536 shards.
    #[error("{data} data and {parity} parity shards: there must be 1 to 65,536 shards, one of them data")]
    Shape {
        /// Data shards.
        data: u32,
        /// Parity shards.
        parity: u32,
    },
    /// Not a confidence.
    #[error("{0:?} is no confidence: 0.9999, 99.99% or 40bits are, of at most 300 digits or 1,024 bits")]
    Confidence(String),
    /// Certainty cannot be asked for; only samples of nearly all shards give it.
    #[error("a confidence must be below one")]
    Certain,
    /// A ratio above one.
    #[error("a ratio of {0} parts per million is more than all shards")]
    Ratio(u32),
    /// As many failures are tolerated as the loss of the data needs.
    #[error("tolerating {tolerated} failures accepts data that {withheld} missing shards make unrecoverable")]
    Tolerance {
        /// Failures tolerated.
        tolerated: u32,
        /// Shards whose absence makes the data unrecoverable.
        withheld: u32,
    },
    /// More failures tolerated than is calculated exactly in reasonable time.
    #[error("{0} failures are too many to be tolerated; 64 is the most")]
    TooTolerant(u32),
    /// Stratified samples are not offered with tolerated failures.
    #[error("stratified samples tolerate no failures; use uniform ones")]
    ToleranceNeedsUniform,
    /// There must be one to as many strata as shards.
    #[error("{strata} strata of {shards} shards")]
    Strata {
        /// Strata asked for.
        strata: u32,
        /// Shards.
        shards: u32,
    },
    /// Regions of no shards.
    #[error("a region has at least one shard")]
    Region,
    /// The history is of a code with another number of shards.
    #[error("the history is of {history} shards, the plan of {shards}")]
    History {
        /// Shards of the history.
        history: u32,
        /// Shards of the plan.
        shards: u32,
    },
    /// A shard that the plan does not ask for: choosing one's evidence afterwards proves nothing.
    #[error("the plan does not ask for shard {0}")]
    NotAsked(u32),
    /// The first outcome of a request counts.
    #[error("there is an outcome for shard {0} already")]
    AlreadyAnswered(u32),
    /// The results are of another plan.
    #[error("these are another plan's results")]
    OtherPlan,
    /// Too large to be calculated exactly in reasonable time.
    #[error("{clients} clients with {samples} samples of {shards} shards are too many to be counted exactly")]
    TooLarge {
        /// Shards.
        shards: u32,
        /// Clients.
        clients: u32,
        /// Samples each.
        samples: u32,
    },
    /// More samples than shards, or none.
    #[error("{samples} samples of {shards} shards")]
    Samples {
        /// Samples asked for.
        samples: u32,
        /// Shards.
        shards: u32,
    },
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
}
