//! The trace of the request that a task is at work on: begun at the door, taken up by whoever hands the order in, with nothing
//! between them knowing of it.

use std::cell::RefCell;

use crate::OrderTrace;

tokio::task_local! {
    static CURRENT: RefCell<Option<OrderTrace>>;
}

/// Does something for a request that is traced. What nobody has taken in the end is refused with what `why` makes of the answer;
/// without a reason it ends as unanswered.
pub async fn within<F: Future>(
    trace: Option<OrderTrace>,
    work: F,
    why: impl FnOnce(&F::Output) -> Option<String>,
) -> F::Output {
    let Some(trace) = trace else { return work.await };
    let work = async {
        let answer = work.await;
        if let (Some(trace), Some(why)) = (take(), why(&answer)) {
            trace.refused(&why);
        }
        answer
    };
    CURRENT.scope(RefCell::new(Some(trace)), work).await
}

/// The trace of this task's request. Only the first who asks gets it.
#[must_use]
pub fn take() -> Option<OrderTrace> {
    CURRENT.try_with(RefCell::take).ok().flatten()
}
