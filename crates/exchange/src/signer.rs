//! The trader's side of a stream: chains the digest and signs it.

use ed25519_dalek::{Signer, SigningKey};
use state::Sha256Hash;
use transition::{Stream, stream_digest};
use types::{AccountId, Command};

/// Signs one session's stream.
pub struct StreamSigner {
    account: AccountId,
    key: SigningKey,
    stream: Stream,
    scratch: Vec<u8>,
}

impl StreamSigner {
    /// Goes on where the exchange saw the stream last ([`crate::Exchange::stream`]).
    #[must_use]
    pub fn new(account: AccountId, key: SigningKey, stream: Stream) -> Self {
        Self { account, key, stream, scratch: Vec::new() }
    }

    /// Whose stream it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Where the stream is.
    #[must_use]
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Adds a command to the stream.
    pub fn push(&mut self, command: &Command) {
        self.scratch.clear();
        command.encode(&mut self.scratch);
        self.stream.digest = stream_digest::<Sha256Hash>(&self.stream.digest, &self.scratch);
        self.stream.position += 1;
    }

    /// The signature over all commands so far.
    #[must_use]
    pub fn sign(&self) -> [u8; 64] {
        self.key.sign(&self.stream.digest).to_bytes()
    }
}
