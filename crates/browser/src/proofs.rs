//! Proof files, as far as this build can check them.

use serde_json::{Value, json};
use verifier::{Proof, ProofError, ProofSystem};

use crate::json::hex;
use crate::{Refused, words};

/// What a proof file says, and whether it was checked.
///
/// `result` is `holds`, `not a proof`, `not checked here` or `does not hold`; only the first means that the proof was checked.
pub(crate) fn check(file: &[u8]) -> Result<Value, Refused> {
    let proof = Proof::decode(file).map_err(Refused::untrue)?;
    let (result, why) = match verifier::verify(&proof) {
        Ok(()) => ("holds", None),
        Err(error @ ProofError::NotAProof) => ("not a proof", Some(error)),
        Err(error @ ProofError::Unsupported { .. }) => ("not checked here", Some(error)),
        Err(error) => ("does not hold", Some(error)),
    };
    Ok(json!({
        "system": match proof.system { ProofSystem::Sp1 => "SP1", ProofSystem::Zisk => "ZisK" },
        "version": proof.version,
        "program": hex(proof.program.0),
        "kind": proof.kind.name(),
        "statement": proof.kind.statement(),
        "isProof": proof.kind.is_proof(),
        "bytes": proof.bytes.len(),
        "claims": proof.claims.iter().map(words::claim).collect::<Vec<_>>(),
        "result": result,
        "why": why.map(|error| error.to_string()),
    }))
}
