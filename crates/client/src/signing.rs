//! The trader's side of signatures beside streams: logins by the session key, and what the owner's wallet signs.

use ed25519_dalek::{Signer as _, SigningKey};
use state::{Sha256Hash, TreeHash as _};
use transition::{Crypto as _, Native};
use types::{AccountId, Address};

/// The signature that lets a WebSocket connection follow the account's executions; the time is in milliseconds since 1970.
#[must_use]
pub fn sign_login(
    key: &SigningKey,
    chain_id: u64,
    exchange: Address,
    account: AccountId,
    time: u64,
) -> [u8; 64] {
    key.sign(&login_digest(chain_id, exchange, account, time)).to_bytes()
}

/// What a session key signs to log in. No stream's digest is one: those hash other beginnings.
#[must_use]
pub fn login_digest(chain_id: u64, exchange: Address, account: AccountId, time: u64) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(56);
    bytes.extend_from_slice(b"glassbook login ");
    bytes.extend_from_slice(&chain_id.to_be_bytes());
    bytes.extend_from_slice(&exchange.0);
    bytes.extend_from_slice(&account.0.to_be_bytes());
    bytes.extend_from_slice(&time.to_be_bytes());
    Sha256Hash::hash(&bytes)
}

/// What an owner asks of the keys of an account. A wallet signs the text with `personal_sign` (EIP-191).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest<'a> {
    /// The chain.
    pub chain_id: u64,
    /// The exchange.
    pub exchange: Address,
    /// The account.
    pub account: AccountId,
    /// Milliseconds since 1970; later than that of the account's last request.
    pub time: u64,
    /// `create key`, `list keys`, `revoke key`.
    pub action: &'a str,
    /// What belongs to the action, in the order of the book.
    pub details: &'a [(&'a str, &'a str)],
}

impl KeyRequest<'_> {
    /// The text to sign.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { chain_id, exchange, account, time, action, details } = self;
        let mut text = format!(
            "Glassbook: {action}\nexchange: {exchange}\nchain: {chain_id}\naccount: {account}\ntime: {time}"
        );
        for (name, value) in *details {
            text.push_str(&format!("\n{name}: {value}"));
        }
        text
    }
}

/// The digest that a wallet's `personal_sign` signs (EIP-191).
#[must_use]
pub fn personal_digest(text: &str) -> [u8; 32] {
    let mut bytes = format!("\x19Ethereum Signed Message:\n{}", text.len()).into_bytes();
    bytes.extend_from_slice(text.as_bytes());
    Native::keccak256(&bytes)
}
