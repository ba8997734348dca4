//! Sealed batch files: what decodes encodes to the same bytes. The checksum is made to fit, since no fuzzer guesses it.
#![no_main]

use transition::SealedBatch;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sealed) = SealedBatch::decode(bytes) {
        assert_eq!(sealed.encode(), bytes);
    }
    let whole = [bytes, &Sha256::digest(bytes)].concat();
    if let Ok(sealed) = SealedBatch::decode(&whole) {
        assert_eq!(sealed.encode(), whole);
    }
});
