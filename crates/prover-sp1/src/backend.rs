//! SP1 as a [`Backend`].

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use proving::{Availability, Backend, BackendError, Cancellation, Capabilities, Execution};
use serde::Serialize;
use sp1_sdk::blocking::{LightProver, Prover, ProverClient};
use sp1_sdk::{Elf, HashableKey, SP1Proof, SP1ProofMode, SP1Stdin};
use transition::{BatchRange, Claim, Native, execute_range};
use verifier::sp1::{AGGREGATE_PROGRAM, COMMITTED_PROGRAM, Sp1Verifier, VERSION};
use verifier::{ProgramId, Proof, ProofError, ProofKind, ProofSystem, public_values};

use crate::client::Client;
use crate::core::CoreProver;
use crate::{Config, Device, ELF, STATEMENT};

/// SP1, ready to execute and to check; ready to prove after the first proof was asked for.
pub struct Sp1 {
    config: Config,
    /// Of proofs of the statement.
    pub(crate) checker: Sp1Verifier,
    light: OnceLock<LightProver>,
    // Core proofs on the CPU. It proves one thing at a time, as the client does: two would need twice the memory.
    core: Mutex<Option<CoreProver>>,
    // All other proofs.
    client: Mutex<Option<Client>>,
    progress: Box<dyn Fn(Phase) + Send + Sync>,
}

/// What a proof is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The program is executed, to know that it takes the input and how long it is.
    Executing,
    /// The proving client is made: once in a process, and not for core proofs on the CPU.
    Preparing,
    /// The proof is made.
    Proving {
        /// Of an execution of so many cycles.
        cycles: u64,
    },
    /// So much of a core proof is made.
    Shards {
        /// Shards that are proved.
        done: usize,
        /// Cycles that were traced, whether their shards are proved or not.
        cycles: u64,
    },
    /// The finished proof is checked.
    Checking,
}

/// What an execution costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Instructions.
    pub cycles: u64,
    /// Precompile calls by name, the most frequent first.
    pub precompiles: Vec<(String, u64)>,
    /// Cycles in the parts of the program that a profiling build marks, by name.
    pub parts: Vec<(String, u64)>,
    /// SP1's estimate of the proving work.
    pub gas: u64,
}

impl Sp1 {
    /// Makes it. Fast: nothing of the prover is set up yet.
    ///
    /// # Errors
    /// When the device is not built in, or the committed verification key is not one.
    pub fn new(config: Config) -> Result<Self, BackendError> {
        config.device.built().map_err(failed)?;
        Ok(Self {
            config,
            checker: Sp1Verifier::committed()?,
            light: OnceLock::new(),
            core: Mutex::new(None),
            client: Mutex::new(None),
            progress: Box::new(|_| {}),
        })
    }

