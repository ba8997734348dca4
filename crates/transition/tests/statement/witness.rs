//! The prover chooses what of the state to show. It can show less than is needed, and then proves nothing; it cannot
//! show anything else.

use std::collections::BTreeSet;

use state::{Digest, FullTree, Leaf, Sha256Hash, StateError, StateTree, Value, Witness};
use transition::{BatchInput, Claim, Native, TransitionError, execute};
use types::{Command, Origin, Sequenced, Timestamp};

use crate::support::*;

fn with_witness(input: &BatchInput, witness: &Witness) -> BatchInput {
    BatchInput { witness: witness.encode(), ..input.clone() }
}

fn slots(witness: &Witness) -> BTreeSet<u32> {
    witness.touched.iter().map(|touched| touched.slot).collect()
}

#[test]
fn a_witness_of_another_state_is_refused() {
    let sealed = busy_batch();
    let mut other = busy_exchange();
    other.session(5, buy(3, 1));
    let later = other.seal();
    for input in [
        BatchInput { witness: later.input.witness.clone(), ..sealed.input.clone() },
        BatchInput {
            previous_root: later.input.previous_root,
            witness: later.input.witness,
            ..sealed.input.clone()
        },
        BatchInput { previous_root: sealed.output.claim.state_root, ..sealed.input.clone() },
    ] {
        let error = execute::<Native>(&input).unwrap_err();
        let expected = matches!(
            error,
            TransitionError::PreviousRoot | TransitionError::State(StateError::Missing { .. })
        );
        assert!(expected, "{error}");
    }
}

#[test]
fn the_state_after_the_batch_does_not_take_the_batch_again() {
    let sealed = busy_batch();
    let mut after = sealed.before.clone();
    after.pending = sealed.list.clone();
    after.seal();
    let again = after.forge(&sealed.input.commands, sealed.input.authorisation.clone());
    assert_eq!(again, Err(TransitionError::NotNext { what: "number", found: 3, expected: 4 }));
}

/// Leaves are left out one by one, with the right digest in their place, so that the root is still right.
#[test]
fn every_entry_of_the_witness_is_needed() {
    // One batch that appends slots, one that only frees some and takes a few again.
    let mut freeing = busy_exchange();
    freeing.session(1, Command::MassCancel { market: None, side: None }).session(4, buy(102, 4));
    for (sealed, appends) in [(busy_batch(), true), (freeing.seal(), false)] {
        let tree = &sealed.before.tree;
        let honest = decode_witness(&sealed.input);
        let all = slots(&honest);
        assert_eq!(witness_of(tree, &all, appends), honest, "the test's own witnesses are right");
        assert!(all.len() > 15, "{}", all.len());
        for slot in &all {
            let mut fewer = all.clone();
            fewer.remove(slot);
            let input = with_witness(&sealed.input, &witness_of(tree, &fewer, appends));
            let error = execute::<Native>(&input).unwrap_err();
            assert!(
                matches!(error, TransitionError::State(StateError::Missing { .. })),
                "slot {slot}: {error}"
            );
        }
        if appends {
            let input = with_witness(&sealed.input, &witness_of(tree, &all, false));
            assert!(matches!(
                execute::<Native>(&input),
                Err(TransitionError::State(StateError::Missing { .. }))
            ));
        }
        // More than is needed does no harm.
        let everything: BTreeSet<u32> = (0..tree.len()).collect();
        let input = with_witness(&sealed.input, &witness_of(tree, &everything, true));
        assert_eq!(execute::<Native>(&input), Ok(sealed.output.claim));
    }
}

