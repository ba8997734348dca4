//! Prepares the next segment on a background thread, so that rotation finds it ready.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::{JournalError, segment};

/// One preparation: a thread that ends when the file is ready, has failed, or is no longer wanted.
#[derive(Debug)]
pub(crate) struct Preparer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), JournalError>>>,
    outcome: Option<Result<(), JournalError>>,
}

impl Preparer {
    pub(crate) fn start(dir: PathBuf, segment_bytes: u64) -> Result<Self, JournalError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let failed_in = dir.clone();
        let thread = thread::Builder::new()
            .name("journal-prepare".into())
            .spawn(move || segment::prepare(&dir, segment_bytes, || stopped.load(Ordering::Relaxed)))
            .map_err(JournalError::io("start the preparing thread for", &failed_in))?;
        Ok(Self { stop, thread: Some(thread), outcome: None })
    }

    /// The outcome, if there is one yet.
    pub(crate) fn poll(&mut self) -> Option<&Result<(), JournalError>> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join();
        }
        self.outcome.as_ref()
    }

    /// Waits for the outcome.
    pub(crate) fn wait(mut self) -> Result<(), JournalError> {
        self.join();
        self.outcome.take().expect("a joined preparation has an outcome")
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.outcome = Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    }
}

impl Drop for Preparer {
    /// Whoever opens the journal next must not meet a thread still writing into it.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
