//! ZisK's SDK, contained: one client in a process, no panics, no output, and its errors as ours.

use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proving::{BackendError, Cancellation};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use verifier::ProofSystem;
use zisk_sdk::{
    EmbeddedClient, EmbeddedExecuteOnlyClient, GuestProgram, ProofKind, ProveResult, ProverClient,
    RemoteClient, RemoteClientBuilder, ZiskStdin,
};

use crate::config::folder;
use crate::program::statement;
use crate::quiet::quietly;
use crate::{Mode, Run};

/// Bytes of public output that a ZisK program has.
pub(crate) const PUBLIC_BYTES: usize = 256;

/// The SDK panics at the second client of a process.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// How often a remote proof looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// How long a coordinator has to answer a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The SDK's client of a [`Mode`].
pub(crate) struct Client {
    program: GuestProgram,
    kind: Kind,
}

enum Kind {
    Execute(EmbeddedExecuteOnlyClient),
    Embedded { client: EmbeddedClient, ready: AtomicBool },
    Remote { client: Box<RemoteClient>, runtime: Runtime, ready: AtomicBool, keys: TempDir },
}

impl Client {
    /// Makes it. With a proving key that takes minutes.
    pub fn new(mode: &Mode) -> Result<Self, BackendError> {
        if let Mode::Remote { url } = mode {
            // After a failed connection the SDK would not try again in this process.
            reach(url)?;
        }
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err(failed(
                "ZisK's SDK allows one client in a process, and there was one already: start the worker again",
            ));
        }
        let program = statement();
        let kind = guarded(|| match mode {
            Mode::Execute => {
                let client = ProverClient::embedded().execute_only().build().map_err(failed)?;
                client.setup(&program, false).map_err(failed)?;
                Ok(Kind::Execute(client))
            }
            Mode::Embedded { proving_key } => {
                let key: PathBuf = folder(proving_key.as_deref());
                let client = ProverClient::embedded().proving_key(key).build().map_err(failed)?;
                Ok(Kind::Embedded { client, ready: AtomicBool::new(false) })
            }
            Mode::Remote { url } => {
                let runtime =
                    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
                let keys = tempfile::tempdir().map_err(failed)?;
                let entered = runtime.enter();
                let builder: RemoteClientBuilder = ProverClient::remote(url.as_str());
                let client = builder.build().map_err(failed)?;
                drop(entered);
                Ok(Kind::Remote { client: client.into(), runtime, ready: AtomicBool::new(false), keys })
            }
        })?;
        Ok(Self { program, kind })
    }

    /// Runs the program on an input without proving.
    pub fn execute(&self, input: &[u8]) -> Result<Run, BackendError> {
        let stdin = || ZiskStdin::from_bytes(input.to_vec());
        guarded(|| {
            self.setup()?;
            match &self.kind {
                Kind::Execute(client) => {
                    let output = client.execute(&self.program, stdin(), None, None).map_err(failed)?;
                    Ok(run(output.get_execution_steps(), |bytes| output.get_public_values_slice(bytes)))
                }
                Kind::Embedded { client, .. } => {
                    let output = client.execute(&self.program, stdin()).run_sync().map_err(failed)?;
                    Ok(run(output.get_execution_steps(), |bytes| output.get_public_values_slice(bytes)))
                }
                Kind::Remote { client, runtime, .. } => {
                    let _entered = runtime.enter();
                    let job = client.execute(&self.program, stdin()).run().map_err(failed)?;
                    let output = runtime.block_on(job.into_future()).map_err(failed)?;
                    Ok(run(output.get_execution_steps(), |bytes| output.get_public_values_slice(bytes)))
                }
            }
        })
    }

    /// Proves an execution, in one STARK of constant size and ZisK's one byte format.
    pub fn prove(&self, input: &[u8], cancel: &Cancellation) -> Result<Vec<u8>, BackendError> {
        let stdin = ZiskStdin::from_bytes(input.to_vec());
        guarded(|| {
            self.setup()?;
            match &self.kind {
                Kind::Execute(_) => Err(failed("this client only executes")),
                Kind::Embedded { client, .. } => {
                    let proof = client
                        .prove(&self.program, stdin)
                        .wrap(ProofKind::VadcopFinalMinimal)
                        .run_sync()
                        .map_err(failed)?;
                    made(&proof)
                }
                Kind::Remote { client, runtime, .. } => {
                    let _entered = runtime.enter();
                    let job = client
                        .prove(&self.program, stdin)
                        .wrap(ProofKind::VadcopFinalMinimal)
                        .run()
                        .map_err(failed)?;
                    let canceller = job.canceller();
                    let proof = runtime.block_on(async {
                        let mut job = std::pin::pin!(job.into_future());
                        loop {
                            match tokio::time::timeout(LOOK, &mut job).await {
                                Ok(finished) => return finished.map_err(failed),
                                Err(_) if cancel.is_cancelled() => {
                                    if let Some(canceller) = &canceller {
                                        canceller.cancel().await.map_err(failed)?;
                                    }
                                    return Err(BackendError::Cancelled);
                                }
                                Err(_) => {}
                            }
                        }
                    })?;
                    made(&proof)
                }
            }
        })
    }

    /// The program's key, as ZisK's setup derives it from the executable and the proving key.
    pub fn program_key(&self) -> Result<[u8; 32], BackendError> {
        guarded(|| {
            self.setup()?;
            match &self.kind {
                Kind::Execute(_) => {
                    Err(failed("this client has no proving key to derive the program's key from"))
                }
                Kind::Embedded { .. } => {
                    let key = self.program.vk().map_err(failed)?;
                    key_bytes(&key.vk).ok_or_else(|| failed("the program's key has not four words"))
                }
                Kind::Remote { keys, .. } => only_key(keys.path())
                    .ok_or_else(|| failed("the coordinator's setup has not given one key")),
            }
        })
    }

    /// Registers the program, once.
    fn setup(&self) -> Result<(), BackendError> {
        match &self.kind {
            Kind::Execute(_) => {}
            Kind::Embedded { client, ready } => {
                if !ready.load(Ordering::Acquire) {
                    client.setup(&self.program).run_sync().map_err(failed)?;
                    ready.store(true, Ordering::Release);
                }
            }
            Kind::Remote { client, runtime, ready, keys } => {
                if !ready.load(Ordering::Acquire) {
                    let _entered = runtime.enter();
                    client.upload(&self.program).run().map_err(failed)?;
                    let setup = client.setup(&self.program).output_dir(keys.path().to_path_buf());
                    let job = setup.run().map_err(failed)?;
                    runtime.block_on(job.into_future()).map_err(failed)?;
                    ready.store(true, Ordering::Release);
                }
            }
        }
        Ok(())
    }
}

