//! Random damage to a valid input: never a panic, and never another meaning under the same roots.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use state::{PartialTree, Sha256Hash, StateTree, Witness};
use transition::{BatchInput, Claim, Limits, Native, execute};

use crate::support::*;

struct Honest {
    sealed: Sealed,
    bytes: Vec<u8>,
}

static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let sealed = busy_batch();
    let bytes = sealed.input.encode();
    Honest { sealed, bytes }
});

/// One thing that happens to a byte string.
#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bits: u8 },
    Set { at: usize, byte: u8 },
    Cut { at: usize },
    Remove { at: usize, count: usize },
    Insert { at: usize, bytes: Vec<u8> },
    Repeat { at: usize, count: usize },
    Huge { at: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>();
    prop_oneof![
        4 => (at, 1..=255u8).prop_map(|(at, bits)| Damage::Flip { at, bits }),
        2 => (at, any::<u8>()).prop_map(|(at, byte)| Damage::Set { at, byte }),
        1 => at.prop_map(|at| Damage::Cut { at }),
        1 => (at, 1..80usize).prop_map(|(at, count)| Damage::Remove { at, count }),
        1 => (at, prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
        1 => (at, 1..80usize).prop_map(|(at, count)| Damage::Repeat { at, count }),
        1 => at.prop_map(|at| Damage::Huge { at }),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match damage {
        Damage::Flip { at, bits } => bytes[at % length] ^= bits,
        Damage::Set { at, byte } => bytes[at % length] = *byte,
        Damage::Cut { at } => bytes.truncate(at % length),
        Damage::Remove { at, count } => {
            let at = at % length;
            bytes.drain(at..length.min(at + count));
        }
        Damage::Insert { at, bytes: more } => {
            let at = at % length;
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Repeat { at, count } => {
            let at = at % length;
            let again = bytes[at..length.min(at + count)].to_vec();
            bytes.splice(at..at, again);
        }
        Damage::Huge { at } => {
            let at = at % length;
            let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
            bytes.splice(at..=at, huge);
        }
    }
}

/// What an accepted input must satisfy beside an honest one from the same state.
fn check(input: &BatchInput, claim: &Claim) {
    let honest = &HONEST.sealed;
    assert_eq!(claim.previous_root, input.previous_root);
    if input.previous_root == honest.input.previous_root {
        assert_eq!(
            input.commands == honest.input.commands,
            *claim == honest.output.claim,
            "the same commands, the same claim; others, another"
        );
        assert_eq!(
            input.commands == honest.input.commands,
            claim.commands_root == honest.output.claim.commands_root
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6_000) })]

    /// Anywhere in the whole encoding.
    #[test]
    fn damaged_inputs_are_refused_or_say_what_they_say(all in prop::collection::vec(damage(), 1..4)) {
        let mut bytes = HONEST.bytes.clone();
        all.iter().for_each(|damage| apply(&mut bytes, damage));
        if let Ok(input) = BatchInput::decode(&bytes, &Limits::default()) {
            prop_assert_eq!(input.encode(), bytes, "one encoding");
            if let Ok(claim) = execute::<Native>(&input) {
                check(&input, &claim);
            }
        }
    }

    /// Inside each part, with the lengths right again.
    #[test]
    fn damaged_parts_are_refused_or_say_what_they_say(
        part in 0..3usize,
        all in prop::collection::vec(damage(), 1..4),
    ) {
        let mut input = HONEST.sealed.input.clone();
        for damage in &all {
            match part {
                0 => apply(&mut input.commands, damage),
                1 => apply(&mut input.witness, damage),
                _ => {
                    let streams = &mut input.authorisation.streams;
                    let at = damage_at(damage);
                    match at % 4 {
                        0 => streams.truncate(at % (streams.len() + 1)),
                        1 => streams.reverse(),
                        2 if !streams.is_empty() => streams.extend_from_within(..1),
                        _ => input.authorisation.owners.iter_mut().for_each(|o| o[at % 65] ^= 1),
                    }
                }
            }
        }
        if let Ok(claim) = execute::<Native>(&input) {
            check(&input, &claim);
        }
    }

    /// An operator's own altered commands, with the true witness for them.
    #[test]
    fn damaged_commands_with_their_true_witness_are_refused_or_show(all in prop::collection::vec(damage(), 1..4)) {
        let honest = &HONEST.sealed;
        let mut bytes = honest.input.commands.clone();
        all.iter().for_each(|damage| apply(&mut bytes, damage));
        if let Ok(input) = honest.before.forge(&bytes, honest.input.authorisation.clone()) {
            let (_, list) = decode_blob(&bytes).unwrap();
            prop_assert_eq!(honest.before.blob(&list), bytes, "one encoding");
            if let Ok(claim) = execute::<Native>(&input) {
                check(&input, &claim);
            }
        }
    }
}

/// Counts that promise more than there is are found out before anything is allocated for them.
#[test]
fn counts_that_lie_allocate_nothing() {
    let mut huge = vec![1];
    huge.extend_from_slice(&[0; 32]);
    for (prefix, count) in
        [(&[][..], 64u64 << 20), (&[0], 1 << 20), (&[0, 0], 1 << 20), (&[0, 0, 0], 512 << 20)]
    {
        let mut bytes = huge.clone();
        bytes.extend_from_slice(prefix);
        types::Writer::uint(&mut bytes, count);
        assert!(BatchInput::decode(&bytes, &Limits::default()).is_err());
        let last = bytes.len();
        bytes.resize(last + 60, 0);
        assert!(BatchInput::decode(&bytes, &Limits::default()).is_err());
    }
    for length in 0..HONEST.bytes.len() {
        assert!(BatchInput::decode(&HONEST.bytes[..length], &Limits::default()).is_err());
    }
    let mut longer = HONEST.bytes.clone();
    longer.push(0);
    assert!(BatchInput::decode(&longer, &Limits::default()).is_err());
}

fn damage_at(damage: &Damage) -> usize {
    match damage {
        Damage::Flip { at, .. }
        | Damage::Set { at, .. }
        | Damage::Cut { at }
        | Damage::Remove { at, .. }
        | Damage::Insert { at, .. }
        | Damage::Repeat { at, .. }
        | Damage::Huge { at } => *at,
    }
}

/// Made-up states under their own roots are outside of what the statement promises: L1 knows the true root. The rules
/// may meet balances there that no command can have left, and assert; everything before the rules answers with errors.
#[test]
fn made_up_states_end_in_a_claim_an_error_or_an_assertion() {
    let honest = &HONEST.sealed;
    let witness = decode_witness(&honest.input);
    let slots: BTreeSet<u32> = witness.touched.iter().map(|touched| touched.slot).collect();
    assert_eq!(slots.len(), witness.touched.len());
    let (mut claims, mut errors, mut panics) = (0, 0, BTreeSet::new());
    for at in 0..witness.touched.len() {
        let Some(length) = witness.touched[at].leaf.entry().map(|entry| entry.value.len()) else { continue };
        for byte in 0..length {
            for value in [0, 0xff] {
                let mut other: Witness = witness.clone();
                if let state::Leaf::Occupied(entry) = &mut other.touched[at].leaf {
                    entry.value[byte] = value;
                }
                let encoded = other.encode();
                let previous_root = PartialTree::<Sha256Hash>::from_witness(other).unwrap().root();
                let input = BatchInput { previous_root, witness: encoded, ..honest.input.clone() };
                match std::panic::catch_unwind(|| execute::<Native>(&input)) {
                    Ok(Ok(_)) => claims += 1,
                    Ok(Err(_)) => errors += 1,
                    Err(_) => {
                        panics.insert(witness.touched[at].leaf.entry().unwrap().key >> 120);
                    }
                }
            }
        }
    }
    // Globals, markets, balances, positions and orders are the rules' own.
    let rules = BTreeSet::from([0x02, 0x04, 0x07, 0x08, 0x0a]);
    assert!(panics.is_subset(&rules), "assertions under tags {panics:x?}");
    assert!(claims > 500 && errors > 500, "{claims} claims, {errors} errors");
}
