//! Batches published as shards, sampled, got back, and refused where they are not what was executed.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use alloy_primitives::keccak256;
use availability::{Parameters, encode};
use shard_store::Store;
use state::Sha256Hash;
use test_batches::Sealer;
use transition::{SealedBatch, commands_root};

fn glassbook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbook"));
    command.stdin(Stdio::null());
    command
}

fn da(arguments: &[&str]) -> Output {
    glassbook().arg("da").args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "this must fail: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The files of some sealed batches.
fn batches(dir: &Path) -> Vec<PathBuf> {
    let mut sealer = Sealer::simulated();
    let file = |number: u64| {
        let path = dir.join(format!("{number:012}.batch"));
        sealer.seal(1_000).write(&path).unwrap();
        path
    };
    (1..=3).map(file).collect()
}

/// Publishes, and gives the commitment.
fn publish(arguments: &[&str]) -> String {
    let said = stdout(&da(&[&["publish"], arguments].concat()));
    let line = said.lines().find_map(|line| line.strip_prefix("commitment    ")).unwrap();
    assert_eq!(line.len(), 64);
    line.to_string()
}

/// A process that serves a store, killed in the end.
struct Server(Child, String);

impl Server {
    fn start(store: &Path) -> Self {
        let mut command = glassbook();
        command.args(["da", "serve", "--listen", "127.0.0.1:0", "--store"]).arg(store);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().unwrap().contains("http://")).unwrap().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
        Self(child, format!("http://{address}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_batch_is_published_sampled_and_got_back_from_peers_and_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let batch = &batches(dir.path())[0];
    let (store, shards, out) = (dir.path().join("store"), dir.path().join("shards"), dir.path().join("out"));
    let commitment = publish(&[text(batch), "--store", text(&store), "--shards", text(&shards)]);
    assert_eq!(publish(&[text(batch), "--store", text(&store)]), commitment, "again gives the same");
    let server = Server::start(&store);
    let peer = &server.1;

    let said = stdout(&da(&["sample", &commitment, "--confidence", "0.9999", "--peer", peer]));
    for expected in [
        "47 samples, decided by the proximity",
        "47 good shards",
        "0 LIES",
        "AVAILABLE",
        "at most 64 of the 384",
        "block 1 ",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let said = stdout(&da(&["sample", &commitment, "--minimum", "50", "--peer", peer]));
    assert!(said.contains("50 samples, decided by the minimum"), "{said}");

    let claim = SealedBatch::read(batch).unwrap().claim;
    let digest = hex::encode(keccak256(claim.encode()));
    let recovered = da(&[
        "recover",
        "--peer",
        peer,
        "--commitment",
        &commitment,
        "--claim-digest",
        &digest,
        "--out",
        text(&out),
    ]);
    assert!(stdout(&recovered).contains("the one on L1"));
    assert_eq!(fs::read(&out).unwrap(), fs::read(batch).unwrap());
    fs::remove_file(&out).unwrap();

    // Any 256 of the 384 files, and no fewer.
    let mut files: Vec<PathBuf> = fs::read_dir(&shards).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 384);
    let recover = |files: &[PathBuf]| {
        let mut command = glassbook();
        command.args(["da", "recover", "--out"]).arg(&out).args(files).output().unwrap()
    };
    assert!(complaint(&recover(&files[129..])).contains("255 shards, where 256 are needed"));
    assert!(!out.exists());
    // A damaged one is left out, and another takes its place.
    let mut damaged = fs::read(&files[130]).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&files[130], damaged).unwrap();
    let recovered = recover(&files[127..]);
    assert!(String::from_utf8_lossy(&recovered.stderr).contains("left out"));
    assert!(stdout(&recovered).contains("NOT compared with L1"));
    assert_eq!(fs::read(&out).unwrap(), fs::read(batch).unwrap());
}

/// The data of a commitment is whatever was committed to. That it is what was executed, every reader finds out.
#[test]
fn other_data_than_was_executed_is_refused_by_publisher_and_reader() {
    let dir = tempfile::tempdir().unwrap();
    let files = batches(dir.path());
    let (first, second) = (SealedBatch::read(&files[0]).unwrap(), SealedBatch::read(&files[1]).unwrap());
    let digest = hex::encode(keccak256(first.claim.encode()));

    // The claim of one batch over the commands of another.
    let mut other_commands = first.clone();
    other_commands.input.commands = second.input.commands.clone();
    // A claim made to fit these commands, which then is not what they execute to.
    let mut fitted = other_commands.clone();
    fitted.claim.commands_root = commands_root::<Sha256Hash>(&fitted.input.commands);
    // Another end, without any change of the commands.
    let mut other_state = first.clone();
    other_state.claim.state_root[0] ^= 1;
    // One command less.
    let mut shorter = first.clone();
    shorter.input.commands.pop();
    let cases = [
        ("commands", other_commands.encode(), "not those that the claim", true),
        ("a command less", shorter.encode(), "not those that the claim", true),
        ("fitted", fitted.encode(), "not what was executed", false),
        ("state", other_state.encode(), "not what was executed", false),
        ("another batch", second.encode(), "L1 has", false),
        ("noise", b"anything else".to_vec(), "not a sealed batch", true),
    ];
    for (number, (name, payload, why, publisher_refuses)) in cases.into_iter().enumerate() {
        let (file, out) = (dir.path().join("tampered"), dir.path().join("out"));
        fs::write(&file, &payload).unwrap();
        if publisher_refuses {
            let refused = da(&["publish", text(&file), "--store", text(&dir.path().join("honest"))]);
            assert!(complaint(&refused).contains(why), "{name}");
        }
        // A publisher without scruples goes round the check.
        let path = dir.path().join(format!("store-{number}"));
        let store = Store::create(&path).unwrap();
        let encoded = encode(&payload, Parameters::new(8, 4).unwrap()).unwrap();
        store.publish(1, None, 0, &encoded).unwrap();
        let commitment = hex::encode(encoded.header().commitment().0);
        let server = Server::start(&path);
        // The data can be had, and every shard belongs to the codeword...
        stdout(&da(&["sample", &commitment, "--peer", &server.1]));
        // ... and the reader refuses it all the same.
        let peer = ["recover", "--peer", &server.1, "--commitment", &commitment, "--out", text(&out)];
        let told = if name == "another batch" { &["--claim-digest", &digest][..] } else { &[] };
        assert!(complaint(&da(&[&peer, told].concat())).contains(why), "{name}");
        assert!(!out.exists(), "{name}: what is refused is not written");
    }
}

#[test]
fn data_that_is_withheld_is_reported_and_cannot_be_got_back() {
    let dir = tempfile::tempdir().unwrap();
    let batch = &batches(dir.path())[0];
    let store = dir.path().join("store");
    let commitment = publish(&[text(batch), "--store", text(&store)]);
    // One shard fewer than are needed.
    let shards = store.join("blocks/000000000/000000000001/shards");
    let length = fs::metadata(&shards).unwrap().len() / 384;
    fs::OpenOptions::new().write(true).open(&shards).unwrap().set_len(255 * length).unwrap();
    let server = Server::start(&store);
    let sampled = da(&["sample", &commitment, "--confidence", "40bits", "--peer", &server.1]);
    assert!(complaint(&sampled).contains("UNAVAILABLE"));
    let out = dir.path().join("out");
    let recovered = da(&["recover", "--peer", &server.1, "--commitment", &commitment, "--out", text(&out)]);
    assert!(complaint(&recovered).contains("255 shards, and 256 are needed"));
    assert!(complaint(&da(&["scrub", "--store", text(&store)])).contains("1 of 1 blocks are damaged"));
    // Nobody is there, and nobody has it.
    let unreachable = da(&["sample", &commitment, "--peer", "http://127.0.0.1:1"]);
    assert!(complaint(&unreachable).contains("UNAVAILABLE"));
    let unknown = da(&["sample", &"0".repeat(64), "--peer", &server.1]);
    assert!(complaint(&unknown).contains("no peer has the block"));
    // Publishing it again makes it whole.
    publish(&[text(batch), "--store", text(&store)]);
    stdout(&da(&["scrub", "--store", text(&store)]));
    stdout(&da(&["sample", &commitment, "--peer", &server.1]));
}

#[test]
fn damage_is_scrubbed_away_and_a_store_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let files = batches(dir.path());
    let store = dir.path().join("store");
    let commitments: Vec<String> =
        files.iter().map(|file| publish(&[text(file), "--store", text(&store)])).collect();
    let shards = store.join("blocks/000000000/000000000002/shards");
    let mut bytes = fs::read(&shards).unwrap();
    bytes[0] ^= 1;
    fs::write(&shards, bytes).unwrap();
    let looked = da(&["scrub", "--store", text(&store), "--no-repair"]);
    assert!(complaint(&looked).contains("block 2: shards [0] are damaged and can be repaired"));
    let scrubbed = da(&["scrub", "--store", text(&store)]);
    assert!(String::from_utf8_lossy(&scrubbed.stderr).contains("whole again"));
    stdout(&scrubbed);
    stdout(&da(&["scrub", "--store", text(&store), "--no-repair"]));
    let all = stdout(&da(&["show", "--store", text(&store)]));
    assert!(commitments.iter().all(|commitment| all.contains(commitment)), "{all}");
    let one = stdout(&da(&["show", "--store", text(&store), &commitments[1]]));
    assert_eq!(one, stdout(&da(&["show", "--store", text(&store), "2"])));
    assert!(one.contains("256 data and 128 parity shards"), "{one}");
    let conflict = da(&["publish", text(&files[0]), "--store", text(&store), "--parameters", "256+256"]);
    assert!(complaint(&conflict).contains("already published with the commitment"));
    for (arguments, expected) in [
        (vec!["scrub", "--store", text(dir.path())], "is not a shard store"),
        (vec!["publish", text(&files[0]), "--store", text(dir.path())], "is not a shard store"),
        (vec!["sample", "xyz", "--peer", "http://127.0.0.1:1"], "64 hexadecimal digits"),
        (vec!["sample", &commitments[0], "--peer", "127.0.0.1:1"], "not the URL of a peer"),
        (vec!["sample", &commitments[0], "--confidence", "1", "--peer", "http://127.0.0.1:1"], "below one"),
        (vec!["sample", &commitments[0]], "--peer"),
        (vec!["recover", "--out", "x"], "SHARDS"),
        (vec!["recover", "--peer", "http://127.0.0.1:1", "--out", "x"], "--commitment"),
    ] {
        let said = complaint(&da(&arguments));
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn an_encrypted_batch_is_sampled_by_anybody_and_read_by_who_has_the_keyring() {
    let dir = tempfile::tempdir().unwrap();
    let files = batches(dir.path());
    let (store, out) = (dir.path().join("store"), dir.path().join("out"));
    let (keyring, other) = (dir.path().join("keyring"), dir.path().join("other"));
    let exchange = format!("0x{}", "12".repeat(20));
    for path in [&keyring, &other] {
        stdout(&da(&["keyring", "new", text(path), "--chain", "1", "--exchange", &exchange]));
    }
    assert!(
        complaint(&da(&["keyring", "new", text(&keyring), "--chain", "1", "--exchange", &exchange]))
            .contains("is there already")
    );
    let encrypted =
        |file: &Path| publish(&[text(file), "--store", text(&store), "--encrypt", text(&keyring)]);
    let first = encrypted(&files[0]);
    assert_eq!(encrypted(&files[0]), first, "again gives the same");
    stdout(&da(&["keyring", "rotate", text(&keyring), "--from", "2"]));
    let second = encrypted(&files[1]);
    let server = Server::start(&store);
    for (commitment, file) in [(&first, &files[0]), (&second, &files[1])] {
        stdout(&da(&["sample", commitment, "--peer", &server.1]));
        let recover = ["recover", "--peer", &server.1, "--commitment", commitment, "--out", text(&out)];
        assert!(complaint(&da(&recover)).contains("was encrypted"));
        complaint(&da(&[&recover[..], &["--keyring", text(&other)]].concat()));
        assert!(!out.exists());
        stdout(&da(&[&recover[..], &["--keyring", text(&keyring)]].concat()));
        assert_eq!(fs::read(&out).unwrap(), fs::read(file).unwrap());
        fs::remove_file(&out).unwrap();
    }
    let shown = stdout(&da(&["keyring", "show", text(&keyring)]));
    assert_eq!(shown.matches("batches from").count(), 2, "{shown}");
}
