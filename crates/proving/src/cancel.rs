//! Stopping work that nobody waits for any more, or that somebody ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that is shared between who asks for work and who does it.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Asks to stop at the first Ctrl-C (or SIGTERM, SIGHUP), which says what happens then; the second ends the process. Once
    /// in a process.
    ///
    /// # Errors
    /// When signals cannot be watched.
    pub fn on_ctrl_c(then: &'static str) -> Result<Self, ctrlc::Error> {
        Self::on_ctrl_c_say(move || eprintln!("\nstopping: {then} (once more to end at once)"))
    }

    /// The same, for whoever says it otherwise.
    ///
    /// # Errors
    /// When signals cannot be watched.
    pub fn on_ctrl_c_say(say: impl Fn() + Send + 'static) -> Result<Self, ctrlc::Error> {
        let stop = Self::default();
        let seen = stop.clone();
        ctrlc::set_handler(move || {
            if seen.0.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            say();
        })?;
        Ok(stop)
    }

    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
