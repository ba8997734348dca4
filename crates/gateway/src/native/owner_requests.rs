//! API keys, made, listed and revoked by an account's owner: a wallet signs a text (EIP-191, `personal_sign`) that names
//! exchange, account, time and what is asked for.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rules::Genesis;
use serde::{Deserialize, Serialize};
use serde_json::json;
use transition::{Crypto as _, Native as Crypto};
use types::AccountId;
use utoipa::ToSchema;

use super::api::Turn;
use super::delegations::not_kept;
use super::error::Refusals;
use super::extract::{Body, Path};
use super::hexadecimal::read_array;
use super::number::Number;
use super::{ApiError, Native};
use crate::clock;
use crate::keys::{KeyError, KeyFailure, KeyInfo, KeyKind, Role};

/// How far a request's time may be from ours, in milliseconds.
const WINDOW: u64 = 60_000;

/// The time of each account's last request: none is taken twice. Only owners' requests are remembered, so an account takes one
/// entry at most.
pub(crate) struct OwnerTimes {
    /// Requests from before the start are not taken: of those nothing is remembered.
    since: u64,
    last: Mutex<HashMap<AccountId, u64>>,
}

impl OwnerTimes {
    pub fn new() -> Self {
        Self { since: clock::millis(), last: Mutex::default() }
    }

    /// Whether a request may be of this time at all.
    fn plausible(&self, time: u64, now: u64) -> bool {
        time.abs_diff(now) <= WINDOW && time >= self.since
    }

    /// Takes note of an owner's request; false if one of that time or later was taken before.
    fn take(&self, account: AccountId, time: u64) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.entry(account).or_insert(0);
        let later = time > *known;
        *known = time.max(*known);
        later
    }
}

/// What an owner's wallet signs. The client crate has the same.
pub(super) fn text(
    genesis: &Genesis,
    action: &str,
    account: u32,
    time: u64,
    details: &[(&str, &str)],
) -> String {
    let (exchange, chain) = (genesis.exchange, genesis.chain_id);
    let mut text = format!(
        "Glassbook: {action}\nexchange: {exchange}\nchain: {chain}\naccount: {account}\ntime: {time}"
    );
    for (name, value) in details {
        // Writing into a string does not fail.
        let _ = write!(text, "\n{name}: {value}");
    }
    text
}

/// The digest that `personal_sign` signs (EIP-191).
fn personal_digest(text: &str) -> [u8; 32] {
    let mut bytes = format!("\x19Ethereum Signed Message:\n{}", text.len()).into_bytes();
    bytes.extend_from_slice(text.as_bytes());
    Crypto::keccak256(&bytes)
}

impl Native {
    /// The account whose owner asks for this.
    fn owner_asks(
        &self,
        headers: &HeaderMap,
        action: &str,
        details: &[(&str, &str)],
    ) -> Result<AccountId, ApiError> {
        let header = |name: &'static str| {
            headers.get(name).and_then(|value| value.to_str().ok()).ok_or_else(|| {
                let remedy =
                    "send Glassbook-Account, Glassbook-Time (ms) and Glassbook-Signature; the book says what to sign";
                ApiError::unauthorised("no_signature", format!("the header {name} is missing"), remedy)
            })
        };
        let number = |name: &'static str| {
            header(name)?.parse::<u64>().map_err(|_| {
                ApiError::bad("bad_header", format!("{name} is not a number"), "give a decimal number")
            })
        };
        let account = u32::try_from(number("glassbook-account")?).unwrap_or(u32::MAX);
        let time = number("glassbook-time")?;
        let signature: [u8; 65] = read_array(header("glassbook-signature")?, "Glassbook-Signature")?;
        let now = clock::millis();
        if !self.owner_times.plausible(time, now) {
            let message = format!("the request is of {time}, and now is {now}");
            let remedy = format!("sign with a time within {WINDOW} ms, and later than the gateway's start");
            return Err(ApiError::unauthorised("bad_time", message, remedy));
        }
        let known = self.account(account)?;
        let digest = personal_digest(&text(&self.genesis, action, account, time, details));
        if Crypto::recover_secp256k1(&digest, &signature) != Some(known.state.owner) {
            let message = format!("the signature is not that of account {account}'s owner over this request");
            let remedy = "the book says what to sign: every line must be as it was sent";
            return Err(ApiError::unauthorised("bad_signature", message, remedy));
        }
        if !self.owner_times.take(known.id, time) {
            let message = "a request of this time or later was taken before";
            return Err(ApiError::unauthorised("replayed", message, "sign again, with the time of now"));
        }
        Ok(known.id)
    }
}

