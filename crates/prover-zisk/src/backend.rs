//! ZisK as a [`Backend`].

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use proving::{Availability, Backend, BackendError, Cancellation, Capabilities, Execution};
use transition::{BatchRange, Claim, Native, execute_range};
use verifier::zisk::{COMMITTED_KEY, COMMITTED_PROGRAM, VERSION, ZiskVerifier, public_output};
use verifier::{ProgramId, Proof, ProofError, ProofKind, ProofSystem};

use crate::Config;
use crate::client::{Client, PUBLIC_BYTES, failed};

/// ZisK. The SDK's client is made when it is first needed.
pub struct Zisk {
    config: Config,
    // A client does one thing at a time.
    client: Mutex<Option<Client>>,
    learned_key: OnceLock<[u8; 32]>,
}

/// One run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The public output. The program fills the first 32 bytes; the rest is zero.
    pub output: [u8; PUBLIC_BYTES],
    /// ZisK steps. Exact.
    pub steps: u64,
}

impl Zisk {
    /// Makes it. Fast: nothing of ZisK is set up yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, client: Mutex::new(None), learned_key: OnceLock::new() }
    }

    /// Runs the program on any bytes. It ends well for the encodings of ranges that follow the rules, and fails for
    /// anything else.
    ///
    /// # Errors
    /// When the program or ZisK fails.
    pub fn run(&self, input: &[u8]) -> Result<Run, BackendError> {
        self.with_client(|client| client.execute(input))
    }

    /// The program's key, where it is known: configured, committed, or learned from ZisK's setup.
    #[must_use]
    pub fn program_key(&self) -> Option<[u8; 32]> {
        self.config.program_key.or(COMMITTED_KEY).or_else(|| self.learned_key.get().copied())
    }

    /// The program's key from ZisK's own setup: minutes, and a proving key or a coordinator.
    ///
    /// # Errors
    /// When there is neither, or the setup fails.
    pub fn derive_program_key(&self) -> Result<[u8; 32], BackendError> {
        let kind = ProofKind::Compressed;
        if let Availability::Missing { what } = self.availability(kind) {
            return Err(BackendError::Missing { system: ProofSystem::Zisk, kind, what });
        }
        let key = self.with_client(Client::program_key)?;
        Ok(*self.learned_key.get_or_init(|| key))
    }

    fn with_client<T>(
        &self,
        work: impl FnOnce(&Client) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        match &*client {
            Some(client) => work(client),
            None => work(client.insert(Client::new(&self.config.mode)?)),
        }
    }

    fn availability(&self, kind: ProofKind) -> Availability {
        let what = match kind {
            ProofKind::Executed => return Availability::Ready,
            ProofKind::Core => "ZisK gives no proof in pieces: ask for a compressed proof".to_string(),
            ProofKind::Groth16 | ProofKind::Plonk => format!(
                "the final SNARK of ZisK {VERSION} is neither Groth16 nor PLONK with a published key; what Ethereum \
                 checks is made by SP1 here"
            ),
            ProofKind::Compressed => match self.config.mode.can_prove() {
                Ok(()) => return Availability::Ready,
                Err(what) => what,
            },
        };
        Availability::Missing { what }
    }
}

impl Backend for Zisk {
    fn system(&self) -> ProofSystem {
        ProofSystem::Zisk
    }

    fn version(&self) -> &str {
        VERSION
    }

    fn program(&self) -> ProgramId {
        COMMITTED_PROGRAM
    }

    fn capabilities(&self) -> Capabilities {
        let kinds = ProofKind::ALL.map(|kind| (kind, self.availability(kind))).to_vec();
        Capabilities { kinds, device: self.config.mode.name().to_string() }
    }

    fn execute(&self, range: &BatchRange) -> Result<Execution, BackendError> {
        // The program says that it refuses, not why. The same rules outside it do.
        let claims =
            execute_range::<Native>(range).map_err(|why| BackendError::Refused { why: why.to_string() })?;
        let start = Instant::now();
        let run = self.run(&range.encode())?;
        if run.output != public_output(&claims) {
            return Err(failed("the program gives other claims than the same rules outside it"));
        }
        Ok(Execution { claims, cycles: run.steps, elapsed: start.elapsed() })
    }

    /// The SDK cannot be stopped while it proves in this process, so a cancellation is seen before and after; a
    /// coordinator is told at once.
    fn prove(
        &self,
        range: &BatchRange,
        kind: ProofKind,
        cancel: &Cancellation,
    ) -> Result<Proof, BackendError> {
        if let Availability::Missing { what } = self.availability(kind) {
            return Err(BackendError::Missing { system: ProofSystem::Zisk, kind, what });
        }
        let Execution { claims, .. } = self.execute(range)?;
        let stop = || if cancel.is_cancelled() { Err(BackendError::Cancelled) } else { Ok(()) };
        stop()?;
        let mut bytes = Vec::new();
        if kind.is_proof() {
            if self.program_key().is_none() {
                self.derive_program_key()?;
            }
            bytes = self.with_client(|client| client.prove(&range.encode(), cancel))?;
            stop()?;
        }
        let (system, version) = (ProofSystem::Zisk, VERSION.to_string());
        let proof = Proof { system, version, program: COMMITTED_PROGRAM, kind, claims, bytes };
        if kind.is_proof() {
            self.verify(&proof, &proof.claims)?;
        }
        Ok(proof)
    }

    fn verify(&self, proof: &Proof, claims: &[Claim]) -> Result<(), BackendError> {
        if proof.claims != claims {
            return Err(ProofError::Invalid { why: "it is about other claims".to_string() }.into());
        }
        Ok(ZiskVerifier::new(self.program_key()).verify(proof)?)
    }
}
