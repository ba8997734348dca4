//! What all of the gateway's protocols share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use exchange::Exchange;
use tokio::sync::watch;

use crate::audit::AuditLog;
use crate::client_ids::ClientIds;
use crate::counters::{Counted, Counters};
use crate::desk::Desk;
use crate::keys::KeyStore;
use crate::limits::{Connections, Limiter};
use crate::settings::Settings;
use crate::view::View;
use crate::{GatewayError, private};

/// How often what need not be on disk at once is written.
const FLUSH: Duration = Duration::from_millis(500);
/// Of these, how many until it is written down which keys were used.
const KEYS_AFTER: u64 = 120;

/// What all of the gateway's protocols share.
pub struct Gateway {
    /// As configured.
    pub settings: Settings,
    /// What commands go to.
    pub exchange: Arc<Exchange>,
    /// What is shown.
    pub view: Arc<View>,
    /// Signs for delegated accounts.
    pub desk: Desk,
    /// API keys.
    pub keys: KeyStore,
    /// Client order ids.
    pub client_ids: ClientIds,
    /// Counts requests and orders.
    pub limiter: Limiter,
    /// Counts connections.
    pub connections: Arc<Connections>,
    /// Administrative calls.
    pub audit: AuditLog,
    pub(crate) counters: Arc<Counters>,
    stopping: watch::Sender<bool>,
}

impl Gateway {
    /// Opens what the gateway keeps in its directory. Nothing listens yet: see [`crate::Server::start`].
    ///
    /// # Errors
    /// When the directory cannot be used, or holds what this version cannot read.
    pub fn open(
        settings: Settings,
        exchange: Arc<Exchange>,
        view: Arc<View>,
    ) -> Result<Arc<Self>, GatewayError> {
        private::directory(&settings.directory)?;
        let limits = &settings.limits;
        let counters = Arc::new(Counters::default());
        let secrets = private::database(&settings.directory.join("keys.redb"))?;
        Ok(Arc::new(Self {
            desk: Desk::open(
                Arc::clone(&exchange),
                Arc::clone(&view),
                Arc::clone(&secrets),
                Arc::clone(&counters),
            )?,
            keys: KeyStore::open(secrets, limits.keys_per_account)?,
            client_ids: ClientIds::open(&settings.directory.join("client_ids.redb"), limits.client_ids)?,
            limiter: Limiter::new(limits),
            connections: Connections::new(limits),
            audit: AuditLog::open(&settings.directory.join("audit.jsonl"))?,
            counters,
            stopping: watch::Sender::new(false),
            settings,
            exchange,
            view,
        }))
    }

    /// What it counts of itself.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counters.counted()
    }

    /// Tells everything that serves to end.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns once everything that serves is to end.
    pub async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Who really calls: what trusted proxies say, or else the peer.
    #[must_use]
    pub fn caller_address(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        if !self.settings.trusted_proxies.contains(&peer) {
            return peer;
        }
        // The last entry is the one that our own proxy has added; those before it anybody may have written.
        let last = forwarded_for.and_then(|list| list.rsplit(',').next());
        last.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
    }

    /// Writes down from time to time what need not be on disk at once, until the gateway stops.
    pub(crate) async fn keep_records(self: Arc<Self>) {
        for round in 1.. {
            let stopping = tokio::time::timeout(FLUSH, self.stopped()).await.is_ok();
            let (own, keys) = (Arc::clone(&self), stopping || round % KEYS_AFTER == 0);
            let flushed = tokio::task::spawn_blocking(move || own.flush(keys)).await;
            if let Ok(Err(error)) = flushed {
                tracing::warn!(%error, "not written down");
            }
            if stopping {
                return;
            }
        }
    }

    fn flush(&self, keys: bool) -> Result<(), GatewayError> {
        self.client_ids.flush()?;
        if keys { self.keys.flush() } else { Ok(()) }
    }
}
