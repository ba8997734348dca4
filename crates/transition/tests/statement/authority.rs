//! Nobody speaks for an account but its session and its owner, once for every command.

use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use k256::ecdsa::Signature as EcdsaSignature;
use state::Sha256Hash;
use transition::{
    Authorisation, BatchInput, Crypto, Native, TransitionError, execute, owner_digest, stream_digest,
    stream_start,
};
use types::{AccountId, Address, ClientOrderId, Command, Origin, SessionKey, Side, Timestamp};

use crate::support::*;

fn with(sealed: &Sealed, authorisation: Authorisation) -> Result<transition::Claim, TransitionError> {
    execute::<Native>(&BatchInput { authorisation, ..sealed.input.clone() })
}

fn stream_error(account: u32) -> Result<transition::Claim, TransitionError> {
    Err(TransitionError::StreamSignature { account: AccountId(account) })
}

/// Two streams of two commands, and an owner's command.
fn two_streams() -> Sealed {
    let mut exchange = busy_exchange();
    exchange
        .session(1, sell(110, 1))
        .session(2, sell(111, 1))
        .session(1, sell(112, 1))
        .session(2, sell(113, 1));
    exchange.owner(5, buy(20, 1));
    exchange.seal()
}

#[test]
fn every_bit_of_a_stream_signature_counts() {
    let sealed = two_streams();
    for bit in 0..512 {
        let mut authorisation = sealed.input.authorisation.clone();
        authorisation.streams[0].1[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(with(&sealed, authorisation), stream_error(1), "bit {bit}");
    }
}

#[test]
fn a_stream_is_signed_by_its_own_key_only() {
    let sealed = two_streams();
    let digest = |account: u32| {
        let signer = &sealed.before.signers[&AccountId(account)];
        let mut digest = signer.stream.unwrap().digest;
        for sequenced in sealed.list.iter().filter(|s| s.account.0 == account) {
            digest = stream_digest::<Sha256Hash>(&digest, &command_bytes(&sequenced.command));
        }
        digest
    };
    let sign = |key: &SigningKey, digest: [u8; 32]| {
        let mut authorisation = sealed.input.authorisation.clone();
        authorisation.streams[0].1 = key.sign(&digest).to_bytes();
        with(&sealed, authorisation)
    };
    let own = &sealed.before.signers[&AccountId(1)].key;
    assert!(sign(own, digest(1)).is_ok());
    // Another account's key, the operator's, a former session's; another account's stream.
    for (account, number) in [(2, 1), (0, 1), (1, 0), (1, 2)] {
        assert_eq!(sign(&session_key(AccountId(account), number), digest(1)), stream_error(1));
    }
    assert_eq!(sign(own, digest(2)), stream_error(1));
    // An older position of the same stream: before the batch, and after its first command.
    let before = sealed.before.signers[&AccountId(1)].stream.unwrap().digest;
    assert_eq!(sign(own, before), stream_error(1));
    let first = stream_digest::<Sha256Hash>(&before, &command_bytes(&sealed.list[0].command));
    assert_eq!(sign(own, first), stream_error(1));
    // The same commands as another session, account, exchange or chain would sign them.
    let commands: Vec<Vec<u8>> = [0, 2].map(|at| command_bytes(&sealed.list[at].command)).to_vec();
    let other = Address([0xef; 20]);
    for (chain, exchange, account, session) in [
        (CHAIN, EXCHANGE, 1, 1),
        (CHAIN, EXCHANGE, 1, 2),
        (CHAIN, EXCHANGE, 2, 1),
        (1, EXCHANGE, 1, 1),
        (CHAIN, other, 1, 1),
    ] {
        let start = stream_start::<Sha256Hash>(chain, exchange, AccountId(account), session).digest;
        let end =
            commands.iter().fold(start, |digest, command| stream_digest::<Sha256Hash>(&digest, command));
        assert_eq!(sign(own, end), stream_error(1));
    }
}

#[test]
fn each_stream_has_exactly_one_signature_in_order() {
    let sealed = two_streams();
    let honest = sealed.input.authorisation.clone();
    let streams =
        |streams: Vec<(AccountId, [u8; 64])>| with(&sealed, Authorisation { streams, ..honest.clone() });
    let [first, second] = [honest.streams[0], honest.streams[1]];
    assert_eq!(streams(vec![]), stream_error(1));
    assert_eq!(streams(vec![second]), stream_error(1));
    assert_eq!(streams(vec![first]), stream_error(2));
    assert_eq!(streams(vec![second, first]), stream_error(1));
    assert_eq!(streams(vec![first, first, second]), stream_error(2));
    assert_eq!(streams(vec![first, second, second]), Err(TransitionError::SignaturesLeft { left: 1 }));
    let silent = (AccountId(3), second.1);
    assert_eq!(streams(vec![first, second, silent]), Err(TransitionError::SignaturesLeft { left: 1 }));
    assert_eq!(streams(vec![(AccountId(2), first.1), second]), stream_error(1));
}

#[test]
fn a_whole_earlier_batch_cannot_be_played_again() {
    let mut exchange = busy_exchange();
    exchange.session(1, sell(110, 1)).session(1, sell(111, 1));
    let first = exchange.seal();
    let again = exchange.attempt(&first.list, &first.input.authorisation);
    assert_eq!(again, stream_error(1));
    // Nor after the session was renewed with the very same key.
    let key = public(&exchange.signers[&AccountId(1)].key);
    let same = Command::RegisterSession { key, expires: Timestamp::NEVER };
    exchange.l1(1, same);
    let renewal = exchange.pending.clone();
    let attempt = [renewal, first.list.clone()].concat();
    assert_eq!(exchange.attempt(&attempt, &first.input.authorisation), stream_error(1));
    exchange.seal();
    assert_eq!(exchange.attempt(&first.list, &first.input.authorisation), stream_error(1));
}

#[test]
fn a_session_cannot_change_in_the_middle_of_its_stream() {
    for by_owner in [false, true] {
        let mut exchange = busy_exchange();
        let registration = exchange.registration(1);
        exchange.session(1, sell(110, 1));
        match by_owner {
            true => exchange.owner(1, registration),
            false => exchange.l1(1, registration),
        };
        exchange.session(1, sell(111, 1));
        let blob = exchange.blob(&exchange.pending);
        let error = exchange.forge(&blob, Authorisation::default());
        assert_eq!(error, Err(TransitionError::StreamSignature { account: AccountId(1) }));
        let blob = exchange.blob(&exchange.pending[..2]);
        let error = exchange.forge(&blob, Authorisation::default());
        assert_eq!(error, Err(TransitionError::StreamSignature { account: AccountId(1) }), "even at its end");
    }
}

#[test]
fn the_old_session_key_signs_nothing_of_the_new_session() {
    let mut exchange = busy_exchange();
    exchange.session(1, sell(110, 1));
    exchange.seal();
    let old = exchange.signers[&AccountId(1)].clone();
    let registration = exchange.registration(1);
    exchange.owner(1, registration).session(1, sell(111, 1));
    let sealed = exchange.seal();
    assert!(execute::<Native>(&sealed.input).is_ok());
    let command = command_bytes(&sealed.list[1].command);
    let new_start = stream_start::<Sha256Hash>(CHAIN, EXCHANGE, AccountId(1), 2).digest;
    for start in [old.stream.unwrap().digest, new_start] {
        let mut authorisation = sealed.input.authorisation.clone();
        let end = stream_digest::<Sha256Hash>(&start, &command);
        authorisation.streams[0].1 = old.key.sign(&end).to_bytes();
        assert_eq!(with(&sealed, authorisation), stream_error(1));
        let mut authorisation = sealed.input.authorisation.clone();
        authorisation.streams[0].1 = session_key(AccountId(1), 2).sign(&end).to_bytes();
        assert_eq!(
            with(&sealed, authorisation).is_ok(),
            start == new_start,
            "the new key, over the new stream alone"
        );
    }
}

/// The points of small order and their encodings. An account without a session has the all-zero key, which is one of
/// them: a verifier that follows RFC 8032 loosely accepts signatures under it that anybody can make.
const SMALL: [[u8; 32]; 4] = {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut minus = [0; 32];
    minus[31] = 0x80;
    let mut two = [0xff; 32];
    two[0] = 0xec;
    two[31] = 0x7f;
    [[0; 32], identity, minus, two]
};

/// A command and a signature `R ‖ 0` that a loose verifier accepts for a stream under a key of small order.
fn loosely_signed(start: [u8; 32], key: [u8; 32]) -> (Command, [u8; 64]) {
    let verifying = VerifyingKey::from_bytes(&key).unwrap();
    for id in 1..1_000 {
        let mut place = limit(Side::Buy, 10, 1);
        place.client_id = ClientOrderId(id);
        let command = Command::Place(place);
        let digest = stream_digest::<Sha256Hash>(&start, &command_bytes(&command));
        for point in SMALL {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&point);
            if verifying.verify(&digest, &Signature::from_bytes(&signature)).is_ok() {
                return (command, signature);
            }
        }
    }
    panic!("no forgery found under {key:x?}");
}

