//! The front door of a node: the gateway with everything that is served at its port.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use exchange::Exchange;
use gateway::fix::FixServer;
use gateway::native::{self, Lifecycle, Native, NativeOptions};
use gateway::view::{View, ViewOptions};
use gateway::{Gateway, Server, page};
use rules::Genesis;
use tokio::runtime::Handle;

use super::checks;
use super::status::{self, Board};
use crate::config;

/// Whether it can be listened there. Asked before anything is started: what has begun ends less gracefully.
pub fn check(settings: &settings::Gateway, port: u16) -> Result<()> {
    let listen = SocketAddr::new(settings.listen.ip(), port);
    TcpListener::bind(listen).map(drop).with_context(|| unserved(listen))
}

fn unserved(listen: SocketAddr) -> String {
    format!("cannot serve at {listen}; choose another --port, or 0 for any")
}

/// What speaks to traders, their software and their browsers.
pub struct Front {
    /// Accounts that delegated, keys, limits.
    pub gateway: Arc<Gateway>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where FIX listens, if it does.
    pub fix_address: Option<SocketAddr>,
    server: Server,
    fix: Option<FixServer>,
    runtime: Handle,
}

/// What it is made of.
pub struct Setting<'a> {
    pub settings: &'a settings::Gateway,
    pub fix: &'a settings::Fix,
    pub port: u16,
    /// Holds keys and names.
    pub dir: &'a Path,
    /// The folder of sealed batches.
    pub batches: &'a Path,
    pub exchange: &'a Arc<Exchange>,
    pub genesis: &'a Genesis,
    pub lifecycle: Arc<dyn Lifecycle>,
    pub board: &'a Arc<Board>,
    /// Whom the page asks besides this server: where it takes samples, and the chain.
    pub origins: &'a [String],
    pub runtime: &'a Handle,
}

impl Front {
    /// Opens it and listens.
    pub fn open(setting: Setting<'_>) -> Result<Self> {
        let Setting { exchange, genesis, batches, runtime, .. } = setting;
        let view =
            View::follow(Arc::clone(exchange), genesis, batches.to_path_buf(), ViewOptions::default())?;
        let listen = SocketAddr::new(setting.settings.listen.ip(), setting.port);
        let settings = config::gateway(setting.settings, listen, setting.dir);
        let gateway = Gateway::open(settings, Arc::clone(exchange), view)?;
        let telling = setting.board.telling();
        gateway.desk.trace_to(telling.traces.clone());
        checks::add_view(&telling.health, &gateway.view);
        let options = NativeOptions::new(batches);
        let started = async {
            let native = Native::start(Arc::clone(&gateway), setting.lifecycle, genesis, options);
            let routes = native::router(native)
                .merge(page::router(setting.origins))
                .merge(status::routes(setting.board));
            Server::start(Arc::clone(&gateway), routes).await
        };
        let server = runtime.block_on(started).with_context(|| unserved(listen))?;
        let fix = match config::fix(setting.fix, gateway.settings.tls.clone()) {
            None => None,
            Some(settings) => {
                let started = FixServer::start(Arc::clone(&gateway), &settings);
                Some(runtime.block_on(started).context("FIX (fix.listen in the settings)")?)
            }
        };
        let (address, fix_address) = (server.address(), fix.as_ref().map(FixServer::address));
        Ok(Self { gateway, address, fix_address, server, fix, runtime: runtime.clone() })
    }

    /// Where browsers and programs find it.
    pub fn origin(&self) -> String {
        let scheme = if self.gateway.settings.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers what is under way, and ends.
    pub fn stop(self) {
        self.runtime.block_on(async {
            if let Some(fix) = self.fix {
                fix.stop().await;
            }
            self.server.stop().await;
        });
    }
}
