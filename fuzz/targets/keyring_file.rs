//! Keyring files: what loads saves to the same bytes. The check is made to fit, since no fuzzer guesses it.
#![no_main]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use availability::encryption::Keyring;
use kit::with_check;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("keyring");
    for file in [bytes.to_vec(), with_check(bytes)] {
        fs::write(&path, &file).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        if let Ok(keyring) = Keyring::load(&path) {
            let ids: Vec<_> = keyring.ids().collect();
            assert!(ids.is_sorted_by(|(a, _), (b, _)| a < b) && !ids.is_empty());
            keyring.save(&path).expect("saved");
            assert_eq!(fs::read(&path).expect("read"), file);
        }
    }
});