#[test]
fn an_account_without_a_session_cannot_be_spoken_for() {
    let mut exchange = open_exchange();
    exchange.deposit(6, QUOTE, 1_000);
    exchange.seal();
    let start = stream_start::<Sha256Hash>(CHAIN, EXCHANGE, AccountId(6), 0).digest;
    let (command, signature) = loosely_signed(start, SessionKey::default().0);
    exchange.session(6, command);
    let streams = vec![(AccountId(6), signature)];
    let forged = exchange.attempt(&exchange.pending, &Authorisation { streams, owners: vec![] });
    assert_eq!(forged, stream_error(6));
    // In the batch that opens it, too.
    let mut exchange = open_exchange();
    exchange.deposit(6, QUOTE, 1_000);
    exchange.session(6, sell(10, 1));
    let streams = vec![(AccountId(6), session_key(AccountId(6), 0).sign(&[0; 32]).to_bytes())];
    let forged = exchange.attempt(&exchange.pending, &Authorisation { streams, owners: vec![] });
    assert_eq!(forged, stream_error(6));
}

#[test]
fn a_session_key_of_small_order_signs_nothing() {
    for point in SMALL {
        let mut exchange = open_exchange();
        exchange.l1(1, Command::RegisterSession { key: SessionKey(point), expires: Timestamp::NEVER });
        exchange.seal();
        let start = stream_start::<Sha256Hash>(CHAIN, EXCHANGE, AccountId(1), 2).digest;
        let (command, signature) = loosely_signed(start, point);
        exchange.session(1, command);
        let streams = vec![(AccountId(1), signature)];
        assert_eq!(
            exchange.attempt(&exchange.pending, &Authorisation { streams, owners: vec![] }),
            stream_error(1)
        );
    }
    // Not a point at all: registered all the same, and useless.
    let mut exchange = open_exchange();
    exchange.l1(1, Command::RegisterSession { key: SessionKey([2; 32]), expires: Timestamp::NEVER });
    exchange.seal();
    exchange.session(1, buy(10, 1));
    let streams = vec![(AccountId(1), [0; 64])];
    assert_eq!(
        exchange.attempt(&exchange.pending, &Authorisation { streams, owners: vec![] }),
        stream_error(1)
    );
}

