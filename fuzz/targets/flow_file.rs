//! Flow files: what is read to its end writes to the same bytes.
#![no_main]

use flow::{FlowItem, FlowReader, FlowWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = FlowReader::new(bytes) else { return };
    let (genesis, expected) = (*reader.genesis(), reader.expected());
    let items: Result<Vec<FlowItem>, _> = reader.by_ref().collect();
    let Ok(items) = items else { return };
    assert!(reader.next().is_none());
    let mut again = Vec::new();
    let mut writer = FlowWriter::create(&mut again, &genesis, expected).expect("a vector takes all");
    for item in items {
        writer.write(item).expect("a vector takes all");
    }
    writer.finish().expect("a vector takes all");
    assert_eq!(again, bytes);
});
