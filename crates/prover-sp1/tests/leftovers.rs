//! What killed provers leave in shared memory is removed, and nothing else.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use prover_sp1::leftovers::{self, Cleared};
use sp1_core_executor::Program;
use sp1_core_executor_runner::MinimalExecutorRunner;

const ID: &str = "sp1_ABCDEFGHIJKLMNOPQRST-_==";

fn made(dir: &Path, suffix: &str) -> PathBuf {
    let path = dir.join(format!("{ID}{suffix}"));
    fs::write(&path, [1; 10_000]).unwrap();
    path
}

fn clear(dir: &Path) -> Cleared {
    leftovers::clear_in(dir, Path::new("/proc")).unwrap()
}

fn end(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_file_is_removed_when_the_process_that_has_it_open_is_dead_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), "_m");
    let process = Command::new("sleep").arg("600").stdin(File::open(&path).unwrap()).spawn().unwrap();
    assert_eq!(clear(dir.path()), Cleared::default());
    assert!(path.exists());
    end(process);
    let cleared = clear(dir.path());
    assert_eq!((cleared.files, cleared.executors), (1, 0));
    assert!(cleared.bytes >= 10_000);
    assert!(!path.exists());
    assert_eq!(clear(dir.path()), Cleared::default());
}

#[test]
fn a_file_that_is_only_mapped_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    // A program that runs is mapped and not open.
    let path = dir.path().join(format!("{ID}_t"));
    fs::copy("/bin/sleep", &path).unwrap();
    let process = Command::new(&path).arg("600").spawn().unwrap();
    assert_eq!(clear(dir.path()), Cleared::default());
    end(process);
    assert_eq!(clear(dir.path()).files, 1);
}

#[test]
fn files_of_other_names_stay() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["sp1_m", "sp1_ABC_m", "sem.other", "x", &format!("{ID}_x"), &format!("x{ID}_m")] {
        fs::write(dir.path().join(name), "kept").unwrap();
    }
    fs::create_dir(dir.path().join(format!("{ID}_m"))).unwrap();
    std::os::unix::fs::symlink("x", dir.path().join(format!("{ID}_t"))).unwrap();
    assert_eq!(clear(dir.path()), Cleared::default());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 8);
    fs::write(dir.path().join(format!("sem.{ID}_t_filled")), "").unwrap();
    fs::write(dir.path().join(format!("sem.{ID}_t_empty")), "").unwrap();
    assert_eq!(clear(dir.path()).files, 2);
}

/// A prover that has a file open, and its executor, which has it too.
fn prover_with_executor(dir: &Path, file: &Path) -> (Child, ChildStdin, i32) {
    let executor = dir.join("sp1-native-runner-bin-test");
    fs::copy("/bin/sleep", &executor).unwrap();
    let mut prover = Command::new("sh")
        .args(["-c", "exec 3<\"$1\"; \"$0\" 600 & echo $!; read line"])
        .args([&executor, file])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(prover.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let executor: i32 = line.trim().parse().unwrap();
    // The shell's child is the executor only when it has become that program.
    while !fs::read_link(format!("/proc/{executor}/exe")).unwrap().ends_with("sp1-native-runner-bin-test") {
        std::thread::yield_now();
    }
    let waiting = prover.stdin.take().unwrap();
    (prover, waiting, executor)
}

#[test]
fn an_executor_whose_prover_is_dead_is_ended_and_its_files_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), "_m");
    let (prover, _waiting, _) = prover_with_executor(dir.path(), &path);
    assert_eq!(clear(dir.path()), Cleared::default());
    end(prover);
    let cleared = clear(dir.path());
    assert_eq!((cleared.files, cleared.executors), (1, 1));
}

#[test]
fn a_prover_that_lives_keeps_its_files_while_what_a_dead_one_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), "_m");
    let left = dir.path().join("sp1_TSRQPONMLKJIHGFEDCBA-_==_t");
    fs::write(&left, [1; 10_000]).unwrap();
    let (prover, _waiting, executor) = prover_with_executor(dir.path(), &path);
    let cleared = clear(dir.path());
    assert_eq!((cleared.files, cleared.executors), (1, 0));
    assert!(path.exists() && !left.exists());
    end(prover);
    kill(Pid::from_raw(executor), Signal::SIGKILL).unwrap();
}

#[test]
fn what_sp1_really_makes_is_known_by_its_names_and_stays_while_we_have_it() {
    let program = Arc::new(Program::from(prover_sp1::ELF).unwrap());
    let runner = MinimalExecutorRunner::new(program, false, Some(1 << 16), 1 << 30, 2);
    // Of the four files two are mapped under these names.
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = maps.lines().find_map(|line| line.strip_suffix("_m")?.split_once("/dev/shm/")).unwrap().1;
    let names = ["_m", "_t"].map(|suffix| format!("{mapped}{suffix}"));
    let semaphores = ["_t_filled", "_t_empty"].map(|suffix| format!("sem.{mapped}{suffix}"));
    let names = [names, semaphores].concat();
    let exist = || names.iter().filter(|name| Path::new("/dev/shm").join(name).exists()).count();
    assert_eq!(exist(), 4);
    leftovers::clear().unwrap();
    assert_eq!(exist(), 4);
    drop(runner);
    assert_eq!(exist(), 0);

    // Nobody has these.
    let dir = tempfile::tempdir().unwrap();
    for name in &names {
        fs::write(dir.path().join(name), "").unwrap();
    }
    assert_eq!(clear(dir.path()).files, 4);
}
