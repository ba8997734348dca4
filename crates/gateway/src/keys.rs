//! API keys: who calls, for which account, and what he may do.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use redb::{Database, ReadableTable as _, TableDefinition};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use tokio::sync::broadcast;
use types::AccountId;

use crate::{GatewayError, clock};

const KEYS: TableDefinition<&str, &[u8]> = TableDefinition::new("api keys 1");

/// Characters of an API key and of a secret.
const LENGTH: usize = 64;
/// Revocations that whoever listens for them may be behind.
const REVOKED: usize = 256;
/// Characters of a label.
const LABEL: usize = 64;
/// What stands before the 32 bytes of an Ed25519 public key in its usual DER form (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What a key may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See the account: balances, orders, trades.
    Read,
    /// Place and cancel orders.
    Trade,
    /// Take money out, to the account's owner.
    Withdraw,
    /// Make and revoke the account's keys.
    Admin,
}

impl Role {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Trade => "trade",
            Self::Withdraw => "withdraw",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Ok(match text {
            "read" => Self::Read,
            "trade" => Self::Trade,
            "withdraw" => Self::Withdraw,
            "admin" => Self::Admin,
            _ => return Err(KeyError::UnknownRole),
        })
    }
}

/// How requests under a key are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// HMAC-SHA256 under a secret that both sides have.
    Hmac,
    /// Ed25519; the secret half stays with the caller.
    Ed25519,
}

/// A key, without what must stay secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyInfo {
    /// The key as it stands in requests.
    pub api_key: String,
    /// Whose.
    pub account: u32,
    /// What it may do.
    pub role: Role,
    /// How requests are signed.
    pub kind: KeyKind,
    /// What its owner calls it.
    pub label: String,
    /// Milliseconds since 1970.
    pub created: u64,
    /// Milliseconds since 1970; zero for never.
    pub last_used: u64,
}

/// Who calls, once that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// For which account.
    pub account: AccountId,
    /// What he may do.
    pub role: Role,
    /// How his key signs.
    pub kind: KeyKind,
}

/// What is wrong with a key or signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No API key has this form.
    #[error("no API key has this form")]
    Malformed,
    /// There is none like it.
    #[error("the API key is unknown or revoked")]
    Unknown,
    /// The signature is not over this request, or not by this key.
    #[error("the signature is not valid for this request")]
    Signature,
    /// The key may do less.
    #[error("the API key has role {has}, this needs {needs}")]
    Forbidden {
        /// What it may.
        has: Role,
        /// What is asked for.
        needs: Role,
    },
    /// No role is called so.
    #[error("a role is read, trade, withdraw or admin")]
    UnknownRole,
    /// Too many keys.
    #[error("the account has {limit} keys, as many as it may have; revoke one")]
    Full {
        /// How many there may be.
        limit: usize,
    },
    /// A label is too long or has control characters.
    #[error("a label has at most {LABEL} characters and no control characters")]
    Label,
    /// Not a public key.
    #[error("not an Ed25519 public key: give it as PEM, or its 32 bytes in hex or base64")]
    PublicKey,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    account: u32,
    role: Role,
    label: String,
    created: u64,
    last_used: u64,
    secret: Secret,
}

#[derive(Clone, Serialize, Deserialize)]
enum Secret {
    Hmac(String),
    Ed25519([u8; 32]),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "Hmac(..)",
            Self::Ed25519(_) => "Ed25519(..)",
        })
    }
}

struct Entry {
    record: Record,
    last_used: AtomicU64,
    /// What the database has of it.
    written: AtomicU64,
}

/// All API keys, in memory and in the gateway's database.
pub struct KeyStore {
    database: Arc<Database>,
    keys: RwLock<HashMap<String, Arc<Entry>>>,
    per_account: usize,
    revoked: broadcast::Sender<AccountId>,
}

impl KeyStore {
    /// Reads all keys; an account may have so many.
    ///
    /// # Errors
    /// When the database fails or a record does not decode.
    pub fn open(database: Arc<Database>, per_account: usize) -> Result<Self, GatewayError> {
        let write = database.begin_write()?;
        let mut keys = HashMap::new();
        for entry in write.open_table(KEYS)?.iter()? {
            let (api_key, record) = entry?;
            let record: Record = postcard::from_bytes(record.value())
                .map_err(|_| GatewayError::Record { what: "API keys" })?;
            keys.insert(api_key.value().to_owned(), Arc::new(Entry::new(record)));
        }
        write.commit()?;
        Ok(Self { database, keys: RwLock::new(keys), per_account, revoked: broadcast::Sender::new(REVOKED) })
    }

