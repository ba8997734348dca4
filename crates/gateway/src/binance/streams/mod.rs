//! Streams: what happens, told once to everybody who has subscribed.
//!
//! One task, the hub, follows the view. It writes each message once; connections share its bytes and have a bounded queue
//! each. Whoever lets his queue fill up is disconnected; neither the hub nor the exchange waits for anybody.

mod connection;
mod depth_diff;
mod hub;
mod listen_keys;
mod market_messages;
mod names;
mod registry;
mod user_messages;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "fuzzing")]
pub(super) use connection::Listener;
pub(super) use connection::router;
pub(super) use names::Stream;
pub(super) use registry::Form;

use self::listen_keys::ListenKeys;
use self::registry::Registry;
use super::websocket::Outbox;
use crate::Gateway;
use crate::settings::Limits;

/// Who has subscribed to what.
pub(crate) struct Streams {
    registry: Mutex<Registry>,
    /// Names of user data streams.
    pub listen_keys: ListenKeys,
}

impl Streams {
    /// Begins to tell what happens.
    pub fn start(gateway: &Arc<Gateway>) -> Arc<Self> {
        let streams = Arc::new(Self::new(&gateway.settings.limits));
        tokio::spawn(hub::run(Arc::clone(gateway), Arc::clone(&streams)));
        streams
    }

    /// Nobody has, and nothing is told yet.
    pub fn new(limits: &Limits) -> Self {
        Self { registry: Mutex::default(), listen_keys: ListenKeys::new(limits) }
    }

    /// How often somebody has subscribed to something.
    #[cfg(feature = "fuzzing")]
    pub fn subscribers(&self) -> usize {
        self.registry().subscribers()
    }

    /// Adds a subscriber. `name` is what the stream is called by whoever asks for it.
    pub fn subscribe(&self, stream: Stream, name: &str, outbox: &Arc<Outbox>, form: Form) {
        self.registry().subscribe(stream, name, outbox, form);
    }

    /// As [`Streams::subscribe`], unless the name is a listen key that has ended meanwhile.
    pub fn subscribe_named(&self, stream: Stream, name: &str, outbox: &Arc<Outbox>, form: Form, now: u64) {
        // Whoever ends a key needs the registry after that, so nobody stays who should have left.
        let mut registry = self.registry();
        match stream {
            Stream::User(account) if self.listen_keys.account(name, now) != Some(account) => {}
            _ => registry.subscribe(stream, name, outbox, form),
        }
    }

    /// Takes a subscriber out.
    pub fn unsubscribe(&self, stream: Stream, name: &str, connection: u64) {
        self.registry().unsubscribe(stream, name, connection);
    }

    /// Ends the stream of a listen key.
    pub fn end_user_stream(&self, listen_key: &str) {
        self.registry().end_named(listen_key);
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
