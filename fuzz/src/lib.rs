//! What several targets need: states and batches that an honest exchange makes, for hostile bytes to start from.

mod choices;
mod honest;

pub use choices::Choices;
pub use honest::{Honest, SignedBatch, admitted_flow, signed_batches};
