//! What the engine hands on: a group of executed submissions, made durable together.

use std::ops::Range;

use rules::Order;
use transition::Stream;
use types::{AccountId, Event, Outcome, Timestamp};

use crate::Refused;
use crate::bundle::{Acknowledgement, Reply};
use crate::feeds::{Sink, Topic};

/// A group of executed submissions. Its vectors are recycled.
#[derive(Default)]
pub(crate) struct Chunk {
    /// What happened, in order.
    pub items: Vec<Item>,
    /// Journal records, one behind the other; items point into them.
    pub records: Vec<u8>,
    /// On whose behalf each command was.
    pub accounts: Vec<AccountId>,
    /// Of all commands, in order.
    pub outcomes: Vec<Outcome>,
    /// Where each command's events end.
    pub ends: Vec<u32>,
    /// Of all commands, in order.
    pub events: Vec<Event>,
    /// The journal's next index and chain hash once the chunk is durable.
    pub journal_end: (u64, journal::ChainHash),
}

pub(crate) enum Item {
    /// A submission.
    Bundle {
        /// Its record.
        record: (usize, usize),
        /// Its commands' canonical encodings, inside the record.
        commands: (usize, usize),
        first_sequence: u64,
        count: usize,
        timestamp: Timestamp,
        batch: u64,
        /// Signatures, for the batch's input.
        streams: Vec<(AccountId, [u8; 64])>,
        /// Where the signed streams are after it, as ingress checked.
        after: Vec<(AccountId, Stream)>,
        owner: Option<[u8; 65]>,
        reply: Option<Reply>,
    },
    /// The batch ends here. The last item of its chunk, unless a session change ended the batch early.
    Seal { record: (usize, usize), batch: u64, last_sequence: u64 },
    /// A subscriber arrives after this command, with the book as it is here.
    Subscribe {
        topic: Topic,
        sink: Option<Sink>,
        sequence: u64,
        timestamp: Timestamp,
        book: Option<Vec<Order>>,
    },
}

impl Chunk {
    pub fn clear(&mut self) {
        self.items.clear();
        self.records.clear();
        self.accounts.clear();
        self.outcomes.clear();
        self.ends.clear();
        self.events.clear();
    }

    /// The journal records of the chunk, in order.
    pub fn journal_records(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().filter_map(|item| match item {
            Item::Bundle { record, .. } | Item::Seal { record, .. } => {
                Some(&self.records[record.0..record.1])
            }
            Item::Subscribe { .. } => None,
        })
    }

    /// The outcomes and events of some of the commands, in order.
    pub fn results(&self, commands: Range<usize>) -> impl Iterator<Item = (Outcome, &[Event])> {
        let mut start = if commands.start == 0 { 0 } else { self.ends[commands.start - 1] as usize };
        self.outcomes[commands.clone()].iter().zip(&self.ends[commands]).map(move |(outcome, end)| {
            let events = &self.events[start..*end as usize];
            start = *end as usize;
            (*outcome, events)
        })
    }

    /// Answers all submissions: they are durable.
    pub fn acknowledge(&mut self) {
        let mut at = 0;
        for item in &mut self.items {
            if let Item::Bundle { first_sequence, count, timestamp, batch, reply, .. } = item {
                if let Some(reply) = reply.take() {
                    let answer = Acknowledgement {
                        first_sequence: *first_sequence,
                        batch: *batch,
                        timestamp: *timestamp,
                        outcomes: self.outcomes[at..at + *count].to_vec(),
                    };
                    reply.send(Ok(answer));
                }
                at += *count;
            }
        }
    }

    /// Answers all submissions: they may not be durable.
    pub fn refuse(&mut self, refused: &Refused) {
        for item in &mut self.items {
            if let Item::Bundle { reply, .. } = item
                && let Some(reply) = reply.take()
            {
                reply.send(Err(refused.clone()));
            }
        }
    }
}
