//! Proofs of consecutive batches made into one.

use proving::{Availability, BackendError};
use sp1_sdk::blocking::Prover;
use sp1_sdk::{SP1Stdin, SP1VerifyingKey};
use transition::{BatchRange, Claim};
use verifier::sp1::{AGGREGATE_PROGRAM, COMMITTED_KEY, COMMITTED_PROGRAM, Compressed};
use verifier::{Proof, ProofError, ProofKind, ProofSystem, public_values};

use crate::backend::{Sp1, failed, guarded, mode};
use crate::program::AGGREGATE;

impl Sp1 {
    /// Makes one proof of compressed proofs of consecutive batches. It claims all that they claim, and is worth the same.
    ///
    /// # Errors
    /// When a proof does not hold, is of another kind, or does not begin where the one before ended; when they have more
    /// than 256 batches; when the kind cannot be made here; when SP1 fails.
    pub fn aggregate(&self, parts: &[Proof], kind: ProofKind) -> Result<Proof, BackendError> {
        let Some(mode) = mode(kind).filter(|_| kind != ProofKind::Core) else {
            let what = "a proof that relies on others is at least compressed".to_string();
            return Err(BackendError::Missing { system: ProofSystem::Sp1, kind, what });
        };
        if let Availability::Missing { what } = self.availability(kind) {
            return Err(BackendError::Missing { system: ProofSystem::Sp1, kind, what });
        }
        let key: SP1VerifyingKey = bincode::deserialize(COMMITTED_KEY).map_err(failed)?;
        let mut stdin = claims_input(parts.iter().map(|part| part.claims.as_slice()));
        for part in parts {
            if part.kind != ProofKind::Compressed || part.program != COMMITTED_PROGRAM {
                let why = format!("only compressed proofs of program {COMMITTED_PROGRAM} are aggregated");
                return Err(ProofError::Unsupported { system: part.system, kind: part.kind, why }.into());
            }
            self.checker.verify(part)?;
            let proof: Compressed = bincode::deserialize(&part.bytes).map_err(failed)?;
            stdin.write_proof(proof, key.vk.clone());
        }
        let (claims, cycles) = self.run_aggregate(&stdin, parts.iter().map(|part| part.claims.as_slice()))?;
        let bytes = self.prove_with_client(Some(AGGREGATE), stdin, mode, cycles)?;
        self.made(AGGREGATE_PROGRAM, kind, claims, bytes)
    }

    /// Runs the aggregating program on claims without any proofs: what it would claim, and its cycles. Proves nothing.
    ///
    /// # Errors
    /// When the claims do not follow each other or are too many, or SP1 fails.
    pub fn execute_aggregate(&self, parts: &[&[Claim]]) -> Result<(Vec<Claim>, u64), BackendError> {
        self.run_aggregate(&claims_input(parts.iter().copied()), parts.iter().copied())
    }

    fn run_aggregate<'a>(
        &self,
        stdin: &SP1Stdin,
        parts: impl Iterator<Item = &'a [Claim]>,
    ) -> Result<(Vec<Claim>, u64), BackendError> {
        let claims: Vec<Claim> = parts.flatten().cloned().collect();
        let refused = |why: &str| Err(BackendError::Refused { why: why.to_string() });
        if !(1..=BatchRange::MAX_BATCHES).contains(&claims.len()) {
            return refused("one proof takes 1 to 256 batches");
        }
        if !claims.iter().zip(claims.iter().skip(1)).all(|(before, claim)| claim.follows(before)) {
            return refused("a batch is missing in between");
        }
        // The proofs were checked, or there are none.
        let run = || {
            let request = self.light().execute(AGGREGATE, stdin.clone());
            request.deferred_proof_verification(false).calculate_gas(true).run().map_err(failed)
        };
        let (values, report) = guarded(run)?;
        if report.exit_code != 0 || values.as_slice() != public_values(&claims) {
            return Err(failed("the aggregating program gives other claims than its input has"));
        }
        Ok((claims, report.total_instruction_count()))
    }
}

/// What the program reads, without the proofs.
fn claims_input<'a>(parts: impl ExactSizeIterator<Item = &'a [Claim]>) -> SP1Stdin {
    let mut stdin = SP1Stdin::new();
    // More than this are refused.
    stdin.write(&u32::try_from(parts.len()).unwrap_or(u32::MAX));
    for claims in parts {
        stdin.write_vec(public_values(claims));
    }
    stdin
}