/// The key that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct KeyRequest {
    /// `read`, `trade`, `withdraw` or `admin`. More than `read` needs a delegated account.
    #[schema(value_type = RoleName)]
    role: Role,
    /// How its requests are signed.
    #[schema(value_type = KindName)]
    kind: KeyKind,
    /// What its owner calls it.
    #[serde(default)]
    #[schema(max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    label: String,
    /// Of an Ed25519 key: the public half, as PEM, or its 32 bytes in hex or base64.
    #[schema(max_length = 256, pattern = "^[^\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f]*$")]
    public_key: Option<String>,
}

impl KeyRequest {
    /// The lines of it that the owner signs. A line is one: only the last may go on.
    pub(super) fn details(&self) -> Result<Vec<(&'static str, &str)>, KeyError> {
        let Self { role, kind, label, public_key } = self;
        let key = public_key.as_deref();
        if label.contains('\n')
            || label.chars().chain(key.unwrap_or_default().chars()).any(|c| c.is_control() && c != '\n')
        {
            return Err(KeyError::Label);
        }
        let mut details = vec![("role", role.name()), ("kind", kind_name(*kind)), ("label", label.as_str())];
        details.extend(key.map(|key| ("publicKey", key)));
        Ok(details)
    }
}

/// What a key may do; each may do what those before it may.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes crate::keys::Role")]
pub(crate) enum RoleName {
    Read,
    Trade,
    Withdraw,
    Admin,
}

/// How requests under a key are signed.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes crate::keys::KeyKind")]
pub(crate) enum KindName {
    Hmac,
    Ed25519,
}

/// A new key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewKeyBody {
    /// The key, for the header `X-MBX-APIKEY`.
    api_key: String,
    /// Of an HMAC key: the secret. It is shown only this once.
    secret: Option<String>,
}

/// A key, without what must stay secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyBody {
    /// The key.
    api_key: String,
    /// Whose.
    account: u32,
    /// What it may do.
    #[schema(value_type = RoleName)]
    role: Role,
    /// How its requests are signed.
    #[schema(value_type = KindName)]
    kind: KeyKind,
    /// What its owner calls it.
    label: String,
    /// Milliseconds since 1970.
    created: u64,
    /// Milliseconds since 1970; zero for never.
    last_used: u64,
}

impl From<KeyInfo> for KeyBody {
    fn from(info: KeyInfo) -> Self {
        let KeyInfo { api_key, account, role, kind, label, created, last_used } = info;
        Self { api_key, account, role, kind, label, created, last_used }
    }
}

/// A key that was revoked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevokedBody {
    /// The key.
    revoked: String,
}

impl From<KeyFailure> for ApiError {
    fn from(failure: KeyFailure) -> Self {
        match failure {
            KeyFailure::Key(error) => error.into(),
            KeyFailure::Gateway(error) => not_kept(error),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let message = error.to_string();
        match error {
            KeyError::Malformed | KeyError::Unknown => {
                Self::unauthorised("unknown_key", message, "the owner makes keys: POST /keys")
            }
            KeyError::Signature => Self::unauthorised("bad_signature", message, "the book says what to sign"),
            KeyError::Forbidden { .. } => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", message, "use a key with a higher role")
            }
            KeyError::Full { .. } => {
                Self::new(StatusCode::CONFLICT, "too_many_keys", message, "DELETE /keys/{apiKey}")
            }
            KeyError::UnknownRole | KeyError::Label | KeyError::PublicKey => {
                Self::bad("bad_key", message, "see /openapi.json for what a key needs")
            }
        }
    }
}

