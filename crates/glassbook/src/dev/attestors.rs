//! Who signs that batches were checked, for proofs that the chain cannot check itself.

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result, bail};
use contracts::{Attestation, attestation_digest, concatenated};
use l1::Signer;
use sha2::{Digest as _, Sha256};
use transition::{Claim, SealedBatch};
use verifier::{ProgramId, Proof};

use crate::prove::Keys;

/// The signers of an `AttestedVerifier` that are at hand.
pub struct Attestors {
    signers: Vec<Signer>,
    chain_id: u64,
    verifier: Address,
    program: ProgramId,
}

impl Attestors {
    /// As many of them as must sign.
    pub fn new(signers: Vec<Signer>, chain_id: u64, verifier: Address, program: ProgramId) -> Self {
        Self { signers, chain_id, verifier, program }
    }

    /// Executes batches again, with every signature of every command, and signs. **Nothing is proved**: what is signed for
    /// names the SHA-256 of the batch's file instead of a proof's.
    pub fn attest_execution(&self, batches: &[SealedBatch]) -> Result<Attestation> {
        for batch in batches {
            batch.verify().with_context(|| format!("batch {}", batch.claim.batch))?;
        }
        let claims: Vec<Claim> = batches.iter().map(|batch| batch.claim.clone()).collect();
        let mut hash = Sha256::new();
        batches.iter().for_each(|batch| hash.update(batch.encode()));
        self.sign(&claims, hash.finalize().into())
    }

    /// Checks a proof, and signs.
    pub fn attest_proof(&self, proof: &Proof, keys: Keys) -> Result<Attestation> {
        if proof.program != self.program {
            bail!(
                "the proof is of program {}, the contract's verifier wants {}",
                proof.program,
                self.program
            );
        }
        keys.check(proof)?;
        self.sign(&proof.claims, Sha256::digest(proof.encode()).into())
    }

    fn sign(&self, claims: &[Claim], file: [u8; 32]) -> Result<Attestation> {
        let proof_file = B256::from(file);
        let program = B256::from(self.program.0);
        let digest =
            attestation_digest(self.chain_id, self.verifier, program, &concatenated(claims), proof_file);
        let sign = |signer: &Signer| Ok((signer.address(), signer.sign(&digest)?.as_bytes()));
        Ok(Attestation { proof_file, signatures: self.signers.iter().map(sign).collect::<Result<_>>()? })
    }
}
