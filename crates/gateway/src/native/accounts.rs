//! The exchange, its accounts and owners, proofs of balances, and the way out through L1.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rules::Balance;
use serde::{Deserialize, Serialize};
use state::{Proof, Sha256Hash};
use transition::{balance_key, decode_balance};
use types::{AccountId, Address, AssetId, MarketId, Quanta, SessionKey, Side, Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::answers::{
    AccountBody, AssetBody, BalanceBody, BalanceProofBody, BatchNumbersBody, DataAvailabilityBody,
    ExchangeBody, MarketBody, OwnerBody, StreamBody,
};
use super::api::Turn;
use super::error::{Refusals, unknown_account};
use super::extract::{Path, Query};
use super::hexadecimal::{read_array, show};
use super::number::Number;
use super::results::time;
use super::{ApiError, ForcedOperation, Native};
use crate::view::Account;

/// What exchange it is
///
/// Chain and contract, what stands behind its proofs, where data is sampled, its assets and markets, how far batches are.
#[utoipa::path(
    get, path = "/exchange", tag = "exchange",
    responses((status = 200, description = "The exchange", body = ExchangeBody), Refusals)
)]
pub(crate) async fn exchange(State(native): State<Arc<Native>>) -> Result<Json<ExchangeBody>, ApiError> {
    let found = move |native: &Native| {
        let facts = native.lifecycle.facts();
        let view = &native.gateway.view;
        Ok(ExchangeBody {
            chain_id: native.genesis.chain_id,
            contract: native.genesis.exchange.to_string(),
            l1_url: facts.l1_url,
            program: facts.program,
            proofs: facts.proofs,
            proof_statement: facts.proof_statement,
            data_availability: facts.shards_url.map(|url| DataAvailabilityBody { url }),
            assets: view.assets().iter().map(|asset| AssetBody::from(&**asset)).collect(),
            markets: view.markets().iter().map(|market| MarketBody::from(&**market)).collect(),
            halted: view.is_halted(),
            batch: BatchNumbersBody {
                last_sealed: native.index.last(),
                last_final: native.lifecycle.progress().last_final.unwrap_or(0),
            },
            sequence: view.sequence(),
            time: view.time().0,
        })
    };
    Ok(Json(native.blocking(Turn::Read, found).await?))
}

/// An account
///
/// Its owner and session key, where its stream is (sign from there on), the owner's nonce, whether its session is delegated to
/// this gateway.
#[utoipa::path(
    get, path = "/accounts/{account}", tag = "accounts",
    params(("account" = u32, Path, description = "Its number", maximum = 4294967295_u64)),
    responses((status = 200, description = "The account", body = AccountBody), Refusals)
)]
pub(crate) async fn account(
    State(native): State<Arc<Native>>,
    Path(account): Path<u32>,
) -> Result<Json<AccountBody>, ApiError> {
    let Account { id, state, .. } = native.account(account)?;
    let exchange = &native.gateway.exchange;
    let stream = exchange.stream(id).ok_or_else(|| unknown_account(account))?;
    let nonce = exchange.nonce(id).ok_or_else(|| unknown_account(account))?;
    let has_session = state.session_key != SessionKey::default();
    Ok(Json(AccountBody {
        account,
        owner: state.owner.to_string(),
        session_key: has_session.then(|| show(state.session_key.0)),
        session_expires: time(state.session_expires).filter(|_| has_session),
        session: state.sessions,
        stream: StreamBody { position: stream.position, digest: show(stream.digest) },
        nonce,
        delegated: native.gateway.desk.delegated(id).is_some(),
        suspended: state.suspended,
    }))
}

impl Native {
    pub(crate) fn account(&self, account: u32) -> Result<Account, ApiError> {
        self.gateway.view.account(AccountId(account)).ok_or_else(|| unknown_account(account))
    }
}

/// An owner's account
#[utoipa::path(
    get, path = "/owners/{address}", tag = "accounts",
    params(("address" = String, Path, description = "20 bytes as hexadecimal digits", pattern = "^(0x)?[0-9a-fA-F]{40}$")),
    responses((status = 200, description = "The account", body = OwnerBody), Refusals)
)]
pub(crate) async fn owner(
    State(native): State<Arc<Native>>,
    Path(address): Path<String>,
) -> Result<Json<OwnerBody>, ApiError> {
    let owner = Address(read_array(&address, "the address")?);
    let account = native.gateway.view.account_of(owner).ok_or_else(|| {
        let remedy = "a first deposit on L1 opens an account";
        ApiError::not_found("unknown_owner", format!("{owner} owns no account"), remedy)
    })?;
    Ok(Json(OwnerBody { owner: owner.to_string(), account: account.0 }))
}