/// The same for random batches, some of which reuse free slots.
#[test]
fn every_entry_is_needed_in_random_batches() {
    let mut exchange = Exchange::new(rules::model_flow::genesis().capacity);
    let (mut tried, mut reused) = (0, 0);
    for sequenced in rules::model_flow::flow(5, 1_500) {
        let registers = matches!(sequenced.command, Command::RegisterSession { .. });
        let spoke = |s: &Sequenced| s.account == sequenced.account && s.origin == Origin::Session;
        if exchange.pending.len() >= 4 || registers && exchange.pending.iter().any(spoke) {
            let sealed = exchange.seal();
            let honest = decode_witness(&sealed.input);
            let all = slots(&honest);
            reused += u32::from(honest.touched.iter().any(|touched| touched.leaf.entry().is_none()));
            let slot = *all.iter().nth(exchange.batch as usize % all.len()).unwrap();
            let mut fewer = all.clone();
            fewer.remove(&slot);
            if fewer.is_empty() {
                continue;
            }
            let input = with_witness(&sealed.input, &witness_of(&sealed.before.tree, &fewer, honest.appends));
            let error = execute::<Native>(&input).unwrap_err();
            assert!(matches!(error, TransitionError::State(StateError::Missing { .. })), "{error}");
            tried += 1;
        }
        crate::honest::push_model(&mut exchange, sequenced);
    }
    assert!(tried > 200 && reused > 20, "{tried} batches, {reused} of them with free slots");
}

/// Account 1's ask at 101 is the best; account 4 buys. The prover would like it to trade at 102.
fn a_buy() -> (Sealed, u32) {
    let mut exchange = busy_exchange();
    let best = exchange.tree.iter().find(|entry| entry.key >> 64 == key::ask(101, 0) >> 64).unwrap().key;
    let slot = slot_of(&exchange.tree, best);
    exchange.session(4, buy(102, 5));
    (exchange.seal(), slot)
}

#[test]
fn a_better_order_cannot_be_left_out() {
    let (sealed, best) = a_buy();
    let honest = decode_witness(&sealed.input);
    assert!(slots(&honest).contains(&best));
    let tree = &sealed.before.tree;
    let second = slot_of(tree, tree.iter_slots().nth(best as usize).unwrap().1.entry().unwrap().next);
    // With and without the order behind it.
    let mut without = slots(&honest);
    without.remove(&best);
    let mut instead = without.clone();
    instead.insert(second);
    for fewer in [without, instead] {
        let input = with_witness(&sealed.input, &witness_of(tree, &fewer, honest.appends));
        let error = execute::<Native>(&input).unwrap_err();
        assert!(matches!(error, TransitionError::State(StateError::Missing { .. })), "{error}");
    }
}

/// A prover's whole state tree, in which something is not as it is.
fn lie(tree: &FullTree, change: impl FnOnce(&mut Vec<Leaf>, &mut u32)) -> (Vec<Leaf>, u32) {
    let mut leaves: Vec<Leaf> = tree.iter_slots().map(|(_, leaf)| leaf.clone()).collect();
    let mut free_head = tree.free_head();
    change(&mut leaves, &mut free_head);
    (leaves, free_head)
}

/// Every slot of a made-up state as a witness: it needs no siblings.
fn everything(leaves: Vec<Leaf>, free_head: u32) -> Witness {
    let len = leaves.len() as u32;
    let touched = leaves.into_iter().zip(0..).map(|(leaf, slot)| state::TouchedLeaf { slot, leaf }).collect();
    Witness { len, free_head, appends: true, touched, siblings: Vec::new() }
}

#[test]
fn a_better_order_cannot_be_skipped_by_the_chain() {
    let (sealed, best) = a_buy();
    let key = sealed.before.tree.iter_slots().nth(best as usize).unwrap().1.entry().unwrap().key;
    type Change = fn(&mut Vec<Leaf>, &mut u32, u32, u128);
    let lies: [Change; 3] = [
        // The entry before it names the entry after it, and its slot is free.
        |leaves, free_head, best, key| {
            let next = leaves[best as usize].entry().unwrap().next;
            let before = leaves.iter_mut().find(|leaf| leaf.entry().is_some_and(|entry| entry.next == key));
            if let Some(Leaf::Occupied(entry)) = before {
                entry.next = next;
            }
            leaves[best as usize] = Leaf::Free { next: *free_head };
            *free_head = best;
        },
        // It is smaller than it is.
        |leaves, _, best, _| {
            if let Leaf::Occupied(entry) = &mut leaves[best as usize] {
                entry.value[1] = 1;
            }
        },
        // It is somebody else's.
        |leaves, _, best, _| {
            if let Leaf::Occupied(entry) = &mut leaves[best as usize] {
                entry.value[2] = 3;
            }
        },
    ];
    for change in lies {
        let (leaves, free_head) =
            lie(&sealed.before.tree, |leaves, free_head| change(leaves, free_head, best, key));
        let root = root_of_slots(&leaves, free_head);
        let input = with_witness(&sealed.input, &everything(leaves, free_head));
        assert_eq!(execute::<Native>(&input), Err(TransitionError::PreviousRoot));
        // Under its own root the lie may execute: that is the claim of another exchange, and L1 knows the root.
        match execute::<Native>(&BatchInput { previous_root: root, ..input }) {
            Ok(claim) => assert!(claim.previous_root == root && root != sealed.output.claim.previous_root),
            Err(error) => assert!(!matches!(error, TransitionError::PreviousRoot), "{error}"),
        }
    }
}

