//! What each peer did while it was asked.

use availability::sampling::Failure;

use crate::{Fault, Trouble};

/// What one peer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerRecord {
    /// Requests.
    pub asked: u32,
    /// Requests with a good answer.
    pub answered: u32,
    /// Good shards.
    pub shards: u32,
    /// Requests without an answer in time, or without a connection.
    pub timeouts: u32,
    /// Requests for what it did not have, or did not want to give.
    pub refused: u32,
    /// Answers that are not what the commitment commits to.
    pub lies: u32,
    /// What was wrong last.
    pub last_fault: Option<Fault>,
    /// How long each good answer took, in microseconds.
    pub latencies: Vec<u32>,
}

impl PeerRecord {
    /// The median of the times of good answers, in microseconds.
    #[must_use]
    pub fn median_latency(&self) -> Option<u32> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    pub(crate) fn good(&mut self, shards: usize, micros: u32) {
        self.asked += 1;
        self.answered += 1;
        self.shards = self.shards.saturating_add(u32::try_from(shards).unwrap_or(u32::MAX));
        self.latencies.push(micros);
    }

    pub(crate) fn bad(&mut self, fault: &Fault) {
        self.asked += 1;
        match fault {
            Fault::None(Trouble::Timeout | Trouble::Unreachable(_)) => self.timeouts += 1,
            Fault::None(Trouble::Absent | Trouble::Refused(_)) => self.refused += 1,
            _ => self.lies += 1,
        }
        self.last_fault = Some(fault.clone());
    }
}

/// As what a request counts that every peer failed: the most that can be said of it.
pub(crate) fn failure(faults: &[Fault]) -> Failure {
    if faults.iter().any(|fault| matches!(fault, Fault::None(Trouble::Timeout | Trouble::Unreachable(_)))) {
        Failure::Timeout
    } else if faults.iter().any(Fault::is_lie) {
        Failure::Invalid
    } else {
        Failure::Absent
    }
}
