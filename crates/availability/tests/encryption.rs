//! Envelopes: the same every time, bound to what they are of, and readable as long as the keyring has their key.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use availability::encryption::{
    EncryptionError, Envelope, Exchange, HEADER_BYTES, KeyId, Keyring, MAX_PAYLOAD, OVERHEAD,
};
use proptest::prelude::*;

const EXCHANGE: Exchange = Exchange { chain_id: 1, contract: [0x11; 20] };

/// A keyring of fixed secrets: never used for anything but these tests.
const FIXED: &str = "glassbook keyring 1\nchain 1\nexchange 1111111111111111111111111111111111111111\n\
    key from 0 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\
    key from 100 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n\
    check 5ed490d6b4e34fce563b05a8132dd1f9023af67e2d5d99e55b40922502c0ae4c\n";

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn fixed() -> Keyring {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    write(&path, FIXED, 0o600);
    Keyring::load(&path).unwrap()
}

/// Computed by other implementations of BLAKE3 and XChaCha20-Poly1305.
#[test]
fn an_envelope_is_these_bytes() {
    let envelope = fixed().seal(7, b"payload").unwrap();
    assert_eq!(
        hex::encode(&envelope),
        "010100000000000000111111111111111111111111111111111111111107000000000000002d530ea4a09ed374d2f110071f1e56cc\
         5ea9485de6dfd26145a8a5f116680c6a608dc7ca9b4a2bab519a36907612f8f651a22956103ff2"
    );
    let other = fixed().seal(100, b"").unwrap();
    assert_eq!(
        hex::encode(&other),
        "0101000000000000001111111111111111111111111111111111111111640000000000000042eb8ad61229dd96b0cca3a94c51f0e6\
         b9629b4754ba9a60ba30db35bbea2df79a39c472a4e095bd7606c841cac3b616"
    );
    assert_eq!(other.len(), OVERHEAD);
}

#[test]
fn the_same_batch_gives_the_same_envelope_also_after_a_rotation_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    let mut keyring = Keyring::generate(EXCHANGE, 0).unwrap();
    keyring.save(&path).unwrap();
    let published = keyring.seal(41, b"orders").unwrap();
    keyring.rotate(42).unwrap();
    keyring.save(&path).unwrap();
    let again = Keyring::load(&path).unwrap();
    assert_eq!(again.seal(41, b"orders").unwrap(), published);
    assert_eq!(again.seal(42, b"orders").unwrap(), keyring.seal(42, b"orders").unwrap());
    assert_ne!(
        Envelope::read(&again.seal(42, b"orders").unwrap()).unwrap().key,
        Envelope::read(&published).unwrap().key
    );
    // And old data stays readable.
    assert_eq!(again.open(41, &published).unwrap(), b"orders");
}

#[test]
fn nonces_differ_with_the_batch_the_data_and_the_key() {
    let keyring = fixed();
    let nonce = |batch, payload: &[u8]| {
        keyring.seal(batch, payload).unwrap()[HEADER_BYTES - 24..HEADER_BYTES].to_vec()
    };
    let nonces = [nonce(1, b"a"), nonce(2, b"a"), nonce(1, b"b"), nonce(1, b""), nonce(100, b"a")];
    for (i, one) in nonces.iter().enumerate() {
        assert!(nonces[i + 1..].iter().all(|other| other != one));
    }
    // The ciphertext of equal data differs, too.
    assert_ne!(
        keyring.seal(1, b"same data").unwrap()[HEADER_BYTES..],
        keyring.seal(2, b"same data").unwrap()[HEADER_BYTES..]
    );
}

#[test]
fn any_altered_byte_is_refused() {
    let keyring = fixed();
    let envelope = keyring.seal(7, b"some payload").unwrap();
    for at in 0..envelope.len() {
        for bit in [1, 0x80] {
            let mut altered = envelope.clone();
            altered[at] ^= bit;
            let error = keyring.open(7, &altered).unwrap_err();
            let expected = match at {
                0 => matches!(error, EncryptionError::Malformed(_)),
                1..29 => matches!(error, EncryptionError::OtherExchange { .. }),
                29..37 => matches!(error, EncryptionError::OtherBatch { expected: 7, .. }),
                37..45 => matches!(error, EncryptionError::UnknownKey(_)),
                _ => matches!(error, EncryptionError::Altered),
            };
            assert!(expected, "byte {at}: {error}");
        }
    }
    for length in 0..envelope.len() {
        let error = keyring.open(7, &envelope[..length]).unwrap_err();
        assert!(
            matches!(error, EncryptionError::Malformed(_) | EncryptionError::Altered),
            "{length}: {error}"
        );
    }
    let longer = [envelope, vec![0]].concat();
    assert!(matches!(keyring.open(7, &longer), Err(EncryptionError::Altered)));
}

