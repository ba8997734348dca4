//! Checking SP1 proofs.
//!
//! A core proof is one STARK for each shard of the execution. Each shard's public values say in what state of the
//! machine the shard begins and in what state it ends. This module checks that the shards fit together from the
//! program's start to its halt and commit to the claims; SP1's own library checks each shard, and the proofs of all other
//! kinds.
//!
//! What a verifier learns: see [`crate::ProofKind`]. Nothing here needs a prover, a network or a secret.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::borrow::Borrow;
use std::sync::LazyLock;

use bincode::Options;
use sha2::{Digest, Sha256};
use slop_algebra::{AbstractField, PrimeField32};
use sp1_core_machine::riscv::{MAX_NUMBER_OF_SHARDS, RiscvAir};
use sp1_hypercube::air::PublicValues;
use sp1_hypercube::septic_digest::SepticDigest;
use sp1_hypercube::{
    HashableKey, InnerSC, MachineVerifier, PROOF_MAX_NUM_PVS, SP1PcsProofInner, SP1RecursionProof,
    SP1VerifyingKey, ShardProof, ShardVerifier,
};
use sp1_primitives::fri_params::core_fri_config;
use sp1_primitives::{SP1Field, SP1GlobalContext};
use sp1_verifier::compressed::SP1CompressedVerifier;
use sp1_verifier::{GROTH16_VK_BYTES, Groth16Verifier, PLONK_VK_BYTES, PlonkVerifier};

use crate::guard::guarded;
use crate::{ProgramId, Proof, ProofError, ProofKind, ProofSystem};

/// The circuits' version: what [`Proof::version`] of an SP1 proof must be.
pub const VERSION: &str = "v6.1.0";

/// The verification key of the committed guest program.
pub const COMMITTED_KEY: &[u8] = include_bytes!("../../../guests/elf/glassbook-sp1.vk");

/// The committed guest program: SP1's `bytes32` of its verification key, as Ethereum's verifier contract takes it.
pub const COMMITTED_PROGRAM: ProgramId =
    ProgramId::committed(include_str!("../../../guests/elf/glassbook-sp1.vkey"));

/// The verification key of the committed guest program that makes proofs of consecutive batches one.
pub const AGGREGATE_KEY: &[u8] = include_bytes!("../../../guests/elf/glassbook-sp1-aggregate.vk");

/// That program. What it claims is worth the same: it relies on proofs of [`COMMITTED_PROGRAM`], and a proof of it shows that
/// they hold.
pub const AGGREGATE_PROGRAM: ProgramId =
    ProgramId::committed(include_str!("../../../guests/elf/glassbook-sp1-aggregate.vkey"));

/// The core machine's proof parameters, of which `sp1-prover` makes its proofs.
const LOG_STACKING_HEIGHT: u32 = 21;
const MAX_LOG_ROW_COUNT: usize = 22;

/// Where a program that has halted is.
const HALTED: u32 = 1;

type Field = SP1Field;
type Values = PublicValues<[Field; 4], [Field; 3], [Field; 4], Field>;
/// Checks shards of that machine.
pub type CoreVerifier = MachineVerifier<SP1GlobalContext, InnerSC<RiscvAir<Field>>>;

/// One shard's proof.
pub type Shard = ShardProof<SP1GlobalContext, SP1PcsProofInner>;

/// A compressed proof.
pub type Compressed = SP1RecursionProof<SP1GlobalContext, SP1PcsProofInner>;

/// Checks proofs of one program.
pub struct Sp1Verifier {
    key: SP1VerifyingKey,
    program: ProgramId,
    machine: &'static CoreVerifier,
}

impl Sp1Verifier {
    /// For the committed guest program.
    ///
    /// # Errors
    /// When the committed key and the committed program id do not belong together.
    pub fn committed() -> Result<Self, ProofError> {
        Self::new(COMMITTED_KEY, COMMITTED_PROGRAM)
    }

    /// For the committed guest program that aggregates.
    ///
    /// # Errors
    /// When its committed key and program id do not belong together.
    pub fn aggregate() -> Result<Self, ProofError> {
        Self::new(AGGREGATE_KEY, AGGREGATE_PROGRAM)
    }

    /// For the committed guest program with that id.
    ///
    /// # Errors
    /// When there is none, or its key does not fit.
    pub fn of(program: ProgramId) -> Result<Self, ProofError> {
        if program == AGGREGATE_PROGRAM { Self::aggregate() } else { Self::committed() }
    }

