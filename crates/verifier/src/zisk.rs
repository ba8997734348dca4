//! Checking ZisK proofs.
//!
//! A ZisK proof is one STARK over the Goldilocks field, of constant size, which proves by recursion that the whole execution
//! was checked. ZisK's own verifier crate checks it, under the key of ZisK's release that is compiled in; it is `no_std` and
//! needs no prover.
//!
//! ZisK has room for 256 bytes of public output, less than one claim. The guest therefore gives the SHA-256 of its claims,
//! and here the claims of the proof file are hashed again: see [`public_output`].
//!
//! What a verifier learns: see [`ProofKind::Compressed`]. Soundness rests on ZisK's hash functions (Poseidon or BLAKE3 in the
//! STARK, SHA-256 in the program) and on its parameters; there is no trusted setup and no lattice in it.

use alloc::string::{String, ToString};

use sha2::{Digest, Sha256};
use transition::Claim;
use zisk_verifier::Verified;

use crate::guard::guarded;
use crate::{ProgramId, Proof, ProofError, ProofKind, ProofSystem, public_values};

/// The system's version: what [`Proof::version`] of a ZisK proof must be.
pub const VERSION: &str = "1.4.0-alpha";

/// The committed guest program: the SHA-256 of its executable.
///
/// Not of its key, which ZisK derives from the executable and its proving key.
pub const COMMITTED_PROGRAM: ProgramId =
    ProgramId::committed(include_str!("../../../guests/elf/glassbook-zisk.sha256"));

/// The committed guest program's key, once a machine with ZisK's proving key has derived it.
pub const COMMITTED_KEY: Option<[u8; 32]> = None;

/// Bytes of public output that a ZisK program has.
const PUBLIC_BYTES: usize = 256;

/// What the guest gives for these claims: the SHA-256 of their encodings one after the other, and zeros.
#[must_use]
pub fn public_output(claims: &[Claim]) -> [u8; PUBLIC_BYTES] {
    let mut output = [0; PUBLIC_BYTES];
    output[..32].copy_from_slice(&Sha256::digest(public_values(claims)));
    output
}

/// Checks proofs of the committed program.
#[derive(Clone, Copy, Debug)]
pub struct ZiskVerifier {
    key: Option<[u8; 32]>,
}

impl ZiskVerifier {
    /// With the program's key: four little-endian 64-bit words, the root of its ROM. Without one nothing can be checked.
    #[must_use]
    pub fn new(key: Option<[u8; 32]>) -> Self {
        Self { key }
    }

    /// Whether the proof holds for the claims in it.
    ///
    /// # Errors
    /// When it does not, and why.
    pub fn verify(&self, proof: &Proof) -> Result<(), ProofError> {
        self.verify_header(proof)?;
        let unsupported = |why: &str| {
            let why = why.to_string();
            Err(ProofError::Unsupported { system: ProofSystem::Zisk, kind: proof.kind, why })
        };
        match proof.kind {
            ProofKind::Executed => Err(ProofError::NotAProof),
            ProofKind::Compressed => match &self.key {
                Some(key) => verify_compressed(key, &proof.claims, &proof.bytes),
                None => unsupported(
                    "the program's ZisK key is not known here; a machine with ZisK's proving key derives it \
                     (`prover-zisk key`), and it can be given (`prover-zisk verify --program-key`)",
                ),
            },
            ProofKind::Core | ProofKind::Groth16 | ProofKind::Plonk => {
                unsupported("ZisK proofs are compressed ones")
            }
        }
    }

    /// Whether the proof is of this system, version and program: nothing about the proof itself.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify_header(&self, proof: &Proof) -> Result<(), ProofError> {
        let system = ProofSystem::Zisk;
        if proof.system != system {
            let why = "it was not made by ZisK".to_string();
            return Err(ProofError::Unsupported { system: proof.system, kind: proof.kind, why });
        }
        if proof.program != COMMITTED_PROGRAM {
            return Err(ProofError::OtherProgram { found: proof.program, expected: COMMITTED_PROGRAM });
        }
        if proof.version != VERSION {
            let (found, expected) = (proof.version.clone(), VERSION.to_string());
            return Err(ProofError::OtherVersion { system, found, expected });
        }
        Ok(())
    }
}

fn verify_compressed(key: &[u8; 32], claims: &[Claim], bytes: &[u8]) -> Result<(), ProofError> {
    let key = core::array::from_fn(|at| u64::from_le_bytes(key.as_chunks::<8>().0[at]));
    guarded(|| {
        let verified = zisk_verifier::verify_saved(bytes, Some(&key)).map_err(|why| why.to_string())?;
        check_statement(&verified, claims)
    })
}

