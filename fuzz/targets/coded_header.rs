//! Headers and combination vectors: what decodes encodes to the same bytes, has shards of a length that can be, and a vector
//! under another header's digest makes no verifier.
#![no_main]

use availability::{Combination, Header, MAX_CODED, Parameters, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (head, rest) = bytes.split_at(bytes.len().min(Header::LENGTH));
    let Ok(header) = Header::decode(head) else { return };
    assert_eq!(header.encode(), head);
    let length = header.shard_length().expect("a decoded header has a length");
    assert!(length * header.parameters.total() <= MAX_CODED);
    assert!(length * header.parameters.data() >= header.payload_length as usize);
    let Ok(combination) = Combination::decode(header.parameters, rest) else { return };
    assert_eq!(combination.encode(), rest);
    assert_eq!(
        Verifier::new(&header, &combination).is_ok(),
        combination.digest() == header.combination
    );
    // A verifier of the header that the vector does belong to can be made, whatever the vector.
    let fitting = Header { combination: combination.digest(), ..header };
    assert!(Verifier::new(&fitting, &combination).is_ok());
    assert!(Parameters::new(header.parameters.data(), header.parameters.parity()).is_ok());
});
