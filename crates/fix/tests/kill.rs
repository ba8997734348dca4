//! A process that is killed at any moment repeats no number, and whoever was connected gets what he missed.
//!
//! The test runs itself as the process that is killed: see `the_process_that_is_killed`.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fix::{
    Acceptor, AcceptorLimits, AcceptorSettings, Application, Body, Frame, Framer, Header, Identity, Incoming,
    Message, MessageLimits, Outgoing, Refusal, Rules, SessionHandle, Store, StoreLimits, Utc,
};
use tokio::sync::mpsc;

const DIRECTORY: &str = "FIX_KILL_TEST_DIRECTORY";

struct Echo;

impl Application for Echo {
    async fn authenticate(&self, _logon: &Message, _peer: IpAddr) -> Result<Identity, Refusal> {
        Ok(Identity { principal: "alice".into(), grant: "".into() })
    }

    async fn session(self: Arc<Self>, session: SessionHandle, mut incoming: mpsc::Receiver<Incoming>) {
        while let Some(Incoming { message, .. }) = incoming.recv().await {
            let report = |part: char| Body::new("8").with(11, message.text(11).unwrap()).with(20, part);
            session.send(Outgoing::Together(vec![report('1'), report('2')], Vec::new())).await.unwrap();
        }
    }

    fn repeated_tags(&self) -> &'static [u32] {
        &[]
    }
}

#[tokio::test]
#[ignore = "run by the other test, as a process of its own"]
async fn the_process_that_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let path = std::path::Path::new(&directory).join("fix.redb");
    let settings = AcceptorSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        comp_id: "GLASS".into(),
        tls: None,
        rules: Rules::default(),
        message: MessageLimits::default(),
        limits: AcceptorLimits::default(),
    };
    let store = Store::open(&path, StoreLimits::default()).unwrap();
    let acceptor = Acceptor::start(settings, store, Arc::new(Echo)).await.unwrap();
    println!("LISTENING {}", acceptor.address());
    std::future::pending::<()>().await;
}

fn spawn(directory: &std::path::Path) -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_process_that_is_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let address =
        lines.find_map(|line| line.split_once("LISTENING ").map(|(_, address)| address.parse().unwrap()));
    (child, address.expect("the process listens"))
}

struct Client {
    stream: TcpStream,
    framer: Framer,
}

impl Client {
    fn send(&mut self, number: u64, body: &Body) -> std::io::Result<()> {
        let header = Header { sender: "ME", target: "GLASS", number, time: Utc::now(), original: None };
        self.stream.write_all(&header.frame(body))
    }

    fn read(&mut self) -> Option<Message> {
        loop {
            if let Some(Frame::Message(message)) = self.framer.next_frame().unwrap() {
                return Some(message);
            }
            let mut buffer = [0; 4_096];
            match self.stream.read(&mut buffer) {
                Ok(length) if length > 0 => self.framer.push(&buffer[..length]),
                _ => return None,
            }
        }
    }
}

#[test]
fn nothing_is_lost_or_done_twice_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    // What we have: reports by number, with the order and the part.
    let mut reports: BTreeMap<u64, (String, char)> = BTreeMap::new();
    let (mut sent, mut expected, mut orders) = (1, 1, 0);
    for round in 0..8u64 {
        let (mut child, address) = spawn(dir.path());
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut client = Client { stream, framer: Framer::new(MessageLimits::default()) };
        client.send(sent, &Body::new("A").with(98, 0).with(108, 30)).unwrap();
        sent += 1;
        let logon = client.read().expect("a Logon");
        assert_eq!(logon.kind(), "A", "{}", String::from_utf8_lossy(logon.bytes()));
        let number = logon.number(34).unwrap();
        assert!(number >= expected, "no number is used twice");
        if number > expected {
            client.send(sent, &Body::new("2").with(7, expected).with(16, 0)).unwrap();
            sent += 1;
        }
        // Some orders at once, and a kill somewhere between their reports.
        let first = sent;
        let order = |number: u64| Body::new("D").with(11, orders + number - first);
        for _ in 0..40 {
            client.send(sent, &order(sent)).unwrap();
            sent += 1;
        }
        let mut fresh = 0;
        while fresh < round * 5 {
            let message = client.read().expect("a message");
            let number = message.number(34).unwrap();
            match message.kind() {
                "8" => {
                    assert!(number >= expected, "a number again: {number}");
                    assert_eq!(reports.insert(number, told(&message)), None);
                    fresh += u64::from(!message.flag(43).unwrap());
                    expected = number + 1;
                }
                "4" => expected = message.number(36).unwrap(),
                // What died with the process is not ours to send again (orders are asked about, not repeated), but what
                // came before the answer is.
                "2" => {
                    let from = message.number(7).unwrap();
                    let again = |number, body: &Body| {
                        let (time, original) = (Utc::now(), Some(Utc::now()));
                        Header { sender: "ME", target: "GLASS", number, time, original }.frame(body)
                    };
                    let fill = again(from, &Body::new("4").with(123, 'Y').with(36, first));
                    let orders = (first..sent).flat_map(|number| again(number, &order(number)));
                    let bytes: Vec<u8> = fill.into_iter().chain(orders).collect();
                    client.stream.write_all(&bytes).unwrap();
                }
                other => panic!("{other}"),
            }
        }
        orders += 40;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The rest of what was kept.
    let (mut child, address) = spawn(dir.path());
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut client = Client { stream, framer: Framer::new(MessageLimits::default()) };
    // Ours may have died with the process, and nothing depends on them any more.
    client.send(sent, &Body::new("A").with(98, 0).with(108, 30).with(789, expected)).unwrap();
    let last = client.read().expect("a Logon").number(34).unwrap();
    while expected < last {
        let message = client.read().expect("a message");
        match message.kind() {
            "8" => {
                expected = message.number(34).unwrap() + 1;
                assert_eq!(reports.insert(expected - 1, told(&message)), None);
            }
            "4" => expected = message.number(36).unwrap(),
            other => panic!("{other}"),
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut orders: BTreeMap<&str, String> = BTreeMap::new();
    for (id, part) in reports.values() {
        orders.entry(id).or_default().push(*part);
    }
    let odd: Vec<_> = orders.iter().filter(|(_, parts)| *parts != "12").collect();
    assert!(odd.is_empty(), "carried out twice, or told in part: {odd:?}");
    assert!(orders.len() > 100, "{}", orders.len());
}

/// Of which order a report is, and which part.
fn told(report: &Message) -> (String, char) {
    (report.text(11).unwrap().to_owned(), report.text(20).unwrap().chars().next().unwrap())
}
