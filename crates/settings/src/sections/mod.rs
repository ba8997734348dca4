//! All settings, section by section. A key is declared where it is read.

mod exchange;
mod front;
mod limits;
mod outside;
mod running;

pub use exchange::{Exchange, Journal};
pub use front::{Fix, Gateway};
pub use limits::Limits;
pub use outside::{Availability, Certainty, Chain, Proofs, Proving, Settlement};
pub use running::{Dev, Flow, LogFormat, Telemetry};

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::reader::Reader;
use crate::source::{Environment, Source};

/// Everything that an operator decides.
#[derive(Debug)]
pub struct Settings {
    /// `[exchange]`
    pub exchange: Exchange,
    /// `[gateway]`
    pub gateway: Gateway,
    /// `[fix]`
    pub fix: Fix,
    /// `[chain]`
    pub chain: Chain,
    /// `[settlement]`
    pub settlement: Settlement,
    /// `[availability]`
    pub availability: Availability,
    /// `[proving]`
    pub proving: Proving,
    /// `[telemetry]`
    pub telemetry: Telemetry,
    /// `[dev]`
    pub dev: Dev,
}

impl Settings {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            exchange: Exchange::read(reader),
            gateway: Gateway::read(reader),
            fix: Fix::read(reader),
            chain: Chain::read(reader),
            settlement: Settlement::read(reader),
            availability: Availability::read(reader),
            proving: Proving::read(reader),
            telemetry: Telemetry::read(reader),
            dev: Dev::read(reader),
        }
    }
}

impl Default for Settings {
    /// As when nobody says anything.
    fn default() -> Self {
        let (source, environment) = (Source::default(), Environment::default());
        Self::read(&mut Reader::new(&source, &environment))
    }
}

/// A port of this machine.
const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
