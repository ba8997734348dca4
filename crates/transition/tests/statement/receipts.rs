//! What a user keeps: proof of what a command did, and of money on its way to L1.

use state::{Sha256Hash, TreeHash};
use transition::{
    Claim, EventsLog, MerklePath, MerkleTree, Native, Receipt, ReceiptError, Withdrawal, WithdrawalTree,
};
use types::{Address, AssetId, Event, Outcome, Quanta};

use crate::support::*;

fn receipts(sealed: &Sealed) -> Vec<Receipt> {
    let places: Vec<u64> = (0..sealed.list.len() as u64).collect();
    let receipts = sealed.output.events.receipts::<Sha256Hash>(sealed.output.claim.first_sequence, &places);
    assert_eq!(receipts.len(), sealed.list.len());
    receipts
}

fn verify(receipt: &Receipt, claim: &Claim) -> Result<(Outcome, Vec<Event>), ReceiptError> {
    receipt.verify::<Sha256Hash>(claim)
}

#[test]
fn every_command_has_a_receipt() {
    let sealed = busy_batch();
    let mut fills = 0;
    for (receipt, sequenced) in receipts(&sealed).iter().zip(&sealed.list) {
        assert_eq!(receipt.sequence, sequenced.sequence);
        let (_, events) = verify(receipt, &sealed.output.claim).unwrap();
        fills += events.iter().filter(|event| matches!(event, Event::Fill(_))).count();
    }
    assert!(fills >= 3, "{fills}");
}

#[test]
fn an_altered_receipt_is_refused() {
    let sealed = busy_batch();
    let claim = &sealed.output.claim;
    let all = receipts(&sealed);
    for receipt in &all {
        let refused = |receipt: Receipt| {
            let error = verify(&receipt, claim).unwrap_err();
            assert!(matches!(error, ReceiptError::Root | ReceiptError::Place), "{error}");
        };
        for at in 0..receipt.content.len() {
            for bit in 0..8 {
                let mut other = receipt.clone();
                other.content[at] ^= 1 << bit;
                refused(other);
            }
        }
        let mut longer = receipt.clone();
        longer.content.push(0);
        refused(longer);
        let mut shorter = receipt.clone();
        shorter.content.pop();
        refused(shorter);
        for off in [1, 2, 4, 1 << 40, u64::MAX] {
            refused(Receipt { sequence: receipt.sequence.wrapping_add(off), ..receipt.clone() });
            refused(Receipt { count: receipt.count.wrapping_add(off), ..receipt.clone() });
            let index = receipt.path.index.wrapping_add(off);
            let path = MerklePath { index, ..receipt.path.clone() };
            refused(Receipt { path: path.clone(), ..receipt.clone() });
            // Number and place moved together.
            refused(Receipt { sequence: receipt.sequence.wrapping_add(off), path, ..receipt.clone() });
        }
        for level in 0..receipt.path.siblings.len() {
            let mut other = receipt.clone();
            other.path.siblings[level][7] ^= 1;
            refused(other);
            let mut other = receipt.clone();
            other.path.siblings.remove(level);
            refused(other);
        }
        for sibling in [[0; 32], all[0].path.siblings[0]] {
            let mut other = receipt.clone();
            other.path.siblings.push(sibling);
            refused(other);
        }
        for count in [0, 1, receipt.path.index] {
            refused(Receipt { count, ..receipt.clone() });
        }
    }
    // One command's content in another's place.
    for pair in all.windows(2).filter(|pair| pair[0].content != pair[1].content) {
        let swapped = Receipt { content: pair[1].content.clone(), ..pair[0].clone() };
        assert_eq!(verify(&swapped, claim), Err(ReceiptError::Root));
    }
}

#[test]
fn a_receipt_belongs_to_one_batch() {
    let mut exchange = busy_exchange();
    // The same commands twice do the same: only their numbers differ.
    let mut batches = Vec::new();
    for _ in 0..2 {
        exchange
            .session(1, types::Command::MassCancel { market: None, side: None })
            .session(1, buy(2_000, 1));
        batches.push(exchange.seal());
    }
    let (first, second) = (&batches[0], &batches[1]);
    for (a, b) in receipts(first).iter().zip(&receipts(second)) {
        assert!(verify(a, &first.output.claim).is_ok());
        assert_eq!(verify(a, &second.output.claim), Err(ReceiptError::Place));
        assert_eq!(verify(b, &first.output.claim), Err(ReceiptError::Root).or(Err(ReceiptError::Place)));
        let moved = Receipt { sequence: b.sequence, ..a.clone() };
        assert_eq!(verify(&moved, &second.output.claim).is_ok(), a.content == b.content && a.path == b.path);
        let claim = Claim { events_root: second.output.claim.events_root, ..first.output.claim.clone() };
        assert_eq!(verify(a, &claim), Err(ReceiptError::Root));
    }
}

