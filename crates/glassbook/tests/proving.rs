//! `glassbook prove` and `verify` as a user meets them, with a worker that executes natively and proves nothing.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use proving::protocol::auth::WorkerKey;
use proving::{
    Availability, Backend, BackendError, Cancellation, Capabilities, Execution, WorkerEvent, WorkerOptions,
    work,
};
use transition::{BatchRange, Claim, Native, execute_range};
use verifier::{ProgramId, Proof, ProofError, ProofKind, ProofSystem};

/// Executes on this machine; can make nothing but files of the kind "executed".
struct Executor;

impl Backend for Executor {
    fn system(&self) -> ProofSystem {
        ProofSystem::Sp1
    }

    fn version(&self) -> &str {
        "native"
    }

    fn program(&self) -> ProgramId {
        ProgramId([0; 32])
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { kinds: vec![(ProofKind::Executed, Availability::Ready)], device: "cpu".into() }
    }

    fn execute(&self, range: &BatchRange) -> Result<Execution, BackendError> {
        let claims = execute_range::<Native>(range)
            .map_err(|error| BackendError::Refused { why: error.to_string() })?;
        thread::sleep(Duration::from_millis(20));
        Ok(Execution { claims, cycles: 1, elapsed: Duration::ZERO })
    }

    fn prove(&self, _: &BatchRange, kind: ProofKind, _: &Cancellation) -> Result<Proof, BackendError> {
        Err(BackendError::Missing { system: ProofSystem::Sp1, kind, what: "a prover".into() })
    }

    fn verify(&self, _: &Proof, _: &[Claim]) -> Result<(), BackendError> {
        Err(ProofError::NotAProof.into())
    }
}

fn glassbook() -> Command {
    Command::new(env!("CARGO_BIN_EXE_glassbook"))
}

/// A data directory with some batches.
fn data(dir: &Path) -> std::path::PathBuf {
    let (flow, data) = (dir.join("flow.gbflow"), dir.join("data"));
    let simulated =
        glassbook().args(["simulate", "--seed", "3", "--commands", "3000", "--out"]).arg(&flow).output();
    assert!(simulated.unwrap().status.success());
    let played = glassbook()
        .arg("replay")
        .arg(&flow)
        .args(["--batch", "100", "--bundle", "50", "--data"])
        .arg(&data)
        .arg("--report")
        .arg(dir.join("report.html"))
        .output()
        .unwrap();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    data
}

/// A node, and where it listens.
fn node(data: &Path, address: &str) -> (Child, String) {
    let mut child = glassbook()
        .arg("prove")
        .arg(data)
        .args(["--kind", "executed", "--max-batches", "1", "--until-done", "--listen", address])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stderr.as_mut().unwrap()).lines().next().unwrap().unwrap();
    let url = first.split_whitespace().last().unwrap().to_string();
    assert!(url.starts_with("http://127.0.0.1:"), "{first}");
    (child, url)
}

#[test]
fn a_node_that_is_killed_goes_on_and_every_batch_is_done_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = data(dir.path());
    let batches = fs::read_dir(data.join("batches")).unwrap().count();
    assert!(batches > 15, "{batches}");
    let key = WorkerKey::new(&[3; 32]);
    fs::create_dir_all(data.join("proving")).unwrap();
    fs::write(data.join("proving/workers"), format!("{} the test's\n", key.id())).unwrap();

    let (mut child, url) = node(&data, "127.0.0.1:0");
    let stop = Cancellation::default();
    let done = Arc::new(std::sync::Mutex::new(Vec::new()));
    let worker = {
        let (stop, done, url) = (stop.clone(), Arc::clone(&done), url.clone());
        thread::spawn(move || {
            let options = WorkerOptions {
                node: url,
                key,
                name: "executor".into(),
                max_cycles: None,
                price: 0,
                jobs: None,
                until_idle: false,
                poll: Duration::from_millis(20),
            };
            let mut tell = |event| {
                if let WorkerEvent::Delivered { offer, .. } = event {
                    done.lock().unwrap().push(offer.first_batch);
                }
            };
            work(&Executor, &options, &stop, &mut tell).unwrap();
        })
    };
    for kills in 1..=3 {
        while done.lock().unwrap().len() < kills * 3 {
            assert!(!worker.is_finished(), "the worker works on");
            thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        child = node(&data, url.trim_start_matches("http://")).0;
    }
    let output = child.wait_with_output().unwrap();
    stop.cancel();
    worker.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("NOT PROVED") && text.contains(&format!("batches 1 to {batches} ")), "{text}");
    assert!(text.contains(&format!("0 proved, {batches} executed (NOT proved), 0 queued")), "{text}");
    // One that was delivered just before a kill may not have been acknowledged to the worker.
    let done = done.lock().unwrap();
    let mut once = done.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), done.len(), "nothing is acknowledged twice");

    // What it kept says of itself that it is no proof.
    let file = data.join("proving/proofs/000000000001-000000000001.executed.proof");
    let verified = glassbook().arg("verify").arg(&file).output().unwrap();
    assert!(!verified.status.success());
    assert!(String::from_utf8_lossy(&verified.stderr).contains("NOT A PROOF"));
}

#[test]
fn what_is_no_proof_file_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.proof");
    for (bytes, reason) in [
        (&b"nonsense"[..], "too short"),
        (&[7; 500], "not a proof file"),
        (b"GBPROOF\x01 and so on, but without the rest of it, which would have to be longer", "checksum"),
    ] {
        fs::write(&file, bytes).unwrap();
        let verified = glassbook().arg("verify").arg(&file).output().unwrap();
        let complaint = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(!verified.status.success());
        assert!(complaint.contains(reason), "{complaint}");
    }
    let missing = glassbook().arg("verify").arg(dir.path().join("none")).output().unwrap();
    assert!(!missing.status.success());
    let folder = glassbook().arg("prove").arg(dir.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&folder.stderr).contains("not a data directory"));
    let nothing = glassbook().arg("prove").output().unwrap();
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("which data directory"));
}
