//! What a transaction pays for its gas (EIP-1559), and what its replacement pays.

use alloy_primitives::utils::Unit;
use serde::{Deserialize, Serialize};

/// The most that is paid, and the least that is offered. All in wei for a unit of gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePolicy {
    /// A transaction never offers more, whatever the chain asks.
    pub ceiling: u128,
    /// The least tip.
    pub least_tip: u128,
    /// How far above the base fee an offer lies, in percent of it: 100 is twice the base fee.
    pub headroom: u128,
    /// By how much a replacement offers more, in thousandths. Nodes want 125 at least (geth, reth, Nethermind); ethrex any.
    pub bump: u128,
}

impl Default for FeePolicy {
    /// At most 500 gwei, a tip of a gwei at least, twice the base fee, replacement at 12.5 % more.
    fn default() -> Self {
        let gwei = Unit::GWEI.wei().to::<u128>();
        Self { ceiling: 500 * gwei, least_tip: gwei, headroom: 100, bump: 125 }
    }
}

/// What a transaction offers, in wei for a unit of gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// At most this in all.
    pub max: u128,
    /// At most this for the proposer.
    pub tip: u128,
}

impl FeePolicy {
    /// What to offer now. `None` when not even the base fee is below the ceiling.
    #[must_use]
    pub fn offer(&self, base: u128, suggested_tip: u128) -> Option<Fees> {
        if base > self.ceiling {
            return None;
        }
        let tip = suggested_tip.max(self.least_tip).min(self.ceiling);
        let headroom = base.saturating_mul(self.headroom) / 100;
        let max = base.saturating_add(headroom).saturating_add(tip).min(self.ceiling);
        Some(Fees { max, tip: tip.min(max) })
    }

    /// What replaces an earlier offer: more by the bump in both fees, and not less than what is offered now. `None` when
    /// that is above the ceiling.
    #[must_use]
    pub fn replace(&self, earlier: Fees, now: Fees) -> Option<Fees> {
        let more =
            |fee: u128| fee.saturating_mul(1_000 + self.bump).div_ceil(1_000).max(fee.saturating_add(1));
        let max = more(earlier.max).max(now.max);
        let tip = more(earlier.tip).max(now.tip);
        (max <= self.ceiling && tip <= max).then_some(Fees { max, tip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    #[test]
    fn an_offer_covers_a_base_fee_that_doubles() {
        let fees = FeePolicy::default().offer(30 * GWEI, 2 * GWEI).unwrap();
        assert_eq!(fees, Fees { max: 62 * GWEI, tip: 2 * GWEI });
    }

    #[test]
    fn an_offer_stays_below_the_ceiling() {
        let policy = FeePolicy { ceiling: 50 * GWEI, ..FeePolicy::default() };
        assert_eq!(policy.offer(40 * GWEI, GWEI).unwrap().max, 50 * GWEI);
        assert_eq!(policy.offer(51 * GWEI, GWEI), None);
        assert_eq!(policy.offer(0, 80 * GWEI).unwrap(), Fees { max: 50 * GWEI, tip: 50 * GWEI });
    }

    #[test]
    fn a_replacement_raises_both_fees_by_an_eighth_at_least() {
        let policy = FeePolicy::default();
        let earlier = Fees { max: 7, tip: 1 };
        let fees = policy.replace(earlier, Fees { max: 3, tip: 1 }).unwrap();
        assert_eq!(fees, Fees { max: 8, tip: 2 });
        let earlier = Fees { max: 80 * GWEI, tip: 8 * GWEI };
        let fees = policy.replace(earlier, Fees { max: 300 * GWEI, tip: GWEI }).unwrap();
        assert_eq!(fees, Fees { max: 300 * GWEI, tip: 9 * GWEI });
    }

    #[test]
    fn a_replacement_above_the_ceiling_is_none() {
        let policy = FeePolicy { ceiling: 88 * GWEI, ..FeePolicy::default() };
        let now = Fees { max: 2 * GWEI, tip: GWEI };
        assert_eq!(policy.replace(Fees { max: 80 * GWEI, tip: GWEI }, now), None);
        assert!(policy.replace(Fees { max: 78 * GWEI, tip: GWEI }, now).is_some());
    }
}
