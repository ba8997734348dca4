//! Data availability: the data of sealed batches is coded, committed, stored, sampled and got back.

pub mod correction;
pub mod encryption;
pub mod sampling;
