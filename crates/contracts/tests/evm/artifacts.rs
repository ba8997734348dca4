//! The committed artifacts are what the pinned compiler makes of the sources.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn recompiling_gives_the_same_bytes() {
    let contracts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    if !contracts.join("node_modules/solc").exists() {
        eprintln!("SKIPPED: the compiler is not installed; `contracts/build --check` installs it");
        return;
    }
    let output = Command::new(contracts.join("build")).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
