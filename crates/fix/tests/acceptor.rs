//! The acceptor over real sockets, with a client that is written here, on the codec alone.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fix::{
    Acceptor, AcceptorLimits, AcceptorSettings, Application, Body, Frame, Framer, Header, Identity, Incoming,
    Message, MessageLimits, Outgoing, Refusal, Rules, SessionHandle, Store, StoreLimits, Utc,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Lets in whoever says the word; answers each order with a report, and counts all orders in a note.
struct Echo;

impl Application for Echo {
    async fn authenticate(&self, logon: &Message, _peer: IpAddr) -> Result<Identity, Refusal> {
        match logon.get(554) {
            Some(b"sesame") => {
                let principal = logon.text(553).unwrap_or("nobody").to_owned();
                Ok(Identity { principal, grant: "sesame".into() })
            }
            _ => Err(Refusal("who is it?".into())),
        }
    }

    async fn session(self: Arc<Self>, session: SessionHandle, mut incoming: mpsc::Receiver<Incoming>) {
        let mut count = session.notes().unwrap().first().map_or(0, |(_, value)| value[0]);
        while let Some(Incoming { message, logon, grant, .. }) = incoming.recv().await {
            assert_eq!(&*grant, "sesame");
            let outgoing = match message.kind() {
                "D" => {
                    count += 1;
                    let report = Body::new("8").with(11, message.text(11).unwrap()).with(14, count);
                    Outgoing::Kept(report, vec![(b"count".to_vec(), Some(vec![count]))])
                }
                _ => Outgoing::Volatile(Body::new("W"), logon),
            };
            let slow = message.text(11) == Ok("later");
            let handle = session.clone();
            let send = async move {
                if slow {
                    sleep(Duration::from_millis(300)).await;
                }
                let _ = handle.send(outgoing).await;
            };
            tokio::spawn(send);
        }
    }

    fn repeated_tags(&self) -> &'static [u32] {
        &[]
    }
}

fn limits() -> AcceptorLimits {
    AcceptorLimits {
        connections: 6,
        connections_per_address: 4,
        logon_timeout: Duration::from_millis(500),
        write_timeout: Duration::from_millis(500),
        messages_per_second: 100_000,
        queue: 64,
    }
}

async fn start(dir: &Path, limits: AcceptorLimits) -> Acceptor {
    let bounds = StoreLimits { sessions: 3, of_principal: 2, kept: 50 };
    // The thread that writes may still be closing the file after a stop.
    let mut opened = Store::open(&dir.join("fix.redb"), bounds);
    for _ in 0..200 {
        if opened.is_ok() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
        opened = Store::open(&dir.join("fix.redb"), bounds);
    }
    let store = opened.unwrap();
    let settings = AcceptorSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        comp_id: "GLASS".into(),
        tls: None,
        rules: Rules::default(),
        message: MessageLimits::default(),
        limits,
    };
    Acceptor::start(settings, store, Arc::new(Echo)).await.unwrap()
}

struct Client {
    stream: TcpStream,
    framer: Framer,
    next: u64,
    name: &'static str,
}

impl Client {
    async fn connect(acceptor: &Acceptor, name: &'static str, next: u64) -> Self {
        let stream = TcpStream::connect(acceptor.address()).await.unwrap();
        Self { stream, framer: Framer::new(MessageLimits::default()), next, name }
    }

    async fn logged_on(acceptor: &Acceptor, name: &'static str, next: u64) -> (Self, Message) {
        let mut client = Self::connect(acceptor, name, next).await;
        client.send(logon()).await;
        let answer = client.read().await.expect("an answer");
        assert_eq!(answer.kind(), "A", "{}", shown(&answer));
        (client, answer)
    }

    async fn send(&mut self, body: Body) {
        let header = Header {
            sender: self.name,
            target: "GLASS",
            number: self.next,
            time: Utc::now(),
            original: None,
        };
        self.next += 1;
        self.stream.write_all(&header.frame(&body)).await.unwrap();
    }

    /// The next message; `None` when the connection is closed.
    async fn read(&mut self) -> Option<Message> {
        loop {
            match self.framer.next_frame().unwrap() {
                Some(Frame::Message(message)) => return Some(message),
                Some(Frame::Garbled(why)) => panic!("{why}"),
                None => {}
            }
            let mut buffer = [0; 4_096];
            let read =
                timeout(Duration::from_secs(10), self.stream.read(&mut buffer)).await.expect("in time");
            match read {
                Ok(length) if length > 0 => self.framer.push(&buffer[..length]),
                _ => return None,
            }
        }
    }
}

fn logon() -> Body {
    Body::new("A").with(98, 0).with(108, 30).with(553, "alice").with(554, "sesame")
}

