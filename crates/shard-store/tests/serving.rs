//! The server, with clients that behave and clients that do not.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod shared;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use availability::sampling::{Policy, Strategy};
use availability::{Parameters, Verifier, encode};
use light_client::wire::{BlockInfo, BlockList, Refusal, read_samples};
use light_client::{ClientError, Http, LightClient};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;
use shard_store::server::{Limits, bind, serve};
use shard_store::{Retention, Store};
use shared::{encoded, flip, folder, payload, publish};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A server in this process, which ends when it is dropped.
struct Server {
    address: SocketAddr,
    store: Arc<Store>,
    runtime: Runtime,
    dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    fn start(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::create(dir.path()).unwrap());
        for number in 1..=3 {
            publish(&store, number);
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (listener, address) = runtime.block_on(bind("127.0.0.1:0".parse().unwrap())).unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = serve(Arc::clone(&store), listener, limits, async move {
            let _ = stopped.await;
        });
        runtime.spawn(served);
        Self { address, store, runtime, dir, stop: Some(stop) }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Status, headers and body of an answer.
    fn get(&self, path: &str) -> Answer {
        self.request(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
    }

    fn request(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::read(&bytes)
    }

    /// A connection from another address of this machine.
    fn connect_from(&self, address: &str) -> TcpStream {
        let from: SocketAddr = format!("{address}:0").parse().unwrap();
        let stream = self.runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(from).unwrap();
            socket.connect(self.address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn client(&self) -> LightClient<Http> {
        LightClient::new(Http::new(&[self.url()]).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    /// An answer that did not come has status 0.
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
        let headers = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, headers, body: bytes.get(end + 4..).unwrap_or_default().to_vec() }
    }

    fn refusal(&self) -> (u16, String) {
        let refusal: Refusal = serde_json::from_slice(&self.body).unwrap();
        assert!(!refusal.message.is_empty());
        assert!(self.headers.contains("content-type: application/json"), "{}", self.headers);
        (self.status, refusal.code)
    }
}

#[test]
fn blocks_shards_and_samples_are_served_as_they_were_published() {
    let server = Server::start(Limits::default());
    let block = encoded(2);
    let commitment = hex::encode(block.header().commitment().0);
    for name in ["2", &commitment] {
        let answer = server.get(&format!("/v1/blocks/{name}"));
        assert_eq!(answer.status, 200);
        assert!(answer.headers.contains("connection: close") && answer.headers.contains("allow-origin: *"));
        let info: BlockInfo = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((info.number, &info.commitment, info.has_shards), (2, &commitment, true));
        assert_eq!(info.claim_digest, Some(hex::encode([2; 32])));
        let header = info.header(&block.header().commitment()).unwrap();
        assert_eq!(header, *block.header());
        let verifier: Verifier = info.verifier(&header).unwrap();

        let answer = server.get(&format!("/v1/blocks/{name}/samples?indices=5,0,23"));
        assert!(answer.headers.contains("application/octet-stream"));
        let samples = read_samples(&header, &answer.body).unwrap();
        assert_eq!(samples.iter().map(|sample| sample.index).collect::<Vec<_>>(), [5, 0, 23]);
        samples.iter().for_each(|sample| verifier.verify(sample).unwrap());
        let answer = server.get(&format!("/v1/blocks/{name}/shards/23"));
        assert_eq!((answer.status, &answer.body), (200, &samples[2].shard));
    }
    let list = |query: &str| -> BlockList { serde_json::from_slice(&server.get(query).body).unwrap() };
    let all = list("/v1/blocks");
    assert_eq!(all.blocks.iter().map(|block| block.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(all.blocks.iter().all(|block| block.combination.is_none()) && all.next.is_none());
    let some = list("/v1/blocks?from=2&limit=1");
    assert_eq!((some.blocks.len(), some.blocks[0].number, some.next), (1, 2, Some(3)));
    assert_eq!(list("/v1/blocks?from=4").blocks, []);
    assert_eq!(list("/v1/blocks?limit=99999999").blocks.len(), 3);
}

#[test]
fn requests_that_cannot_be_answered_are_told_why() {
    let server = Server::start(Limits::default());
    let many: String = (0..65).map(|index| format!("{index},")).collect();
    let unknown = hex::encode([9; 32]);
    for (path, status, code) in [
        ("/", 404, "no_such_path"),
        ("/v1/blocks/1/", 404, "no_such_path"),
        ("/v1/blocks/99", 404, "no_such_block"),
        (&format!("/v1/blocks/{unknown}"), 404, "no_such_block"),
        ("/v1/blocks/-1", 400, "bad_block"),
        ("/v1/blocks/18446744073709551616", 400, "bad_block"),
        ("/v1/blocks/..%2f..%2fSTORE", 400, "bad_block"),
        ("/v1/blocks/1/shards/24", 404, "no_such_shard"),
        ("/v1/blocks/1/shards/18446744073709551615", 404, "no_such_shard"),
        ("/v1/blocks/1/shards/x", 400, "bad_query"),
        ("/v1/blocks/1/samples", 400, "bad_query"),
        ("/v1/blocks/1/samples?indices=", 400, "bad_query"),
        ("/v1/blocks/1/samples?indices=1,,2", 400, "bad_query"),
        ("/v1/blocks/1/samples?indices=1,1", 400, "bad_query"),
        ("/v1/blocks/1/samples?indices=-1", 400, "bad_query"),
        ("/v1/blocks/1/samples?indices=65536", 400, "bad_query"),
        ("/v1/blocks/1/samples?indices=24", 404, "no_such_shard"),
        ("/v1/blocks/1/samples?indices=1,24", 404, "no_such_shard"),
        ("/v1/blocks/1/samples?indices=1&indices=2", 400, "bad_query"),
        (&format!("/v1/blocks/1/samples?indices={many}65"), 400, "too_many_indices"),
        (&format!("/v1/blocks/1/samples?indices={}", "1".repeat(2_000)), 400, "bad_query"),
        ("/v1/blocks?from=x", 400, "bad_query"),
        ("/v1/blocks?to=1", 400, "bad_query"),
        ("/v1/blocks?from", 400, "bad_query"),
    ] {
        assert_eq!(server.get(path).refusal(), (status, code.to_string()), "{path}");
    }
    let posted = server.request(b"POST /v1/blocks HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(posted.refusal(), (405, "method_not_allowed".to_string()));
}

#[test]
fn what_is_pruned_or_damaged_is_not_served() {
    let server = Server::start(Limits::default());
    flip(&folder(server.path(), 3).join("shards"), 100);
    assert_eq!(server.get("/v1/blocks/3/shards/0").refusal(), (404, "damaged_shard".to_string()));
    assert_eq!(server.get("/v1/blocks/3/samples?indices=0").refusal(), (404, "damaged_shard".to_string()));
    // The others of a request arrive.
    let answer = server.get("/v1/blocks/3/samples?indices=0,1");
    assert_eq!(read_samples(encoded(3).header(), &answer.body).unwrap(), [encoded(3).sample(1).unwrap()]);

    server.store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    let info: BlockInfo = serde_json::from_slice(&server.get("/v1/blocks/1").body).unwrap();
    assert!(!info.has_shards && info.combination.is_none());
    assert_eq!(server.get("/v1/blocks/1/samples?indices=0").refusal(), (410, "pruned".to_string()));

    let server_error = Server::start(Limits::default());
    flip(&folder(server_error.path(), 3).join("head"), 100);
    let answer = server_error.get("/v1/blocks/3");
    assert_eq!(answer.refusal(), (500, "store".to_string()));
    let said = String::from_utf8_lossy(&answer.body).to_string();
    assert!(!said.contains(&server_error.path().display().to_string()), "{said}");
}

#[test]
fn a_flood_is_told_to_wait_and_is_served_again_later() {
    let limits = Limits { rate: 10, burst: 40, ..Limits::default() };
    let server = Server::start(limits);
    let mut refused = None;
    for request in 0..60 {
        let answer = server.get("/v1/blocks/1");
        if answer.status != 200 {
            refused = Some((request, answer));
            break;
        }
    }
    let (served, answer) = refused.unwrap();
    assert!((39..=45).contains(&served), "{served}");
    assert_eq!(answer.refusal(), (429, "too_many_requests".to_string()));
    assert!(answer.headers.contains("retry-after: 1"), "{}", answer.headers);
    thread::sleep(Duration::from_millis(1_100));
    // Shards count, too: one request for eight of them and no more.
    assert_eq!(server.get("/v1/blocks/1/samples?indices=0,1,2,3,4,5,6,7").status, 200);
    assert_eq!(server.get("/v1/blocks/1/samples?indices=0,1,2,3,4,5,6,7").refusal().0, 429);
}

#[test]
fn a_client_that_waits_when_it_is_told_to_gets_everything() {
    let server = Server::start(Limits { rate: 40, burst: 12, ..Limits::default() });
    let commitment = encoded(1).header().commitment();
    let mut client = server.client();
    let sampled = server.runtime.block_on(client.sample(
        &commitment,
        &Policy::default(),
        Strategy::Uniform,
        &mut ChaCha12Rng::seed_from_u64(1),
    ));
    assert!(sampled.unwrap().is_available());
}

#[test]
fn slow_clients_are_cut_off_and_others_are_served_meanwhile() {
    let limits = Limits { connection_life: Duration::from_secs(1), ..Limits::default() };
    let server = Server::start(limits);
    // One that never says anything, and one that says its request in drops.
    let mut silent = server.connect();
    let mut slow = server.connect();
    let began = Instant::now();
    let cut = thread::spawn(move || {
        for byte in b"GET /v1/blocks/1 HTTP/1.1\r\nhost: ".iter().chain(&[b'x'; 1_000]) {
            if slow.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("a slow client is never cut off");
    });
    assert_eq!(server.get("/v1/blocks/1").status, 200);
    assert_eq!(silent.read(&mut [0; 10]).unwrap_or(0), 0);
    cut.join().unwrap();
    let lived = began.elapsed();
    assert!(lived >= Duration::from_millis(900) && lived < Duration::from_secs(5), "{lived:?}");
}

#[test]
fn an_address_has_so_many_connections_and_no_more() {
    let server = Server::start(Limits { connections_of_address: 5, ..Limits::default() });
    let held: Vec<TcpStream> = (0..5).map(|_| server.connect()).collect();
    // A request is only read once all five are accepted.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(server.get("/v1/blocks/1").status, 0, "the sixth is closed");
    drop(held);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(server.get("/v1/blocks/1").status, 200);
}

#[test]
fn readers_that_do_not_read_hold_no_more_memory_than_there_is_room_for() {
    let limits = Limits {
        answers: light_client::wire::MAX_ANSWER,
        connection_life: Duration::from_secs(3),
        ..Limits::default()
    };
    let server = Server::start(limits);
    // Fourteen shards of one MiB in an answer; two such answers do not fit.
    let parameters = Parameters::new(16, 8).unwrap();
    let large = encode(&payload(9, 16 << 20), parameters).unwrap();
    server.store.publish(9, None, 0, &large).unwrap();
    let request =
        b"GET /v1/blocks/9/samples?indices=0,1,2,3,4,5,6,7,8,9,10,11,12,13 HTTP/1.1\r\nhost: x\r\n\r\n";
    let began = Instant::now();
    let mut hoarder = server.connect();
    hoarder.write_all(request).unwrap();
    hoarder.read_exact(&mut [0; 100]).unwrap();
    // The next has some of its own time left when this one's is over.
    thread::sleep(Duration::from_secs(2));
    let answer = server.request(request);
    // It waited until the one who does not read was cut off.
    assert_eq!(answer.status, 200);
    assert!(began.elapsed() > Duration::from_millis(2_900), "{:?}", began.elapsed());
    let more = server.get("/v1/blocks/9/samples?indices=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15");
    assert_eq!(more.refusal(), (413, "answer_too_long".to_string()));
}

#[test]
fn one_address_that_does_not_read_keeps_no_other_from_answers() {
    let limits = Limits { answers: 8 * light_client::wire::MAX_ANSWER, ..Limits::default() };
    let server = Server::start(limits);
    let large = encode(&payload(9, 16 << 20), Parameters::new(16, 8).unwrap()).unwrap();
    server.store.publish(9, None, 0, &large).unwrap();
    let request =
        b"GET /v1/blocks/9/samples?indices=0,1,2,3,4,5,6,7,8,9,10,11,12,13 HTTP/1.1\r\nhost: x\r\n\r\n";
    // More than there is room for in all, if it were given to them.
    let hoarders: Vec<TcpStream> = (0..12).map(|_| server.connect()).collect();
    for mut hoarder in &hoarders {
        hoarder.write_all(request).unwrap();
    }
    thread::sleep(Duration::from_millis(1_000));
    let began = Instant::now();
    let mut other = server.connect_from("127.0.0.2");
    other.write_all(request).unwrap();
    let mut answer = Vec::new();
    other.read_to_end(&mut answer).unwrap();
    assert_eq!(Answer::read(&answer).status, 200);
    // Nor does one that waits for shards keep itself from what is small.
    assert_eq!(server.get("/v1/blocks/1").status, 200);
    assert_eq!(server.get("/v1/blocks").status, 200);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn bytes_and_listed_blocks_are_counted_as_requests_are() {
    let server = Server::start(Limits { rate: 1, burst: 60, ..Limits::default() });
    let large = encode(&payload(9, 16 << 20), Parameters::new(16, 8).unwrap()).unwrap();
    server.store.publish(9, None, 0, &large).unwrap();
    // One, one for a shard, and sixteen for its MiB.
    for _ in 0..3 {
        assert_eq!(server.get("/v1/blocks/9/shards/3").status, 200);
    }
    assert_eq!(server.get("/v1/blocks/9/shards/3").refusal().0, 429);
    let server = Server::start(Limits { rate: 1, burst: 60, ..Limits::default() });
    assert_eq!(server.get("/v1/blocks?limit=40").status, 200);
    assert_eq!(server.get("/v1/blocks?limit=40").refusal().0, 429);
    assert_eq!(server.get("/v1/blocks?limit=1").status, 200);
}

#[test]
fn what_is_no_request_gets_no_answer_and_harms_nobody() {
    let server = Server::start(Limits { connection_life: Duration::from_secs(1), ..Limits::default() });
    let long = [b"GET /".as_slice(), &vec![b'a'; 1 << 20], b" HTTP/1.1\r\n\r\n"].concat();
    for request in [&b"\0\0\0\0"[..], b"GET", b"\x16\x03\x01\x02\x00", &long] {
        let answer = server.request(request);
        assert!(answer.status == 0 || answer.status >= 400, "{}", answer.status);
    }
    assert_eq!(server.get("/v1/blocks/1").status, 200);
}

#[test]
fn a_light_client_samples_and_retrieves_over_http() {
    let (first, second) = (Server::start(Limits::default()), Server::start(Limits::default()));
    let peers = [first.url(), second.url()];
    let mut client = LightClient::new(Http::new(&peers).unwrap());
    let commitment = encoded(2).header().commitment();
    let (mut rng, policy) = (ChaCha12Rng::seed_from_u64(1), Policy::default());
    let sampled = client.sample(&commitment, &policy, Strategy::Uniform, &mut rng);
    let sampled = first.runtime.block_on(sampled).unwrap();
    assert!(sampled.is_available() && sampled.number == 2);
    assert!(sampled.peers.iter().all(|peer| peer.shards > 0 && peer.lies == 0), "{:?}", sampled.peers);
    let retrieved = first.runtime.block_on(client.retrieve(&commitment, 1 << 30, |_, _| {})).unwrap();
    assert_eq!(retrieved.payload, payload(2, 20_000));

    // Half of the shards damaged at one, a few at the other: together there is still enough.
    for index in 0..12 {
        flip(&folder(first.path(), 2).join("shards"), index * encoded(2).header().shard_length().unwrap());
    }
    for index in 9..14 {
        flip(&folder(second.path(), 2).join("shards"), index * encoded(2).header().shard_length().unwrap());
    }
    let retrieved = first.runtime.block_on(client.retrieve(&commitment, 1 << 30, |_, _| {})).unwrap();
    assert_eq!(retrieved.payload, payload(2, 20_000));
    // Alone the first has too few, and says so by what it does not give.
    let mut alone = first.client();
    let error = first.runtime.block_on(alone.retrieve(&commitment, 1 << 30, |_, _| {})).unwrap_err();
    assert!(matches!(error, ClientError::Unavailable { held: 12, needed: 16 }), "{error}");
    let sampled = alone.sample(&commitment, &policy, Strategy::Uniform, &mut rng);
    assert!(!first.runtime.block_on(sampled).unwrap().is_available());
}

#[test]
fn a_server_that_is_stopped_answers_what_is_under_way() {
    let mut server = Server::start(Limits::default());
    assert_eq!(server.get("/v1/blocks/1").status, 200);
    drop(server.stop.take());
    let until = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(server.address).is_ok() {
        assert!(Instant::now() < until, "it still listens");
        thread::sleep(Duration::from_millis(20));
    }
}
