//! The published bytes: one encoding, the right place in the order of batches, and nothing in them that can be
//! changed without changing the claim.

use state::{EMPTY_LEAF, Sha256Hash, StateError, TreeHash};
use transition::{Authorisation, BatchInput, CommandsBlob, CommandsHeader, Native, TransitionError, execute};
use types::{AccountId, Command, DecodeError, Origin, Sequenced, Timestamp, Writer};

use crate::support::*;

fn with_commands(sealed: &Sealed, commands: Vec<u8>) -> BatchInput {
    BatchInput { commands, ..sealed.input.clone() }
}

fn run(sealed: &Sealed, commands: Vec<u8>) -> Result<transition::Claim, TransitionError> {
    execute::<Native>(&with_commands(sealed, commands))
}

fn header(sealed: &Sealed) -> CommandsHeader {
    decode_blob(&sealed.input.commands).unwrap().0
}

/// The batch's own commands under another header.
fn under(sealed: &Sealed, header: CommandsHeader) -> Vec<u8> {
    let mut body = CommandsBlob::new(0, 0, Timestamp(0));
    body.push_encoded(&[], 0, self::header(sealed).previous_timestamp);
    sealed.list.iter().for_each(|sequenced| body.push(sequenced));
    // Version, three zeros and the count: five bytes.
    let body = body.finish()[5..].to_vec();
    let mut bytes = vec![1];
    for number in [header.batch, header.first_sequence, header.previous_timestamp.0, header.count] {
        bytes.uint(number);
    }
    bytes.extend_from_slice(&body);
    bytes
}

#[test]
fn the_header_must_be_the_one_the_state_waits_for() {
    let sealed = busy_batch();
    let honest = header(&sealed);
    assert_eq!(under(&sealed, honest), sealed.input.commands);
    let (sequence, time) = (honest.first_sequence, honest.previous_timestamp.0);
    let next = |what, found, expected| TransitionError::NotNext { what, found, expected };
    for off in [1u64.wrapping_neg(), 1] {
        let batch = honest.batch.wrapping_add(off);
        let bytes = under(&sealed, CommandsHeader { batch, ..honest });
        assert_eq!(run(&sealed, bytes), Err(next("number", batch, honest.batch)));
        let first_sequence = sequence.wrapping_add(off);
        let bytes = under(&sealed, CommandsHeader { first_sequence, ..honest });
        assert_eq!(run(&sealed, bytes), Err(next("first sequence number", first_sequence, sequence)));
        let previous = time.wrapping_add(off);
        let bytes = under(&sealed, CommandsHeader { previous_timestamp: Timestamp(previous), ..honest });
        assert_eq!(run(&sealed, bytes), Err(next("previous timestamp", previous, time)));
        let count = honest.count.wrapping_add(off);
        let bytes = under(&sealed, CommandsHeader { count, ..honest });
        assert_eq!(
            run(&sealed, bytes),
            Err(TransitionError::CommandCount { stated: count, found: honest.count })
        );
    }
    let bytes = under(&sealed, CommandsHeader { count: u64::MAX, ..honest });
    assert_eq!(
        run(&sealed, bytes),
        Err(TransitionError::CommandCount { stated: u64::MAX, found: honest.count })
    );
}

#[test]
fn an_empty_batch_proves_nothing() {
    let sealed = busy_batch();
    let empty = CommandsBlob::new(
        sealed.before.batch + 1,
        sealed.before.sequence + 1,
        header(&sealed).previous_timestamp,
    );
    assert_eq!(run(&sealed, empty.finish()), Err(TransitionError::CommandCount { stated: 0, found: 0 }));
    assert!(matches!(run(&sealed, Vec::new()), Err(TransitionError::Decode(_))));
}

#[test]
fn bytes_after_the_last_command_are_refused() {
    let sealed = busy_batch();
    for tail in [&[0][..], &[0; 7], &[0xff]] {
        let bytes = [&sealed.input.commands, tail].concat();
        assert!(matches!(run(&sealed, bytes), Err(TransitionError::Decode(_))));
    }
    // A whole command more than stated, that needs no signature and nothing of the state.
    let mut one_more = Vec::new();
    let command = Command::MassCancel { market: None, side: None };
    let origin = Origin::L1(sealed.output.claim.l1_position);
    let more = Sequenced { sequence: 0, timestamp: Timestamp(0), account: AccountId(3), origin, command };
    more.encode(Timestamp(0), &mut one_more);
    let bytes = [&sealed.input.commands[..], &one_more].concat();
    let (stated, found) = (header(&sealed).count, header(&sealed).count + 1);
    let input = sealed.before.forge(&bytes, sealed.input.authorisation.clone());
    assert_eq!(input, Err(TransitionError::CommandCount { stated, found }));
}