fn order(id: &str) -> Body {
    Body::new("D").with(11, id)
}

fn resend(from: u64) -> Body {
    Body::new("2").with(7, from).with(16, 0)
}

fn shown(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).replace('\u{1}', "|")
}

#[tokio::test]
async fn orders_are_answered_and_numbers_go_on_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let (mut client, answer) = Client::logged_on(&acceptor, "ME", 1).await;
    assert_eq!(answer.number(34), Ok(1));
    for number in 2..5 {
        client.send(order("a")).await;
        let report = client.read().await.unwrap();
        assert_eq!((report.kind(), report.number(34), report.number(14)), ("8", Ok(number), Ok(number - 1)));
    }
    acceptor.stop().await;
    assert_eq!(client.read().await.unwrap().kind(), "5");
    assert!(client.read().await.is_none());
    let acceptor = start(dir.path(), limits()).await;
    let (mut client, answer) = Client::logged_on(&acceptor, "ME", 5).await;
    assert_eq!(answer.number(34), Ok(6));
    client.send(order("b")).await;
    assert_eq!(client.read().await.unwrap().number(14), Ok(4), "the note came back");
    acceptor.stop().await;
}

#[tokio::test]
async fn what_happens_while_nobody_is_there_is_sent_to_whoever_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    client.send(order("later")).await;
    sleep(Duration::from_millis(100)).await;
    drop(client);
    sleep(Duration::from_millis(500)).await;
    let (mut client, answer) = Client::logged_on(&acceptor, "ME", 3).await;
    assert_eq!(answer.number(34), Ok(3));
    client.send(resend(2)).await;
    let report = client.read().await.unwrap();
    assert_eq!((report.kind(), report.number(34), report.text(11)), ("8", Ok(2), Ok("later")));
    assert_eq!((report.flag(43), report.time(122).is_ok()), (Ok(true), true));
    let fill = client.read().await.unwrap();
    assert_eq!((fill.kind(), fill.number(34), fill.number(36)), ("4", Ok(3), Ok(4)));
    acceptor.stop().await;
}

#[tokio::test]
async fn no_more_than_the_last_messages_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    for _ in 0..60 {
        client.send(order("a")).await;
        client.read().await.unwrap();
    }
    client.send(resend(1)).await;
    let fill = client.read().await.unwrap();
    assert_eq!((fill.kind(), fill.number(34), fill.number(36)), ("4", Ok(1), Ok(12)));
    for number in 12..62 {
        assert_eq!(client.read().await.unwrap().number(34), Ok(number));
    }
    acceptor.stop().await;
}

#[tokio::test]
async fn strangers_are_told_so_slowly_and_reach_no_session() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    for (body, name, text) in [
        (Body::new("A").with(98, 0).with(108, 30).with(554, "guess"), "ME", "who is it?"),
        (order("a"), "ME", "the first message must be a Logon"),
    ] {
        let mut client = Client::connect(&acceptor, name, 1).await;
        let start = Instant::now();
        client.send(body).await;
        let answer = client.read().await.unwrap();
        assert_eq!((answer.kind(), answer.text(58)), ("5", Ok(text)));
        assert!(start.elapsed() >= Duration::from_millis(900));
        assert!(client.read().await.is_none());
    }
    // Another account with the same CompID has another session.
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    client.send(order("a")).await;
    client.read().await.unwrap();
    drop(client);
    let mut mallory = Client::connect(&acceptor, "ME", 1).await;
    mallory.send(Body::new("A").with(98, 0).with(108, 30).with(553, "mallory").with(554, "sesame")).await;
    assert_eq!(mallory.read().await.unwrap().number(34), Ok(1));
    mallory.send(resend(1)).await;
    assert_eq!(mallory.read().await.unwrap().kind(), "4");
    acceptor.stop().await;
}

#[tokio::test]
async fn whoever_says_nothing_or_nonsense_is_disconnected() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let mut silent = Client::connect(&acceptor, "ME", 1).await;
    assert!(silent.read().await.is_none());
    let mut web = Client::connect(&acceptor, "ME", 1).await;
    web.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(web.read().await.is_none());
    let mut large = Client::connect(&acceptor, "ME", 1).await;
    large.stream.write_all(b"8=FIX.4.4\x019=999999999\x0135=A\x01").await.unwrap();
    assert!(large.read().await.is_none());
    // Within a session it is said why.
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    client.stream.write_all(b"8=FIX.4.4\x019=999999999\x0135=A\x01").await.unwrap();
    assert_eq!(client.read().await.unwrap().text(58), Ok("a message is longer than 16384 bytes"));
    assert!(client.read().await.is_none());
    acceptor.stop().await;
}

