//! The exchange as a whole: starts the threads, takes submissions, stops in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded, unbounded};
use rules::Genesis;
use transition::Stream;
use types::AccountId;

use crate::bundle::{Acknowledgement, Reply, Submission, Ticket};
use crate::committer::Committer;
use crate::config::Config;
use crate::engine::{Engine, Message};
use crate::feeds::{self, Publisher, Subscription, Topic};
use crate::ingress::{Ingress, Permits, Sessions, lock};
use crate::recovery::{self, Parts, Recovered};
use crate::sealer::{BatchReport, SealerThread};
use crate::shadow::ShadowThread;
use crate::stats::{Counters, LatencySummary, Stats};
use crate::{ExchangeError, Fault, Refused};

/// Groups that may wait for the journal.
const GROUPS_IN_FLIGHT: usize = 4;

/// Executed batches that may wait for their roots and files.
const BATCHES_IN_FLIGHT: usize = 1;

/// A running exchange. Shared between threads by reference; [`Exchange::shutdown`] ends it in order, dropping it ends
/// it too (acknowledged commands are durable in any case).
pub struct Exchange {
    ingress: Ingress,
    queue: Sender<Message>,
    counters: Arc<Counters>,
    fault: Arc<Mutex<Option<Fault>>>,
    reports: Arc<Mutex<VecDeque<BatchReport>>>,
    threads: Vec<(&'static str, JoinHandle<()>)>,
    feed_buffer: usize,
}

impl Exchange {
    /// Opens a data directory and starts. An empty directory begins with `genesis`; another one must be of the same
    /// exchange. `progress` is told how many commands were replayed from the journal.
    ///
    /// # Errors
    /// When the directory is in use, damaged, or of another exchange; nothing is changed then.
    pub fn open(
        config: Config,
        genesis: &Genesis,
        mut progress: impl FnMut(u64),
    ) -> Result<(Self, Recovered), ExchangeError> {
        let parts = recovery::open(&config, genesis, &mut progress)?;
        Self::start(config, genesis, parts)
    }

    /// Starts the threads.
    pub(crate) fn start(
        config: Config,
        genesis: &Genesis,
        parts: Parts,
    ) -> Result<(Self, Recovered), ExchangeError> {
        let Parts {
            book,
            shadow,
            sealer,
            journal,
            snapshots,
            sessions,
            cursor,
            streams_in_batch,
            reports,
            recovered,
        } = parts;
        let identity = (genesis.chain_id, genesis.exchange);
        let counters = Arc::new(Counters::starting_with(cursor.in_batch, shadow.sealed_sequence()));
        let fault = Arc::new(Mutex::new(None));
        let reports = Arc::new(Mutex::new(reports));
        let streams = executed_streams(&sessions);
        let sessions = Arc::new(sessions);
        let permits = Permits::new(config.queue);
        let (queue, messages) = unbounded();
        let (chunks, to_commit) = bounded(GROUPS_IN_FLIGHT);
        // Bounded by `max_lag`: ingress takes nothing more when too much is unsealed.
        let (committed, to_shadow) = unbounded();
        // As many as `max_lag` can fill: the pages of fresh ones cost the engine as much as its work.
        let groups = config.max_lag / config.group as u64;
        let (spare, spares) = bounded(usize::try_from(groups).unwrap_or(0) + 2 * GROUPS_IN_FLIGHT);
        let (to_sealer, jobs) = bounded(BATCHES_IN_FLIGHT);
        let (ended, sealer_ended) = bounded(0);
        let (truncate, truncations) = unbounded();

        let latency = config.measure.then(|| hdrhistogram::Histogram::new_with_bounds(1, 1 << 36, 3));
        let engine = Engine {
            book,
            cursor,
            config: config.clone(),
            identity,
            sessions: Arc::clone(&sessions),
            counters: Arc::clone(&counters),
            fault: Arc::clone(&fault),
            queue: messages,
            permits: permits.clone(),
            chunks,
            spare: spares,
            streams,
            streams_in_batch,
            // The bounds are constants that fit.
            latency: latency.and_then(Result::ok),
        };
        let committer = Committer {
            journal,
            publisher: Publisher::default(),
            counters: Arc::clone(&counters),
            fault: Arc::clone(&fault),
            chunks: to_commit,
            shadow: committed,
            truncate: truncations,
        };
        let shadow = ShadowThread {
            shadow,
            config: config.clone(),
            fault: Arc::clone(&fault),
            chunks: to_shadow,
            sealer: to_sealer,
            sealer_ended,
            unsnapshotted: recovered.replayed_batches,
        };
        let sealer = SealerThread {
            sealer,
            snapshots,
            older_snapshots: config.older_snapshots,
            counters: Arc::clone(&counters),
            fault: Arc::clone(&fault),
            reports: Arc::clone(&reports),
            jobs,
            spare,
            truncate,
            ended,
        };
        let mut threads = Vec::new();
        for (name, run) in [
            ("engine", Box::new(|| engine.run()) as Box<dyn FnOnce() + Send>),
            ("committer", Box::new(|| committer.run())),
            ("shadow", Box::new(|| shadow.run())),
            ("sealer", Box::new(|| sealer.run())),
        ] {
            let thread = std::thread::Builder::new().name(name.into()).spawn(run);
            threads.push((
                name,
                thread.map_err(|source| ExchangeError::File {
                    doing: "start a thread for",
                    path: config.data_dir.clone(),
                    source,
                })?,
            ));
        }
        let ingress = Ingress::new(
            &config,
            identity,
            sessions,
            Arc::clone(&counters),
            Arc::clone(&fault),
            queue.clone(),
            permits,
        );
        let feed_buffer = config.feed_buffer;
        Ok((Self { ingress, queue, counters, fault, reports, threads, feed_buffer }, recovered))
    }