    /// For the program of a verification key, which must be the one with that id.
    ///
    /// # Errors
    /// When the key does not decode or is of another program.
    pub fn new(key: &[u8], program: ProgramId) -> Result<Self, ProofError> {
        let key: SP1VerifyingKey = decode(key).map_err(|why| ProofError::Invalid {
            why: format!("the verification key does not decode: {why}"),
        })?;
        let found = ProgramId(key.bytes32_raw());
        if found != program {
            return Err(ProofError::OtherProgram { found, expected: program });
        }
        Ok(Self { key, program, machine: core_machine() })
    }

    /// Whether the proof holds for the claims in it.
    ///
    /// # Errors
    /// When it does not, and why.
    pub fn verify(&self, proof: &Proof) -> Result<(), ProofError> {
        self.verify_header(proof)?;
        let (bytes, values) = (proof.bytes.as_slice(), proof.public_values());
        match proof.kind {
            ProofKind::Executed => Err(ProofError::NotAProof),
            ProofKind::Core => self.verify_core(&values, bytes),
            ProofKind::Compressed => guarded(|| {
                let proof: Compressed = decode(bytes).map_err(|why| format!("it does not decode: {why}"))?;
                let key = self.key.hash_koalabear();
                let checked = compressed().verify_compressed_with_public_values(&proof, &values, &key);
                checked.map_err(|why| why.to_string())
            }),
            ProofKind::Groth16 => guarded(|| {
                Groth16Verifier::verify(bytes, &values, &self.key.bytes32(), &GROTH16_VK_BYTES)
                    .map_err(|why| why.to_string())
            }),
            ProofKind::Plonk => guarded(|| {
                PlonkVerifier::verify(bytes, &values, &self.key.bytes32(), &PLONK_VK_BYTES)
                    .map_err(|why| why.to_string())
            }),
        }
    }

    /// Whether the proof is of this system, version and program: nothing about the proof itself.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify_header(&self, proof: &Proof) -> Result<(), ProofError> {
        let system = ProofSystem::Sp1;
        if proof.system != system {
            let why = "it was not made by SP1".to_string();
            return Err(ProofError::Unsupported { system: proof.system, kind: proof.kind, why });
        }
        if proof.program != self.program {
            return Err(ProofError::OtherProgram { found: proof.program, expected: self.program });
        }
        if proof.version != VERSION {
            let (found, expected) = (proof.version.clone(), VERSION.to_string());
            return Err(ProofError::OtherVersion { system, found, expected });
        }
        Ok(())
    }

    /// Whether an encoded core proof shows that the program committed exactly `public_values` and ended well.
    ///
    /// # Errors
    /// When it does not, and why.
    pub fn verify_core(&self, public_values: &[u8], proof: &[u8]) -> Result<(), ProofError> {
        guarded(|| {
            let shards: Vec<Shard> = decode(proof).map_err(|why| format!("it does not decode: {why}"))?;
            self.verify_shards(public_values, &shards)
        })
    }

    fn verify_shards(&self, public_values: &[u8], shards: &[Shard]) -> Result<(), String> {
        let key = &self.key.vk;
        check(!shards.is_empty(), "it has no shards")?;
        check(shards.len() < MAX_NUMBER_OF_SHARDS, "it has too many shards")?;
        let mut values: Vec<&Values> = Vec::with_capacity(shards.len());
        for shard in shards {
            check(
                shard.public_values.len() == PROOF_MAX_NUM_PVS,
                "a shard has too many or too few public values",
            )?;
            values.push(shard.public_values.as_slice().borrow());
        }

        let (zero, one) = (Field::zero(), Field::one());
        let mut state = MachineState::start(key.pc_start);
        let mut first_shards = 0;
        let mut sum = key.initial_global_cumulative_sum;
        for shard in &values {
            check(
                MachineState::before(shard) == state,
                "a shard does not begin where the one before it ended",
            )?;
            state = MachineState::after(shard);
            check(shard.exit_code == zero, "the program ended with an error")?;
            check(
                shard.is_untrusted_programs_enabled == key.untrusted_config.enable_untrusted_programs,
                "a shard runs code that is not the program's",
            )?;
            check(shard.proof_nonce == values[0].proof_nonce, "the shards are of different proofs")?;
            // The shard's proof says this too.
            let moved = shard.initial_timestamp != shard.last_timestamp;
            check(shard.is_execution_shard == Field::from_bool(moved), "a shard moves without executing")?;
            check(moved || shard.pc_start == shard.next_pc, "a shard jumps without executing")?;
            check([zero, one].contains(&shard.is_first_execution_shard), "a flag is no flag")?;
            first_shards += usize::from(shard.is_first_execution_shard == one);
            sum = add(sum, shard.global_cumulative_sum)?;
        }
        check(first_shards == 1, "not exactly one shard is the first")?;
        check(sum.is_zero(), "the shards' memory does not agree")?;
        state.check_end(&Sha256::digest(public_values).into())?;

        for shard in shards {
            let mut challenger = self.machine.challenger();
            key.observe_into(&mut challenger);
            self.machine
                .verify_shard(key, shard, &mut challenger)
                .map_err(|why| format!("a shard's proof does not hold: {why}"))?;
        }
        Ok(())
    }
}