#[tokio::test]
async fn there_is_one_connection_a_session_and_the_dead_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let (mut first, _) = Client::logged_on(&acceptor, "ME", 1).await;
    let mut second = Client::connect(&acceptor, "ME", 2).await;
    second.send(logon()).await;
    assert!(second.read().await.is_none(), "closed without a word");
    first.send(order("a")).await;
    assert_eq!(first.read().await.unwrap().kind(), "8", "the first goes on");
    for number in 3..20 {
        drop(first);
        // A Logon must be later than the one before, to the millisecond.
        sleep(Duration::from_millis(2)).await;
        first = Client::logged_on(&acceptor, "ME", number).await.0;
    }
    acceptor.stop().await;
}

#[tokio::test]
async fn connections_and_sessions_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(Client::connect(&acceptor, "ME", 1).await);
    }
    sleep(Duration::from_millis(100)).await;
    let mut fifth = Client::connect(&acceptor, "ME", 1).await;
    let start = Instant::now();
    assert!(fifth.read().await.is_none());
    assert!(start.elapsed() < Duration::from_millis(300), "closed at once, not when no Logon came");
    drop(held);
    sleep(Duration::from_millis(100)).await;
    let _one = Client::logged_on(&acceptor, "ONE", 1).await;
    let _two = Client::logged_on(&acceptor, "TWO", 1).await;
    let mut three = Client::connect(&acceptor, "THREE", 1).await;
    three.send(logon()).await;
    assert!(three.read().await.is_none(), "two sessions of one account");
    acceptor.stop().await;
}

#[tokio::test]
async fn whoever_does_not_read_is_disconnected_and_gets_everything_later() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    // Test requests with long answers, until nothing fits between here and there.
    let long = "x".repeat(10_000);
    let flood = async {
        loop {
            let header = Header {
                sender: "ME",
                target: "GLASS",
                number: client.next,
                time: Utc::now(),
                original: None,
            };
            let frame = header.frame(&Body::new("1").with(112, &long));
            if client.stream.write_all(&frame).await.is_err() {
                return;
            }
            client.next += 1;
        }
    };
    timeout(Duration::from_secs(20), flood).await.expect("the connection ends");
    let next = client.next;
    drop(client);
    let (_client, _) = Client::logged_on(&acceptor, "ME", next).await;
    acceptor.stop().await;
}

#[tokio::test]
async fn messages_beyond_the_rate_wait() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), AcceptorLimits { messages_per_second: 50, ..limits() }).await;
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    let start = Instant::now();
    for _ in 0..100 {
        client.send(Body::new("1").with(112, "a")).await;
    }
    for _ in 0..100 {
        assert_eq!(client.read().await.unwrap().kind(), "0");
    }
    let took = start.elapsed();
    assert!((Duration::from_millis(800)..Duration::from_secs(5)).contains(&took), "{took:?}");
    acceptor.stop().await;
}

#[tokio::test]
async fn whoever_asks_for_everything_and_reads_nothing_does_not_keep_the_acceptor() {
    let dir = tempfile::tempdir().unwrap();
    let patient = AcceptorLimits { write_timeout: Duration::from_secs(60), ..limits() };
    let acceptor = start(dir.path(), patient).await;
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    let long = "x".repeat(15_000);
    for _ in 0..50 {
        client.send(order(&long)).await;
        client.read().await.unwrap();
    }
    // Far more than fits between here and there.
    let ask = async {
        for _ in 0..2_000 {
            client.send(resend(1)).await;
        }
    };
    let _ = timeout(Duration::from_secs(2), ask).await;
    let stopping = Instant::now();
    acceptor.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(8), "{:?}", stopping.elapsed());
}

#[tokio::test]
async fn many_requests_at_once_are_answered_once() {
    let dir = tempfile::tempdir().unwrap();
    let acceptor = start(dir.path(), limits()).await;
    let (mut client, _) = Client::logged_on(&acceptor, "ME", 1).await;
    for id in ["a", "b"] {
        client.send(order(id)).await;
        client.read().await.unwrap();
    }
    let mut frames = Vec::new();
    for body in [resend(3), resend(2), resend(2), Body::new("1").with(112, "t")] {
        let (sender, time) = (client.name, Utc::now());
        let header = Header { sender, target: "GLASS", number: client.next, time, original: None };
        frames.extend(header.frame(&body));
        client.next += 1;
    }
    client.stream.write_all(&frames).await.unwrap();
    let mut again = Vec::new();
    loop {
        let message = client.read().await.unwrap();
        match message.kind() {
            "0" => break,
            _ => again.push((message.kind().to_owned(), message.number(34).unwrap())),
        }
    }
    assert_eq!(again, [("8".to_owned(), 2), ("8".to_owned(), 3)]);
    acceptor.stop().await;
}