/// The scalar `s + L` names the same signature; RFC 8032 forbids it.
#[test]
fn a_stream_signature_with_a_large_scalar_is_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let sealed = two_streams();
    let mut authorisation = sealed.input.authorisation.clone();
    let mut carry = 0;
    for (byte, order) in authorisation.streams[0].1[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(with(&sealed, authorisation), stream_error(1));
}

fn owner_error(sealed: &Sealed, at: usize) -> Result<transition::Claim, TransitionError> {
    let Sequenced { sequence, account, .. } = sealed.list[at];
    Err(TransitionError::OwnerSignature { sequence, account })
}

use types::Sequenced;

fn owned() -> Sealed {
    let mut exchange = busy_exchange();
    exchange.owner(5, withdraw(QUOTE, 10)).owner(5, withdraw(QUOTE, 10)).owner(3, buy(20, 1));
    exchange.seal()
}

#[test]
fn every_bit_of_an_owner_signature_counts() {
    let sealed = owned();
    for bit in 0..520 {
        let mut authorisation = sealed.input.authorisation.clone();
        authorisation.owners[0][bit / 8] ^= 1 << (bit % 8);
        assert_eq!(with(&sealed, authorisation), owner_error(&sealed, 0), "bit {bit}");
    }
}

#[test]
fn owner_signatures_fit_one_command_at_one_nonce() {
    let sealed = owned();
    let honest = sealed.input.authorisation.owners.clone();
    let owners = |order: &[usize]| {
        let owners = order.iter().map(|at| honest[*at]).collect();
        with(&sealed, Authorisation { owners, ..sealed.input.authorisation.clone() })
    };
    assert!(owners(&[0, 1, 2]).is_ok());
    // The same command twice has two nonces and so two signatures.
    assert_eq!(owners(&[0, 0, 2]), owner_error(&sealed, 1));
    assert_eq!(owners(&[1, 0, 2]), owner_error(&sealed, 0));
    assert_eq!(owners(&[0, 2, 1]), owner_error(&sealed, 1));
    assert_eq!(owners(&[0, 1]), owner_error(&sealed, 2));
    assert_eq!(owners(&[]), owner_error(&sealed, 0));
    assert_eq!(owners(&[0, 1, 2, 2]), Err(TransitionError::SignaturesLeft { left: 1 }));
    let bytes = command_bytes(&sealed.list[0].command);
    let sign = |signer: u32, chain, exchange, account: u32, nonce| {
        let digest = owner_digest::<Native>(chain, exchange, AccountId(account), nonce, &bytes);
        let mut authorisation = sealed.input.authorisation.clone();
        authorisation.owners[0] = sign_owner(&owner_key(AccountId(signer)), &digest);
        with(&sealed, authorisation)
    };
    assert!(sign(5, CHAIN, EXCHANGE, 5, 0).is_ok());
    for (signer, chain, exchange, account, nonce) in [
        (4, CHAIN, EXCHANGE, 5, 0),
        (0, CHAIN, EXCHANGE, 5, 0),
        (5, 1, EXCHANGE, 5, 0),
        (5, CHAIN, Address([1; 20]), 5, 0),
        (5, CHAIN, EXCHANGE, 4, 0),
        (5, CHAIN, EXCHANGE, 5, 1),
    ] {
        assert_eq!(sign(signer, chain, exchange, account, nonce), owner_error(&sealed, 0));
    }
}