#[test]
fn every_cut_of_the_commands_is_refused() {
    let sealed = busy_batch();
    for length in 0..sealed.input.commands.len() {
        let error = run(&sealed, sealed.input.commands[..length].to_vec()).unwrap_err();
        let expected = matches!(error, TransitionError::Decode(_) | TransitionError::CommandCount { .. });
        assert!(expected, "{length}: {error}");
    }
}

/// What somebody signed, in the order of the batch.
fn signed(list: &[Sequenced]) -> Vec<(AccountId, Origin, Command)> {
    let signed = list.iter().filter(|s| !matches!(s.origin, Origin::L1(_)));
    signed.map(|s| (s.account, s.origin, s.command.clone())).collect()
}

/// The attacker is the operator: it has the whole state, makes the true witness for whatever it publishes, and has
/// every signature that was ever made. What is left to it is what it may choose: times.
#[test]
fn an_altered_byte_is_refused_or_shows_in_the_claim() {
    let sealed = busy_batch();
    let honest = &sealed.input.commands;
    let (mut refused, mut unsigned, mut accepted) = (0, 0, 0);
    for at in 0..honest.len() {
        for bit in 0..8 {
            let mut bytes = honest.clone();
            bytes[at] ^= 1 << bit;
            assert_ne!(
                run(&sealed, bytes.clone()).ok().map(|c| c.commands_root),
                Some(sealed.output.claim.commands_root)
            );
            let Ok(input) = sealed.before.forge(&bytes, sealed.input.authorisation.clone()) else {
                refused += 1;
                continue;
            };
            let (_, list) = decode_blob(&bytes).unwrap();
            assert_eq!(sealed.before.blob(&list), bytes, "accepted bytes are canonical");
            match execute::<Native>(&input) {
                Ok(claim) => {
                    assert_eq!(signed(&list), signed(&sealed.list), "byte {at} was signed by somebody");
                    assert_ne!(claim.commands_root, sealed.output.claim.commands_root);
                    let queue = |list: &[Sequenced]| -> Vec<_> {
                        let in_queue = list.iter().filter(|s| matches!(s.origin, Origin::L1(_)));
                        in_queue.map(|s| (s.account, s.command.clone())).collect()
                    };
                    assert_eq!(
                        claim.l1_hash == sealed.output.claim.l1_hash,
                        queue(&list) == queue(&sealed.list),
                        "an altered L1 entry shows in the L1 hash"
                    );
                    accepted += 1;
                }
                Err(
                    TransitionError::StreamSignature { .. }
                    | TransitionError::OwnerSignature { .. }
                    | TransitionError::SignaturesLeft { .. },
                ) => unsigned += 1,
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
    }
    assert!(refused > 100 && unsigned > 100 && accepted > 100, "{refused} {unsigned} {accepted}");
}

#[test]
fn signed_commands_cannot_be_reordered_dropped_or_repeated() {
    let mut exchange = busy_exchange();
    exchange.session(1, sell(110, 1)).session(1, sell(111, 2)).session(1, sell(112, 3));
    exchange.owner(2, buy(50, 1)).owner(2, buy(51, 2));
    let sealed = exchange.seal();
    let attempt = |order: &[usize]| {
        let list: Vec<Sequenced> = order.iter().map(|at| sealed.list[*at].clone()).collect();
        sealed.before.attempt(&list, &sealed.input.authorisation)
    };
    assert_eq!(attempt(&[0, 1, 2, 3, 4]).unwrap().state_root, sealed.output.claim.state_root);
    let stream = Err(TransitionError::StreamSignature { account: AccountId(1) });
    for order in [
        &[1, 0, 2, 3, 4][..],
        &[0, 2, 1, 3, 4],
        &[1, 2, 3, 4],
        &[0, 2, 3, 4],
        &[0, 1, 3, 4],
        &[0, 0, 1, 2, 3, 4],
    ] {
        assert_eq!(attempt(order), stream, "{order:?}");
    }
    let owner = |at: u64| {
        let sequence = sealed.before.sequence + at;
        Err(TransitionError::OwnerSignature { sequence, account: AccountId(2) })
    };
    assert_eq!(attempt(&[0, 1, 2, 4, 3]), owner(4));
    assert_eq!(attempt(&[0, 1, 2, 4]), owner(4));
    assert_eq!(attempt(&[0, 1, 2, 3]), Err(TransitionError::SignaturesLeft { left: 1 }));
    assert_eq!(attempt(&[0, 1, 2, 3, 3, 4]), owner(5));
    assert_eq!(
        attempt(&[3, 4]),
        Err(TransitionError::SignaturesLeft { left: 1 }),
        "a stream's signature too many"
    );
    // Between accounts the order is the sequencer's to choose; it shows in the commands root.
    let other = attempt(&[3, 0, 1, 4, 2]).unwrap();
    assert_ne!(other.commands_root, sealed.output.claim.commands_root);
}

/// Times are written as distances, so they cannot run backwards; they can only end.
#[test]
fn time_cannot_run_backwards_or_over_its_end() {
    let sealed = busy_batch();
    let at = |timestamp: u64| {
        let mut list = sealed.list[..2].to_vec();
        list[1].timestamp = Timestamp(timestamp);
        sealed.before.blob(&list)
    };
    let sequence = sealed.list[1].sequence;
    let beyond = Err(TransitionError::TimeOutOfRange { sequence });
    let last = Timestamp::LAST_EXPIRY.0;
    assert!(sealed.before.forge(&at(last), Authorisation::default()).is_ok());
    for timestamp in [last + 1, u64::MAX] {
        assert_eq!(sealed.before.forge(&at(timestamp), Authorisation::default()), beyond);
    }
    // A distance that passes the end of numbers.
    let mut bytes = sealed.before.blob(&sealed.list[..1]);
    let mut second = Vec::new();
    Sequenced { timestamp: Timestamp(u64::MAX), ..sealed.list[1].clone() }.encode(Timestamp(0), &mut second);
    bytes.extend_from_slice(&second);
    let overflow = TransitionError::Decode(DecodeError::BadInteger { what: "timestamp" });
    assert_eq!(sealed.before.forge(&bytes, Authorisation::default()), Err(overflow));
    // A sequencer that hands over a time before the last one publishes the last one.
    let (_, read) = decode_blob(&at(0)).unwrap();
    assert_eq!(read[1].timestamp, read[0].timestamp);
}

#[test]
fn a_padded_integer_is_refused_everywhere_in_the_header() {
    let sealed = busy_batch();
    let honest = header(&sealed);
    let numbers = [honest.batch, honest.first_sequence, honest.previous_timestamp.0, honest.count];
    let length = sealed.input.commands.len() - under(&sealed, honest).len();
    assert_eq!(length, 0);
    for padded in 0..4 {
        let mut bytes = vec![1];
        for (place, number) in numbers.iter().enumerate() {
            bytes.uint(*number);
            if place == padded {
                *bytes.last_mut().unwrap() |= 0x80;
                bytes.push(0);
            }
        }
        let skip = {
            let mut plain = vec![1u8];
            numbers.iter().for_each(|n| plain.uint(*n));
            plain.len()
        };
        bytes.extend_from_slice(&sealed.input.commands[skip..]);
        assert!(matches!(run(&sealed, bytes), Err(TransitionError::Decode(DecodeError::BadInteger { .. }))));
    }
    for version in [0, 2, 255] {
        let mut bytes = sealed.input.commands.clone();
        bytes[0] = version;
        let unknown = DecodeError::UnknownTag { what: "commands version", tag: version };
        assert_eq!(run(&sealed, bytes), Err(TransitionError::Decode(unknown)));
    }
}

#[test]
fn accounts_are_numbers_of_32_bits() {
    let sealed = busy_batch();
    let skip = sealed.before.blob(&[]).len();
    let mut bytes = sealed.before.blob(&[]);
    *bytes.last_mut().unwrap() = 1;
    bytes.uint(1);
    bytes.uint(1 << 32);
    bytes.extend_from_slice(&sealed.input.commands[skip + 2..]);
    let wide = DecodeError::BadInteger { what: "account" };
    assert_eq!(sealed.before.forge(&bytes, Authorisation::default()), Err(TransitionError::Decode(wide)));
}

#[test]
fn the_commands_root_tells_bytes_of_different_lengths_and_shapes_apart() {
    use transition::commands_root;
    let mut seen = std::collections::BTreeSet::new();
    for length in [0, 1, 31, 62, 63, 64, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 5000] {
        assert!(seen.insert(commands_root::<Sha256Hash>(&vec![0; length])), "{length} zeros");
    }
    assert_eq!(
        commands_root::<Sha256Hash>(&[]),
        Sha256Hash::hash(&[&[7][..], &[0; 8], &EMPTY_LEAF].concat())
    );
}

#[test]
fn a_command_in_an_unknown_name_is_refused() {
    let sealed = busy_batch();
    for origin in [Origin::Session, Origin::Owner] {
        let mut list = sealed.list.clone();
        let account = AccountId(33);
        (list[0].account, list[0].origin) = (account, origin);
        let sequence = list[0].sequence;
        let unknown = TransitionError::UnknownAccount { sequence, account };
        assert_eq!(sealed.before.attempt(&list, &sealed.input.authorisation), Err(unknown));
    }
    let missing =
        |error: &TransitionError| matches!(error, TransitionError::State(StateError::Missing { .. }));
    let mut list = sealed.list.clone();
    list[0].account = AccountId(33);
    // The witness of the honest batch does not even say that account 33 is absent.
    let error = run(&sealed, sealed.before.blob(&list)).unwrap_err();
    assert!(missing(&error) || matches!(error, TransitionError::UnknownAccount { .. }), "{error}");
}
