//! How peers are asked.

use std::future::Future;

use thiserror::Error;

/// Asks peers. Implemented over whatever the machine has: threads and sockets, or a browser's `fetch`.
pub trait Transport {
    /// How many peers there are. They are known by their place.
    fn peers(&self) -> usize;

    /// A peer's answer to `GET path`, of at most `limit` bytes. The transport has a time limit for the whole answer: one that
    /// comes in drops is a [`Trouble::Timeout`] when the time is over.
    fn get(&self, peer: usize, path: &str, limit: usize) -> impl Future<Output = Reply>;
}

/// A peer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The body of an answer with status 200.
    pub body: Result<Vec<u8>, Trouble>,
    /// How long it took, in microseconds.
    pub micros: u32,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// It did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// The peer cannot be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The peer has no such thing (404, 410).
    #[error("has it not")]
    Absent,
    /// The peer does not want to answer.
    #[error("refuses with status {0}")]
    Refused(u16),
    /// The answer is longer than it may be.
    #[error("an answer of more than {0} bytes")]
    TooLarge(usize),
}
