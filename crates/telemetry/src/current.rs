//! The trace of the request that a task is at work on: begun at the door, taken up by whoever hands the order in, with nothing
//! between them knowing of it.

use std::cell::RefCell;

use crate::OrderTrace;

tokio::task_local! {
    static CURRENT: RefCell<Option<OrderTrace>>;
}

/// Does something for a request that may be traced: whether it is has been decided. What nobody has taken in the end is refused
/// with what `why` makes of the answer; without a reason it ends as unanswered.
pub async fn within<F: Future>(
    trace: Option<OrderTrace>,
    work: F,
    why: impl FnOnce(&F::Output) -> Option<String>,
) -> F::Output {
    let work = async {
        let answer = work.await;
        if let Some(trace) = take()
            && let Some(why) = why(&answer)
        {
            trace.refused(&why);
        }
        answer
    };
    CURRENT.scope(RefCell::new(trace), work).await
}

/// The trace of this task's request. Only the first who asks gets it.
#[must_use]
pub fn take() -> Option<OrderTrace> {
    CURRENT.try_with(RefCell::take).ok().flatten()
}

/// The same; or what `begin` makes for a task that serves no request of its own, as a session's does not. An order is asked
/// about once, at its door.
#[must_use]
pub fn take_or(begin: impl FnOnce() -> Option<OrderTrace>) -> Option<OrderTrace> {
    CURRENT.try_with(RefCell::take).unwrap_or_else(|_| begin())
}
