//! What several targets need: states and batches that an honest exchange makes, for hostile bytes to start from.

mod choices;
mod coded;
mod decimal;
mod honest;
mod world;

pub use choices::Choices;
pub use coded::{KEYRING, coded, with_check, with_checksum};
pub use decimal::{plain_decimal, same_decimal};
pub use honest::{Honest, SignedBatch, admitted_flow, signed_batches};
pub use world::{Front, STREAMS, front};