    /// Tells `progress` what a proof is waiting for.
    #[must_use]
    pub fn with_progress(self, progress: impl Fn(Phase) + Send + Sync + 'static) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// Runs the program and counts.
    ///
    /// # Errors
    /// When the program refuses the input, or the executor fails.
    pub fn cost(&self, range: &BatchRange) -> Result<(Vec<Claim>, Cost), BackendError> {
        // The executor stops at some inputs that the program would refuse, so the rules are asked first.
        let claims = native(range)?;
        // Without gas the executor counts nothing.
        let run = || self.light().execute(STATEMENT, stdin(range)).calculate_gas(true).run().map_err(failed);
        let (values, report) = guarded(run)?;
        if report.exit_code != 0 {
            let why = format!("the program ended with exit code {}", report.exit_code);
            return Err(BackendError::Refused { why });
        }
        if values.as_slice() != public_values(&claims) {
            return Err(failed("the program gives other claims than the same rules outside it"));
        }
        let count = |counts: Vec<(String, u64)>| {
            let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
            counts.sort_by(|(a, left), (b, right)| right.cmp(left).then(a.cmp(b)));
            counts
        };
        let cost = Cost {
            cycles: report.total_instruction_count(),
            precompiles: count(
                report.syscall_counts.iter().map(|(code, n)| (code.to_string(), *n)).collect(),
            ),
            parts: count(report.cycle_tracker.iter().map(|(name, n)| (name.clone(), *n)).collect()),
            gas: report.gas().unwrap_or_default(),
        };
        Ok((claims, cost))
    }

    pub(crate) fn light(&self) -> &LightProver {
        self.light.get_or_init(|| ProverClient::builder().light().build())
    }

    /// Proves the statement here, one STARK a shard.
    fn prove_core(
        &self,
        stdin: &SP1Stdin,
        cycles: u64,
        cancel: &Cancellation,
    ) -> Result<Vec<u8>, BackendError> {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        (self.progress)(Phase::Proving { cycles });
        if core.is_none() {
            let made = guarded(|| CoreProver::new(ELF))?;
            committed(made.program_id())?;
            *core = Some(made);
        }
        let Some(core) = core.as_ref() else { return Err(failed("no prover")) };
        let progress = |cycles, done| (self.progress)(Phase::Shards { done, cycles });
        encode(&guarded(|| core.prove(&stdin.buffer, cancel, &progress))?)
    }

    /// Proves the statement, or another program.
    pub(crate) fn prove_with_client(
        &self,
        other: Option<Elf>,
        stdin: SP1Stdin,
        mode: SP1ProofMode,
        cycles: u64,
    ) -> Result<Vec<u8>, BackendError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_none() {
            (self.progress)(Phase::Preparing);
            let made = guarded(|| Client::new(self.config.device))?;
            committed(ProgramId(made.verifying_key().bytes32_raw()))?;
            *client = Some(made);
        }
        let Some(client) = client.as_ref() else { return Err(failed("no client")) };
        (self.progress)(Phase::Proving { cycles });
        let proof = guarded(|| client.prove(other, stdin, mode))?;
        match &proof.proof {
            SP1Proof::Core(shards) => encode(shards),
            SP1Proof::Compressed(proof) => encode(proof),
            // As Ethereum's verifier contract takes them.
            SP1Proof::Groth16(_) | SP1Proof::Plonk(_) => guarded(|| Ok(proof.bytes())),
        }
    }
}

impl Backend for Sp1 {
    fn system(&self) -> ProofSystem {
        ProofSystem::Sp1
    }

    fn version(&self) -> &str {
        VERSION
    }

    fn program(&self) -> ProgramId {
        COMMITTED_PROGRAM
    }

    fn capabilities(&self) -> Capabilities {
        let kinds = ProofKind::ALL.map(|kind| (kind, self.availability(kind))).to_vec();
        Capabilities { kinds, device: self.config.device.to_string() }
    }

    fn execute(&self, range: &BatchRange) -> Result<Execution, BackendError> {
        let start = Instant::now();
        let (claims, cost) = self.cost(range)?;
        Ok(Execution { claims, cycles: cost.cycles, elapsed: start.elapsed() })
    }

    /// A cancellation is seen between two shards of a core proof on the CPU. The SDK cannot be stopped while it proves, so
    /// for other proofs it is seen before and after.
    fn prove(
        &self,
        range: &BatchRange,
        kind: ProofKind,
        cancel: &Cancellation,
    ) -> Result<Proof, BackendError> {
        if let Availability::Missing { what } = self.availability(kind) {
            return Err(BackendError::Missing { system: ProofSystem::Sp1, kind, what });
        }
        (self.progress)(Phase::Executing);
        let Execution { claims, cycles, .. } = self.execute(range)?;
        let stop = || if cancel.is_cancelled() { Err(BackendError::Cancelled) } else { Ok(()) };
        stop()?;
        let bytes = match mode(kind) {
            None => Vec::new(),
            Some(SP1ProofMode::Core) if self.config.device == Device::Cpu => {
                self.prove_core(&stdin(range), cycles, cancel)?
            }
            Some(mode) => self.prove_with_client(None, stdin(range), mode, cycles)?,
        };
        stop()?;
        self.made(COMMITTED_PROGRAM, kind, claims, bytes)
    }

