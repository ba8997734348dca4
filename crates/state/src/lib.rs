//! The authenticated state: an ordered map from 128-bit keys to short byte strings, committed to by
//! one root through an *indexed Merkle tree*.
//!
//! [`FullTree`] holds everything and is what a host runs. [`PartialTree`] is rebuilt from a
//! [`Witness`] and holds only what one batch touches; it is what a zkVM guest runs. Both implement
//! [`StateTree`] and, given the same calls, reach the same root. [`verify`] checks a [`Proof`] of one
//! key's presence or absence with nothing but the root.
//!
//! ```
//! use state::{FullTree, PartialTree, Sha256Hash, StateTree, Value};
//!
//! let mut full = FullTree::<Sha256Hash>::new();
//! full.apply(&[(7, Some(Value::from_slice(b"seven")))])?;
//! let before = full.root();
//!
//! full.start_recording();
//! let batch = [(7, None), (9, Some(Value::from_slice(b"nine")))];
//! full.apply(&batch)?;
//! let witness = full.take_witness()?;
//!
//! let mut partial = PartialTree::<Sha256Hash>::from_witness(witness)?;
//! partial.verify(before)?;
//! partial.apply(&batch)?;
//! assert_eq!(partial.root(), full.root());
//! # Ok::<(), state::StateError>(())
//! ```
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod codec;
mod error;
mod full;
mod hash;
mod index;
mod leaf;
mod levels;
mod partial;
mod preimage;
mod proof;
mod recording;
mod slot_set;
mod snapshot;
mod tree;
mod verify;
mod witness;

pub use error::{DecodeError, ProofError, StateError};
pub use full::FullTree;
pub use hash::{DEPTH, Digest, EMPTY_LEAF, HashCounts, Sha256Hash, TreeHash, empty_subtrees};
pub use leaf::{Entry, KEY_END, KEY_HEAD, Key, Leaf, MAX_VALUE, SLOT_NONE, Value};
pub use partial::PartialTree;
pub use preimage::{free_digest, occupied_digest, state_root};
pub use proof::Proof;
pub use tree::{Change, StateTree};
pub use verify::verify;
pub use witness::{TouchedLeaf, Witness};