/// What one shard hands to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
struct MachineState {
    timestamp: [Field; 4],
    program_counter: [Field; 3],
    exit_code: Field,
    initialised_address: [Field; 3],
    finalised_address: [Field; 3],
    initialised_page: [Field; 3],
    finalised_page: [Field; 3],
    committed_digest: [[Field; 4]; 8],
    has_committed: Field,
    deferred_digest: [Field; 8],
    has_committed_deferred: Field,
}

impl MachineState {
    fn start(program_counter: [Field; 3]) -> Self {
        let zero = Field::zero();
        Self {
            timestamp: [zero, zero, zero, Field::one()],
            program_counter,
            exit_code: zero,
            initialised_address: [zero; 3],
            finalised_address: [zero; 3],
            initialised_page: [zero; 3],
            finalised_page: [zero; 3],
            committed_digest: [[zero; 4]; 8],
            has_committed: zero,
            deferred_digest: [zero; 8],
            has_committed_deferred: zero,
        }
    }

    fn before(shard: &Values) -> Self {
        Self {
            timestamp: shard.initial_timestamp,
            program_counter: shard.pc_start,
            exit_code: shard.prev_exit_code,
            initialised_address: shard.previous_init_addr,
            finalised_address: shard.previous_finalize_addr,
            initialised_page: shard.previous_init_page_idx,
            finalised_page: shard.previous_finalize_page_idx,
            committed_digest: shard.prev_committed_value_digest,
            has_committed: shard.prev_commit_syscall,
            deferred_digest: shard.prev_deferred_proofs_digest,
            has_committed_deferred: shard.prev_commit_deferred_syscall,
        }
    }

    fn after(shard: &Values) -> Self {
        Self {
            timestamp: shard.last_timestamp,
            program_counter: shard.next_pc,
            exit_code: shard.exit_code,
            initialised_address: shard.last_init_addr,
            finalised_address: shard.last_finalize_addr,
            initialised_page: shard.last_init_page_idx,
            finalised_page: shard.last_finalize_page_idx,
            committed_digest: shard.committed_value_digest,
            has_committed: shard.commit_syscall,
            deferred_digest: shard.deferred_proofs_digest,
            has_committed_deferred: shard.commit_deferred_syscall,
        }
    }

    /// Halted, with memory accounted for from its first address on, having committed exactly this digest and having
    /// relied on no other proof.
    fn check_end(&self, digest: &[u8; 32]) -> Result<(), String> {
        let (zero, one) = (Field::zero(), Field::one());
        let halted = [Field::from_canonical_u32(HALTED), zero, zero];
        check(self.program_counter == halted, "the program has not halted")?;
        check(self.exit_code == zero, "the program ended with an error")?;
        check(self.initialised_address != [zero; 3], "the memory was not set up")?;
        check(self.finalised_address != [zero; 3], "the memory was not closed")?;
        check(self.has_committed == one, "the program has committed nothing")?;
        check(self.has_committed_deferred == one, "the program has not said on which proofs it relies")?;
        check(self.deferred_digest == [zero; 8], "the program relies on other proofs")?;
        let committed = self.committed_digest.as_flattened().iter().map(PrimeField32::as_canonical_u32);
        check(committed.eq(digest.iter().map(|byte| u32::from(*byte))), "it is about other claims")
    }
}

/// The machine whose shards core proofs are of, with the parameters of their proofs.
pub fn core_machine() -> &'static CoreVerifier {
    static MACHINE: LazyLock<CoreVerifier> = LazyLock::new(|| {
        MachineVerifier::new(ShardVerifier::from_basefold_parameters(
            core_fri_config(),
            LOG_STACKING_HEIGHT,
            MAX_LOG_ROW_COUNT,
            RiscvAir::machine(),
        ))
    });
    &MACHINE
}

fn compressed() -> &'static SP1CompressedVerifier {
    static VERIFIER: LazyLock<SP1CompressedVerifier> = LazyLock::new(SP1CompressedVerifier::new);
    &VERIFIER
}

fn add(left: SepticDigest<Field>, right: SepticDigest<Field>) -> Result<SepticDigest<Field>, String> {
    left.checked_add(right).ok_or_else(|| "the shards' memory sums cannot be added".to_string())
}

fn check(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_string()) }
}

/// SP1's encoding: bincode with fixed integers. Reads no more than is there, and all of it.
fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, bincode::Error> {
    bincode::DefaultOptions::new().with_fixint_encoding().with_limit(bytes.len() as u64).deserialize(bytes)
}
