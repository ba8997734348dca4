//! Node and workers over real HTTP, against workers that die, lie and hang, and against crashes of the node.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod kit;
mod node;
mod queue;
mod restart;
