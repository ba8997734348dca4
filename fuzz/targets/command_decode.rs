//! Commands, alone and sequenced: what decodes encodes to the same bytes, and is no longer than promised.
#![no_main]

use libfuzzer_sys::fuzz_target;
use types::{Command, Reader, Sequenced, Timestamp};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes);
    if let Ok(command) = Command::decode(&mut reader) {
        let read = bytes.len() - reader.left();
        let mut again = Vec::new();
        command.encode(&mut again);
        assert_eq!(again, bytes[..read]);
        assert!(read <= Command::MAX_BYTES);
    }

    let mut reader = Reader::new(bytes);
    let mut previous = Timestamp(0);
    let mut again = Vec::new();
    for sequence in 1.. {
        let start = bytes.len() - reader.left();
        let Ok(sequenced) = Sequenced::decode(sequence, previous, &mut reader) else { break };
        sequenced.encode(previous, &mut again);
        previous = sequenced.timestamp;
        let end = bytes.len() - reader.left();
        assert_eq!(again, bytes[..end]);
        assert!(end - start <= Sequenced::MAX_BYTES);
    }
});
