//! What there is to show for a claim.

use core::fmt;
use core::str::FromStr;

/// What there is to show for a claim, from nothing to a proof that Ethereum checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ProofKind {
    /// **No proof.** The program was executed and gave the claim.
    Executed,
    /// A STARK in pieces, one for each shard of the execution.
    Core,
    /// One STARK of constant size, which proves that somebody checked the core proof.
    Compressed,
    /// A Groth16 proof over BN254 of the compressed proof: a few hundred bytes.
    Groth16,
    /// A PLONK proof over BN254 of the compressed proof.
    Plonk,
}

impl ProofKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Executed, Self::Core, Self::Compressed, Self::Groth16, Self::Plonk];

    /// Its name in files, options and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Core => "core",
            Self::Compressed => "compressed",
            Self::Groth16 => "groth16",
            Self::Plonk => "plonk",
        }
    }

    /// What somebody who has checked it knows.
    #[must_use]
    pub fn statement(self) -> &'static str {
        match self {
            Self::Executed => {
                "NOT A PROOF: whoever made this file says that the program gave these claims when it was executed"
            }
            Self::Core => {
                "the program of this id, run on some input, ends well with these claims; about as many bytes for every \
                 shard of the execution; soundness rests on hash functions and on the proof system's parameters, no \
                 trusted setup"
            }
            Self::Compressed => {
                "the same as a core proof, in one proof of constant size; soundness also rests on the recursion \
                 circuits whose keys the verifier holds, no trusted setup"
            }
            Self::Groth16 => {
                "the same as a compressed proof, cheap to check on Ethereum; soundness also rests on pairings over \
                 BN254 and on the honesty of one participant in the circuit's trusted setup"
            }
            Self::Plonk => {
                "the same as a compressed proof, cheap to check on Ethereum; soundness also rests on pairings over \
                 BN254 and on a universal trusted setup"
            }
        }
    }

    /// Whether it proves anything.
    #[must_use]
    pub fn is_proof(self) -> bool {
        self != Self::Executed
    }

    /// Its byte in files and messages.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Executed => 0,
            Self::Core => 1,
            Self::Compressed => 2,
            Self::Groth16 => 3,
            Self::Plonk => 4,
        }
    }

    /// The kind of that byte.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for ProofKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProofKind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or("a proof kind is one of executed, core, compressed, groth16, plonk")
    }
}
