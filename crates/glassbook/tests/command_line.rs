//! The binary as a user meets it.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn glassbook() -> Command {
    Command::new(env!("CARGO_BIN_EXE_glassbook"))
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "this must fail");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn simulate(dir: &Path, commands: u64) -> PathBuf {
    let flow = dir.join("flow.gbflow");
    let commands = commands.to_string();
    stdout(&run(glassbook().args(["simulate", "--seed", "7", "--commands", &commands, "--out"]).arg(&flow)));
    flow
}

fn batches(data: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(data.join("batches"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "batch"))
        .collect();
    files.sort();
    files
}

#[test]
fn a_simulated_market_is_replayed_and_every_batch_checks() {
    let dir = tempfile::tempdir().unwrap();
    let flow = simulate(dir.path(), 20_000);
    let (data, report) = (dir.path().join("data"), dir.path().join("report.html"));
    let text = stdout(&run(glassbook()
        .arg("replay")
        .arg(&flow)
        .args(["--batch", "2000", "--data"])
        .arg(&data)
        .arg("--report")
        .arg(&report)));
    assert!(text.contains("state root"), "{text}");
    let html = fs::read_to_string(&report).unwrap();
    assert!(html.contains("<svg") || html.contains("<canvas"), "a report has pictures");
    assert!(!html.contains("http://") || !html.contains("src=\"http"), "a report needs no other host");

    let files = batches(&data);
    assert!(files.len() >= 10, "{} batches", files.len());
    let checked = stdout(&run(glassbook().args(["batch", "verify"]).args(&files)));
    assert_eq!(checked.matches(": true").count(), files.len());
    stdout(&run(glassbook().args(["batch", "show"]).arg(&files[0])));
    let receipt = stdout(&run(glassbook().arg("receipt").arg(&files[0]).args(["--sequence", "3"])));
    assert!(receipt.contains("checked"), "{receipt}");
    let journal = stdout(&run(glassbook().args(["journal", "verify"]).arg(data.join("journal"))));
    assert!(journal.contains("whole"), "{journal}");

    // One byte anywhere, and it no longer checks.
    let mut bytes = fs::read(&files[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = dir.path().join("damaged.batch");
    fs::write(&damaged, bytes).unwrap();
    assert!(complaint(&run(glassbook().args(["batch", "verify"]).arg(&damaged))).contains("damaged"));
    assert!(
        complaint(&run(glassbook().arg("receipt").arg(&files[0]).args(["--sequence", "999999999"])))
            .contains("another batch")
    );
}

#[test]
fn a_replay_that_is_killed_goes_on_and_ends_where_it_would_have() {
    let dir = tempfile::tempdir().unwrap();
    let flow = simulate(dir.path(), 60_000);
    let replay = |data: &Path| {
        let mut command = glassbook();
        command.arg("replay").arg(&flow).args([
            "--batch",
            "5000",
            "--interval",
            "600000",
            "--bundle",
            "50",
            "--data",
        ]);
        command.arg(data).arg("--report").arg(dir.path().join("report.html"));
        command
    };
    let whole = dir.path().join("whole");
    stdout(&run(&mut replay(&whole)));

    let data = dir.path().join("killed");
    for round in 1..=4 {
        let mut child =
            replay(&data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(150 * round));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    stdout(&run(&mut replay(&data)));

    // The same commands in the same order; the batches differ only in where they end.
    let last = |data: &Path| {
        let file = batches(data).pop().unwrap();
        let text = stdout(&run(glassbook().args(["batch", "show"]).arg(file)));
        let line = |what: &str| text.lines().find(|line| line.contains(what)).unwrap().to_owned();
        let commands = line("commands  ");
        commands.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(last(&whole), last(&data));
    stdout(&run(glassbook().args(["batch", "verify"]).args(batches(&data))));
    stdout(&run(glassbook().args(["journal", "verify"]).arg(data.join("journal"))));
}

#[test]
fn bad_input_is_answered_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.csv");
    assert!(complaint(&run(glassbook().arg("replay").arg(&missing))).contains("missing.csv"));

    let nonsense = dir.path().join("nonsense.csv");
    fs::write(&nonsense, "this,is\nnot,order,flow\n").unwrap();
    complaint(&run(glassbook().arg("replay").arg(&nonsense)));
    complaint(&run(glassbook().args(["batch", "verify"]).arg(&nonsense)));
    complaint(&run(glassbook().args(["batch", "show"]).arg(&missing)));
    complaint(&run(glassbook().args(["journal", "verify"]).arg(&missing)));

    // A flow file that is cut short anywhere in the middle.
    let flow = simulate(dir.path(), 2_000);
    let bytes = fs::read(&flow).unwrap();
    for length in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        let short = dir.path().join("short.gbflow");
        fs::write(&short, &bytes[..length]).unwrap();
        let report = dir.path().join("report.html");
        complaint(&run(glassbook().arg("replay").arg(&short).arg("--report").arg(report)));
    }

    // A folder that holds another exchange, and one that is in use.
    let data = dir.path().join("data");
    let report = dir.path().join("report.html");
    stdout(&run(glassbook().arg("replay").arg(&flow).arg("--data").arg(&data).arg("--report").arg(&report)));
    let other = dir.path().join("other.gbflow");
    stdout(&run(glassbook()
        .args(["simulate", "--commands", "100", "--accounts", "50", "--markets", "1", "--out"])
        .arg(&other)));
    let text = complaint(&run(glassbook()
        .arg("replay")
        .arg(&other)
        .arg("--data")
        .arg(&data)
        .arg("--report")
        .arg(&report)));
    assert!(text.contains("--data"), "{text}");
}

#[test]
fn the_recorded_day_is_replayed_when_it_is_there() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/amzn-2012-06-21-a.csv");
    if !recording.exists() {
        println!("SKIPPED: {} is not there", recording.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let text = stdout(&run(glassbook()
        .arg("replay")
        .arg(&recording)
        .arg("--report")
        .arg(dir.path().join("report.html"))));
    assert!(text.contains("state root"), "{text}");
}
