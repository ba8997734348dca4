//! Blocks to publish, and another process that publishes them.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use availability::{Encoded, Parameters, encode};
use shard_store::{Outcome, Store};

/// A payload, which follows from its number.
pub fn payload(number: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(number + 1) >> 3) as u8 ^ number as u8).collect()
}

pub fn encoded(number: u64) -> Encoded {
    encode(&payload(number, 20_000), Parameters::new(16, 8).unwrap()).unwrap()
}

pub fn publish(store: &Store, number: u64) -> Outcome {
    store.publish(number, Some([number as u8; 32]), 1_000 * number, &encoded(number)).unwrap()
}

/// The folder of a block.
pub fn folder(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("blocks/{:09}/{number:012}", number / 1_000))
}

/// Changes a byte of a file.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

/// The variables that make a test binary a publisher: the store, the first number and the last.
const CHILD: &str = "GLASSBOOK_TEST_PUBLISH";

/// In the child process: publishes, and says each number once it is published.
pub fn publish_if_child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let mut parts = task.split(':');
    let mut part = || parts.next().unwrap().to_string();
    let (first, last): (u64, u64) = (part().parse().unwrap(), part().parse().unwrap());
    let store = Store::create(Path::new(&part())).unwrap();
    for number in first..=last {
        publish(&store, number);
        println!("published {number}");
    }
    println!("done");
}

/// Starts a process that runs the test `name` of this binary, which calls [`publish_if_child`].
pub fn child(name: &str, dir: &Path, first: u64, last: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{first}:{last}:{}", dir.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The numbers that a child said it published.
pub fn said(output: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(output);
    // A line that was cut short says nothing.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(|line| line.rsplit_once("published ")?.1.parse().ok()).collect()
}
