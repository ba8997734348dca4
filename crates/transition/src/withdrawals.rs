//! The withdrawals root: a Keccak Merkle tree that a Solidity contract verifies.
//!
//! A leaf is `keccak256(abi.encode(uint64 index, address owner, uint16 asset, uint64 amount))`, a node
//! `keccak256(left ‖ right)`, an absent sibling 32 zero bytes. A leaf hashes 128 bytes and a node 64, so neither
//! passes for the other; the index counts all withdrawals of the exchange, so no leaf occurs twice.

use alloc::vec::Vec;
use core::marker::PhantomData;

use state::{Digest, TreeHash};
use types::{Address, AssetId, Event, Quanta};

use crate::Crypto;
use crate::authority::word;
use crate::merkle::{MerklePath, MerkleTree};

/// Money on its way to L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Counts all withdrawals of the exchange.
    pub index: u64,
    /// Who may claim it.
    pub owner: Address,
    /// What.
    pub asset: AssetId,
    /// How much.
    pub amount: Quanta,
}

impl Withdrawal {
    /// The withdrawal that an event reports, if it reports one.
    #[must_use]
    pub fn from_event(event: &Event) -> Option<Self> {
        match *event {
            Event::Withdrawn { index, owner, asset, amount, .. } => {
                Some(Self { index, owner, asset, amount })
            }
            _ => None,
        }
    }

    /// Its leaf.
    #[must_use]
    pub fn leaf<C: Crypto>(&self) -> Digest {
        C::keccak256(
            &[
                word(&self.index.to_be_bytes()),
                word(&self.owner.0),
                word(&self.asset.0.to_be_bytes()),
                word(&self.amount.0.to_be_bytes()),
            ]
            .concat(),
        )
    }

    /// Whether a path leads from this withdrawal to a root.
    #[must_use]
    pub fn verify<C: Crypto + 'static>(&self, root: &Digest, path: &MerklePath) -> bool {
        path.top::<Keccak<C>>(self.leaf::<C>()) == Some(*root)
    }
}

/// A batch's withdrawals.
pub struct WithdrawalTree<C> {
    tree: MerkleTree<Keccak<C>>,
}

impl<C: Crypto + Clone + 'static> WithdrawalTree<C> {
    /// The tree over a batch's withdrawals, in order.
    #[must_use]
    pub fn new(withdrawals: &[Withdrawal]) -> Self {
        let leaves: Vec<Digest> = withdrawals.iter().map(Withdrawal::leaf::<C>).collect();
        Self { tree: MerkleTree::new(leaves) }
    }

    /// The withdrawals root; zero when there are none.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.top()
    }

    /// The path of the withdrawal at this place in the batch.
    #[must_use]
    pub fn path(&self, place: u64) -> Option<MerklePath> {
        self.tree.path(place)
    }
}

struct Keccak<C>(PhantomData<fn() -> C>);

impl<C> Clone for Keccak<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Keccak<C> {}

impl<C> Default for Keccak<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<C: Crypto + 'static> TreeHash for Keccak<C> {
    fn hash(bytes: &[u8]) -> Digest {
        C::keccak256(bytes)
    }

    fn node(left: &Digest, right: &Digest) -> Digest {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(left);
        bytes[32..].copy_from_slice(right);
        C::keccak256(&bytes)
    }
}
