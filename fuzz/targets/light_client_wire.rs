//! What peers answer: samples read write to the same bytes, and a block's description gives a header that was committed to and a
//! verifier that accepts what its publisher coded, or is refused.
#![no_main]

use kit::coded;
use libfuzzer_sys::fuzz_target;
use light_client::wire::{
    BlockInfo, BlockList, MAX_INDICES, Refusal, block_path, parse_commitment, push_sample, read_samples,
    samples_length,
};

fuzz_target!(|bytes: &[u8]| {
    let (_, encoded) = coded();
    let header = encoded.header();
    if let Ok(samples) = read_samples(header, bytes) {
        assert!(samples.len() <= MAX_INDICES);
        let mut again = Vec::new();
        samples.iter().for_each(|sample| push_sample(&mut again, sample));
        assert_eq!(again, bytes);
        let indices: Vec<usize> = samples.iter().map(|sample| sample.index).collect();
        assert_eq!(samples_length(header, &indices), bytes.len());
    }
    let _ = serde_json::from_slice::<Refusal>(bytes);
    let _ = serde_json::from_slice::<BlockList>(bytes);
    if let Ok(info) = serde_json::from_slice::<BlockInfo>(bytes) {
        if let Ok(header) = info.header(&header.commitment()) {
            assert_eq!(header, *encoded.header());
            if let Ok(verifier) = info.verifier(&header) {
                for index in 0..header.parameters.total() {
                    let sample = encoded.sample(index).expect("it is of the code");
                    assert_eq!(verifier.verify(&sample), Ok(()));
                }
            }
        }
    }
    if let Some(commitment) = std::str::from_utf8(bytes).ok().and_then(parse_commitment) {
        let text = block_path(&commitment);
        let digits = &text[text.len() - 64..];
        assert_eq!(parse_commitment(digits), Some(commitment));
    }
});
