//! What a running exchange tells over HTTP about batches, commands and itself.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Where the native API is.
const API: &str = "/api/glassbook/v1";

/// A running exchange, killed in the end.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start() -> (Dev, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbook"));
    command.args(["dev", "--flow", "simulate", "--traders", "6", "--interval", "500ms"]);
    command.args([
        "--deposits",
        "latest",
        "--finality-delay",
        "1",
        "--l1-port",
        "0",
        "--port",
        "0",
        "--da-port",
        "0",
    ]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut banner = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = banner.find(|line| line.as_ref().unwrap().starts_with("figures ")).unwrap().unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_string();
    // Whoever closes the pipe ends the process when it prints.
    std::thread::spawn(move || banner.for_each(drop));
    (Dev(child), address)
}

fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_string())
}

fn json(address: &str, path: &str) -> Value {
    let (status, body) = get(address, path);
    assert_eq!(status, 200, "{path}: {body}");
    // The body may come in chunks: what is JSON is between the first and the last bracket.
    let start = body.find(['{', '[']).unwrap();
    let end = body.rfind(['}', ']']).unwrap();
    serde_json::from_str(&body[start..=end]).unwrap()
}

/// The value of a figure without labels.
fn figure(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(&format!("glassbook_{name} ")));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn users_follow_their_commands_to_finality_and_operators_see_the_figures() {
    let (mut dev, address) = start();
    // Transitions as they happen, until the third batch is final.
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {API}/events?after=0 HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        let Some(event) = line.strip_prefix("data: ") else { continue };
        let event: Value = serde_json::from_str(event).unwrap();
        seen.push(event.clone());
        if event["batch"] == 3 && event["to"] == "final" {
            break;
        }
    }
    assert!(dev.0.try_wait().unwrap().is_none(), "it ended by itself");
    let numbers: Vec<u64> = seen.iter().map(|event| event["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=seen.len() as u64).collect::<Vec<_>>(), "none is lost, none comes twice");
    let of_first = seen.iter().filter(|event| event["batch"] == 1).map(|event| event["to"].as_str().unwrap());
    let mut of_first: Vec<&str> = of_first.collect();
    of_first.dedup();
    for state in ["sealed", "published", "committed", "confirmed", "final"] {
        assert!(of_first.contains(&state), "{state} is not in {of_first:?}");
    }

    // A command's batch, and where that is on the chain.
    let batch = json(&address, &format!("{API}/batches/2"));
    assert_eq!((&batch["batch"], &batch["state"]), (&2.into(), &"final".into()), "{batch}");
    assert!(batch["proofs"].as_str().unwrap().contains("NOT PROVED"), "{batch}");
    for action in ["commit", "prove", "finalise"] {
        assert!(batch["l1"][action]["block"]["number"].as_u64().unwrap() > 0, "{batch}");
    }
    let last = batch["commands"][1].as_u64().unwrap();
    assert_eq!(json(&address, &format!("{API}/commands/{last}"))["batch"]["batch"], 2);
    assert_eq!(json(&address, &format!("{API}/commands/{}", last + 1))["batch"]["batch"], 3);
    assert_eq!(json(&address, &format!("{API}/batches?from=2&limit=1"))[0], batch);
    for path in ["/commands/0", "/commands/9007199254740991", "/batches/0", "/batches/999999", "/nothing"] {
        assert_eq!(get(&address, &format!("{API}{path}")).0, 404, "{path}");
    }
    for path in ["/commands/x", "/commands/18446744073709551615", "/batches/-1", "/batches?limit=x"] {
        assert_eq!(get(&address, &format!("{API}{path}")).0, 400, "{path}");
    }

    // The money is compared while it runs.
    let began = Instant::now();
    loop {
        let (status, text) = get(&address, "/metrics");
        assert_eq!(status, 200);
        if figure(&text, "custody_checks_total") >= 3 && figure(&text, "custody_block") > 0 {
            assert_eq!(figure(&text, "custody_disagreements_total"), 0);
            assert!(figure(&text, "settlement_last_final") >= 3);
            assert_eq!(figure(&text, "settlement_halted"), 0);
            assert_eq!(figure(&text, "exchange_stopped"), 0);
            assert!(figure(&text, "commands_executed_total") >= last);
            for labelled in ["settlement_batches{state=\"final\"}", "settlement_gas_total{action=\"commit\"}"]
            {
                let line = text.lines().find(|line| line.starts_with(&format!("glassbook_{labelled}")));
                assert_ne!(line.unwrap().split(' ').nth(1).unwrap(), "0", "{labelled}");
            }
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{text}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