#[test]
fn a_header_rewritten_for_another_batch_exchange_or_key_is_refused() {
    let keyring = fixed();
    let envelope = keyring.seal(7, b"payload").unwrap();
    assert!(matches!(keyring.open(8, &envelope), Err(EncryptionError::OtherBatch { expected: 8, found: 7 })));
    let mut moved = envelope.clone();
    moved[29] = 8;
    assert!(matches!(keyring.open(8, &moved), Err(EncryptionError::Altered)));
    // The other key of the same keyring.
    let mut rekeyed = envelope.clone();
    rekeyed[37..45].copy_from_slice(&keyring.ids().nth(1).unwrap().1.0);
    assert!(matches!(keyring.open(7, &rekeyed), Err(EncryptionError::OtherKey { .. })));

    let stranger = Keyring::generate(EXCHANGE, 0).unwrap();
    let id = Envelope::read(&envelope).unwrap().key;
    assert!(matches!(stranger.open(7, &envelope), Err(EncryptionError::UnknownKey(key)) if key == id));
    let elsewhere = Exchange { chain_id: 2, ..EXCHANGE };
    let other = Keyring::generate(elsewhere, 0).unwrap();
    assert!(
        matches!(other.open(7, &envelope), Err(EncryptionError::OtherExchange { expected, .. }) if expected == elsewhere)
    );
}

/// Sealed elsewhere with the right keys, a nonce of zeros and a tag that holds.
#[test]
fn an_envelope_with_a_nonce_of_somebodys_choice_is_refused() {
    let chosen = hex::decode(
        "010100000000000000111111111111111111111111111111111111111107000000000000002d530ea4a09ed37400000000000000\
         0000000000000000000000000000000000ba9cccede8170bc4c3d44743615a4557ab9dc97c532daa",
    );
    assert!(matches!(fixed().open(7, &chosen.unwrap()), Err(EncryptionError::Altered)));
}

#[test]
fn payloads_above_the_limit_are_refused() {
    let keyring = fixed();
    let mut payload = vec![0; MAX_PAYLOAD + 1];
    assert!(matches!(keyring.seal(0, &payload), Err(EncryptionError::TooLarge { .. })));
    payload.pop();
    let mut envelope = keyring.seal(0, &payload).unwrap();
    assert_eq!(keyring.open(0, &envelope).unwrap(), payload);
    envelope.push(0);
    assert!(matches!(keyring.open(0, &envelope), Err(EncryptionError::Malformed(_))));
}

#[test]
fn keys_are_for_batches_in_order() {
    let mut keyring = Keyring::generate(EXCHANGE, 10).unwrap();
    assert!(matches!(keyring.seal(9, b""), Err(EncryptionError::NoKey(9))));
    keyring.seal(10, b"").unwrap();
    assert!(matches!(keyring.rotate(10), Err(EncryptionError::RotationBackwards { last: 10, from: 10 })));
    assert!(matches!(keyring.rotate(3), Err(EncryptionError::RotationBackwards { last: 10, from: 3 })));
    let second = keyring.rotate(11).unwrap();
    let used = |batch| Envelope::read(&keyring.seal(batch, b"").unwrap()).unwrap().key;
    assert_eq!((used(10) == second, used(11) == second, used(u64::MAX) == second), (false, true, true));
}

/// Who got the first key, and only that, seals a batch that the second is for, and one before the first.
#[test]
fn a_key_opens_the_batches_that_it_is_for_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    let mut keyring = Keyring::generate(EXCHANGE, 10).unwrap();
    keyring.save(&path).unwrap();
    let retired = Keyring::load(&path).unwrap();
    let second = keyring.rotate(20).unwrap();
    let first = retired.ids().next().unwrap().1;
    let envelope = retired.seal(20, b"forged").unwrap();
    assert!(matches!(
        keyring.open(20, &envelope),
        Err(EncryptionError::OtherKey { expected, found }) if (expected, found) == (second, first)
    ));
    assert_eq!(keyring.open(19, &retired.seal(19, b"true").unwrap()).unwrap(), b"true");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("key from 10 "));
    // The same secret, as if it were for earlier batches.
    let lines: String =
        text.lines().filter(|line| !line.starts_with("check ")).map(|line| format!("{line}\n")).collect();
    let lines = lines.replace("key from 10 ", "key from 0 ");
    let check = blake3::Hasher::new_derive_key("glassbook availability keyring v1 check")
        .update(lines.as_bytes())
        .finalize();
    write(&path, &format!("{lines}check {check}\n"), 0o600);
    let early = Keyring::load(&path).unwrap().seal(9, b"forged").unwrap();
    assert!(matches!(keyring.open(9, &early), Err(EncryptionError::NoKey(9))));
}

