//! Keys that stay in the browser: a session's stream, an owner's commands.

use ed25519_dalek::{Signer as _, SigningKey};
use k256::ecdsa;
use serde_json::{Value, json};
use state::{Sha256Hash, TreeHash as _};
use transition::{Crypto as _, Native, stream_digest};
use types::{AccountId, Address};

use crate::json::{bytes_of, hex, number, small, u64_of};
use crate::{Refused, orders, parts};

/// Commands in one submission at most.
const MOST: usize = 1_000;

/// The public key of a session.
pub(crate) fn public(secret: &[u8]) -> Result<Value, Refused> {
    let key = SigningKey::from_bytes(&parts::array(secret, "the secret key")?);
    Ok(json!({ "key": hex(key.verifying_key().as_bytes()) }))
}

/// Where a session's stream begins.
pub(crate) fn stream_start(of: &[u8]) -> Result<Value, Refused> {
    let of: Value = serde_json::from_slice(of).map_err(Refused::request)?;
    let (chain, exchange) = (u64_of(&of, "chainId")?, Address(bytes_of(&of, "exchange")?));
    let account = AccountId(small(&of, "account")?);
    let stream = transition::stream_start::<Sha256Hash>(chain, exchange, account, u64_of(&of, "session")?);
    Ok(json!({ "digest": hex(stream.digest), "position": number(stream.position) }))
}

/// Chains commands to a stream, and signs it after the last.
pub(crate) fn sign_stream(secret: &[u8], digest: &[u8], commands: &[u8]) -> Result<Value, Refused> {
    let key = SigningKey::from_bytes(&parts::array(secret, "the secret key")?);
    let mut digest = parts::array(digest, "the stream's digest")?;
    let commands: Vec<Value> = serde_json::from_slice(commands).map_err(Refused::request)?;
    if !(1..=MOST).contains(&commands.len()) {
        return Err(Refused::request(format!("a submission has 1 to {MOST} commands")));
    }
    let mut encoded = Vec::with_capacity(commands.len());
    for command in &commands {
        let bytes = orders::bytes(&orders::parse(command)?);
        digest = stream_digest::<Sha256Hash>(&digest, &bytes);
        encoded.push(hex(bytes));
    }
    Ok(json!({ "commands": encoded, "digest": hex(digest), "signature": hex(key.sign(&digest).to_bytes()) }))
}

/// The signature that lets a connection follow an account's executions: over
/// `H("glassbook login " ‖ chain id (8) ‖ exchange (20) ‖ account (4) ‖ time (8))`, the time in milliseconds since 1970.
pub(crate) fn sign_login(secret: &[u8], of: &[u8]) -> Result<Value, Refused> {
    let key = SigningKey::from_bytes(&parts::array(secret, "the secret key")?);
    let of: Value = serde_json::from_slice(of).map_err(Refused::request)?;
    let mut bytes = b"glassbook login ".to_vec();
    bytes.extend_from_slice(&u64_of(&of, "chainId")?.to_be_bytes());
    bytes.extend_from_slice(&bytes_of::<20>(&of, "exchange")?);
    bytes.extend_from_slice(&small::<u32>(&of, "account")?.to_be_bytes());
    bytes.extend_from_slice(&u64_of(&of, "time")?.to_be_bytes());
    Ok(json!({ "signature": hex(key.sign(&Sha256Hash::hash(&bytes)).to_bytes()) }))
}

fn owner_key(secret: &[u8]) -> Result<ecdsa::SigningKey, Refused> {
    ecdsa::SigningKey::from_slice(secret).map_err(|_| Refused::request("this is not a secp256k1 secret key"))
}

/// The address of an owner.
pub(crate) fn owner_address(secret: &[u8]) -> Result<Value, Refused> {
    let point = owner_key(secret)?.verifying_key().to_encoded_point(false);
    let hash = Native::keccak256(point.as_bytes().get(1..).unwrap_or_default());
    Ok(json!({ "address": hex(&hash[12..]) }))
}

/// What an owner signs for a command.
pub(crate) fn owner_digest(of: &[u8]) -> Result<Value, Refused> {
    let of: Value = serde_json::from_slice(of).map_err(Refused::request)?;
    let command = hex::decode(of["command"].as_str().unwrap_or_default().trim_start_matches("0x"))
        .map_err(|_| Refused::request("command is not in hexadecimal digits"))?;
    let digest = transition::owner_digest::<Native>(
        u64_of(&of, "chainId")?,
        Address(bytes_of(&of, "exchange")?),
        AccountId(small(&of, "account")?),
        u64_of(&of, "nonce")?,
        &command,
    );
    Ok(json!({ "digest": hex(digest) }))
}

/// An owner's signature over a digest: deterministic (RFC 6979), `s` in the lower half.
pub(crate) fn owner_sign(secret: &[u8], digest: &[u8]) -> Result<Value, Refused> {
    let digest: [u8; 32] = parts::array(digest, "the digest")?;
    let (signature, recovery) =
        owner_key(secret)?.sign_prehash_recoverable(&digest).map_err(Refused::request)?;
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + recovery.to_byte());
    Ok(json!({ "signature": hex(bytes) }))
}
