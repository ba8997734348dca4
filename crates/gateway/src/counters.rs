//! What the gateway counts of itself, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// Counters since the start.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub $name: AtomicU64,)*
        }

        /// What they were at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counted {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub fn counted(&self) -> Counted {
                Counted { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Requests over HTTP and the WebSocket API.
    requests;
    /// Requests refused because an address or account asked for too much.
    refused;
    /// Requests whose key or signature was wrong, or whose key may do less.
    unauthorised;
    /// Submissions for delegated accounts that became durable.
    submissions;
    /// Submissions for delegated accounts that did not.
    failed_submissions;
    /// Connections closed at once because there were too many.
    turned_away;
    /// WebSockets closed because their reader was too slow.
    slow_readers;
    /// Times that the streams were slower than the exchange and lost something.
    stream_gaps;
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
