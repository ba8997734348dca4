//! How many shards a client asks for, which, and what the answers show.
//!
//! Data coded into N shards, any K of which give it back, is lost only when at least W = N − K + 1 shards are withheld. A client
//! that asks for q shards, chosen so that nobody can foresee them, meets none of the W with a probability of exactly
//! C(N − W, q) / C(N, q). All numbers here come from that fraction, as integers; nothing is decided by floating point.
//!
//! Two questions are kept apart by type:
//!
//! - *Can the data be had?* An [`AvailabilityPlan`] is drawn from the client's private randomness.
//! - *Is the committed vector close to a codeword?* A [`ProximityPlan`] may be drawn from the commitment itself, so anybody can
//!   repeat it. Such indices are known to the publisher, who can serve these and no others: they say nothing of availability.
//!
//! The bounds and what they do not say are in the book (`docs/src/availability/sampling.md`).

mod adaptive;
mod bound;
mod confidence;
mod coverage;
mod error;
mod plan;
mod policy;
mod proximity;
mod results;
mod shape;
mod stratified;

pub use adaptive::History;
pub use confidence::Confidence;
pub use coverage::{always_served, clients_needed, coverage};
pub use error::SamplingError;
pub use plan::{AvailabilityPlan, Strategy, Verdict};
pub use policy::{Bound, Floors, Policy, Requirement};
pub use proximity::{FIAT_SHAMIR_BITS, Proximity, ProximityPlan};
pub use results::{Failure, Outcome, Results};
pub use shape::Shape;
pub use stratified::Strata;