    fn verify(&self, proof: &Proof, claims: &[Claim]) -> Result<(), BackendError> {
        if proof.claims != claims {
            return Err(ProofError::Invalid { why: "it is about other claims".to_string() }.into());
        }
        if proof.program == AGGREGATE_PROGRAM {
            return Ok(Sp1Verifier::aggregate()?.verify(proof)?);
        }
        Ok(self.checker.verify(proof)?)
    }
}

impl Sp1 {
    /// Puts a proof together, and checks it before anybody sees it.
    pub(crate) fn made(
        &self,
        program: ProgramId,
        kind: ProofKind,
        claims: Vec<Claim>,
        bytes: Vec<u8>,
    ) -> Result<Proof, BackendError> {
        let proof =
            Proof { system: ProofSystem::Sp1, version: VERSION.to_string(), program, kind, claims, bytes };
        if kind.is_proof() {
            (self.progress)(Phase::Checking);
            self.verify(&proof, &proof.claims)?;
        }
        Ok(proof)
    }

    pub(crate) fn availability(&self, kind: ProofKind) -> Availability {
        let circuit = match kind {
            ProofKind::Groth16 => "groth16",
            ProofKind::Plonk => "plonk",
            _ => return Availability::Ready,
        };
        // The prover network has the circuits itself.
        let directory = circuit_directory(circuit);
        if self.config.device == Device::Network || directory.join(".complete").exists() {
            return Availability::Ready;
        }
        let what = format!(
            "the {circuit} circuit files of SP1 {VERSION} are not in {}; unpack Succinct's archive \
             {VERSION}-{circuit}.tar.gz there and create the empty file `.complete` beside its files, or set \
             SP1_{}_CIRCUIT_PATH to the folder above",
            directory.display(),
            circuit.to_uppercase(),
        );
        Availability::Missing { what }
    }
}

/// What the SDK calls a kind of proof.
pub(crate) fn mode(kind: ProofKind) -> Option<SP1ProofMode> {
    match kind {
        ProofKind::Executed => None,
        ProofKind::Core => Some(SP1ProofMode::Core),
        ProofKind::Compressed => Some(SP1ProofMode::Compressed),
        ProofKind::Groth16 => Some(SP1ProofMode::Groth16),
        ProofKind::Plonk => Some(SP1ProofMode::Plonk),
    }
}

/// Where the SDK looks for a circuit's files.
fn circuit_directory(circuit: &str) -> PathBuf {
    let configured = std::env::var_os(format!("SP1_{}_CIRCUIT_PATH", circuit.to_uppercase()));
    let base = configured.map(PathBuf::from).unwrap_or_else(|| {
        std::env::home_dir().unwrap_or_default().join(".sp1").join("circuits").join(circuit)
    });
    base.join(VERSION)
}

/// Whether the key that a prover made is the committed one.
fn committed(found: ProgramId) -> Result<(), BackendError> {
    if found == COMMITTED_PROGRAM {
        return Ok(());
    }
    Err(ProofError::OtherProgram { found, expected: COMMITTED_PROGRAM }.into())
}

fn stdin(range: &BatchRange) -> SP1Stdin {
    let mut stdin = SP1Stdin::new();
    stdin.write_vec(range.encode());
    stdin
}

fn native(range: &BatchRange) -> Result<Vec<Claim>, BackendError> {
    execute_range::<Native>(range).map_err(|why| BackendError::Refused { why: why.to_string() })
}

pub(crate) fn encode<T: Serialize>(proof: &T) -> Result<Vec<u8>, BackendError> {
    bincode::serialize(proof).map_err(failed)
}

/// The SDK panics at many things that are not its caller's fault: an error like any other here.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(failed(text.unwrap_or_else(|| "it stopped without saying why".to_string())))
    })
}

pub(crate) fn failed(why: impl fmt::Display) -> BackendError {
    BackendError::Failed { system: ProofSystem::Sp1, why: why.to_string() }
}
