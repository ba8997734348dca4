//! Why there is no answer.

use thiserror::Error;

/// Why there is no answer: the request was wrong, or what was to be checked does not hold.
#[derive(Debug, Error)]
pub enum Refused {
    /// The request is not one.
    #[error("{0}")]
    Request(String),
    /// What was to be checked does not hold.
    #[error("{0}")]
    Untrue(String),
}

impl Refused {
    /// Of a request that is wrong.
    pub(crate) fn request(why: impl ToString) -> Self {
        Self::Request(why.to_string())
    }

    /// Of something that does not hold.
    pub(crate) fn untrue(why: impl ToString) -> Self {
        Self::Untrue(why.to_string())
    }

    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Untrue(_) => "untrue",
        }
    }
}
