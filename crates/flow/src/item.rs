//! One item of flow, and its place in the one order of all commands.

use types::{AccountId, Command, Origin, Sequenced, Timestamp};

/// By what authority an item is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowOrigin {
    /// The account's session: whoever plays the flow signs with [`crate::dev_key`].
    Session,
    /// The L1 queue, at its next position.
    L1,
}

/// A command before it has a sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowItem {
    /// When it arrives. Never decreases along a flow.
    pub timestamp: Timestamp,
    /// On whose behalf.
    pub account: AccountId,
    /// By what authority.
    pub origin: FlowOrigin,
    /// What is asked for.
    pub command: Command,
}

/// Gives items their sequence numbers and L1 queue positions, as an exchange that gets this flow and nothing
/// else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    next_sequence: u64,
    next_l1: u64,
}

impl Default for Numbering {
    fn default() -> Self {
        Self { next_sequence: 1, next_l1: 0 }
    }
}

impl Numbering {
    /// The item as the next command.
    #[inline]
    pub fn number(&mut self, item: FlowItem) -> Sequenced {
        let sequence = self.next_sequence;
        let origin = match item.origin {
            FlowOrigin::Session => Origin::Session,
            FlowOrigin::L1 => Origin::L1(self.next_l1),
        };
        self.advance(item.origin);
        Sequenced {
            sequence,
            timestamp: item.timestamp,
            account: item.account,
            origin,
            command: item.command,
        }
    }

    /// One more command, of this origin.
    pub(crate) fn advance(&mut self, origin: FlowOrigin) {
        self.next_sequence += 1;
        self.next_l1 += u64::from(origin == FlowOrigin::L1);
    }

    /// The sequence number of the next command.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The L1 queue position of the next command that comes from there.
    #[must_use]
    pub fn next_l1(&self) -> u64 {
        self.next_l1
    }
}
