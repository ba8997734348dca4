//! `glassbook config` and `glassbook top` as a shell sees them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn glassbook(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbook"));
    command
        .current_dir(folder)
        .args(arguments)
        .env_remove("GLASSBOOK_CONFIG")
        .envs(variables.iter().copied());
    command.output().expect("it runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_file_that_was_begun_here_has_nothing_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = glassbook(folder.path(), &["config", "init"], &[]);
    assert!(made.status.success(), "{}", err(&made));
    let checked = glassbook(folder.path(), &["config", "check", "--no-ports", "--strict"], &[]);
    assert!(checked.status.success(), "{}{}", out(&checked), err(&checked));
    assert!(out(&checked).contains("glassbook.toml: nothing is wrong"));
    let again = glassbook(folder.path(), &["config", "init"], &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("is there already"), "{}", err(&again));
}

#[test]
fn problems_are_all_printed_and_the_exit_code_tells() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.toml"), "[gateway]\nlisen = 1\n[exchange]\nqueue = 0\n").expect("a file");
    let checked = glassbook(folder.path(), &["config", "check", "a.toml", "--no-ports"], &[]);
    assert_eq!(checked.status.code(), Some(1));
    for part in ["a.toml:2:1", "perhaps \"listen\" is meant", "a.toml:4:9"] {
        assert!(out(&checked).contains(part), "{part}\n{}", out(&checked));
    }
    assert!(err(&checked).contains("2 problems, 0 warnings"), "{}", err(&checked));
    // A node does not start with it.
    let refused = glassbook(folder.path(), &["dev", "--config", "a.toml"], &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("a.toml:2:1"), "{}", err(&refused));
}

#[test]
fn a_warning_is_a_problem_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("GLASSBOOK_GATEWAY__LISTEN", "0.0.0.0:0")];
    let checked = glassbook(folder.path(), &["config", "check", "--no-ports"], &variables);
    assert!(checked.status.success(), "{}", out(&checked));
    assert!(out(&checked).contains("environment variable GLASSBOOK_GATEWAY__LISTEN"), "{}", out(&checked));
    let strict = glassbook(folder.path(), &["config", "check", "--no-ports", "--strict"], &variables);
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn what_is_in_force_is_shown_with_its_origin_and_secrets_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[chain]\nurl = \"http://user:word@127.0.0.1:1/key\"\n[exchange]\ndata = \"data\"\n";
    fs::write(folder.path().join("glassbook.toml"), text).expect("a file");
    let key = "0x".to_string() + &"17".repeat(32);
    let variables = [("GLASSBOOK_CHAIN__OPERATOR_KEY", key.as_str()), ("GLASSBOOK_EXCHANGE__QUEUE", "99")];
    let shown = glassbook(folder.path(), &["config", "show"], &variables);
    assert!(shown.status.success(), "{}", err(&shown));
    let text = out(&shown);
    for part in [
        "queue = 99",
        "environment GLASSBOOK_EXCHANGE__QUEUE",
        "glassbook.toml:4",
        "operator_key = \"********\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("word") && !text.contains("1717"), "{text}");
}

#[test]
fn a_node_that_is_away_fails_the_picture_and_says_so_in_it() {
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let node = format!("http://{gone}");
    let picture = glassbook(folder.path(), &["top", "--once", "--node", &node], &[]);
    assert_eq!(picture.status.code(), Some(1));
    assert!(out(&picture).contains("does not answer") && err(&picture).contains("does not answer"));
    let no_terminal = glassbook(folder.path(), &["top", "--node", &node], &[]);
    assert!(err(&no_terminal).contains("--once"), "{}", err(&no_terminal));
}

#[test]
fn the_first_help_has_groups_and_a_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = out(&glassbook(folder.path(), &["--help"], &[]));
    for part in ["Run an exchange:", "  top ", "Start with:", "glassbook dev"] {
        assert!(help.contains(part), "{part}\n{help}");
    }
}