/// The STARK holds. Whether it is about these claims.
fn check_statement(verified: &Verified, claims: &[Claim]) -> Result<(), String> {
    if verified.is_aggregate.is_some() {
        return Err("it is not a compressed proof".to_string());
    }
    let Some(outputs) = verified.outputs_u32() else { return Err("it is a proof of proofs".to_string()) };
    let expected = public_output(claims);
    let expected = expected.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
    if !outputs.iter().copied().eq(expected) {
        return Err("it is about other claims".to_string());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn claim() -> Claim {
        let mut words = vec![0u8; Claim::BYTES];
        // Chain 1, batch 1, sequence numbers 1 to 1.
        for word in [0, 2, 3, 4] {
            words[word * 32 + 31] = 1;
        }
        Claim::decode(&words).unwrap()
    }

    fn verified(claims: &[Claim]) -> Verified {
        let output = public_output(claims);
        let mut outputs = [0; 64];
        for (word, bytes) in outputs.iter_mut().zip(output.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes).into();
        }
        Verified { program_vk: [1, 2, 3, 4], outputs, is_aggregate: None }
    }

    #[test]
    fn the_statement_is_about_exactly_these_claims() {
        let claims = [claim()];
        let mut other = claim();
        other.state_root[7] ^= 1;
        assert_eq!(check_statement(&verified(&claims), &claims), Ok(()));
        assert!(check_statement(&verified(&claims), &[other]).is_err());
        assert!(check_statement(&verified(&claims), &[claim(), claim()]).is_err());
        for at in 0..64 {
            let mut wrong = verified(&claims);
            wrong.outputs[at] ^= 1;
            assert!(check_statement(&wrong, &claims).is_err(), "output {at}");
        }
        for aggregate in [true, false] {
            let wrong = Verified { is_aggregate: Some(aggregate), ..verified(&claims) };
            assert!(check_statement(&wrong, &claims).is_err());
        }
    }

    /// Bytes of the right shape, which is all that can be made without a prover, and no proof.
    fn shaped(family: &str, words: usize) -> Vec<u8> {
        let mut bytes: Vec<u64> = vec![1, 68, 1, 2, 3, 4];
        bytes.extend(verified(&[claim()]).outputs);
        bytes.extend((0..words as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        bytes.extend([0; 4]);
        bytes.push(zisk_verifier::hash_tag(family).unwrap());
        bytes.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    const FAMILIES: [&str; 3] = ["Poseidon1", "Poseidon2", "blake3"];

    /// With the key of [`shaped`].
    fn verifier() -> ZiskVerifier {
        ZiskVerifier::new(Some(core::array::from_fn(|at| if at % 8 == 0 { at as u8 / 8 + 1 } else { 0 })))
    }

    fn proof(bytes: Vec<u8>) -> Proof {
        Proof {
            system: ProofSystem::Zisk,
            version: VERSION.to_string(),
            program: COMMITTED_PROGRAM,
            kind: ProofKind::Compressed,
            claims: vec![claim()],
            bytes,
        }
    }

    proptest! {
        /// Without `std` nothing is caught: then the library must not panic at all.
        #[test]
        fn altered_bytes_are_refused(
            family in 0..3_usize,
            fill in prop::collection::vec(any::<u64>(), 1..40),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..20),
            cut in 0..4_usize,
        ) {
            let family = FAMILIES[family];
            let words = zisk_verifier::proof_size(family, true).unwrap().max_bytes() / 8;
            let mut bytes = shaped(family, words);
            let (fields, _) = bytes.as_chunks_mut::<8>();
            // Numbers of the field or not, the same over and over, then any in the header, the proof and the end.
            for (at, field) in fields.iter_mut().enumerate().skip(70).take(words) {
                *field = fill[at % fill.len()].to_le_bytes();
            }
            for (at, word) in edits {
                fields[at.index(70 + words + 5)] = word.to_le_bytes();
            }
            bytes.truncate(bytes.len() - cut);
            let checked = verifier().verify(&proof(bytes));
            prop_assert!(matches!(checked, Err(ProofError::Invalid { .. })), "{checked:?}");
        }

        #[test]
        fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 1..3_000)) {
            prop_assert!(verifier().verify(&proof(bytes)).is_err());
        }
    }

    #[test]
    fn hostile_bytes_are_refused_without_a_panic() {
        let verifier = verifier();
        for family in FAMILIES {
            let size = zisk_verifier::proof_size(family, true).unwrap().max_bytes() / 8;
            for words in [0, 1, 2, 3, 10, 100, size / 2, size - 1, size, size + 1] {
                let bytes = shaped(family, words);
                assert!(
                    matches!(verifier.verify(&proof(bytes)), Err(ProofError::Invalid { .. })),
                    "{family}, {words} words"
                );
            }
            let full = shaped(family, size);
            for cut in (0..full.len()).step_by(full.len() / 50) {
                assert!(verifier.verify(&proof(full[..cut].to_vec())).is_err(), "{family} cut at {cut}");
            }
            let zeros = [&full[..8 * 70], &vec![0; size * 8], &full[8 * (70 + size)..]].concat();
            assert!(verifier.verify(&proof(zeros)).is_err(), "{family} of zeros");
        }
    }

    #[test]
    fn what_is_not_a_zisk_proof_of_this_program_is_named() {
        let proof = Proof {
            system: ProofSystem::Zisk,
            version: VERSION.to_string(),
            program: COMMITTED_PROGRAM,
            kind: ProofKind::Executed,
            claims: vec![claim()],
            bytes: Vec::new(),
        };
        let verifier = ZiskVerifier::new(Some([7; 32]));
        let check = |proof: &Proof| verifier.verify(proof).unwrap_err();
        assert_eq!(check(&proof), ProofError::NotAProof);
        let other = Proof { version: format!("{VERSION}.1"), ..proof.clone() };
        assert!(matches!(check(&other), ProofError::OtherVersion { .. }));
        let other = Proof { program: ProgramId([1; 32]), ..proof.clone() };
        assert!(matches!(check(&other), ProofError::OtherProgram { .. }));
        let other = Proof { system: ProofSystem::Sp1, ..proof.clone() };
        assert!(matches!(check(&other), ProofError::Unsupported { .. }));
        let compressed = Proof { kind: ProofKind::Compressed, bytes: vec![1], ..proof.clone() };
        assert!(matches!(check(&compressed), ProofError::Invalid { .. }));
        let unknown = ZiskVerifier::new(None).verify(&compressed).unwrap_err();
        assert!(matches!(unknown, ProofError::Unsupported { .. }), "{unknown}");
        let core = Proof { kind: ProofKind::Core, ..compressed };
        assert!(matches!(check(&core), ProofError::Unsupported { .. }));
    }
}
