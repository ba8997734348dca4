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

impl ProgramId {
    /// Of a committed file that begins with it: 64 lower-case hexadecimal digits, with or without `0x` before them, and
    /// nothing or white space behind. Compilation fails on anything else.
    #[cfg(any(feature = "sp1", feature = "zisk", test))]
    pub(crate) const fn committed(file: &str) -> Self {
        let text = file.as_bytes();
        let start = if text.len() > 1 && text[0] == b'0' && text[1] == b'x' { 2 } else { 0 };
        let end = start + 64;
        assert!(
            text.len() == end || text.len() > end && text[end].is_ascii_whitespace(),
            "a program id is 64 digits"
        );
        let mut id = [0; 32];
        let mut at = 0;
        while at < 64 {
            let digit = match text[start + at] {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'a'..=b'f' => digit - b'a' + 10,
                _ => panic!("not a hexadecimal digit"),
            };
            id[at / 2] = id[at / 2] << 4 | digit;
            at += 1;
        }
        Self(id)
    }
}

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

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use alloc::format;

    #[test]
    fn a_committed_id_is_read_as_it_is_written() {
        let id = ProgramId(core::array::from_fn(|at| at as u8 * 7));
        for file in [format!("{id}"), format!("0x{id}\n"), format!("{id}  glassbook-zisk.elf\n")] {
            assert_eq!(ProgramId::committed(&file), id);
        }
        let digits = format!("{id}");
        for file in ["", "0x", &digits[1..], &format!("{digits}0"), &digits.replace('1', "g")] {
            assert!(std::panic::catch_unwind(|| ProgramId::committed(file)).is_err(), "{file}");
        }
    }
}
