//! Keeps the SDK's talk out of this program's output.

use std::io::{Write, stdout};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Does `work` with standard output turned into standard error: the SDK prints where it found its keys, and guests may
/// print too. Other threads' output goes the same way meanwhile.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let _only = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let restore = redirect();
    let result = work();
    drop(restore);
    result
}

/// Puts standard output back when dropped, also after a panic.
struct Restore(OwnedFd);

impl Drop for Restore {
    fn drop(&mut self) {
        // What was printed meanwhile must not wait in the buffer until after.
        stdout().flush().ok();
        rustix::stdio::dup2_stdout(&self.0).ok();
    }
}

fn redirect() -> Option<Restore> {
    stdout().flush().ok()?;
    let kept = rustix::io::dup(rustix::stdio::stdout()).ok()?;
    let restore = Restore(kept);
    rustix::stdio::dup2_stdout(rustix::stdio::stderr()).ok()?;
    Some(restore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_comes_back_even_after_a_panic() {
        let result = std::panic::catch_unwind(|| quietly(|| panic!("expected by the test")));
        assert!(result.is_err());
        assert_eq!(quietly(|| 7), 7);
    }
}
