//! Samples and shard files: what decodes encodes to the same bytes, and what an honest header's verifier accepts is what its
//! publisher coded.
#![no_main]

use availability::{Header, Sample, Verifier};
use kit::coded;
use libfuzzer_sys::fuzz_target;
use shard_store::ShardFile;
use std::sync::LazyLock;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let (_, encoded) = coded();
    Verifier::new(encoded.header(), encoded.combination()).expect("the vector is the header's")
});

fuzz_target!(|bytes: &[u8]| {
    let (_, encoded) = coded();
    if let Ok(sample) = Sample::decode(encoded.header(), bytes) {
        assert_eq!(sample.encode(), bytes);
        if VERIFIER.verify(&sample).is_ok() {
            assert_eq!(sample, encoded.sample(sample.index).expect("it verified"));
        }
    }
    if let Ok(file) = ShardFile::decode(bytes) {
        assert_eq!(file.encode(), bytes);
        assert_eq!(Header::decode(&file.header.encode()).as_ref(), Ok(&file.header));
    }
});
