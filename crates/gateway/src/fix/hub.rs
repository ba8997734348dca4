//! Follows the view once for all sessions, and gives each account's sessions what concerns them.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc};
use types::AccountId;

use crate::view::{Update, Updates, View};

/// Commands that may wait for a session.
const QUEUE: usize = 4_096;

/// Who listens, by account.
#[derive(Default)]
pub(super) struct Hub {
    accounts: Mutex<HashMap<AccountId, Vec<Listener>>>,
}

struct Listener {
    sender: mpsc::Sender<Arc<Updates>>,
    missed: Arc<Missed>,
}

/// Set when something was not told; the session then looks at the view itself.
#[derive(Default)]
struct Missed {
    flag: AtomicBool,
    wake: Notify,
}

/// What a session hears.
pub(super) struct Heard {
    receiver: mpsc::Receiver<Arc<Updates>>,
    missed: Arc<Missed>,
}

/// The next thing that a session hears.
pub(super) enum Told {
    /// A command that concerns the account.
    Updates(Arc<Updates>),
    /// Something was missed.
    Missed,
}

impl Hub {
    /// Hears of everything that concerns an account from now on.
    pub fn listen(&self, account: AccountId) -> Heard {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let missed = Arc::<Missed>::default();
        let listener = Listener { sender, missed: Arc::clone(&missed) };
        self.accounts().entry(account).or_default().push(listener);
        Heard { receiver, missed }
    }

    /// Tells what happens, from this call on and for as long as the view goes on.
    pub fn follow(self: Arc<Self>, view: &View) -> impl Future<Output = ()> + Send + use<> {
        // Before any session looks at the view: whatever it does not see then is told.
        let mut updates = view.subscribe();
        let mut last = view.sequence();
        async move {
            loop {
                match updates.recv().await {
                    Ok(next) => {
                        if next.sequence > last + 1 {
                            self.missed();
                        }
                        last = last.max(next.sequence);
                        self.take(&next);
                    }
                    // The next one shows the gap.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    fn take(&self, updates: &Arc<Updates>) {
        let mut accounts = self.accounts();
        if accounts.is_empty() {
            return;
        }
        let mut concerned: HashSet<AccountId> = HashSet::from([updates.account]);
        for update in &updates.list {
            if let Update::Order(order, _) = update {
                concerned.insert(order.account);
            }
        }
        for account in concerned {
            let Some(listeners) = accounts.get_mut(&account) else { continue };
            listeners.retain(|listener| match listener.sender.try_send(Arc::clone(updates)) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    listener.missed.set();
                    true
                }
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            });
            if listeners.is_empty() {
                accounts.remove(&account);
            }
        }
    }

    fn missed(&self) {
        self.accounts().values().flatten().for_each(|listener| listener.missed.set());
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<AccountId, Vec<Listener>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Missed {
    fn set(&self) {
        self.flag.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

impl Heard {
    /// The next thing.
    pub async fn next(&mut self) -> Told {
        loop {
            if let Some(told) = self.try_next() {
                return told;
            }
            tokio::select! {
                next = self.receiver.recv() => match next {
                    Some(updates) => return Told::Updates(updates),
                    None => std::future::pending().await,
                },
                () = self.missed.wake.notified() => {}
            }
        }
    }

    /// The next thing that is here.
    pub fn try_next(&mut self) -> Option<Told> {
        if self.missed.flag.swap(false, Ordering::AcqRel) {
            return Some(Told::Missed);
        }
        self.receiver.try_recv().ok().map(Told::Updates)
    }
}
