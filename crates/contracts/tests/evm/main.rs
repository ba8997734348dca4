//! The contracts in the EVM (`revm`, Osaka), against claims that `transition` makes and signatures that are real.
#![expect(clippy::unwrap_used, reason = "tests")]

mod artifacts;
mod chain;
mod custody;
mod exits;
mod gas;
mod groth16;
mod invariant;
mod ledger;
mod queue;
mod roles;
mod settlement;
mod tokens;
mod verifiers;
mod work;
mod world;
