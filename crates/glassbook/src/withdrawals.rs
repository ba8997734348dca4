//! The calls that pay withdrawals of final batches.

use alloy_primitives::Address;
use anyhow::{Context as _, Result};
use contracts::bindings::Exchange;
use l1::{Client, ClientError};
use transition::{Native, Withdrawal, WithdrawalTree};

/// The calls for those of a batch's withdrawals that are wanted, given all of them in order. Each is paid to its owner, unless
/// there is another recipient.
pub fn claims(
    batch: u64,
    all: &[Withdrawal],
    wanted: impl Fn(&Withdrawal) -> bool,
    recipient: Option<Address>,
) -> Result<Vec<Exchange::claimWithdrawalCall>> {
    if !all.iter().any(&wanted) {
        return Ok(Vec::new());
    }
    let tree = WithdrawalTree::<Native>::new(all);
    let theirs = (0_u64..).zip(all).filter(|(_, withdrawal)| wanted(withdrawal));
    theirs
        .map(|(place, withdrawal)| {
            let path = tree.path(place).context("a withdrawal without a path")?;
            Ok(Exchange::claimWithdrawalCall {
                batch,
                withdrawal: (*withdrawal).into(),
                place,
                siblings: path.siblings.iter().map(Into::into).collect(),
                recipient: recipient.unwrap_or(Address::from(withdrawal.owner.0)),
            })
        })
        .collect()
}

/// Whether somebody was paid what a call would pay.
pub async fn is_paid(
    client: &Client,
    exchange: Address,
    claim: &Exchange::claimWithdrawalCall,
) -> Result<bool, ClientError> {
    client.call(exchange, &Exchange::isClaimedCall { index: claim.withdrawal.index }).await
}

#[cfg(test)]
mod tests {
    use transition::MerklePath;
    use types::{AssetId, Quanta};

    use super::*;

    #[test]
    fn each_call_has_the_path_of_its_withdrawal_to_the_batchs_root() {
        let withdrawal = |index: u64| Withdrawal {
            index: 100 + index,
            owner: types::Address([u8::from(index == 0 || index == 3); 20]),
            asset: AssetId(2),
            amount: Quanta(7 + index),
        };
        let all: Vec<_> = (0..5).map(withdrawal).collect();
        let root = WithdrawalTree::<Native>::new(&all).root();
        let calls = claims(9, &all, |withdrawal| withdrawal.owner.0 == [1; 20], None).unwrap();
        assert_eq!(calls.iter().map(|call| call.place).collect::<Vec<_>>(), [0, 3]);
        for call in &calls {
            let path = MerklePath {
                index: call.place,
                siblings: call.siblings.iter().map(|sibling| sibling.0).collect(),
            };
            let withdrawal = Withdrawal::from(&call.withdrawal);
            assert_eq!(withdrawal, all[usize::try_from(call.place).unwrap()]);
            assert!(withdrawal.verify::<Native>(&root, &path));
            assert_eq!((call.batch, call.recipient), (9, Address::repeat_byte(1)));
        }
        let other = Address::repeat_byte(8);
        let calls = claims(9, &all, |_| true, Some(other)).unwrap();
        assert!(calls.len() == 5 && calls.iter().all(|call| call.recipient == other));
        assert!(claims(9, &all, |_| false, None).unwrap().is_empty());
    }
}
