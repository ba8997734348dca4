//! Recordings in LOBSTER's format: every text is read or refused with its line; what is read is reconstructed into
//! commands that the rules take without a panic.
#![no_main]

use flow::{LobsterReader, Reconstruction, Recording};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reader) = LobsterReader::new(bytes) {
        let mut last = 1;
        for message in reader {
            let Ok(message) = message else { break };
            assert!(message.line > last);
            last = message.line;
        }
    }
    let Ok(recording) = Recording::read(bytes) else { return };
    let highest = recording.messages().iter().flat_map(|message| {
        let quotes = [message.bid, message.ask].map(|quote| quote.map_or(0, |quote| quote.price.0));
        [message.price.0, quotes[0], quotes[1]]
    });
    // Higher prices only need larger ladders, which would take all the time there is.
    if highest.max().unwrap_or(0) / recording.tick() > 1 << 14 {
        return;
    }
    let mut reconstruction = Reconstruction::new(recording);
    let mut last = types::Timestamp(0);
    for item in reconstruction.by_ref() {
        assert!(item.timestamp >= last);
        last = item.timestamp;
    }
    let agreement = reconstruction.agreement();
    assert!(agreement.executions_at_terms <= agreement.executions);
    assert!(agreement.quotes_in_the_end <= agreement.messages);
});
