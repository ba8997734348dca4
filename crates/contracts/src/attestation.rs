//! What the signers of an `AttestedVerifier` sign, and how their signatures go on chain.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::{SolStruct, eip712_domain};

mod message {
    alloy_sol_types::sol! {
        struct Attestation {
            bytes32 programId;
            bytes32 publicValues;
            bytes32 proofFile;
        }
    }
}

/// What a signer signs (EIP-712): that the proof in the file with this SHA-256 shows that the program gave these public
/// values.
#[must_use]
pub fn attestation_digest(
    chain_id: u64,
    verifier: Address,
    program_id: B256,
    public_values: &[u8],
    proof_file: B256,
) -> B256 {
    let domain = eip712_domain! {
        name: "Glassbook attested verifier",
        version: "1",
        chain_id: chain_id,
        verifying_contract: verifier,
    };
    let message = message::Attestation {
        programId: program_id,
        publicValues: keccak256(public_values),
        proofFile: proof_file,
    };
    message.eip712_signing_hash(&domain)
}

/// Signatures over one digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// SHA-256 of the proof file that was checked.
    pub proof_file: B256,
    /// Each signer, and its signature (r, s, v).
    pub signatures: Vec<(Address, [u8; 65])>,
}

impl Attestation {
    /// What the verifier contract takes: the signatures in the order of the signers. There must be exactly as many as its
    /// threshold.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut signatures = self.signatures.clone();
        signatures.sort_by_key(|(signer, _)| *signer);
        let mut bytes = self.proof_file.to_vec();
        signatures.iter().for_each(|(_, signature)| bytes.extend_from_slice(signature));
        bytes.into()
    }
}