/// Makes an API key
///
/// Signed by the account's owner; the lines after those of every such request: `role`, `kind`, `label`, and of an Ed25519 key
/// `publicKey`.
#[utoipa::path(
    post, path = "/keys", tag = "delegations", request_body = KeyRequest,
    params(
        ("glassbook-account" = u32, Header, description = "The account", maximum = 4294967295_u64),
        ("glassbook-time" = inline(Number), Header, description = "Milliseconds since 1970, later than the last request's"),
        ("glassbook-signature" = String, Header, description = "The owner's, 65 bytes as hexadecimal digits", pattern = "^(0x)?[0-9a-fA-F]{130}$"),
    ),
    responses((status = 200, description = "The key", body = NewKeyBody), Refusals)
)]
pub(crate) async fn create(
    State(native): State<Arc<Native>>,
    headers: HeaderMap,
    Body(request): Body<KeyRequest>,
) -> Result<Json<NewKeyBody>, ApiError> {
    let made = move |native: &Native| {
        let details = request.details()?;
        let account = native.owner_asks(&headers, "create key", &details)?;
        let KeyRequest { role, kind, label, public_key } = request;
        if role > Role::Read && native.gateway.desk.delegated(account).is_none() {
            let message = format!("account {account} is not delegated, so a key could only read");
            let remedy = format!("delegate it: GET /delegations/{account} says what to sign");
            return Err(ApiError::new(StatusCode::CONFLICT, "not_delegated", message, remedy));
        }
        let record = json!({ "account": account.0, "role": role, "kind": kind_name(kind), "label": label });
        let actor = format!("owner of account {account}");
        native.gateway.audit.record(&actor, "create key", &record).map_err(not_kept)?;
        let keys = &native.gateway.keys;
        Ok(match (kind, public_key) {
            (KeyKind::Hmac, None) => {
                let (api_key, secret) = keys.create_hmac(account, role, &label)?;
                NewKeyBody { api_key, secret: Some(secret) }
            }
            (KeyKind::Ed25519, Some(public)) => {
                NewKeyBody { api_key: keys.create_ed25519(account, role, &label, &public)?, secret: None }
            }
            _ => {
                let message = "an Ed25519 key has a publicKey, an HMAC key has none";
                return Err(ApiError::bad("bad_key", message, "see /openapi.json for what a key needs"));
            }
        })
    };
    Ok(Json(native.blocking(Turn::Read, made).await?))
}

fn kind_name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Hmac => "hmac",
        KeyKind::Ed25519 => "ed25519",
    }
}

/// The account's API keys
///
/// Signed by the account's owner.
#[utoipa::path(
    get, path = "/keys", tag = "delegations",
    params(
        ("glassbook-account" = u32, Header, description = "The account", maximum = 4294967295_u64),
        ("glassbook-time" = inline(Number), Header, description = "Milliseconds since 1970, later than the last request's"),
        ("glassbook-signature" = String, Header, description = "The owner's, 65 bytes as hexadecimal digits", pattern = "^(0x)?[0-9a-fA-F]{130}$"),
    ),
    responses((status = 200, description = "The keys", body = Vec<KeyBody>), Refusals)
)]
pub(crate) async fn list(
    State(native): State<Arc<Native>>,
    headers: HeaderMap,
) -> Result<Json<Vec<KeyBody>>, ApiError> {
    let found = move |native: &Native| {
        let account = native.owner_asks(&headers, "list keys", &[])?;
        Ok(native.gateway.keys.list(account).into_iter().map(KeyBody::from).collect())
    };
    Ok(Json(native.blocking(Turn::Read, found).await?))
}

/// Revokes an API key
///
/// Signed by the account's owner; the line after those of every such request: `key`.
#[utoipa::path(
    delete, path = "/keys/{apiKey}", tag = "delegations",
    params(
        ("apiKey" = String, Path, description = "The key", pattern = "^[0-9A-Za-z]{64}$"),
        ("glassbook-account" = u32, Header, description = "The account", maximum = 4294967295_u64),
        ("glassbook-time" = inline(Number), Header, description = "Milliseconds since 1970, later than the last request's"),
        ("glassbook-signature" = String, Header, description = "The owner's, 65 bytes as hexadecimal digits", pattern = "^(0x)?[0-9a-fA-F]{130}$"),
    ),
    responses((status = 200, description = "Revoked", body = RevokedBody), Refusals)
)]
pub(crate) async fn revoke(
    State(native): State<Arc<Native>>,
    headers: HeaderMap,
    Path(api_key): Path<String>,
) -> Result<Json<RevokedBody>, ApiError> {
    let revoked = move |native: &Native| {
        if api_key.len() != 64 || !api_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = "no API key has this form";
            return Err(ApiError::not_found("unknown_key", message, "GET /keys lists the account's keys"));
        }
        let account = native.owner_asks(&headers, "revoke key", &[("key", &api_key)])?;
        let actor = format!("owner of account {account}");
        let record = json!({ "account": account.0, "key": api_key });
        native.gateway.audit.record(&actor, "revoke key", &record).map_err(not_kept)?;
        match native.gateway.keys.revoke(account, &api_key).map_err(not_kept)? {
            true => Ok(RevokedBody { revoked: api_key }),
            false => {
                let message = format!("account {account} has no such key");
                Err(ApiError::not_found("unknown_key", message, "GET /keys lists the account's keys"))
            }
        }
    };
    Ok(Json(native.blocking(Turn::Read, revoked).await?))
}
