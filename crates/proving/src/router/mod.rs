//! Which worker should make which proof, and why.
//!
//! A [`Router`] knows the workers ([`WorkerDescription`]), what they did so far ([`Profile`], measured), what they have
//! in flight, and whether they can be relied upon ([`CircuitBreaker`]). Asked with a [`Request`] it gives a [`Decision`],
//! which says what it thought of every worker, or [`NoRoute`], which says why none will do.
//!
//! Pure and deterministic: no threads, no clock, no chance. Who calls passes the time in; the same calls give the same
//! decisions. Must not know how work reaches a worker or where records are kept.

mod breaker;
mod choice;
mod clock;
mod decayed;
mod decision;
mod error;
mod estimate;
mod fleet;
mod limits;
mod profile;
mod record;
mod request;
mod strategy;
mod worker;

pub use breaker::{BreakerConfig, BreakerState, CircuitBreaker, Failure, OpenCause, Permit};
pub use choice::NotYet;
pub use decayed::{DecayedLine, DecayedMean, Line};
pub use decision::{Candidate, Choice, Decision, Excluded, Exclusion, NoRoute, Oversize};
pub use error::RouterError;
pub use estimate::{CycleModel, Estimate};
pub use fleet::{Config, Router};
pub use limits::{Limits, Preference, Security};
pub use profile::{KindProfile, Profile, Run};
pub use record::WorkerRecord;
pub use request::{Request, RequestClass, Workload};
pub use strategy::{Score, Strategy};
pub use worker::{MicroDollars, WorkerDescription};