#[test]
fn a_chain_that_skips_a_slot_it_does_not_free_is_refused_under_any_root() {
    let (sealed, best) = a_buy();
    let key = sealed.before.tree.iter_slots().nth(best as usize).unwrap().1.entry().unwrap().key;
    let (leaves, free_head) = lie(&sealed.before.tree, |leaves, _| {
        let next = leaves[best as usize].entry().unwrap().next;
        let before = leaves.iter_mut().find(|leaf| leaf.entry().is_some_and(|entry| entry.next == key));
        if let Some(Leaf::Occupied(entry)) = before {
            entry.next = next;
        }
    });
    let previous_root = root_of_slots(&leaves, free_head);
    let input = BatchInput { previous_root, ..with_witness(&sealed.input, &everything(leaves, free_head)) };
    let error = execute::<Native>(&input).unwrap_err();
    assert!(matches!(error, TransitionError::State(StateError::SuccessorChain { .. })), "{error}");
}

/// Not one byte of a state value can differ: whatever a witness says must hash to the root.
#[test]
fn no_byte_of_the_witness_can_be_altered() {
    let sealed = busy_batch();
    for at in 0..sealed.input.witness.len() {
        for flip in [1, 0x80] {
            let mut input = sealed.input.clone();
            input.witness[at] ^= flip;
            let error = execute::<Native>(&input).unwrap_err();
            assert!(
                matches!(error, TransitionError::PreviousRoot | TransitionError::State(_)),
                "byte {at}: {error}"
            );
        }
    }
}

/// States that no execution can have made, each under its own root: errors, no panics.
#[test]
fn counters_at_their_ends_are_refused() {
    let sealed = busy_batch();
    let tree = &sealed.before.tree;
    let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let anchor = slot_of(tree, key::ANCHOR);
    let claim = sealed.before.claim.clone().unwrap();
    let numbers = [claim.batch, claim.last_sequence, claim.timestamp.0, claim.l1_position];
    for at in 0..4 {
        let (leaves, free_head) = lie(tree, |leaves, _| {
            if let Leaf::Occupied(entry) = &mut leaves[anchor as usize] {
                let mut value: Vec<u8> = vec![0xe9, 0xf4, 0x01];
                value.extend_from_slice(&EXCHANGE.0);
                for (place, number) in numbers.iter().enumerate() {
                    if place == at {
                        value.extend_from_slice(&max);
                    } else {
                        types::Writer::uint(&mut value, *number);
                    }
                }
                value.extend_from_slice(&claim.l1_hash);
                entry.value = Value::from_slice(&value);
            }
        });
        let (batch, sequence, time) = (
            if at == 0 { u64::MAX } else { claim.batch.wrapping_add(1) },
            if at == 1 { u64::MAX } else { claim.last_sequence.wrapping_add(1) },
            if at == 2 { u64::MAX } else { claim.timestamp.0 },
        );
        let mut blob = transition::CommandsBlob::new(batch, sequence, Timestamp(time));
        sealed.list.iter().for_each(|sequenced| blob.push(sequenced));
        let input = BatchInput {
            previous_root: root_of_slots(&leaves, free_head),
            commands: blob.finish(),
            ..with_witness(&sealed.input, &everything(leaves, free_head))
        };
        assert!(execute::<Native>(&input).is_err(), "field {at}");
    }
}

