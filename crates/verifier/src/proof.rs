//! A proof in a file.
//!
//! ```text
//! magic "GBPROOF" and version 1        8 bytes
//! proof system                         1 byte   (1 SP1, 2 ZisK)
//! kind                                 1 byte   (0 executed, 1 core, 2 compressed, 3 Groth16, 4 PLONK)
//! program id                          32 bytes
//! length of the system's version       1 byte
//! the system's version                 that many bytes of ASCII
//! number of claims                     2 bytes, little-endian, 1 to 256
//! claims, abi.encode                 416 bytes each, consecutive batches in order
//! length of the proof's bytes          8 bytes, little-endian; 0 if and only if the kind is "executed"
//! the proof's bytes                    as the system encodes them
//! SHA-256 of all that                 32 bytes
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use thiserror::Error;
use transition::{BatchRange, Claim};
use types::{DecodeError, Reader};

use crate::{ProgramId, ProofKind, ProofSystem};

const MAGIC: [u8; 8] = *b"GBPROOF\x01";

/// A proof of one batch, or of consecutive ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What made it.
    pub system: ProofSystem,
    /// The system's version: which circuits.
    pub version: String,
    /// What was run.
    pub program: ProgramId,
    /// What it is worth.
    pub kind: ProofKind,
    /// What it claims: one claim a batch, in order. Never empty.
    pub claims: Vec<Claim>,
    /// The proof as the system encodes it. Empty if and only if the kind is [`ProofKind::Executed`].
    pub bytes: Vec<u8>,
}

/// Why bytes are not a proof file, or a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// Not a proof file, or a damaged one.
    #[error("{what}")]
    Format {
        /// What is wrong.
        what: &'static str,
    },
    /// A part does not decode.
    #[error("the proof file does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// The claims are not of consecutive batches.
    #[error("the claim of batch {batch} does not follow the one before it")]
    NotConsecutive {
        /// The batch.
        batch: u64,
    },
    /// It is of another program than the one that the verifier knows.
    #[error("the proof is of program {found}; the program that this verifier knows is {expected}")]
    OtherProgram {
        /// In the proof.
        found: ProgramId,
        /// Known here.
        expected: ProgramId,
    },
    /// It was made by another version of the system.
    #[error("the proof was made by {system} {found}; this verifier checks {expected}")]
    OtherVersion {
        /// The system.
        system: ProofSystem,
        /// In the proof.
        found: String,
        /// Known here.
        expected: String,
    },
    /// There is no proof to check.
    #[error("the file holds claims that were only executed: there is NO PROOF in it to check")]
    NotAProof,
    /// This verifier cannot check that kind.
    #[error("this verifier cannot check {kind} proofs of {system}: {why}")]
    Unsupported {
        /// The system.
        system: ProofSystem,
        /// The kind.
        kind: ProofKind,
        /// Why, and what can.
        why: String,
    },
    /// The proof does not hold.
    #[error("the proof does not hold: {why}")]
    Invalid {
        /// What the proof system says.
        why: String,
    },
}

impl Proof {
    /// Larger files are refused unread.
    pub const MAX_BYTES: usize = 256 << 20;

    /// The program's public output: the claims, encoded one after the other.
    #[must_use]
    pub fn public_values(&self) -> Vec<u8> {
        public_values(&self.claims)
    }

    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + self.claims.len() * Claim::BYTES + 128);
        out.extend_from_slice(&MAGIC);
        out.push(self.system.code());
        out.push(self.kind.code());
        out.extend_from_slice(&self.program.0);
        let version = &self.version.as_bytes()[..self.version.len().min(255)];
        out.push(version.len() as u8);
        out.extend_from_slice(version);
        out.extend_from_slice(&(self.claims.len() as u16).to_le_bytes());
        for claim in &self.claims {
            out.extend_from_slice(&claim.encode());
        }
        out.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.bytes);
        let hash = Sha256::digest(&out);
        out.extend_from_slice(&hash);
        out
    }

    /// Reads the file's bytes. The proof is not checked yet; that the claims follow each other is.
    ///
    /// # Errors
    /// When they are not a whole, undamaged proof file.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let format = |what| ProofError::Format { what };
        if bytes.len() > Self::MAX_BYTES {
            return Err(format("the file is larger than any proof"));
        }
        let (content, hash) = bytes.split_last_chunk::<32>().ok_or(format("the file is too short"))?;
        let mut r = Reader::new(content);
        if r.array::<8>("magic")? != MAGIC {
            return Err(format("this is not a proof file of version 1"));
        }
        if Sha256::digest(content).as_slice() != hash {
            return Err(format("the checksum does not match: the file is damaged or cut short"));
        }
        let tag = r.byte("proof system")?;
        let system =
            ProofSystem::from_code(tag).ok_or(DecodeError::UnknownTag { what: "proof system", tag })?;
        let tag = r.byte("proof kind")?;
        let kind = ProofKind::from_code(tag).ok_or(DecodeError::UnknownTag { what: "proof kind", tag })?;
        let program = ProgramId(r.array("program id")?);
        let length = r.byte("version length")?;
        let version = core::str::from_utf8(r.raw(length.into(), "version")?)
            .ok()
            .filter(|version| version.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or(format("the version is not printable ASCII"))?
            .to_string();
        let count = u16::from_le_bytes(r.array("number of claims")?);
        if !(1..=BatchRange::MAX_BATCHES).contains(&usize::from(count)) {
            return Err(format("a proof has 1 to 256 claims"));
        }
        let mut claims: Vec<Claim> = Vec::new();
        for _ in 0..count {
            let claim = Claim::decode(r.raw(Claim::BYTES, "claim")?)?;
            if claims.last().is_some_and(|before| !claim.follows(before)) {
                return Err(ProofError::NotConsecutive { batch: claim.batch });
            }
            claims.push(claim);
        }
        let length = u64::from_le_bytes(r.array("proof length")?);
        if length != r.left() as u64 {
            return Err(format("the length of the proof does not match"));
        }
        if (length == 0) == kind.is_proof() {
            return Err(format("the kind and the length of the proof do not go together"));
        }
        let bytes = r.raw(r.left(), "proof")?.to_vec();
        Ok(Self { system, version, program, kind, claims, bytes })
    }
}

/// The public output of a program that claims this.
#[must_use]
pub fn public_values(claims: &[Claim]) -> Vec<u8> {
    claims.iter().flat_map(Claim::encode).collect()
}