/// After which batch.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AfterBatch {
    /// A recent batch [default: the last final one, or the last sealed one where nothing becomes final].
    #[param(inline)]
    batch: Option<Number>,
}

/// Proof of what an account has
///
/// A state proof of each asset under the state root of a recent batch's claim (the book: The state tree). After a freeze the
/// contract pays by such proofs, under the last final root.
#[utoipa::path(
    get, path = "/accounts/{account}/balance-proof", tag = "accounts",
    params(("account" = u32, Path, description = "Its number", maximum = 4294967295_u64), AfterBatch),
    responses((status = 200, description = "The proofs", body = BalanceProofBody), Refusals)
)]
pub(crate) async fn balance_proof(
    State(native): State<Arc<Native>>,
    Path(account): Path<u32>,
    Query(AfterBatch { batch }): Query<AfterBatch>,
) -> Result<Json<BalanceProofBody>, ApiError> {
    let account = native.account(account)?.id;
    let batch = batch.map(|Number(batch)| batch);
    let made = move |native: &Native| {
        let balances = native.balances.as_ref().ok_or_else(|| {
            let remedy = "make the proof from the published batches: glassbook balance proof";
            ApiError::not_found("no_balance_proofs", "this gateway keeps no state to prove balances", remedy)
        })?;
        let assets = native.gateway.view.assets();
        let ids: Vec<AssetId> = assets.iter().map(|asset| asset.id).collect();
        let proved = balances.prove(native, account, &ids, batch)?;
        let bodies = assets.iter().zip(&proved.proofs).map(|(asset, proof)| {
            let Balance { free, locked } = checked(proved.claim.state_root, account, asset.id, proof)?;
            Ok(BalanceBody {
                asset: asset.id.0,
                symbol: asset.symbol.clone(),
                free: free.to_string(),
                locked: locked.to_string(),
                proof: show(proof),
            })
        });
        Ok(BalanceProofBody {
            account: account.0,
            batch: proved.claim.batch,
            claim: show(proved.claim.encode()),
            state_root: show(proved.claim.state_root),
            balances: bodies.collect::<Result<_, ApiError>>()?,
        })
    };
    Ok(Json(native.blocking(Turn::Execute, made).await?))
}

/// What a proof proves; what is handed out holds.
fn checked(root: [u8; 32], account: AccountId, asset: AssetId, proof: &[u8]) -> Result<Balance, ApiError> {
    let wrong =
        |error: &dyn std::fmt::Display| ApiError::internal(format!("the proof does not hold: {error}"));
    let proof = Proof::decode(proof).map_err(|error| wrong(&error))?;
    let value = state::verify::<Sha256Hash>(root, balance_key(account, asset), &proof);
    let value = value.map_err(|error| wrong(&error))?;
    Ok(value.map(decode_balance).transpose().map_err(|error| wrong(&error))?.unwrap_or_default())
}

/// What to force.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForcedParams {
    /// The asset to withdraw [default: 0].
    #[param(maximum = 65535)]
    asset: Option<u16>,
    /// Quanta to withdraw at most, a decimal number [default: all that is free].
    #[param(pattern = "^[0-9]{1,19}$")]
    amount: Option<String>,
    /// The market to cancel orders in [default: all].
    #[param(maximum = 65535)]
    market: Option<u16>,
    /// The side to cancel orders of: `buy` or `sell` [default: both].
    #[param(pattern = "^(buy|sell)$")]
    side: Option<String>,
}

/// How to force things through L1.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForcedBody {
    /// The chain.
    chain_id: u64,
    /// Send to.
    contract: String,
    /// Each a transaction that the account's owner sends.
    operations: Vec<ForcedOperationBody>,
}

