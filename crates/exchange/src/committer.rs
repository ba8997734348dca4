//! The committer thread: makes groups durable with one write and one fsync each, then answers and publishes them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use journal::{Journal, JournalError};

use crate::chunk::Chunk;
use crate::error::PanicGuard;
use crate::feeds::Publisher;
use crate::ingress::lock;
use crate::stats::{Counters, add_since};
use crate::{Fault, Refused};

pub(crate) struct Committer {
    pub journal: Journal,
    pub publisher: Publisher,
    pub counters: Arc<Counters>,
    pub fault: Arc<Mutex<Option<Fault>>>,
    pub chunks: Receiver<Chunk>,
    pub shadow: Sender<Chunk>,
    /// Records below this index are in a snapshot.
    pub truncate: Receiver<u64>,
}

impl Committer {
    pub fn run(mut self) {
        let fault = Arc::clone(&self.fault);
        let mut failed = false;
        while let Ok(mut chunk) = self.chunks.recv() {
            let _guard = PanicGuard::new("committer", &fault);
            if failed {
                self.refuse(&mut chunk);
                continue;
            }
            if let Err(error) = self.commit(&mut chunk) {
                failed = true;
                self.fail(&error);
                self.refuse(&mut chunk);
                continue;
            }
            let start = Instant::now();
            self.counters.durable.fetch_add(chunk.outcomes.len() as u64, Ordering::Relaxed);
            chunk.acknowledge();
            let dropped = self.publisher.publish(&mut chunk);
            self.counters.dropped_subscribers.fetch_add(dropped, Ordering::Relaxed);
            add_since(&self.counters.feeds_ns, start);
            // When the shadow has stopped there is a fault, and nothing new comes in.
            let _ = self.shadow.send(chunk);
            if let Err(error) = self.truncate() {
                failed = true;
                self.fail(&error);
            }
        }
    }

    /// The feeds end too: what follows will never be durable.
    fn fail(&mut self, error: &JournalError) {
        lock(&self.fault).get_or_insert(Fault::Journal(error.to_string()));
        self.publisher = Publisher::default();
    }

    fn truncate(&mut self) -> Result<(), JournalError> {
        match self.truncate.try_iter().last() {
            Some(index) => self.journal.truncate_before(index).map(|_| ()),
            None => Ok(()),
        }
    }

    fn commit(&mut self, chunk: &mut Chunk) -> Result<(), JournalError> {
        let start = Instant::now();
        let mut bytes = 0;
        for record in chunk.journal_records() {
            match self.journal.append(record) {
                Err(JournalError::GroupFull { .. }) => {
                    bytes += self.journal.commit()?.bytes;
                    self.journal.append(record)?;
                }
                appended => {
                    appended?;
                }
            }
        }
        bytes += self.journal.commit()?.bytes;
        chunk.journal_end = (self.journal.next_index(), self.journal.chain_hash());
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.counters.journal_bytes.fetch_add(bytes, Ordering::Relaxed);
        add_since(&self.counters.journal_ns, start);
        Ok(())
    }

    fn refuse(&self, chunk: &mut Chunk) {
        let fault = lock(&self.fault).clone();
        chunk.refuse(&fault.map_or(Refused::ShuttingDown, Refused::Stopped));
    }
}