#[test]
fn of_many_who_make_a_keyring_in_one_place_one_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    let all = Barrier::new(8);
    let made: Vec<KeyId> = thread::scope(|scope| {
        let make = || {
            let keyring = Keyring::generate(EXCHANGE, 0).unwrap();
            all.wait();
            match keyring.create(&path) {
                Ok(()) => Some(keyring.ids().next().unwrap().1),
                Err(EncryptionError::Exists(there)) if there == path => None,
                Err(error) => panic!("{error}"),
            }
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    let there: Vec<KeyId> = Keyring::load(&path).unwrap().ids().map(|(_, id)| id).collect();
    assert_eq!((made.len(), &made), (1, &there));
    assert!(!directory.path().join("keyring.new").exists());
}

#[test]
fn no_key_is_lost_when_many_rotate_a_keyring_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    Keyring::generate(EXCHANGE, 0).unwrap().create(&path).unwrap();
    let (all, next) = (Barrier::new(8), AtomicU64::new(1));
    let added: Vec<KeyId> = thread::scope(|scope| {
        let rotate = || {
            all.wait();
            let mut added = Vec::new();
            for _ in 0..8 {
                match Keyring::rotate_file(&path, next.fetch_add(1, Ordering::Relaxed)) {
                    Ok((_, id)) => added.push(id),
                    // Another was faster with a later batch.
                    Err(EncryptionError::RotationBackwards { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            added
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let there: Vec<KeyId> = Keyring::load(&path).unwrap().ids().map(|(_, id)| id).collect();
    assert!(added.iter().all(|id| there.contains(id)));
    assert_eq!(there.len(), 1 + added.len());
}

#[test]
fn a_keyring_shows_no_secret() {
    let shown = format!("{:?} {:#?}", fixed(), fixed());
    assert!(!shown.contains("0001020304") && !shown.contains("2021222324"), "{shown}");
    assert!(!shown.contains("[0, 1, 2, 3") && !shown.contains("32, 33, 34"), "{shown}");
}

#[test]
fn the_file_is_its_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    fixed().save(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["keyring", "keyring.lock"]);
    for open in [0o640, 0o604, 0o660, 0o644, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        assert!(
            matches!(Keyring::load(&path), Err(EncryptionError::Permissions { mode, .. }) if mode == open)
        );
    }
    // Saving in its place makes it private again, and a file left by a crash is no obstacle.
    write(&directory.path().join("keyring.new"), "half a fi", 0o644);
    fixed().save(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(Keyring::load(&path).unwrap().ids().count(), 2);
    let missing = directory.path().join("none").join("keyring");
    assert!(matches!(fixed().save(&missing), Err(EncryptionError::Io { .. })));
    assert!(matches!(Keyring::load(&missing), Err(EncryptionError::Io { .. })));
}

#[test]
fn a_file_that_is_not_exactly_a_keyring_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring");
    let whole = FIXED;
    let refused = |text: &str| {
        write(&path, text, 0o600);
        matches!(Keyring::load(&path), Err(EncryptionError::File { .. }))
    };
    assert!(!refused(whole));
    for (from, to) in [
        ("keyring 1", "keyring 2"),
        ("chain 1", "chain 01"),
        ("chain 1", "chain 2"),
        ("chain 1", "chain x"),
        ("key from 100", "key from 0"),
        ("key from 100", "key from 101"),
        ("0a0b", "0A0B"),
        ("0001", "0002"),
        ("1f\n", "1f \n"),
        ("1f\n", "\n"),
        ("check", "Check"),
        ("\n", "\r\n"),
        ("11\nkey", "\nkey"),
    ] {
        assert!(whole.contains(from) && refused(&whole.replacen(from, to, 1)), "{from:?} as {to:?}");
    }
    for length in 0..whole.len() {
        assert!(refused(&whole[..length]), "cut at {length}");
    }
    assert!(refused(&format!("{whole}\n")) && refused(&format!("{whole}key from 200 00\n")));
    assert!(refused(&"x".repeat(600 << 10)));
    fs::write(&path, [0xff; 10]).unwrap();
    assert!(matches!(Keyring::load(&path), Err(EncryptionError::File { .. })));
    // A message about a wrong line does not repeat it.
    write(&path, &whole.replacen("key from 0 00", "key from 0 0", 1), 0o600);
    assert!(!Keyring::load(&path).unwrap_err().to_string().contains("0102"));
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened(payload in proptest::collection::vec(any::<u8>(), 0..300), batch: u64) {
        let keyring = fixed();
        let envelope = keyring.seal(batch, &payload).unwrap();
        prop_assert_eq!(envelope.len(), payload.len() + OVERHEAD);
        prop_assert_eq!(keyring.open(batch, &envelope).unwrap(), payload);
    }

    #[test]
    fn no_bytes_make_opening_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), batch: u64) {
        prop_assert!(fixed().open(batch, &bytes).is_err());
    }
}