    /// Makes a key whose requests are signed with HMAC-SHA256. Returns the key and its secret, which is shown only this once.
    ///
    /// # Errors
    /// When the account has too many, the label is out of bounds, or the database fails.
    pub fn create_hmac(
        &self,
        account: AccountId,
        role: Role,
        label: &str,
    ) -> Result<(String, String), KeyFailure> {
        let secret = random_text();
        let api_key = self.add(account, role, label, Secret::Hmac(secret.clone()))?;
        Ok((api_key, secret))
    }

    /// Makes a key whose requests are signed with the secret half of this Ed25519 key (PEM, hex or base64).
    ///
    /// # Errors
    /// As [`KeyStore::create_hmac`], and when it is not such a key.
    pub fn create_ed25519(
        &self,
        account: AccountId,
        role: Role,
        label: &str,
        public: &str,
    ) -> Result<String, KeyFailure> {
        let public = public_key(public).ok_or(KeyError::PublicKey)?;
        self.add(account, role, label, Secret::Ed25519(public))
    }

    /// The keys of an account, oldest first.
    #[must_use]
    pub fn list(&self, account: AccountId) -> Vec<KeyInfo> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let own = keys.iter().filter(|(_, entry)| entry.record.account == account.0);
        let mut list: Vec<KeyInfo> = own.map(|(api_key, entry)| entry.info(api_key)).collect();
        list.sort_by(|a, b| (a.created, &a.api_key).cmp(&(b.created, &b.api_key)));
        list
    }

    /// Ends a key of an account. False when it has none like it.
    ///
    /// # Errors
    /// When the database fails; the key then stays.
    pub fn revoke(&self, account: AccountId, api_key: &str) -> Result<bool, GatewayError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.get(api_key).is_none_or(|entry| entry.record.account != account.0) {
            return Ok(false);
        }
        let write = self.database.begin_write()?;
        write.open_table(KEYS)?.remove(api_key)?;
        write.commit()?;
        keys.remove(api_key);
        drop(keys);
        // Nobody may be listening.
        let _ = self.revoked.send(account);
        Ok(true)
    }

    /// Tells from now on of which accounts keys are revoked, so that what was opened with them ends.
    pub(crate) fn revocations(&self) -> broadcast::Receiver<AccountId> {
        self.revoked.subscribe()
    }

    /// Whether there is such a key, still.
    pub(crate) fn is_known(&self, api_key: &str) -> bool {
        self.entry(api_key).is_ok()
    }

    /// Who calls with this key, if he may do what he asks for. Proves nothing yet: see [`KeyStore::verify`].
    ///
    /// # Errors
    /// When there is no such key, or it may do less.
    pub fn look_up(&self, api_key: &str, needs: Role) -> Result<Caller, KeyError> {
        let entry = self.entry(api_key)?;
        entry.may(needs)?;
        Ok(entry.caller())
    }

    /// Who calls, when `signature` (hex for HMAC, base64 for Ed25519) is his over `payload`.
    ///
    /// # Errors
    /// When there is no such key, it may do less, or the signature is wrong.
    pub fn verify(
        &self,
        api_key: &str,
        needs: Role,
        payload: &[u8],
        signature: &str,
    ) -> Result<Caller, KeyError> {
        let entry = self.entry(api_key)?;
        match &entry.record.secret {
            Secret::Hmac(secret) => {
                let mut given = [0; 32];
                hex::decode_to_slice(signature, &mut given).map_err(|_| KeyError::Signature)?;
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| KeyError::Signature)?;
                mac.update(payload);
                mac.verify_slice(&given).map_err(|_| KeyError::Signature)?;
            }
            Secret::Ed25519(public) => {
                let given = BASE64.decode(signature).map_err(|_| KeyError::Signature)?;
                let given = Signature::from_slice(&given).map_err(|_| KeyError::Signature)?;
                let public = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Signature)?;
                public.verify_strict(payload, &given).map_err(|_| KeyError::Signature)?;
            }
        }
        entry.may(needs)?;
        entry.last_used.store(clock::millis(), Ordering::Relaxed);
        Ok(entry.caller())
    }

    /// Writes down when keys were last used, of those used since they were last written.
    ///
    /// # Errors
    /// When the database fails.
    pub fn flush(&self) -> Result<(), GatewayError> {
        let used: Vec<(String, Arc<Entry>)> = {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let used = keys.iter().filter(|(_, entry)| {
                entry.last_used.load(Ordering::Relaxed) != entry.written.load(Ordering::Relaxed)
            });
            used.map(|(api_key, entry)| (api_key.clone(), Arc::clone(entry))).collect()
        };
        if used.is_empty() {
            return Ok(());
        }
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(KEYS)?;
            for (api_key, entry) in used {
                // It may have been revoked meanwhile.
                if table.get(api_key.as_str())?.is_some() {
                    let last_used = entry.last_used.load(Ordering::Relaxed);
                    let record = Record { last_used, ..entry.record.clone() };
                    table.insert(api_key.as_str(), encode(&record)?.as_slice())?;
                    entry.written.store(last_used, Ordering::Relaxed);
                }
            }
        }
        write.commit()?;
        Ok(())
    }

    fn entry(&self, api_key: &str) -> Result<Arc<Entry>, KeyError> {
        if api_key.len() != LENGTH || !api_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(KeyError::Malformed);
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(api_key).cloned().ok_or(KeyError::Unknown)
    }

    fn add(&self, account: AccountId, role: Role, label: &str, secret: Secret) -> Result<String, KeyFailure> {
        if label.chars().count() > LABEL || label.chars().any(char::is_control) {
            return Err(KeyError::Label.into());
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.values().filter(|entry| entry.record.account == account.0).count() >= self.per_account {
            return Err(KeyError::Full { limit: self.per_account }.into());
        }
        let api_key = random_text();
        let created = clock::millis();
        let record =
            Record { account: account.0, role, label: label.to_owned(), created, last_used: 0, secret };
        let write = self.database.begin_write().map_err(GatewayError::from)?;
        {
            let mut table = write.open_table(KEYS).map_err(GatewayError::from)?;
            table.insert(api_key.as_str(), encode(&record)?.as_slice()).map_err(GatewayError::from)?;
        }
        write.commit().map_err(GatewayError::from)?;
        keys.insert(api_key.clone(), Arc::new(Entry::new(record)));
        Ok(api_key)
    }
}

