//! Claims: what decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transition::Claim;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(claim) = Claim::decode(bytes) {
        assert_eq!(claim.encode(), bytes);
    }
});