    /// Hands in a submission; the ticket says when it is durable and executed.
    ///
    /// # Errors
    /// When it is refused. It has then left no trace.
    pub fn submit(&self, submission: Submission) -> Result<Ticket, Refused> {
        let (reply, answer) = bounded(1);
        self.ingress.submit(submission, Some(Reply::Ticket(reply)), false)?;
        Ok(Ticket { answer, fault: Arc::clone(&self.fault) })
    }

    /// As [`Exchange::submit`], for whoever must not block: `answer` is called once it is known what became of the
    /// submission, and dropped uncalled when it is refused at once or the exchange stops before that ([`Exchange::fault`]).
    /// It runs on the thread that makes commands durable, so it may do no more than pass the answer on.
    ///
    /// # Errors
    /// As [`Exchange::submit`].
    pub fn submit_then(
        &self,
        submission: Submission,
        answer: impl FnOnce(Result<Acknowledgement, Refused>) + Send + Sync + 'static,
    ) -> Result<(), Refused> {
        self.ingress.submit(submission, Some(Reply::Call(Box::new(answer))), false)
    }

    /// As [`Exchange::submit`], but waits for room instead of answering "busy".
    ///
    /// # Errors
    /// As [`Exchange::submit`].
    pub fn submit_waiting(&self, submission: Submission) -> Result<Ticket, Refused> {
        let (reply, answer) = bounded(1);
        self.ingress.submit(submission, Some(Reply::Ticket(reply)), true)?;
        Ok(Ticket { answer, fault: Arc::clone(&self.fault) })
    }

    /// Where the stream of an account's session is; `None` for an unknown account.
    #[must_use]
    pub fn stream(&self, account: AccountId) -> Option<Stream> {
        self.ingress.stream(account).map(|known| known.0)
    }

    /// The nonce of the next command that an account's owner signs.
    #[must_use]
    pub fn nonce(&self, account: AccountId) -> Option<u64> {
        self.ingress.stream(account).map(|known| known.1)
    }

    /// Follows a topic, from the commands executed from now on.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        self.subscribe_with(topic, self.feed_buffer)
    }

    /// As [`Exchange::subscribe`], but at most `buffer` messages may wait, instead of [`Config::feed_buffer`]: for
    /// whoever is part of the same process and takes everything. At least one, for the first message.
    #[must_use]
    pub fn subscribe_with(&self, topic: Topic, buffer: usize) -> Subscription {
        let (sink, subscription) = feeds::feed(buffer.max(1));
        // If the engine has ended, the feed ends at once.
        let _ = self.queue.send(Message::Subscribe { topic, sink });
        subscription
    }

    /// Seals the current batch now, if it is not empty.
    pub fn seal(&self) {
        let _ = self.queue.send(Message::Seal);
    }

    /// What follows the exchange says how far it is: for [`Config::max_downstream_lag`]. It never slows the engine, only
    /// keeps new commands out.
    pub fn taken_downstream(&self, last_sequence: u64) {
        self.counters.taken_sequence.fetch_max(last_sequence, std::sync::atomic::Ordering::Relaxed);
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// How long the engine took for a command, when [`Config::measure`] is on.
    #[must_use]
    pub fn engine_latency(&self) -> LatencySummary {
        self.counters.latency()
    }

    /// The latest sealed batches, oldest first.
    #[must_use]
    pub fn batches(&self) -> Vec<BatchReport> {
        lock(&self.reports).iter().cloned().collect()
    }

    /// What has stopped the exchange, if anything has.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        lock(&self.fault).clone()
    }

    /// Takes nothing more, finishes what was taken, seals it, and stops.
    ///
    /// # Errors
    /// When something had broken.
    pub fn shutdown(mut self) -> Result<(), ExchangeError> {
        self.stop().map_or(Ok(()), |fault| Err(fault.into()))
    }

    fn stop(&mut self) -> Option<Fault> {
        let _ = self.queue.send(Message::Shutdown);
        let mut fault = None;
        for (name, thread) in self.threads.drain(..) {
            if thread.join().is_err() {
                fault.get_or_insert(Fault::Panic(name));
            }
        }
        fault.or_else(|| self.fault())
    }
}

/// Where the streams are at the start, when ingress is nowhere ahead.
fn executed_streams(sessions: &Sessions) -> Vec<Stream> {
    let sessions = sessions.read().unwrap_or_else(PoisonError::into_inner);
    sessions.iter().map(|session| lock(session).stream).collect()
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::BatchPolicy;
    use crate::kit::*;

    #[test]
    fn a_batch_ends_by_time_although_the_queue_is_never_empty() {
        let dir = directory();
        let mut config = config(dir.path());
        config.batch = BatchPolicy { commands: 1 << 40, interval: Duration::from_micros(1) };
        config.group = 1_000;
        let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
        set_up(&exchange);
        let account = AccountId(1);
        let flood: Vec<Ticket> = {
            // Holds the engine up at the registration, until all of the rest is in the queue.
            let sessions = exchange.ingress.sessions.read().unwrap();
            let _session = lock(&sessions[1]);
            exchange.submit(from_l1(vec![(account, register(account, 2))])).unwrap();
            let deposits = from_l1(vec![deposit(account, BASE, 1); 500]);
            (0..100).map(|_| exchange.submit(deposits.clone()).unwrap()).collect()
        };
        let mut batches: Vec<u64> = flood.into_iter().map(|ticket| ticket.wait().unwrap().batch).collect();
        batches.dedup();
        assert!(batches.len() > 20, "{batches:?}");
        exchange.shutdown().unwrap();
        check_batches(dir.path(), &genesis());
    }
}
