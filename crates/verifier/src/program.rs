//! Which program a proof is about, and by which proof system.

use core::fmt;
use core::str::FromStr;

/// What made a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ProofSystem {
    /// SP1: a zkVM for RISC-V, STARKs over KoalaBear.
    Sp1,
    /// ZisK: a zkVM for RISC-V, STARKs over Goldilocks.
    Zisk,
}

impl ProofSystem {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sp1, Self::Zisk];

    /// Its name in files, options and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sp1 => "sp1",
            Self::Zisk => "zisk",
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Sp1 => 1,
            Self::Zisk => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.code() == code)
    }
}

impl fmt::Display for ProofSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProofSystem {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|system| system.name() == name).ok_or("a proof system is one of sp1, zisk")
    }
}

/// What a program is known by: the hash of its verification key, or of its executable where a system has no key for it
/// without its proving keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramId(pub [u8; 32]);

impl fmt::Display for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramId({self})")
    }
}
