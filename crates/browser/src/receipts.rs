//! Receipts: made from a sealed batch, checked against a claim.

use serde_json::{Value, json};
use state::{Sha256Hash, TreeHash as _};
use transition::{EventsLog, MerklePath, Receipt, SealedBatch};

use crate::json::{hex, number, u64_of};
use crate::{Refused, batches, parts, words};

/// Siblings of a path at most: a batch has fewer commands than 2^64.
const DEEPEST: usize = 64;

/// The receipt of a command, by executing its batch.
pub(crate) fn make(sealed: &[u8], sequence: &[u8]) -> Result<Value, Refused> {
    let sequence = parts::number(sequence, "the sequence number")?;
    let batch = SealedBatch::decode(sealed).map_err(Refused::untrue)?;
    let claim = &batch.claim;
    if !(claim.first_sequence..=claim.last_sequence).contains(&sequence) {
        return Err(Refused::request(format!(
            "batch {} holds the commands {} to {}; command {sequence} is in another batch",
            claim.batch, claim.first_sequence, claim.last_sequence
        )));
    }
    let output = batches::execute(&batch, EventsLog::with_contents(), &mut ())?;
    let receipts =
        output.events.receipts::<Sha256Hash>(claim.first_sequence, &[sequence - claim.first_sequence]);
    let receipt = receipts.first().ok_or_else(|| Refused::untrue("the command has no receipt"))?;
    Ok(json!({
        "sequence": number(receipt.sequence),
        "batch": number(claim.batch),
        "count": number(receipt.count),
        "claim": hex(claim.encode()),
        "content": hex(&receipt.content),
        "path": {
            "index": number(receipt.path.index),
            "siblings": receipt.path.siblings.iter().map(hex).collect::<Vec<_>>(),
        },
    }))
}

/// Checks a receipt against a claim. `count` may be left out: then it is the claim's.
pub(crate) fn check(claim: &[u8], receipt: &[u8]) -> Result<Value, Refused> {
    let claim = batches::decode_claim(claim)?;
    let stated: Value = serde_json::from_slice(receipt).map_err(Refused::request)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().trim_start_matches("0x").to_string();
    let siblings = stated["path"]["siblings"].as_array().cloned().unwrap_or_default();
    if siblings.len() > DEEPEST {
        return Err(Refused::request("the path is longer than that of any batch"));
    }
    let siblings = siblings
        .iter()
        .map(|sibling| {
            let mut digest = [0; 32];
            hex::decode_to_slice(text(sibling), &mut digest).map(|()| digest)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Refused::request("a sibling is not 32 bytes in hexadecimal digits"))?;
    let count = match &stated["count"] {
        Value::Null => claim
            .last_sequence
            .checked_sub(claim.first_sequence)
            .and_then(|distance| distance.checked_add(1))
            .ok_or_else(|| Refused::request("the claim's sequence numbers contradict each other"))?,
        _ => u64_of(&stated, "count")?,
    };
    let receipt = Receipt {
        sequence: u64_of(&stated, "sequence")?,
        count,
        content: hex::decode(text(&stated["content"]))
            .map_err(|_| Refused::request("the content is not in hexadecimal digits"))?,
        path: MerklePath { index: u64_of(&stated["path"], "index")?, siblings },
    };
    let (outcome, events) = receipt.verify::<Sha256Hash>(&claim).map_err(Refused::untrue)?;
    Ok(json!({
        "outcome": words::outcome(outcome),
        "events": events.iter().map(words::event).collect::<Vec<_>>(),
        "way": way(&receipt),
        "eventsRoot": hex(claim.events_root),
        "batch": number(claim.batch),
        "count": number(count),
    }))
}

/// The digests from the leaf to the top, for whoever wants to see them. The check is [`Receipt::verify`]'s.
fn way(receipt: &Receipt) -> Vec<Value> {
    let leaf = [&[4], &receipt.sequence.to_be_bytes()[..], &receipt.content].concat();
    let mut digest = Sha256Hash::hash(&leaf);
    let mut steps = vec![json!({ "digest": hex(digest) })];
    for (height, sibling) in receipt.path.siblings.iter().enumerate() {
        let right = receipt.path.index >> height & 1 == 1;
        digest = if right { Sha256Hash::node(sibling, &digest) } else { Sha256Hash::node(&digest, sibling) };
        let side = if right { "left" } else { "right" };
        steps.push(json!({ "sibling": hex(sibling), "siblingSide": side, "digest": hex(digest) }));
    }
    steps
}
