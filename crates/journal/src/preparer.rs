//! Prepares the next segment on a background thread, so that rotation finds it ready.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use crate::{JournalError, segment};

/// One preparation: a thread that ends when the file is ready, has failed, or is no longer wanted.
#[derive(Debug)]
pub(crate) struct Preparer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    outcome: OnceLock<Result<(), JournalError>>,
}

impl Preparer {
    pub(crate) fn start(dir: PathBuf, segment_bytes: u64) -> Result<Self, JournalError> {
        let shared = Arc::new(Shared::default());
        let (theirs, failed_in) = (Arc::clone(&shared), dir.clone());
        let work = move || {
            let outcome = segment::prepare(&dir, segment_bytes, || theirs.stop.load(Ordering::Relaxed));
            let _ = theirs.outcome.set(outcome);
        };
        let thread = thread::Builder::new()
            .name("journal-prepare".into())
            .spawn(work)
            .map_err(JournalError::io("start the preparing thread for", &failed_in))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How it went; `None` while it goes on.
    pub(crate) fn outcome(&self) -> Option<&Result<(), JournalError>> {
        self.shared.outcome.get()
    }

    /// Waits for the end and tells whether the file is ready.
    pub(crate) fn wait(mut self) -> bool {
        self.join();
        matches!(self.outcome(), Some(Ok(())))
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Preparer {
    /// Whoever opens the journal next must not meet a thread still writing into it.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.join();
    }
}
