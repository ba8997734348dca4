//! Outcomes and events: what decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use types::{Event, Outcome, Reader};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes);
    let mut again = Vec::new();
    if let Ok(outcome) = Outcome::decode(&mut reader) {
        outcome.encode(&mut again);
        assert_eq!(again, bytes[..bytes.len() - reader.left()]);
    }

    let mut reader = Reader::new(bytes);
    again.clear();
    while let Ok(event) = Event::decode(&mut reader) {
        event.encode(&mut again);
        assert_eq!(again, bytes[..bytes.len() - reader.left()]);
    }
});
