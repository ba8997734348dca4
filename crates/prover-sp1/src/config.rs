//! Where proofs are made.

use std::fmt;
use std::str::FromStr;

/// How an [`crate::Sp1`] works.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where proofs are made. Execution and verification always happen here, on the CPU.
    pub device: Device,
}

/// Where proofs are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// On this machine's CPU.
    #[default]
    Cpu,
    /// On this machine's NVIDIA GPU. Needs the feature `cuda`.
    Cuda,
    /// By Succinct's prover network, configured by `NETWORK_PRIVATE_KEY` and `NETWORK_RPC_URL`. Needs the feature
    /// `network`.
    Network,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Cuda, Self::Network];

    /// Its name in options and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Network => "network",
        }
    }

    /// Whether this program was built for it, or how to build one that is.
    ///
    /// # Errors
    /// With the command that builds for it.
    pub fn built(self) -> Result<(), String> {
        let built = match self {
            Self::Cpu => true,
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Network => cfg!(feature = "network"),
        };
        let name = self.name();
        if built {
            Ok(())
        } else {
            Err(format!(
                "this program was built without {name}: cargo build --release -p prover-sp1 --features {name}"
            ))
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Device {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|device| device.name() == name)
            .ok_or("a device is one of cpu, cuda, network")
    }
}