/// Why a key was not made.
#[derive(Debug, Error)]
pub enum KeyFailure {
    /// What was asked for.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

impl Entry {
    fn new(record: Record) -> Self {
        let (last_used, written) = (record.last_used.into(), record.last_used.into());
        Self { record, last_used, written }
    }

    fn may(&self, needs: Role) -> Result<(), KeyError> {
        let has = self.record.role;
        if has < needs { Err(KeyError::Forbidden { has, needs }) } else { Ok(()) }
    }

    fn kind(&self) -> KeyKind {
        match self.record.secret {
            Secret::Hmac(_) => KeyKind::Hmac,
            Secret::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    fn caller(&self) -> Caller {
        Caller { account: AccountId(self.record.account), role: self.record.role, kind: self.kind() }
    }

    fn info(&self, api_key: &str) -> KeyInfo {
        let Record { account, role, label, created, .. } = self.record.clone();
        let last_used = self.last_used.load(Ordering::Relaxed);
        KeyInfo { api_key: api_key.to_owned(), account, role, kind: self.kind(), label, created, last_used }
    }
}

fn encode(record: &Record) -> Result<Vec<u8>, GatewayError> {
    postcard::to_stdvec(record).map_err(|_| GatewayError::Record { what: "API keys" })
}

/// Letters and digits from a generator that the operating system seeds: 64 of 62 kinds are 381 bits.
pub(crate) fn random_text() -> String {
    rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect()
}

/// The 32 bytes of a public key in any of its usual forms, if it is one that can verify anything.
fn public_key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let bytes = if let Some(body) = text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
        let body: String =
            body.strip_suffix("-----END PUBLIC KEY-----")?.chars().filter(|c| !c.is_whitespace()).collect();
        BASE64.decode(body).ok()?
    } else if text.len() == 64 {
        hex::decode(text).ok()?
    } else {
        BASE64.decode(text).ok()?
    };
    let bytes: [u8; 32] = bytes.strip_prefix(&SPKI).unwrap_or(&bytes).try_into().ok()?;
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    (!key.is_weak()).then_some(bytes)
}

/// What the fuzz targets read through.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
#[allow(missing_docs, reason = "as they are called inside")]
pub mod fuzzing {
    /// A record of the database, written again.
    pub fn record_again(bytes: &[u8]) -> Option<Vec<u8>> {
        super::encode(&postcard::from_bytes(bytes).ok()?).ok()
    }

