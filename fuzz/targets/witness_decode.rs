//! Witnesses: what decodes encodes to the same bytes, and whatever tree it makes answers reads and changes without a
//! panic and without growing beyond what was asked. The bytes before the witness choose what is asked.
#![no_main]

use kit::Choices;
use libfuzzer_sys::fuzz_target;
use state::{KEY_END, KEY_HEAD, Key, Leaf, PartialTree, Sha256Hash, StateTree, Value, Witness};

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let length = usize::from(choices.byte() % 64);
    let mut questions = Choices::new(choices.bytes(length));
    let bytes = choices.rest();
    assert!(Witness::decode(bytes, bytes.len().saturating_sub(1)).is_err());
    let Ok(witness) = Witness::decode(bytes, bytes.len()) else { return };
    assert_eq!(witness.encode(), bytes);

    let mut keys: Vec<Key> = vec![1, KEY_END - 1, KEY_HEAD, KEY_END];
    for touched in &witness.touched {
        if let Leaf::Occupied(entry) = &touched.leaf {
            keys.extend([entry.key, entry.key.wrapping_add(1), entry.next, entry.next.wrapping_sub(1)]);
        }
    }
    let Ok(mut tree) = PartialTree::<Sha256Hash>::from_witness(witness) else { return };
    let root = tree.root();
    assert!(tree.verify(root).is_ok());

    while !questions.is_empty() {
        let key = keys[questions.byte() as usize % keys.len()];
        match questions.byte() % 4 {
            0 => {
                let _ = tree.get(key);
            }
            1 => {
                if let Ok(Some((next, _))) = tree.next(key) {
                    assert!(next > key);
                }
            }
            _ => {
                let mut changes: Vec<(Key, Option<Value>)> = (0..questions.below(6))
                    .map(|_| {
                        let key = keys[questions.byte() as usize % keys.len()];
                        let length = questions.below(40) as usize;
                        (key, (length < 32).then(|| Value::from_vec(vec![7; length])))
                    })
                    .collect();
                changes.sort_by_key(|(key, _)| *key);
                let (before, length) = (tree.root(), tree.len());
                if tree.apply(&changes).is_err() {
                    assert_eq!((tree.root(), tree.len()), (before, length), "an error changes nothing");
                } else {
                    for (key, value) in &changes {
                        assert_eq!(tree.get(*key).expect("it was just changed"), value.as_deref());
                    }
                    let _ = tree.root();
                }
            }
        }
    }
});