/// A transaction that the account's owner sends.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForcedOperationBody {
    /// `withdraw`, `cancel`, `exit`.
    operation: &'static str,
    /// What it does.
    description: String,
    /// Send to.
    to: String,
    /// With this data.
    calldata: String,
    /// And so much wei, which is burned.
    value: String,
    /// Seconds after which anybody may freeze the exchange when the operator has not done it.
    deadline_seconds: u64,
}

/// How to force things without the operator
///
/// The L1 transactions by which an account's owner withdraws, cancels and leaves whatever the operator does (the book: Leaving
/// without the operator). `not_settled` where no contract takes them.
#[utoipa::path(
    get, path = "/forced-operations", tag = "accounts", params(ForcedParams),
    responses((status = 200, description = "The transactions", body = ForcedBody), Refusals)
)]
pub(crate) async fn forced(
    State(native): State<Arc<Native>>,
    Query(params): Query<ForcedParams>,
) -> Result<Json<ForcedBody>, ApiError> {
    let found = move |native: &Native| {
        let contract = native.genesis.exchange.to_string();
        let mut operations = Vec::new();
        for (operation, name, description) in asked(native, &params)? {
            let call = native.lifecycle.forced(&operation)?.ok_or_else(|| {
                let message = "no contract takes this exchange's batches, so nothing can be forced";
                ApiError::not_found("not_settled", message, "ask the operator")
            })?;
            operations.push(ForcedOperationBody {
                operation: name,
                description,
                to: contract.clone(),
                calldata: show(&call.calldata),
                value: call.value,
                deadline_seconds: call.deadline_seconds,
            });
        }
        Ok(ForcedBody { chain_id: native.genesis.chain_id, contract, operations })
    };
    Ok(Json(native.blocking(Turn::Read, found).await?))
}

fn asked(
    native: &Native,
    params: &ForcedParams,
) -> Result<[(ForcedOperation, &'static str, String); 3], ApiError> {
    let view = &native.gateway.view;
    let assets = view.assets();
    let asset = AssetId(params.asset.unwrap_or(0));
    let Some(listed) = assets.iter().find(|listed| listed.id == asset) else {
        let message = format!("asset {asset} is not listed");
        return Err(ApiError::not_found("unknown_asset", message, "GET /exchange lists the assets"));
    };
    let amount = match &params.amount {
        None => u64::MAX,
        Some(amount) => amount.parse().map_err(|_| {
            let message = format!("{amount:?} is not an amount");
            ApiError::bad("bad_amount", message, "give quanta, a decimal number below 2^64")
        })?,
    };
    let market = params.market.map(MarketId);
    if let Some(market) = market.filter(|market| view.market_by_id(*market).is_none()) {
        return Err(unknown_market(&market.to_string()));
    }
    let side = match params.side.as_deref() {
        None => None,
        Some("buy") => Some(Side::Buy),
        Some("sell") => Some(Side::Sell),
        Some(other) => {
            let message = format!("{other:?} is not a side");
            return Err(ApiError::bad("bad_side", message, "give buy or sell, or leave it away"));
        }
    };
    let most = match params.amount {
        None => "all that is free".to_string(),
        Some(_) => format!("up to {amount} quanta"),
    };
    let place = market.map_or("all markets".to_string(), |market| format!("market {market}"));
    let what = match side {
        None => "orders",
        Some(Side::Buy) => "buy orders",
        Some(Side::Sell) => "sell orders",
    };
    Ok([
        (
            ForcedOperation::Withdraw { asset, amount: Quanta(amount) },
            "withdraw",
            format!("withdraws {most} of {} to the owner", listed.symbol),
        ),
        (
            ForcedOperation::Cancel { market, side },
            "cancel",
            format!("cancels the account's {what} in {place}"),
        ),
        (
            ForcedOperation::Exit { assets: assets.iter().map(|asset| asset.id).collect() },
            "exit",
            "ends the session, cancels all orders, withdraws everything to the owner".to_string(),
        ),
    ])
}

pub(crate) fn unknown_market(market: &str) -> ApiError {
    let message = format!("there is no market {market}");
    ApiError::not_found("unknown_market", message, "GET /exchange lists the markets")
}

/// When a session ends: never, where nothing is said.
pub(crate) fn expiry(expires: Option<Number>) -> Timestamp {
    expires.map_or(Timestamp::NEVER, |Number(expires)| Timestamp(expires))
}
