//! State proofs: what decodes encodes to the same bytes, and what convinces the verifier is true.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use state::{Digest, FullTree, Proof, Sha256Hash, StateTree, verify};

static TRUTH: LazyLock<(FullTree<Sha256Hash>, Digest)> = LazyLock::new(|| {
    let mut tree = kit::Honest::after(1, 300).tree;
    let root = tree.root();
    (tree, root)
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(proof) = Proof::decode(bytes) else { return };
    assert_eq!(proof.encode(), bytes);
    let (tree, root) = &*TRUTH;
    let between = proof.key.midpoint(proof.next);
    for key in [
        0,
        1,
        proof.key,
        proof.key.wrapping_add(1),
        between,
        proof.next.wrapping_sub(1),
        proof.next,
        u128::MAX,
    ] {
        if let Ok(value) = verify::<Sha256Hash>(*root, key, &proof) {
            let entry = tree.iter().find(|entry| entry.key == key);
            assert_eq!(value, entry.map(|entry| entry.value.as_slice()));
        }
    }
});
