//! Envelopes: what a keyring opens it would seal to the same bytes.
#![no_main]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use availability::encryption::{Envelope, Keyring};
use kit::{KEYRING, with_check};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<Keyring> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("keyring");
    fs::write(&path, with_check(KEYRING.as_bytes())).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    Keyring::load(&path).expect("it is a keyring")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = Envelope::read(bytes) else {
        assert!(KEYS.open(0, bytes).is_err());
        return;
    };
    if let Ok(payload) = KEYS.open(envelope.batch, bytes) {
        assert_eq!(KEYS.seal(envelope.batch, &payload).expect("it was opened"), bytes);
    }
    assert!(KEYS.open(envelope.batch ^ 1, bytes).is_err());
});
