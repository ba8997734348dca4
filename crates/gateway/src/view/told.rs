//! What is told of a command, if anybody listens.

use super::Update;

/// Collects what a command changed.
#[derive(Default)]
pub(super) struct Told {
    /// In order.
    pub list: Vec<Update>,
    /// Whether anybody listens.
    pub heard: bool,
    /// Whether the market that is spoken of is not shown.
    pub hidden: bool,
}

impl Told {
    /// One thing more.
    pub fn say(&mut self, update: impl FnOnce() -> Update) {
        if self.heard && !self.hidden {
            self.list.push(update());
        }
    }
}
