//! Claims and withdrawals as the contract takes them.

use alloy_primitives::{Address, B256, Bytes};
use transition::Claim;
use types::{AssetId, Quanta};

use crate::bindings::Exchange;

/// The most claims that one call takes.
pub const MAX_CLAIMS: usize = 256;

/// The most withdrawals that one `finaliseBatches` should bring, so that it fits under the cap of a transaction's gas
/// (EIP-7825). A batch with more can never become final, so whoever seals batches ends one before it has more.
pub const MAX_WITHDRAWALS: usize = 4_096;

/// The claims' encodings one after the other: what the contract takes, and the public values of a proof of them.
#[must_use]
pub fn concatenated(claims: &[Claim]) -> Bytes {
    claims.iter().flat_map(Claim::encode).collect::<Vec<u8>>().into()
}

/// A proof kind's name as the contract holds it: ASCII, padded with zeros. Names longer than 32 bytes are cut.
#[must_use]
pub fn kind(name: &str) -> B256 {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    bytes.into()
}

/// A proof kind's name as people read it.
#[must_use]
pub fn kind_name(kind: &B256) -> String {
    let end = kind.iter().position(|byte| *byte == 0).unwrap_or(kind.len());
    String::from_utf8_lossy(&kind[..end]).into_owned()
}

/// What `finaliseBatches` takes beside the claims: of each batch its withdrawals, in order.
#[must_use]
pub fn withdrawal_lists(batches: &[Vec<transition::Withdrawal>]) -> Vec<Vec<Exchange::Withdrawal>> {
    batches.iter().map(|list| list.iter().copied().map(Into::into).collect()).collect()
}

/// The withdrawals that became payable with a batch: with these the path of each of them is made.
#[must_use]
pub fn withdrawals_of(event: &Exchange::BatchWithdrawals) -> Vec<transition::Withdrawal> {
    event.withdrawals.iter().map(Into::into).collect()
}

impl From<&Exchange::Withdrawal> for transition::Withdrawal {
    fn from(withdrawal: &Exchange::Withdrawal) -> Self {
        Self {
            index: withdrawal.index,
            owner: types::Address(withdrawal.owner.into()),
            asset: AssetId(withdrawal.asset),
            amount: Quanta(withdrawal.amount),
        }
    }
}

impl From<transition::Withdrawal> for Exchange::Withdrawal {
    fn from(withdrawal: transition::Withdrawal) -> Self {
        Self {
            index: withdrawal.index,
            owner: Address::from(withdrawal.owner.0),
            asset: withdrawal.asset.0,
            amount: withdrawal.amount.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_survives_the_round_trip() {
        for name in ["attested", "sp1-groth16", "sp1-plonk", "zisk-plonk", "groth16"] {
            assert_eq!(kind_name(&kind(name)), name);
        }
        assert_eq!(kind_name(&kind(&"k".repeat(40))), "k".repeat(32));
    }
}
