//! The operations, by name.
//!
//! | name | inputs | says |
//! |---|---|---|
//! | `claim` | claim (416 bytes) | its thirteen words, each with what it means |
//! | `batch.open` | sealed batch | what it states, nothing checked but the file |
//! | `batch.verify` | sealed batch, claim of the batch before or nothing, account or nothing | executed again, with every signature: what it did |
//! | `receipt.make` | sealed batch, sequence | the receipt of a command, made by executing the batch |
//! | `receipt.check` | claim, receipt (JSON) | what the command did, and the digests on the way to the root |
//! | `proof.check` | proof file | what it claims, what its kind is worth, whether it was checked here and holds |
//! | `samples.open` | block (JSON), commitment (hex) | the block's numbers, header and combination checked |
//! | `samples.check` | block (JSON), commitment (hex), answer | which shards it holds, and whether each belongs |
//! | `samples.worth` | data shards, parity shards, samples | how likely so many samples miss withheld data |
//! | `balance.check` | root (32), account, asset, proof | the balance under the root |
//! | `key.public` | secret (32) | the Ed25519 key that belongs to it |
//! | `stream.start` | JSON: chainId, exchange, account, session | where a session's stream begins |
//! | `stream.sign` | secret (32), digest (32), commands (JSON) | the commands' encodings, the digest after them, the signature over it |
//! | `login.sign` | secret (32), JSON: chainId, exchange, account, time | the signature that opens the account's channel |
//! | `command.encode` | command (JSON) | its canonical encoding |
//! | `command.decode` | bytes | the command |
//! | `owner.address` | secret (32) | the Ethereum address that belongs to it |
//! | `owner.digest` | JSON: chainId, exchange, account, nonce, command (hex) | what the owner signs (EIP-712) |
//! | `owner.sign` | secret (32), digest (32) | r ‖ s ‖ v |
//!
//! Each answer is `{"ok": …}` or `{"error": {"code", "message"}}`.

use serde_json::{Value, json};

use crate::{Refused, balances, batches, keys, orders, parts, proofs, receipts, samples, words};

/// Answers a request ([`crate::encode_parts`]: name, inputs).
#[must_use]
pub fn answer(request: &[u8]) -> Value {
    match run(request) {
        Ok(value) => json!({ "ok": value }),
        Err(refused) => json!({ "error": { "code": refused.code(), "message": refused.to_string() } }),
    }
}

fn run(request: &[u8]) -> Result<Value, Refused> {
    let parts = parts::decode(request)?;
    let (name, inputs) = parts.split_first().ok_or_else(|| Refused::request("the request is empty"))?;
    let name = parts::text(name, "the operation's name")?;
    match (name, inputs) {
        ("claim", [claim]) => Ok(words::claim(&batches::decode_claim(claim)?)),
        ("batch.open", [sealed]) => batches::open(sealed),
        ("batch.verify", [sealed, before, account]) => batches::verify(sealed, before, account),
        ("receipt.make", [sealed, sequence]) => receipts::make(sealed, sequence),
        ("receipt.check", [claim, receipt]) => receipts::check(claim, receipt),
        ("proof.check", [file]) => proofs::check(file),
        ("samples.open", [block, commitment]) => samples::open(block, commitment),
        ("samples.check", [block, commitment, answer]) => samples::check(block, commitment, answer),
        ("samples.worth", [data, parity, count]) => samples::worth(data, parity, count),
        ("balance.check", [root, account, asset, proof]) => balances::check(root, account, asset, proof),
        ("key.public", [secret]) => keys::public(secret),
        ("stream.start", [of]) => keys::stream_start(of),
        ("stream.sign", [secret, digest, commands]) => keys::sign_stream(secret, digest, commands),
        ("login.sign", [secret, of]) => keys::sign_login(secret, of),
        ("command.encode", [command]) => orders::encode(command),
        ("command.decode", [bytes]) => orders::decode(bytes),
        ("owner.address", [secret]) => keys::owner_address(secret),
        ("owner.digest", [of]) => keys::owner_digest(of),
        ("owner.sign", [secret, digest]) => keys::owner_sign(secret, digest),
        _ => Err(Refused::request(format!("there is no operation {name} with {} inputs", inputs.len()))),
    }
}
