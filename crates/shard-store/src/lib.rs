//! Shards of blocks on disk, kept so that others get them; and the server they get them from.
//!
//! ```text
//! DIR/STORE                            what this folder is
//! DIR/LOCK                             held by whoever writes
//! DIR/blocks/000000000/000000000012/   a block: there whole or not at all
//!     head                             record, combination vector, leaves of the Merkle tree
//!     shards                           shard after shard, all of one length
//!     damaged/00007                    what stood where shard 7 was damaged, set aside by scrubbing
//! DIR/headers/000000000/000000000003   the record of a block that was pruned
//! DIR/commitments/c0/ffee…             the number of the block with this commitment
//! DIR/partial/                         what is being written, and replaced; a crash leaves it here
//! ```
//!
//! Folders under `blocks` and `headers` hold a thousand numbers each. A block's folder is written in `partial`, synced, and
//! renamed into place, so a crash leaves it there whole or not at all; its commitment is written before, and counts for nothing
//! while there is no such block. A damaged block that is published again is moved to `partial` before the new one takes its place.
//! Whoever writes holds the lock while it does, waits for it, and clears `partial` first: it puts such a block back where the new one
//! did not get there, and drops the rest. Readers need no
//! lock, and check every shard against its leaf before it leaves the store: what the disk has made of it is never served.
//!
//! [`Store`] publishes and reads, [`Retention`] says what is pruned, [`Store::scrub`] looks for damage and repairs it,
//! [`server`] serves. A [`ShardFile`] is a shard outside of a store.
//!
//! Must not know what a payload means, how batches are made, or what light clients decide.

mod durable;
mod error;
mod file;
mod head;
mod layout;
mod names;
mod recent;
mod retention;
mod scrub;
pub mod server;
mod store;

pub use error::StoreError;
pub use file::ShardFile;
pub use head::{Head, Record};
pub use retention::{Pruned, Retention};
pub use scrub::Health;
pub use store::{BlockId, Outcome, Store, Stored};
