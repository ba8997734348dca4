//! A coded payload, and what its publisher would serve.

use std::sync::LazyLock;

use availability::{Encoded, Parameters, encode};

/// A payload of 16 data shards of two blocks each, and eight parity shards. Coded once a process.
pub fn coded() -> &'static (Vec<u8>, Encoded) {
    static CODED: LazyLock<(Vec<u8>, Encoded)> = LazyLock::new(|| {
        let payload: Vec<u8> = (0..2_000u32).map(|at| (at * at / 7) as u8).collect();
        let parameters = Parameters::new(16, 8).expect("both are in range");
        let encoded = encode(&payload, parameters).expect("the payload is short");
        (payload, encoded)
    });
    &CODED
}

/// The text of a keyring of two keys, without its last line.
pub const KEYRING: &str = "\
glassbook keyring 1
chain 1
exchange 00112233445566778899aabbccddeeff00112233
key from 0 0101010101010101010101010101010101010101010101010101010101010101
key from 1200 0202020202020202020202020202020202020202020202020202020202020202
";

/// A keyring's text with the check that belongs to it.
pub fn with_check(text: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_derive_key("glassbook availability keyring v1 check");
    let check = hasher.update(text).finalize();
    [text, format!("check {}\n", check.to_hex()).as_bytes()].concat()
}

/// Bytes and their BLAKE3, as a shard store's files end.
pub fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    [bytes, blake3::hash(bytes).as_bytes()].concat()
}
