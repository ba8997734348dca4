//! Delegations: an owner registers a session key that this gateway holds, so that it may sign the account's stream.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use exchange::Submission;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use state::{Sha256Hash, TreeHash as _};
use transition::{Crypto as _, Native as Crypto, owner_digest};
use types::{AccountId, Command, Outcome, SessionKey};
use utoipa::{IntoParams, ToSchema};

use super::accounts::expiry;
use super::api::Turn;
use super::error::Refusals;
use super::extract::{Body, Path, Query};
use super::hexadecimal::{read_array, show};
use super::number::{self, Number};
use super::results::{OutcomeBody, time};
use super::{ApiError, Native};
use crate::view::Account;

/// The session keys that this gateway offers: one for each account and session, the same however often it is asked for, so that
/// asking needs no memory. What is registered is kept by the desk.
pub(crate) struct SessionKeys {
    secret: [u8; 32],
}

impl SessionKeys {
    /// From the operating system's randomness: others after each start.
    pub fn new() -> Self {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        Self { secret }
    }

    /// The key for the account's next session.
    fn offered(&self, account: &Account) -> SigningKey {
        let mut bytes = b"glassbook delegated session".to_vec();
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&account.id.0.to_be_bytes());
        bytes.extend_from_slice(&account.state.sessions.to_be_bytes());
        SigningKey::from_bytes(&Sha256Hash::hash(&bytes))
    }
}

/// When the session is to end.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Expires {
    /// Microseconds since 1970 [default: never].
    #[param(inline)]
    expires: Option<Number>,
}

/// What an owner signs to delegate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DelegationOffer {
    /// Whose.
    account: u32,
    /// Whether its session is delegated already.
    delegated: bool,
    /// The key that this gateway would sign with.
    session_key: String,
    /// When the session would end, in microseconds since 1970; never, where there is none.
    expires: Option<u64>,
    /// The owner's nonce.
    nonce: u64,
    /// The command that registers the key, canonically encoded.
    command: String,
    /// The EIP-712 digest to sign.
    digest: String,
    /// The same for a wallet's `eth_signTypedData_v4`.
    #[schema(value_type = Object)]
    typed_data: Value,
}

/// An owner's signature over a [`DelegationOffer`].
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelegationRequest {
    /// Whose.
    #[serde(deserialize_with = "number::account")]
    #[schema(maximum = 4294967295.0)]
    account: u32,
    /// As it was offered, in microseconds since 1970; never, where there is none.
    #[schema(inline)]
    expires: Option<Number>,
    /// secp256k1 over the digest: `r ‖ s ‖ v`, 65 bytes as hexadecimal digits.
    #[schema(max_length = 132, pattern = "^(0x)?[0-9a-fA-F]{130}$")]
    signature: String,
}

/// A delegation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DelegationBody {
    /// Whose.
    account: u32,
    /// Whether it is delegated now.
    delegated: bool,
    /// The key that this gateway signs with.
    session_key: String,
    /// The command that registered it.
    sequence: u64,
    /// What became of that.
    outcome: OutcomeBody,
}

/// An account, and the registration that would delegate it.
struct Offer {
    account: Account,
    key: SigningKey,
    command: Command,
    encoded: Vec<u8>,
    nonce: u64,
    digest: [u8; 32],
}

impl Native {
    fn offer(&self, account: u32, expires: Option<Number>) -> Result<Offer, ApiError> {
        let account = self.account(account)?;
        let key = self.session_keys.offered(&account);
        let public = SessionKey(key.verifying_key().to_bytes());
        let command = Command::RegisterSession { key: public, expires: expiry(expires) };
        let nonce = self.gateway.exchange.nonce(account.id).unwrap_or(account.state.nonce);
        let mut encoded = Vec::new();
        command.encode(&mut encoded);
        let (chain_id, exchange) = (self.genesis.chain_id, self.genesis.exchange);
        let digest = owner_digest::<Crypto>(chain_id, exchange, account.id, nonce, &encoded);
        Ok(Offer { account, key, command, encoded, nonce, digest })
    }
}

