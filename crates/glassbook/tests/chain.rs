//! An exchange on an embedded chain, as an operator meets it: killed in the middle, started again, lost and recovered.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn glassbook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbook"));
    command.stdin(Stdio::null());
    command
}

fn dev(data: &Path, seconds: &str) -> Command {
    let mut command = glassbook();
    command.args([
        "dev",
        "--flow",
        "simulate",
        "--traders",
        "6",
        "--interval",
        "500ms",
        "--finality-delay",
        "1",
    ]);
    command
        .args(["--deposits", "latest", "--l1-port", "0", "--port", "0", "--da-port", "0"])
        .args(["--for", seconds, "--data"])
        .arg(data);
    command
}

fn text(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(!err.contains("panicked"), "{err}");
    out.into_owned()
}

/// How many batches are published.
fn published(data: &Path) -> usize {
    let Ok(files) = fs::read_dir(data.join("published")) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "batch")).count()
}

fn root(data: &Path) -> String {
    let mut batches: Vec<_> =
        fs::read_dir(data.join("published")).unwrap().map(|file| file.unwrap().path()).collect();
    batches.retain(|path| path.extension().is_some_and(|kind| kind == "batch"));
    batches.sort();
    let shown = text(&glassbook().args(["batch", "show"]).arg(batches.last().unwrap()).output().unwrap());
    let line = shown.lines().find(|line| line.contains("state root after")).unwrap();
    line.split_whitespace().last().unwrap().to_string()
}

#[test]
fn an_exchange_on_a_chain_survives_a_kill_and_is_recovered_from_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("dev");

    // Killed while batches are on their way.
    let mut killed = dev(&data, "60s").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while published(&data) < 4 {
        assert!(began.elapsed() < Duration::from_secs(120), "no batches");
        assert!(killed.try_wait().unwrap().is_none(), "it ended by itself");
        sleep(Duration::from_millis(50));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();

    // The same folder goes on; everything becomes final, and custody agrees.
    let report = text(&dev(&data, "3s").output().unwrap());
    assert!(report.contains("NOT PROVED"), "{report}");
    assert!(report.contains("the contract holds what the exchange owes, to the wei"), "{report}");
    let before = root(&data);

    // The exchange is lost; the chain and the published batches are not.
    fs::remove_dir_all(data.join("exchange")).unwrap();
    fs::remove_file(data.join("settlement.redb")).unwrap();
    let deployment = fs::read_to_string(data.join("deployment.json")).unwrap();
    let deployment: serde_json::Value = serde_json::from_str(&deployment).unwrap();
    let recover = |published: &Path, to: &Path| {
        let mut command = glassbook();
        command.arg("recover").arg("--from-l1").arg(data.join("l1"));
        command.args(["--exchange", deployment["exchange"].as_str().unwrap()]);
        command.arg("--published").arg(published).arg("--data").arg(to);
        command.output().unwrap()
    };
    let recovered = text(&recover(&data.join("published"), &data.join("exchange")));
    assert!(recovered.contains(&before), "{before} is not in {recovered}");
    // Not over an exchange that is there.
    let again = recover(&data.join("published"), &data.join("exchange"));
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds an exchange already"));
    // Not from a batch that was altered.
    let forged = dir.path().join("forged");
    fs::create_dir(&forged).unwrap();
    for file in fs::read_dir(data.join("published")).unwrap() {
        let file = file.unwrap().path();
        fs::copy(&file, forged.join(file.file_name().unwrap())).unwrap();
    }
    fs::copy(forged.join("000000000001.batch"), forged.join("000000000002.batch")).unwrap();
    let refused = recover(&forged, &dir.path().join("other"));
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("batch 2 as it was published is not the one that was committed on L1"), "{why}");

    // What was recovered goes on where it was, with the same chain.
    let report = text(&dev(&data, "2s").output().unwrap());
    assert!(report.contains("the contract holds what the exchange owes, to the wei"), "{report}");
    assert_ne!(root(&data), before);
}

#[test]
fn options_that_do_not_go_together_are_explained() {
    for (arguments, why) in [
        (vec!["dev", "--for", "1d"], "a unit of time is ms, s, m or h"),
        (vec!["dev", "--l1", "http://127.0.0.1:1"], "--data"),
        (
            vec!["recover", "--from-l1", "x", "--exchange", "0x12", "--published", "p", "--data", "d"],
            "--exchange",
        ),
    ] {
        let output = glassbook().args(&arguments).output().unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(why) && !text.contains("panicked"), "{arguments:?}: {text}");
    }
    let dir = tempfile::tempdir().unwrap();
    let output = glassbook()
        .args(["dev", "--l1", "http://127.0.0.1:1", "--operator-key", "GLASSBOOK_NO_SUCH_KEY", "--data"])
        .arg(dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("GLASSBOOK_NO_SUCH_KEY"), "{text}");
}