#[test]
fn an_owner_command_cannot_be_played_again() {
    let mut exchange = busy_exchange();
    exchange.owner(5, withdraw(QUOTE, 10));
    let first = exchange.seal();
    let sequence = exchange.sequence + 1;
    let again = exchange.attempt(&first.list, &first.input.authorisation);
    assert_eq!(again, Err(TransitionError::OwnerSignature { sequence, account: AccountId(5) }));
    // Also when the rules rejected it the first time.
    exchange.owner(5, withdraw(QUOTE, u64::MAX));
    let rejected = exchange.seal();
    assert!(rejected.output.withdrawals.is_empty());
    let again = exchange.attempt(&rejected.list, &rejected.input.authorisation);
    assert_eq!(again, Err(TransitionError::OwnerSignature { sequence: sequence + 1, account: AccountId(5) }));
}

#[test]
fn an_owner_signature_has_a_low_s_and_a_plain_v() {
    let sealed = owned();
    let honest = sealed.input.authorisation.owners[0];
    let with_first = |signature: [u8; 65]| {
        let mut authorisation = sealed.input.authorisation.clone();
        authorisation.owners[0] = signature;
        with(&sealed, authorisation)
    };
    // The other s of the same point, with v to match: what Ethereum forbids since EIP-2.
    let plain = EcdsaSignature::from_slice(&honest[..64]).unwrap();
    let negated = EcdsaSignature::from_scalars(plain.r().to_bytes(), (-*plain.s()).to_bytes()).unwrap();
    let mut high = honest;
    high[..64].copy_from_slice(&negated.to_bytes());
    for v in [honest[64], honest[64] ^ 7, 0, 1, 27, 28] {
        high[64] = v;
        assert_eq!(with_first(high), owner_error(&sealed, 0));
    }
    // v is 0 or 27 for an even point and nothing else; both forms of the right one are the same signature.
    for v in 0..=255 {
        let mut signature = honest;
        signature[64] = v;
        let right = v == honest[64] || v == honest[64] - 27;
        assert_eq!(with_first(signature).is_ok(), right, "v = {v}");
    }
    for part in [0..32, 32..64] {
        let mut zero = honest;
        zero[part].fill(0);
        assert_eq!(with_first(zero), owner_error(&sealed, 0));
    }
    assert_eq!(with_first([0xff; 65]), owner_error(&sealed, 0));
}

/// Signatures are not part of the claim: another valid one for the same command changes nothing that it says.
#[test]
fn the_claim_does_not_depend_on_which_valid_signature_was_shown() {
    let sealed = owned();
    let mut authorisation = sealed.input.authorisation.clone();
    authorisation.owners[0][64] -= 27;
    assert_eq!(with(&sealed, authorisation), Ok(sealed.output.claim.clone()));
}

#[test]
fn a_recovered_address_is_never_that_of_nobody() {
    assert_eq!(Native::recover_secp256k1(&[0; 32], &[0; 65]), None);
    for v in [0, 1, 27, 28] {
        let mut signature = [0; 65];
        signature[64] = v;
        assert_eq!(Native::recover_secp256k1(&[7; 32], &signature), None);
    }
}

#[test]
fn origins_do_not_stand_in_for_each_other() {
    let mut exchange = busy_exchange();
    exchange.session(5, withdraw(QUOTE, 10));
    let sealed = exchange.seal();
    let mut list = sealed.list.clone();
    list[0].origin = Origin::Owner;
    let error = sealed.before.attempt(&list, &sealed.input.authorisation);
    assert_eq!(error, owner_error(&sealed, 0));
    list[0].origin = Origin::L1(sealed.before.l1_position);
    let error = sealed.before.attempt(&list, &sealed.input.authorisation);
    assert_eq!(error, Err(TransitionError::SignaturesLeft { left: 1 }));
    // Without its signature it goes through, under an L1 hash that the contract never had.
    let claim = sealed.before.attempt(&list, &Authorisation::default()).unwrap();
    assert_ne!(claim.l1_hash, sealed.output.claim.l1_hash);
}
