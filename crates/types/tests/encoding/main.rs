//! The one encoding of everything that crosses a boundary.

mod golden;
mod limits;
mod one_encoding;
mod round_trip;
mod strategies;