#[test]
fn an_empty_or_foreign_state_is_not_an_exchange() {
    let sealed = busy_batch();
    let mut tree = FullTree::<Sha256Hash>::new();
    let input_for = |tree: &mut FullTree| -> Result<Claim, TransitionError> {
        let previous_root: Digest = tree.root();
        let slots: BTreeSet<u32> = (0..tree.len()).collect();
        let witness = witness_of(tree, &slots, true).encode();
        execute::<Native>(&BatchInput { previous_root, witness, ..sealed.input.clone() })
    };
    assert_eq!(input_for(&mut tree), Err(TransitionError::CorruptEntry { key: key::GLOBALS }));
    tree.apply(&[(key::GLOBALS, Some(Value::from_slice(&[1, 2, 3])))]).unwrap();
    assert_eq!(input_for(&mut tree), Err(TransitionError::CorruptEntry { key: key::GLOBALS }));
    let globals = Value::from_slice(&[0; 13]);
    tree.apply(&[(key::GLOBALS, Some(globals))]).unwrap();
    assert_eq!(input_for(&mut tree), Err(TransitionError::CorruptEntry { key: key::ANCHOR }));
}

/// A cancelled order in the tree is gone for the rest of the batch, whatever way one asks for it; so is one that was
/// replaced, by its old place. Both executions read the tree's stale entries again and must not believe them.
#[test]
fn an_order_that_left_is_found_by_no_name() {
    let mut exchange = open_exchange();
    let mut named = limit(types::Side::Sell, 101, 5);
    named.client_id = types::ClientOrderId(77);
    named.time_in_force = types::TimeInForce::Gtd(Timestamp(1_000_000));
    exchange.session(1, Command::Place(named)).session(1, sell(102, 5)).session(2, buy(90, 1));
    exchange.seal();
    let by_id = |id| types::OrderRef::Id(types::OrderId(id));
    let by_client = types::OrderRef::Client(types::ClientOrderId(77));
    let replace = |order, price, quantity| Command::Replace {
        market: MARKET,
        order,
        price: types::Price(price),
        quantity: types::Quantity(quantity),
        left: None,
    };
    // Replaced twice: leaves its place in the tree, then the place it took in the batch.
    exchange.session(1, replace(by_client, 103, 5)).session(1, replace(by_id(1), 101, 6));
    // The first order at 101 now is the one that came last.
    exchange.session(1, sell(101, 1)).session(3, buy(101, 6));
    exchange.session(1, Command::Cancel { market: MARKET, order: by_id(1) });
    exchange.session(1, Command::Cancel { market: MARKET, order: by_client });
    exchange.session(1, Command::MassCancel { market: Some(MARKET), side: None });
    // The name is free again, and the old order's expiry finds nothing.
    exchange.session(1, Command::Place(named));
    exchange.now = 999_000;
    exchange.session(1, Command::Cancel { market: MARKET, order: by_client });
    exchange.now = 1_000_100;
    exchange.session(3, buy(150, 50));
    let sealed = exchange.seal();
    assert_eq!(execute::<Native>(&sealed.input), Ok(sealed.output.claim.clone()));
    let places: Vec<u64> = (0..sealed.list.len() as u64).collect();
    let outcomes: Vec<types::Outcome> = sealed
        .output
        .events
        .receipts::<Sha256Hash>(sealed.output.claim.first_sequence, &places)
        .iter()
        .map(|receipt| receipt.verify::<Sha256Hash>(&sealed.output.claim).unwrap().0)
        .collect();
    let unknown = types::Outcome::Rejected(types::Reject::UnknownOrder);
    assert_eq!(outcomes[4..6], [unknown, unknown], "filled orders have no name");
    assert!(matches!(outcomes[7], types::Outcome::Accepted(_)), "{:?}", outcomes[7]);
    assert_eq!(outcomes[8], types::Outcome::Done);
    let book = |entry: &&state::Entry| entry.key >> 120 == 0x0a;
    assert_eq!(exchange.tree.iter().filter(book).count(), 2, "the bids at 90 and 150");
    assert_eq!(exchange.tree.iter().filter(|entry| entry.key >> 120 == 0x0e).count(), 0, "no expiries");
}
