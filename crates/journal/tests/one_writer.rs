//! Only one writer may have a journal open; readers need no lock.

#![allow(clippy::unwrap_used)]

mod shared;

use std::path::Path;
use std::process::Command;

use journal::{Journal, JournalError, ReplayFrom};
use shared::{commit_groups, directory, open, small, try_read};

const DIRECTORY: &str = "JOURNAL_LOCKED_DIRECTORY";

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    commit_groups(&mut journal, &[vec![b"a".to_vec()]]);
    match Journal::open(dir.path(), small(), ReplayFrom::Genesis) {
        Err(JournalError::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    assert_eq!(try_read(dir.path()).unwrap(), [b"a"], "a reader needs no lock");
    drop(journal);
    open(dir.path());
}

#[test]
fn a_second_process_is_refused() {
    let dir = directory();
    let (journal, _) = open(dir.path());
    let child = || {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child_of_another_test_opens_a_journal", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let answer = child();
    assert!(answer.contains(&format!("is open in process {}", std::process::id())), "{answer}");
    drop(journal);
    assert!(child().contains("CHILD OPENED"));
}

/// Does nothing unless [`a_second_process_is_refused`] runs it.
#[test]
fn the_child_of_another_test_opens_a_journal() {
    if let Ok(dir) = std::env::var(DIRECTORY) {
        match Journal::open(Path::new(&dir), small(), ReplayFrom::Genesis) {
            Ok(_) => println!("CHILD OPENED"),
            Err(error) => println!("CHILD REFUSED: {error}"),
        }
    }
}
