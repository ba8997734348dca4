//! The SDK's proving clients, one for each device.

use proving::BackendError;
#[cfg(feature = "cuda")]
use sp1_sdk::blocking::CudaProver;
#[cfg(feature = "network")]
use sp1_sdk::blocking::NetworkProver;
use sp1_sdk::blocking::{CpuProver, ProveRequest, Prover, ProverClient};
use sp1_sdk::{Elf, ProvingKey, SP1ProofMode, SP1ProofWithPublicValues, SP1Stdin, SP1VerifyingKey};

use crate::backend::failed;
use crate::{Device, STATEMENT};

/// A client that is ready to prove the statement.
pub(crate) enum Client {
    Cpu(Ready<CpuProver>),
    #[cfg(feature = "cuda")]
    Cuda(Ready<CudaProver>),
    #[cfg(feature = "network")]
    Network(Ready<NetworkProver>),
}

pub(crate) struct Ready<P: Prover> {
    prover: P,
    key: P::ProvingKey,
}

impl Client {
    pub(crate) fn new(device: Device) -> Result<Self, BackendError> {
        device.built().map_err(failed)?;
        match device {
            Device::Cpu => Ready::new(ProverClient::builder().cpu().build()).map(Self::Cpu),
            #[cfg(feature = "cuda")]
            Device::Cuda => Ready::new(ProverClient::builder().cuda().build()).map(Self::Cuda),
            #[cfg(feature = "network")]
            Device::Network => Ready::new(ProverClient::builder().network().build()).map(Self::Network),
            #[cfg(not(all(feature = "cuda", feature = "network")))]
            _ => Err(failed("not built in")),
        }
    }

    /// The key that the client made from the executable.
    pub(crate) fn verifying_key(&self) -> &SP1VerifyingKey {
        match self {
            Self::Cpu(ready) => ready.key.verifying_key(),
            #[cfg(feature = "cuda")]
            Self::Cuda(ready) => ready.key.verifying_key(),
            #[cfg(feature = "network")]
            Self::Network(ready) => ready.key.verifying_key(),
        }
    }

    /// Proves the statement, or another program.
    pub(crate) fn prove(
        &self,
        other: Option<Elf>,
        stdin: SP1Stdin,
        mode: SP1ProofMode,
    ) -> Result<SP1ProofWithPublicValues, BackendError> {
        match self {
            Self::Cpu(ready) => ready.prove(other, stdin, mode),
            #[cfg(feature = "cuda")]
            Self::Cuda(ready) => ready.prove(other, stdin, mode),
            #[cfg(feature = "network")]
            Self::Network(ready) => ready.prove(other, stdin, mode),
        }
    }
}

impl<P: Prover> Ready<P> {
    fn new(prover: P) -> Result<Self, BackendError> {
        let key = prover.setup(STATEMENT).map_err(failed)?;
        Ok(Self { prover, key })
    }

    fn prove(
        &self,
        other: Option<Elf>,
        stdin: SP1Stdin,
        mode: SP1ProofMode,
    ) -> Result<SP1ProofWithPublicValues, BackendError> {
        let prove = |key: &P::ProvingKey| self.prover.prove(key, stdin).mode(mode).run().map_err(failed);
        match other {
            None => prove(&self.key),
            Some(program) => prove(&self.prover.setup(program).map_err(failed)?),
        }
    }
}