    pub fn public_key(text: &str) -> Option<[u8; 32]> {
        super::public_key(text)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::private;

    const ACCOUNT: AccountId = AccountId(3);

    fn store(dir: &std::path::Path) -> KeyStore {
        KeyStore::open(private::database(&dir.join("keys.redb")).unwrap(), 3).unwrap()
    }

    fn sign(secret: &str, payload: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(payload);
        hex::encode(mac.finalize().into_bytes())
    }

    /// Binance's documentation, "SIGNED Endpoint Examples for POST /api/v3/order", examples 1 and 3.
    #[test]
    fn the_signatures_of_binances_documentation_come_out() {
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        let whole = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&\
                     timestamp=1499827319559";
        assert_eq!(
            sign(secret, whole.as_bytes()),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
        );
        let mixed = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&\
                     timestamp=1499827319559";
        assert_eq!(
            sign(secret, mixed.as_bytes()),
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
        );
    }

    #[test]
    fn a_key_verifies_its_own_signatures_until_it_is_revoked_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let keys = store(dir.path());
        let (hmac, secret) = keys.create_hmac(ACCOUNT, Role::Trade, "bot").unwrap();
        let signer = SigningKey::from_bytes(&[7; 32]);
        let public = hex::encode(signer.verifying_key().to_bytes());
        let ed25519 = keys.create_ed25519(ACCOUNT, Role::Read, "", &public).unwrap();
        let check = |keys: &KeyStore| {
            let caller = keys.verify(&hmac, Role::Trade, b"a=1", &sign(&secret, b"a=1")).unwrap();
            assert_eq!((caller.account, caller.role), (ACCOUNT, Role::Trade));
            assert_eq!(
                keys.verify(&hmac, Role::Read, b"a=2", &sign(&secret, b"a=1")),
                Err(KeyError::Signature)
            );
            let signature = BASE64.encode(signer.sign(b"a=1").to_bytes());
            assert!(keys.verify(&ed25519, Role::Read, b"a=1", &signature).is_ok());
            let other = BASE64.encode(SigningKey::from_bytes(&[8; 32]).sign(b"a=1").to_bytes());
            assert_eq!(keys.verify(&ed25519, Role::Read, b"a=1", &other), Err(KeyError::Signature));
            for broken in ["", "zz", "=", "\u{0}", &"A".repeat(88)] {
                assert_eq!(keys.verify(&ed25519, Role::Read, b"a=1", broken), Err(KeyError::Signature));
                assert_eq!(keys.verify(&hmac, Role::Read, b"a=1", broken), Err(KeyError::Signature));
            }
        };
        check(&keys);
        keys.flush().unwrap();
        drop(keys);
        let keys = store(dir.path());
        check(&keys);
        assert!(keys.list(ACCOUNT).iter().all(|key| key.last_used > 0));
        assert!(!keys.revoke(AccountId(4), &hmac).unwrap(), "another's key");
        assert!(keys.revoke(ACCOUNT, &hmac).unwrap());
        assert_eq!(keys.verify(&hmac, Role::Read, b"", &sign(&secret, b"")), Err(KeyError::Unknown));
        keys.flush().unwrap();
        drop(keys);
        assert_eq!(store(dir.path()).list(ACCOUNT).len(), 1);
    }

    #[test]
    fn a_role_may_do_what_those_before_it_may_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyStore::open(private::database(&dir.path().join("keys.redb")).unwrap(), 9).unwrap();
        let roles = [Role::Read, Role::Trade, Role::Withdraw, Role::Admin];
        for (at, has) in roles.into_iter().enumerate() {
            let (key, secret) = keys.create_hmac(ACCOUNT, has, "").unwrap();
            for (needed, needs) in roles.into_iter().enumerate() {
                let allowed = keys.verify(&key, needs, b"x", &sign(&secret, b"x"));
                assert_eq!(allowed.is_ok(), needed <= at, "{has} for {needs}");
                assert_eq!(needs, needs.to_string().parse().unwrap());
            }
        }
    }

    #[test]
    fn public_keys_are_taken_in_their_usual_forms_and_weak_ones_not_at_all() {
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
        let der = [SPKI.as_slice(), &key].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(der));
        for text in [hex::encode(key), BASE64.encode(key), pem] {
            assert_eq!(public_key(&text), Some(key), "{text}");
        }
        for text in ["", "-----BEGIN PUBLIC KEY-----", &hex::encode([0; 32]), &"é".repeat(32), "AAAA"] {
            assert_eq!(public_key(text), None, "{text}");
        }
    }

    #[test]
    fn an_account_has_no_more_keys_than_it_may() {
        let dir = tempfile::tempdir().unwrap();
        let keys = store(dir.path());
        for _ in 0..3 {
            keys.create_hmac(ACCOUNT, Role::Read, "").unwrap();
        }
        let refused = keys.create_hmac(ACCOUNT, Role::Read, "");
        assert!(matches!(refused, Err(KeyFailure::Key(KeyError::Full { limit: 3 }))));
        assert!(keys.create_hmac(AccountId(4), Role::Read, &"x".repeat(65)).is_err());
        assert!(keys.create_hmac(AccountId(4), Role::Read, "x").is_ok());
    }
}
