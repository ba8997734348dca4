//! Session keys and owners of the accounts in a flow.
//!
//! Every key here follows from public text and an account number: **anybody can sign with it**. They are for
//! development, replay and tests only, and no exchange that holds anything of worth may register one.

use ed25519_dalek::SigningKey;
use rules::OPERATOR;
use sha2::{Digest, Sha256};
use types::{AccountId, Address, SessionKey, Timestamp};

const KEY_DOMAIN: &[u8] = b"glassbook development session key, public, not for production/1";
const OWNER_DOMAIN: &[u8] = b"glassbook development account owner, public, not for production/1";

/// The development session key of an account: the SHA-256 of a public domain string and the account number.
#[must_use]
pub fn dev_key(account: AccountId) -> SigningKey {
    SigningKey::from_bytes(&hash(KEY_DOMAIN, account))
}

/// The public half of [`dev_key`], as it is registered.
#[must_use]
pub fn dev_session_key(account: AccountId) -> SessionKey {
    SessionKey(dev_key(account).verifying_key().to_bytes())
}

/// The L1 owner of an account in a flow. Nobody has the key of such an address.
#[must_use]
pub fn dev_owner(account: AccountId) -> Address {
    let mut owner = Address::default();
    owner.0.copy_from_slice(&hash(OWNER_DOMAIN, account)[12..]);
    owner
}

/// The genesis of an exchange that plays a flow of this capacity.
pub(crate) fn dev_genesis(capacity: rules::Capacity) -> rules::Genesis {
    let mut exchange = Address::default();
    exchange.0.copy_from_slice(&hash(b"glassbook development exchange contract/1", OPERATOR)[12..]);
    rules::Genesis {
        chain_id: 1337,
        exchange,
        capacity,
        operator: dev_owner(OPERATOR),
        operator_key: dev_session_key(OPERATOR),
        operator_expires: Timestamp::NEVER,
    }
}

fn hash(domain: &[u8], account: AccountId) -> [u8; 32] {
    Sha256::new().chain_update(domain).chain_update(account.0.to_be_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_owners_never_change() {
        assert_eq!(
            hex::encode(dev_session_key(AccountId(1)).0),
            "93e68d8ce0eecbbd08736b4701b6c00258bbc18031c4ed5d879a5c1e29e00e85"
        );
        assert_eq!(dev_owner(AccountId(1)).to_string(), "0x554d00fc28017132f50f4b1048ad1b393f52da00");
    }
}
