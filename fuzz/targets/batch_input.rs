//! Batch inputs: what decodes encodes to the same bytes, and executes or is refused, without a panic.
//!
//! The seeds are honest batches. Mutants of their commands still run under an honest root, all the way through the
//! rules; their signatures fail only at the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transition::{BatchInput, Limits, Native};

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = BatchInput::decode(bytes, &Limits::default()) else { return };
    assert_eq!(input.encode(), bytes);
    if let Ok(claim) = transition::execute::<Native>(&input) {
        assert_eq!(claim.previous_root, input.previous_root);
    }
});