/// Whether something listens at an address.
fn reach(url: &str) -> Result<(), BackendError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let host = rest.split('/').next().unwrap_or(rest);
    let port = if scheme == "https" { 443 } else { 80 };
    let found = host.to_socket_addrs().or_else(|_| (host, port).to_socket_addrs());
    let unreachable =
        |why: &dyn fmt::Display| failed(format!("the coordinator {url} cannot be reached: {why}"));
    let mut last = None;
    for address in found.map_err(|why| unreachable(&why))? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => return Ok(()),
            Err(why) => last = Some(why),
        }
    }
    Err(last.map_or_else(|| unreachable(&"it has no address"), |why| unreachable(&why)))
}

fn run(steps: u64, read: impl FnOnce(&mut [u8])) -> Run {
    let mut output = [0; PUBLIC_BYTES];
    read(&mut output);
    Run { output, steps }
}

fn made(proof: &ProveResult) -> Result<Vec<u8>, BackendError> {
    proof.get_proof_bytes().map_err(failed)
}

fn key_bytes(words: &[u64]) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    let words: &[u64; 4] = words.try_into().ok()?;
    for (bytes, word) in key.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    Some(key)
}

/// The one program key that a remote setup has left in a folder.
fn only_key(folder: &std::path::Path) -> Option<[u8; 32]> {
    let mut files = std::fs::read_dir(folder).ok()?;
    let file = files.next()?.ok()?;
    files.next().is_none().then(|| std::fs::read(file.path()).ok())??.try_into().ok()
}

/// The SDK panics at things that are not its caller's fault, and prints: an error like any other here.
fn guarded<T>(work: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
    quietly(|| catch_unwind(AssertUnwindSafe(work))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(failed(text.unwrap_or_else(|| "it stopped without saying why".to_string())))
    })
}

pub(crate) fn failed(why: impl fmt::Display) -> BackendError {
    BackendError::Failed { system: ProofSystem::Zisk, why: why.to_string() }
}
