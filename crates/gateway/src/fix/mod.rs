//! FIX 4.4: orders, what becomes of them, and market data. See the book, "FIX", for the dictionary.
//!
//! ```text
//!  crates/fix: sockets, session layer, store ◄──► trader.rs, one task a session ──► desk (commands)
//!                                                    ▲ hub.rs (what concerns the account)
//!                                                    └ view (status, market data, what was missed)
//! ```
//!
//! All that becomes of an order is told from the view, so a session tells the same whether it was there, was too slow, or
//! died meanwhile: it notes, with each message, up to where it has told (`known.rs`), and makes up for the rest.

mod auth;
mod catch_up;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hub;
mod known;
mod market_data;
mod names;
mod reports;
mod requests;
mod securities;
mod settings;
mod tags;
mod trader;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::fix::{
    Acceptor, AcceptorError, AcceptorSettings, Application, Identity, Incoming, Message, MessageLimits,
    Refusal, SessionHandle, Store, StoreError,
};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Gateway, GatewayError, private, server};
use hub::Hub;
pub use settings::{Limits, Settings};

/// Why FIX is not spoken.
#[derive(Debug, Error)]
pub enum FixError {
    /// The gateway's files, or certificate and key.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The store of sessions.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address or the CompID.
    #[error(transparent)]
    Acceptor(#[from] AcceptorError),
}

/// A running FIX acceptor. Dropping it does not end it; [`FixServer::stop`] does.
pub struct FixServer {
    acceptor: Acceptor,
    hub: JoinHandle<()>,
}

impl FixServer {
    /// Listens. What was not told when it ended last is told first. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When the address is taken, certificate or key do not serve, or the store of sessions cannot be used.
    pub async fn start(gateway: Arc<Gateway>, settings: &Settings) -> Result<Self, FixError> {
        let tls = settings.tls.as_ref().map(server::acceptor).transpose()?;
        let path = gateway.settings.directory.join("fix.redb");
        // Creates it such that only its owner may read it.
        drop(private::append(&path)?);
        let limits = &settings.limits;
        let store = Store::open(&path, limits.store())?;
        let acceptor = AcceptorSettings {
            listen: settings.listen,
            comp_id: settings.comp_id.clone(),
            tls,
            rules: limits.rules(),
            message: MessageLimits { bytes: limits.message_bytes, ..MessageLimits::default() },
            limits: limits.connections(),
        };
        let hub = Arc::<Hub>::default();
        let following = tokio::spawn(Arc::clone(&hub).follow(&gateway.view));
        let desk = Arc::new(FixDesk { gateway, hub, limits: limits.clone() });
        let acceptor = Acceptor::start(acceptor, store, desk).await?;
        tracing::info!(address = %acceptor.address(), tls = settings.tls.is_some(), "FIX listens");
        Ok(Self { acceptor, hub: following })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// Logs everybody out, and returns when all is written down.
    pub async fn stop(self) {
        self.acceptor.stop().await;
        self.hub.abort();
    }
}

/// What the sessions trade with.
struct FixDesk {
    gateway: Arc<Gateway>,
    hub: Arc<Hub>,
    limits: Limits,
}

impl Application for FixDesk {
    async fn authenticate(&self, logon: &Message, peer: IpAddr) -> Result<Identity, Refusal> {
        // Guessing counts as much as anywhere else.
        let now = crate::clock::millis();
        if self.gateway.limiter.charge(peer, 1, now).is_err() {
            return Err(Refusal("too many requests from this address".into()));
        }
        auth::authenticate(&self.gateway.keys, logon)
    }

    async fn session(self: Arc<Self>, session: SessionHandle, incoming: mpsc::Receiver<Incoming>) {
        let Some(account) = auth::account_of(&session.id().principal) else {
            tracing::warn!(session = %session.id(), "a FIX session is of no account");
            return;
        };
        let heard = self.hub.listen(account);
        let trader =
            trader::Trader::new(Arc::clone(&self.gateway), self.limits.clone(), account, session, heard);
        trader.run(incoming).await;
    }

    fn repeated_tags(&self) -> &'static [u32] {
        tags::REPEATED
    }
}