/// What an owner signs to delegate
///
/// The registration of a session key that this gateway holds. Delegated accounts trade with API keys over Binance's protocol;
/// the gateway can then do for the account what a session can: trade, cancel, withdraw to the owner.
#[utoipa::path(
    get, path = "/delegations/{account}", tag = "delegations",
    params(("account" = u32, Path, description = "Its number", maximum = 4294967295_u64), Expires),
    responses((status = 200, description = "What to sign", body = DelegationOffer), Refusals)
)]
pub(crate) async fn offer(
    State(native): State<Arc<Native>>,
    Path(account): Path<u32>,
    Query(Expires { expires }): Query<Expires>,
) -> Result<Json<DelegationOffer>, ApiError> {
    let offer = native.offer(account, expires)?;
    let typed_data = typed_data(&native, &offer);
    Ok(Json(DelegationOffer {
        account,
        delegated: native.gateway.desk.delegated(offer.account.id).is_some(),
        session_key: show(offer.key.verifying_key().to_bytes()),
        expires: time(expiry(expires)),
        nonce: offer.nonce,
        command: show(&offer.encoded),
        digest: show(offer.digest),
        typed_data,
    }))
}

fn typed_data(native: &Native, offer: &Offer) -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "version", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" },
            ],
            "Authorization": [
                { "name": "account", "type": "uint32" },
                { "name": "nonce", "type": "uint64" },
                { "name": "command", "type": "bytes" },
            ],
        },
        "primaryType": "Authorization",
        "domain": {
            "name": "Glassbook",
            "version": "1",
            "chainId": native.genesis.chain_id,
            "verifyingContract": native.genesis.exchange.to_string(),
        },
        "message": {
            "account": offer.account.id.0,
            "nonce": offer.nonce,
            "command": show(&offer.encoded),
        },
    })
}

/// Delegates an account
///
/// With the owner's signature over what `GET /delegations/{account}` says. The registration is a command like any other. To end
/// the delegation, the owner registers another key: `POST /owner-commands`.
#[utoipa::path(
    post, path = "/delegations", tag = "delegations", request_body = DelegationRequest,
    responses((status = 200, description = "Delegated", body = DelegationBody), Refusals)
)]
pub(crate) async fn delegate(
    State(native): State<Arc<Native>>,
    Body(request): Body<DelegationRequest>,
) -> Result<Json<DelegationBody>, ApiError> {
    let signature: [u8; 65] = read_array(&request.signature, "signature")?;
    let offer = native.offer(request.account, request.expires)?;
    let account = offer.account.id;
    // Nothing is kept for anybody but the owner.
    if Crypto::recover_secp256k1(&offer.digest, &signature) != Some(offer.account.state.owner) {
        let message =
            format!("the signature is not that of account {account}'s owner over this registration");
        let remedy = format!("GET /delegations/{account} says what to sign now, and for which expiry");
        return Err(ApiError::unauthorised("bad_signature", message, remedy));
    }
    let key = offer.key.clone();
    let keep = move |native: &Native| {
        let actor = format!("owner of account {account}");
        let details = json!({ "account": account.0, "sessionKey": show(key.verifying_key().to_bytes()) });
        native.gateway.audit.record(&actor, "delegate", &details).map_err(not_kept)?;
        native.gateway.desk.adopt(AccountId(account.0), &key).map_err(not_kept)
    };
    let public = native.blocking(Turn::Read, keep).await?;
    let submission = Submission::Owner { account, command: offer.command, signature, timestamps: Vec::new() };
    let promise = native.hand_in(submission, None).await?;
    let acknowledgement = native.acknowledged(promise).await?;
    let outcome = acknowledgement.outcomes.first().copied().unwrap_or(Outcome::Done);
    Ok(Json(DelegationBody {
        account: account.0,
        delegated: native.gateway.desk.delegated(account) == Some(public),
        session_key: show(public.0),
        sequence: acknowledgement.first_sequence,
        outcome: outcome.into(),
    }))
}

/// What cannot be written down is not done.
pub(crate) fn not_kept(error: crate::GatewayError) -> ApiError {
    tracing::error!(%error, "the gateway's records");
    let message = "it cannot be written down, so it was not done";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "not_kept", message, "tell the operator")
}
