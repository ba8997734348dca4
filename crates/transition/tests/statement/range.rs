//! Several batches executed together: one claim each, only in order, only without a gap.

use transition::{BatchInput, BatchRange, Claim, Limits, Native, TransitionError, execute, execute_range};
use types::DecodeError;

use crate::support::*;

fn three_batches() -> Vec<BatchInput> {
    let mut exchange = busy_exchange();
    (0..3)
        .map(|round| {
            exchange.session(1, sell(120 + round, 1)).session(4, buy(60, 1));
            exchange.seal().input
        })
        .collect()
}

fn run(inputs: &[&BatchInput]) -> Result<Vec<Claim>, TransitionError> {
    execute_range::<Native>(&BatchRange::new(inputs.iter().copied().cloned().collect()).unwrap())
}

#[test]
fn a_range_gives_the_claims_of_its_batches() {
    let batches = three_batches();
    let alone: Vec<Claim> = batches.iter().map(|input| execute::<Native>(input).unwrap()).collect();
    let range = BatchRange::new(batches.clone()).unwrap();
    assert_eq!(execute_range::<Native>(&range).unwrap(), alone);
    assert!(alone.windows(2).all(|pair| pair[1].follows(&pair[0])));
    assert!(!alone[2].follows(&alone[0]));
    let one = BatchRange::from(batches[0].clone());
    assert_eq!(execute_range::<Native>(&one).unwrap(), alone[..1]);
}

#[test]
fn a_range_with_a_gap_a_repetition_or_another_order_proves_nothing() {
    let [a, b, c] = &three_batches()[..] else { unreachable!() };
    for wrong in [&[a, c][..], &[b, a], &[a, a], &[a, b, b], &[a, b, a]] {
        assert_eq!(run(wrong), Err(TransitionError::PreviousRoot));
    }
    assert!(run(&[b, c]).is_ok());
}

#[test]
fn a_range_has_one_encoding_and_limits() {
    assert_eq!(BatchRange::new(Vec::new()), None);
    let batches = three_batches();
    assert_eq!(BatchRange::new(vec![batches[0].clone(); BatchRange::MAX_BATCHES + 1]), None);
    let range = BatchRange::new(batches).unwrap();
    let bytes = range.encode();
    let limits = Limits::default();
    assert_eq!(BatchRange::decode(&bytes, &limits), Ok(range));
    for cut in 0..bytes.len() {
        assert!(BatchRange::decode(&bytes[..cut], &limits).is_err(), "cut at {cut}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(BatchRange::decode(&longer, &limits), Err(DecodeError::TrailingBytes { left: 1 }));
    assert!(BatchRange::decode(&[1, 0], &limits).is_err());
    assert!(BatchRange::decode(&[1, 0x81, 0x02], &limits).is_err());
    assert!(BatchRange::decode(&[2, 1], &limits).is_err());
}
