//! Availability: a block's header, samples of its shards, and what samples are worth.

use availability::Header;
use availability::sampling::Shape;
use light_client::wire::{self, BlockInfo};
use serde_json::{Value, json};

use crate::json::{hex, number};
use crate::{Refused, parts};

fn header(block: &[u8], commitment: &[u8]) -> Result<(BlockInfo, Header), Refused> {
    let block: BlockInfo = serde_json::from_slice(block).map_err(Refused::request)?;
    let text = parts::text(commitment, "the commitment")?;
    let commitment = wire::parse_commitment(text)
        .ok_or_else(|| Refused::request("the commitment is not 32 bytes in hexadecimal digits"))?;
    let header = block.header(&commitment).map_err(Refused::untrue)?;
    Ok((block, header))
}

/// The block's numbers, from its header, once the header has the commitment.
pub(crate) fn open(block: &[u8], commitment: &[u8]) -> Result<Value, Refused> {
    let (block, header) = header(block, commitment)?;
    block.verifier(&header).map_err(Refused::untrue)?;
    let parameters = header.parameters;
    Ok(json!({
        "data": parameters.data(),
        "parity": parameters.parity(),
        "total": parameters.total(),
        "shardLength": header.shard_length().map_err(Refused::untrue)?,
        "payloadLength": number(header.payload_length),
        "root": hex(header.root),
        "commitment": hex(header.commitment().0),
    }))
}

/// Which shards an answer holds, and whether each is under the root and of the codeword.
pub(crate) fn check(block: &[u8], commitment: &[u8], answer: &[u8]) -> Result<Value, Refused> {
    let (block, header) = header(block, commitment)?;
    let verifier = block.verifier(&header).map_err(Refused::untrue)?;
    let samples = wire::read_samples(&header, answer).map_err(Refused::untrue)?;
    Ok(samples
        .iter()
        .map(|sample| {
            let wrong = verifier.verify(sample).err().map(|error| error.to_string());
            json!({ "index": sample.index, "wrong": wrong, "bytes": sample.shard.len() })
        })
        .collect())
}

/// How likely that many samples are all answered although the data cannot be had: at most 2^−bits.
pub(crate) fn worth(data: &[u8], parity: &[u8], count: &[u8]) -> Result<Value, Refused> {
    let [data, parity, count] =
        [(data, "data"), (parity, "parity"), (count, "samples")].map(|(part, what)| {
            u32::try_from(parts::number(part, what)?)
                .map_err(|_| Refused::request(format!("{what} is too large")))
        });
    let shape = Shape::new(data?, parity?).map_err(Refused::request)?;
    let confidence = shape.confidence(count?, 0).map_err(Refused::request)?;
    Ok(json!({ "bits": confidence.bits(), "certain": confidence.is_certain(), "withheld": shape.withheld() }))
}
