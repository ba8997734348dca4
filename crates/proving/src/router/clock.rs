//! Arithmetic of passed-in times. A clock that goes backwards counts as one that stands still.

use std::time::Duration;

use types::Timestamp;

/// The time from `since` to `now`.
pub(super) fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::from_micros(now.0.saturating_sub(since.0))
}

/// The time `later` than `now`; [`Timestamp::NEVER`] if there is no such time.
pub(super) fn after(now: Timestamp, later: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(u64::try_from(later.as_micros()).unwrap_or(u64::MAX)))
}
