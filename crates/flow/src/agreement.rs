//! How far a reconstruction agrees with the recording, and what it had to infer.

use types::Price;

/// Commands that no message recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inferred {
    /// Orders that entered unseen and that a later message names.
    pub named_orders: u64,
    /// Orders that entered unseen and that no message names: the recorded quote was larger than ours.
    pub anonymous_orders: u64,
    /// Orders that left unseen: priced better than the recorded quote, or beyond its quantity.
    pub cancels: u64,
    /// Orders that shrank unseen.
    pub reductions: u64,
}

impl Inferred {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.named_orders + self.anonymous_orders + self.cancels + self.reductions
    }
}

/// How a replayed execution differs from the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviationKind {
    /// It did not trade all of the recorded quantity at the recorded price.
    Terms {
        /// The lots that did.
        traded: u64,
    },
    /// It traded with another maker.
    Maker {
        /// The recorded number of the order it traded with first; `None` for one without.
        instead: Option<u64>,
    },
}

/// A recorded execution that the replay did not repeat exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The line of the recording.
    pub line: u64,
    /// The recorded maker.
    pub maker: u64,
    /// The recorded price.
    pub price: Price,
    /// The recorded quantity.
    pub quantity: u64,
    /// What was different.
    pub kind: DeviationKind,
}

/// Agreement of a reconstruction with its recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Messages read.
    pub messages: u64,
    /// Recorded submissions, all sent as orders.
    pub submissions: u64,
    /// Recorded partial cancellations.
    pub reductions: u64,
    /// Recorded whole cancellations.
    pub deletions: u64,
    /// Recorded executions of visible orders.
    pub executions: u64,
    /// Recorded executions of hidden orders: not part of the visible book, skipped.
    pub hidden_executions: u64,
    /// Auctions and halts: skipped.
    pub other: u64,
    /// Cancellations of orders that did not rest here, so that nothing was sent.
    pub unknown_cancels: u64,
    /// Executions that traded at the recorded price and in the recorded quantity.
    pub executions_at_terms: u64,
    /// Executions whose maker's submission was not recorded, so that its order had to be inferred.
    pub executions_of_unseen: u64,
    /// Executions whose every fill named the recorded maker.
    pub executions_with_maker: u64,
    /// Messages after which both best quotes were as recorded before anything was inferred.
    pub quotes_at_once: u64,
    /// Messages after which both best quotes were as recorded in the end.
    pub quotes_in_the_end: u64,
    /// Orders that traded on arrival although the recording has them resting.
    pub unexpected_fills: u64,
    /// Commands that the rules rejected.
    pub rejected: u64,
    /// What was inferred.
    pub inferred: Inferred,
    /// The first executions that differ, at most [`Self::MAX_DEVIATIONS`].
    pub deviations: Vec<Deviation>,
}

impl Agreement {
    /// No more deviations are kept.
    pub const MAX_DEVIATIONS: usize = 100;

    /// The share of executions at the recorded price and quantity, in per cent.
    #[must_use]
    pub fn terms_percent(&self) -> f64 {
        percent(self.executions_at_terms, self.executions)
    }

    /// The share of executions with the recorded maker, in per cent.
    #[must_use]
    pub fn maker_percent(&self) -> f64 {
        percent(self.executions_with_maker, self.executions)
    }

    /// The share of messages after which both best quotes were right before anything was inferred, in per cent.
    #[must_use]
    pub fn quotes_at_once_percent(&self) -> f64 {
        percent(self.quotes_at_once, self.messages)
    }

    /// The share of messages after which both best quotes were right in the end, in per cent.
    #[must_use]
    pub fn quotes_percent(&self) -> f64 {
        percent(self.quotes_in_the_end, self.messages)
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}
