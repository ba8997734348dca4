//! Who makes proofs.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use verifier::{ProofKind, ProofSystem};

use crate::job::WorkerId;

/// An amount of money: millionths of a dollar, or of whatever unit the operator counts prices in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MicroDollars(pub u64);

impl fmt::Display for MicroDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What a worker says of itself when it registers, and what the operator says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerDescription {
    /// Its key.
    pub id: WorkerId,
    /// What it proves with.
    pub system: ProofSystem,
    /// Where the work is done, as in [`Capabilities`](crate::Capabilities): `cpu`, `cuda`, `network`, ...
    pub device: String,
    /// What it can make.
    pub kinds: BTreeSet<ProofKind>,
    /// Longer executions do not fit into its memory; in the system's own unit.
    pub max_cycles: u64,
    /// How many proofs it makes at the same time; at least one.
    pub slots: u32,
    /// What a second of its work costs.
    pub price: MicroDollars,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_prices_are_written_as_people_read_them() {
        let id = WorkerId([0xab; 32]);
        assert_eq!(format!("{id:.8}"), "abababab");
        assert_eq!(id.to_string().len(), 64);
        assert_eq!(MicroDollars(1_200_005).to_string(), "$1.200005");
    }
}
