//! What is written is read again, whole and alone; what is cut off is not.

use proptest::prelude::*;
use types::{Command, DecodeError, Event, Outcome, Reader, Sequenced, Timestamp};

use crate::strategies;

/// Reads a value back, refuses every strict prefix, and minds what follows.
fn reads_back<T: PartialEq + std::fmt::Debug>(
    value: &T,
    bytes: &[u8],
    decode: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<(), TestCaseError> {
    let mut reader = Reader::new(bytes);
    let read = decode(&mut reader);
    prop_assert_eq!(read.as_ref(), Ok(value));
    prop_assert_eq!(reader.finish(), Ok(()));

    for end in 0..bytes.len() {
        let cut = decode(&mut Reader::new(&bytes[..end]));
        prop_assert!(matches!(cut, Err(DecodeError::UnexpectedEnd { .. })), "cut at {end}: {cut:?}");
    }

    let longer = [bytes, &[0]].concat();
    let mut reader = Reader::new(&longer);
    let read = decode(&mut reader);
    prop_assert_eq!(read.as_ref(), Ok(value));
    prop_assert_eq!(reader.finish(), Err(DecodeError::TrailingBytes { left: 1 }));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn commands_survive_the_round_trip(command in strategies::command()) {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        prop_assert!(bytes.len() <= Command::MAX_BYTES);
        reads_back(&command, &bytes, Command::decode)?;
    }

    #[test]
    fn sequenced_commands_survive_the_round_trip((previous, sequenced) in strategies::sequenced()) {
        let mut bytes = Vec::new();
        sequenced.encode(previous, &mut bytes);
        prop_assert!(bytes.len() <= Sequenced::MAX_BYTES);
        reads_back(&sequenced, &bytes, |r| Sequenced::decode(sequenced.sequence, previous, r))?;
    }

    #[test]
    fn events_survive_the_round_trip(event in strategies::event()) {
        let mut bytes = Vec::new();
        event.encode(&mut bytes);
        reads_back(&event, &bytes, Event::decode)?;
    }

    #[test]
    fn outcomes_survive_the_round_trip(outcome in strategies::outcome()) {
        let mut bytes = Vec::new();
        outcome.encode(&mut bytes);
        reads_back(&outcome, &bytes, Outcome::decode)?;
    }

    #[test]
    fn a_run_of_commands_is_read_in_one_piece(run in prop::collection::vec(strategies::sequenced(), 0..8)) {
        let mut run: Vec<Sequenced> = run.into_iter().map(|(_, sequenced)| sequenced).collect();
        run.sort_by_key(|sequenced| sequenced.timestamp);
        let mut bytes = Vec::new();
        let mut previous = Timestamp(0);
        for (at, sequenced) in run.iter_mut().enumerate() {
            sequenced.sequence = at as u64;
            sequenced.encode(previous, &mut bytes);
            previous = sequenced.timestamp;
        }
        let mut reader = Reader::new(&bytes);
        let mut previous = Timestamp(0);
        for (at, sequenced) in run.iter().enumerate() {
            let read = Sequenced::decode(at as u64, previous, &mut reader);
            prop_assert_eq!(read.as_ref(), Ok(sequenced));
            previous = sequenced.timestamp;
        }
        prop_assert_eq!(reader.finish(), Ok(()));
    }
}

#[test]
fn a_time_beyond_the_last_is_refused() {
    let mut bytes = Vec::new();
    let command = Command::MassCancel { market: None, side: None };
    let origin = types::Origin::Session;
    let account = types::AccountId(1);
    Sequenced { sequence: 1, timestamp: Timestamp(2), account, origin, command }
        .encode(Timestamp(0), &mut bytes);
    assert!(Sequenced::decode(1, Timestamp(u64::MAX - 2), &mut Reader::new(&bytes)).is_ok());
    assert_eq!(
        Sequenced::decode(1, Timestamp(u64::MAX - 1), &mut Reader::new(&bytes)),
        Err(DecodeError::BadInteger { what: "timestamp" })
    );
}
