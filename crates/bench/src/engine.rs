//! What a matching engine must offer to be measured.

use crate::workload::{Operation, Workload};

/// An engine under test. Operations are prepared (put into the engine's own words) outside the clock, in groups
/// small enough to stay in the cache, as a decoder in front of the engine would leave them.
pub trait Engine: Sized {
    /// An operation in the engine's words.
    type Command;

    /// Its name in the table.
    const NAME: &'static str;

    /// An empty engine, large enough for the workload.
    fn new(workload: &Workload) -> Self;

    /// Translates a group of operations. Called for all operations in their order.
    fn prepare(&mut self, workload: &Workload, group: &[Operation], commands: &mut Vec<Self::Command>);

    /// Does one; this alone is measured.
    fn apply(&mut self, command: &Self::Command);

    /// Looks at what the group did, outside the clock.
    fn group_done(&mut self) {}

    /// Lots filled so far.
    fn filled(&self) -> u64;

    /// Operations refused so far.
    fn refused(&self) -> u64;
}
