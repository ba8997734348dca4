//! Pinned roots, digests and encodings. A change here breaks every stored state and every verifier.

mod scenario;

use scenario::{Full, Partial, example, set};
use state::{Proof, Sha256Hash, StateTree, Witness, empty_subtrees};

#[test]
fn empty_subtrees_are_pinned() {
    let empty = empty_subtrees::<Sha256Hash>();
    assert_eq!(hex::encode(empty[0]), "00".repeat(32));
    // The zero hashes of Ethereum's deposit contract, which is built the same way.
    assert_eq!(hex::encode(empty[1]), "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
    assert_eq!(hex::encode(empty[2]), "db56114e00fdd4c1f85c892bf35ac9a89289aaecb1ebd0a96cde606a748b5d71");
    assert_eq!(hex::encode(empty[32]), "c6f67e02e6e4e1bdefb994c6098953f34636ba2b6ca20a4721d2b26a886722ff");
}

#[test]
fn roots_are_pinned() {
    let mut tree = Full::new();
    assert_eq!(hex::encode(tree.root()), "1f60e81dbb1bc818368100f1e5db7dacac4a9e81703ca78cc1876a2fcac20e3a");
    tree.apply(&[set(1, b"one")]).unwrap();
    assert_eq!(hex::encode(tree.root()), "38eabe9f56fae14853a7f5bc9a14c82eb4d167149f6128021268cd4b2e179b1c");
    tree.apply(&[set(2, &[2; 31])]).unwrap();
    assert_eq!(hex::encode(tree.root()), "09fd634f4e4315d280ac488a03870f4b6383c85556472b0c371285dbc5b20420");
    tree.apply(&[(1, None)]).unwrap();
    assert_eq!(hex::encode(tree.root()), "6364b7f1a4932bfc106953072106926addacfc476c7e37d7f85c15d39ca44c34");
    assert_eq!(
        hex::encode(example().root()),
        "30d87d727e4ad1581231ca6fb19d30b49f03fcb7d73d6ee05c3b677a345d2e69"
    );
}

#[test]
fn a_witness_encoding_is_pinned() {
    let mut tree = example();
    let before = tree.start_recording();
    tree.get(50).unwrap();
    tree.apply(&[set(35, b"new"), set(36, b"er")]).unwrap();
    let bytes = tree.take_witness().unwrap().encode();
    assert_eq!(
        hex::encode(&bytes),
        "0100000006000000020305ffffffff000000000000000000000000000000001e0000000000000000\
         0000000000000032000200000000000000000000000000000032ffffffffffffffffffffffffffff\
         ffff1f05050505050505050505050505050505050505050505050505050505050505025dddc0f32f\
         701e1f26ad674940eea3475a90e021aa06e208a3129dae11bedcdb628fea8dc911ffca5cbf9e7065\
         d974767b1f6f07d9858a0cfbcfaf7fbfb346aa"
    );
    let mut partial = Partial::from_witness(Witness::decode(&bytes, 1000).unwrap()).unwrap();
    partial.verify(before).unwrap();
}

#[test]
fn a_proof_encoding_is_pinned() {
    let bytes = example().prove(12).unwrap().encode();
    assert_eq!(bytes.len(), 46 + 3 + 32 * 32);
    assert_eq!(
        hex::encode(&bytes[..46 + 3 + 3 * 32]),
        "0000000100000006000000020000000000000000000000000000000a000000000000000000000000\
         0000000f000374656e65b0fcf18c209701f7041286a9e28ae22a7a4147e8949e6199098f9e65a638\
         dfb8612cae4268fed23c0eba172cc5b7cf861f79492a878032567dae992f88f5999bca2d17461b39\
         71990c95d9b639ecbadfd4300416a0ef8121ab65f9a2064099"
    );
    let empty = empty_subtrees::<Sha256Hash>();
    assert_eq!(bytes[46 + 3 + 3 * 32..], *empty[3..32].as_flattened());
    assert_eq!(Proof::decode(&bytes).unwrap().slot, 1);
}

#[test]
fn a_snapshot_encoding_is_pinned() {
    assert_eq!(
        hex::encode(example().to_snapshot()),
        "47425301000000060000000200000000000000000000000000000000000000000000000000000000\
         0000000000000a0374656e02ffffffff000000000000000000000000000000001e00000000000000\
         000000000000000000000f076669667465656e00000000000000000000000000000000321f050505\
         05050505050505050505050505050505050505050505050505050505"
    );
}