/// A leaf is told from a node by its height: the path's length follows from the number of commands. Otherwise a
/// command's leaf of 64 bytes would be the node of two others, and 72 bits of work would make a node pass for a leaf.
#[test]
fn a_path_longer_or_shorter_than_the_tree_is_refused() {
    let claim = busy_batch().output.claim;
    let (sequence, content) = (claim.first_sequence, vec![0]);
    let leaf = Sha256Hash::hash(&[&[4][..], &sequence.to_be_bytes(), &content].concat());
    let claim_of = |count: u64, top: [u8; 32]| {
        let events_root = Sha256Hash::hash(&[&[5][..], &count.to_be_bytes(), &top].concat());
        Claim { events_root, ..claim.clone() }
    };
    for (count, depth) in [(1u64, 0usize), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)] {
        for length in 0..6 {
            let siblings = vec![[3; 32]; length];
            let path = MerklePath { index: 0, siblings };
            let top = path.top::<Sha256Hash>(leaf).unwrap();
            let receipt = Receipt { sequence, count, content: content.clone(), path };
            let expected =
                if length == depth { Ok((Outcome::Done, vec![])) } else { Err(ReceiptError::Place) };
            assert_eq!(
                verify(&receipt, &claim_of(count, top)),
                expected,
                "{count} commands, {length} siblings"
            );
        }
    }
}

#[test]
fn receipts_for_places_outside_the_batch_are_not_made() {
    let sealed = busy_batch();
    let places = [sealed.list.len() as u64, u64::MAX, u64::MAX / 2];
    assert_eq!(sealed.output.events.receipts::<Sha256Hash>(u64::MAX, &places), []);
    let mut log = EventsLog::root_only();
    log.push::<Sha256Hash>(1, Outcome::Done, &[]);
    assert_eq!(log.receipts::<Sha256Hash>(1, &[0]), [], "a log without contents has none to show");
}

#[test]
fn withdrawals_have_paths() {
    for count in 1..20u64 {
        let withdrawals: Vec<Withdrawal> = (0..count)
            .map(|n| Withdrawal {
                index: 5 + n,
                owner: Address([n as u8; 20]),
                asset: AssetId(1),
                amount: Quanta(n),
            })
            .collect();
        let tree = WithdrawalTree::<Native>::new(&withdrawals);
        let root = tree.root();
        for (withdrawal, place) in withdrawals.iter().zip(0..) {
            let path = tree.path(place).unwrap();
            assert!(withdrawal.verify::<Native>(&root, &path));
            for other in [
                Withdrawal { index: withdrawal.index + 1, ..*withdrawal },
                Withdrawal { owner: Address([0xff; 20]), ..*withdrawal },
                Withdrawal { asset: AssetId(0), ..*withdrawal },
                Withdrawal { amount: Quanta(withdrawal.amount.0 + 1), ..*withdrawal },
            ] {
                assert!(!other.verify::<Native>(&root, &path));
            }
            assert!(!withdrawal.verify::<Native>(&[0; 32], &path));
            for level in 0..path.siblings.len() {
                let mut other = path.clone();
                other.siblings[level][0] ^= 1;
                assert!(!withdrawal.verify::<Native>(&root, &other));
                let mut shorter = path.clone();
                shorter.siblings.remove(level);
                assert!(!withdrawal.verify::<Native>(&root, &shorter));
                let moved = MerklePath { index: path.index ^ 1 << level, ..path.clone() };
                assert!(!withdrawal.verify::<Native>(&root, &moved));
            }
            let mut longer = path.clone();
            longer.siblings.push([0; 32]);
            assert!(!withdrawal.verify::<Native>(&root, &longer));
            let far = MerklePath { index: u64::MAX, ..path };
            assert!(!withdrawal.verify::<Native>(&root, &far));
        }
        assert!(tree.path(count).is_none() && tree.path(u64::MAX).is_none());
    }
}

#[test]
fn a_batch_without_withdrawals_has_the_zero_root() {
    let mut exchange = busy_exchange();
    exchange.session(1, buy(5, 1));
    assert_eq!(exchange.seal().output.claim.withdrawals_root, [0; 32]);
}

#[test]
fn withdrawals_are_numbered_across_batches() {
    let mut exchange = busy_exchange();
    let mut indices = Vec::new();
    for _ in 0..3 {
        exchange.session(1, withdraw(QUOTE, 5)).session(1, withdraw(QUOTE, 5));
        let sealed = exchange.seal();
        let tree = WithdrawalTree::<Native>::new(&sealed.output.withdrawals);
        assert_eq!(tree.root(), sealed.output.claim.withdrawals_root);
        indices.extend(sealed.output.withdrawals.iter().map(|withdrawal| withdrawal.index));
    }
    assert_eq!(indices, [0, 1, 2, 3, 4, 5], "equal amounts to one owner are different leaves");
}

#[test]
fn a_path_of_any_length_is_walked_without_a_panic() {
    for length in [0, 1, 31, 63, 64, 65, 200] {
        for index in [0, 1, u64::MAX] {
            let path = MerklePath { index, siblings: vec![[1; 32]; length] };
            let fits = length >= 64 || index >> length == 0;
            assert_eq!(path.top::<Sha256Hash>([0; 32]).is_some(), fits);
        }
    }
    assert_eq!(MerkleTree::<Sha256Hash>::new(vec![]).top(), [0; 32]);
    assert!(MerkleTree::<Sha256Hash>::new(vec![]).path(0).is_none());
}
