//! Proofs of balances under a state root.

use serde_json::{Value, json};
use state::{Proof, Sha256Hash};
use transition::{balance_key, decode_balance};
use types::{AccountId, AssetId};

use crate::json::number;
use crate::{Refused, parts};

/// What an account has of an asset under a root. An absent balance is zero.
pub(crate) fn check(root: &[u8], account: &[u8], asset: &[u8], proof: &[u8]) -> Result<Value, Refused> {
    let root = parts::array(root, "the state root")?;
    let account = u32::try_from(parts::number(account, "the account")?).map_err(Refused::request)?;
    let asset = u16::try_from(parts::number(asset, "the asset")?).map_err(Refused::request)?;
    let proof = Proof::decode(proof).map_err(Refused::untrue)?;
    let key = balance_key(AccountId(account), AssetId(asset));
    let value = state::verify::<Sha256Hash>(root, key, &proof).map_err(Refused::untrue)?;
    let balance = value.map(decode_balance).transpose().map_err(Refused::untrue)?.unwrap_or_default();
    Ok(json!({
        "free": number(balance.free.0),
        "locked": number(balance.locked.0),
        "present": value.is_some(),
        "slot": proof.slot,
    }))
}
