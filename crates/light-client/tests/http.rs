//! The HTTP transport against servers that do not behave.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use light_client::{Http, HttpError, Reply, Transport as _, Trouble};

const PATIENCE: Duration = Duration::from_secs(2);

/// A server that does something with each connection.
fn server(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        let count = AtomicUsize::new(0);
        for stream in listener.incoming() {
            let (serve, number) = (Arc::clone(&serve), count.fetch_add(1, Ordering::Relaxed));
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                serve(number, stream);
            });
        }
    });
    format!("http://{address}")
}

async fn get(url: String, limit: usize) -> Reply {
    Http::with_patience(&[url], PATIENCE).unwrap().get(0, "/v1/blocks/1", limit).await
}

fn says(answer: &str) -> String {
    let answer = answer.to_string();
    server(move |_, mut stream| stream.write_all(answer.as_bytes()).unwrap())
}

#[tokio::test]
async fn an_answer_that_just_fits_is_taken_and_one_byte_more_is_not() {
    let url = says("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    assert_eq!(get(url.clone(), 5).await.body, Ok(b"hello".to_vec()));
    assert_eq!(get(url, 4).await.body, Err(Trouble::TooLarge(4)));
}

#[tokio::test]
async fn an_endless_answer_is_given_up_at_the_limit() {
    let url = server(|_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[7; 1 << 16]).is_ok() {}
    });
    let began = Instant::now();
    assert_eq!(get(url, 1 << 20).await.body, Err(Trouble::TooLarge(1 << 20)));
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn an_answer_in_drops_is_given_up_when_the_time_is_over() {
    let url = server(|_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\nconnection: close\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let began = Instant::now();
    assert_eq!(get(url, 1 << 20).await.body, Err(Trouble::Timeout));
    assert!(began.elapsed() < PATIENCE + Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn headers_in_drops_are_given_up_too() {
    let url = server(|_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"a: b\r\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let began = Instant::now();
    let reply = get(url, 1 << 20).await;
    assert!(reply.body.is_err());
    assert!(began.elapsed() < PATIENCE + Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn nobody_there_and_no_answer_at_all_are_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let reply = get(format!("http://{free}"), 10).await;
    assert!(matches!(reply.body, Err(Trouble::Unreachable(_))), "{reply:?}");
    let silent = server(|_, stream| {
        thread::sleep(Duration::from_secs(10));
        drop(stream);
    });
    assert_eq!(get(silent, 10).await.body, Err(Trouble::Timeout));
    let reply = get(says("what?"), 10).await;
    assert!(matches!(reply.body, Err(Trouble::Unreachable(_))), "{reply:?}");
}

#[tokio::test]
async fn refusals_are_told_apart_and_redirections_are_not_followed() {
    for (status, trouble) in [
        ("404 Not Found", Trouble::Absent),
        ("410 Gone", Trouble::Absent),
        ("500 Internal Server Error", Trouble::Refused(500)),
        ("400 Bad Request", Trouble::Refused(400)),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", Trouble::Refused(302)),
    ] {
        let url = says(&format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
        assert_eq!(get(url, 10).await.body, Err(trouble), "{status}");
    }
}

#[tokio::test]
async fn a_busy_peer_is_asked_again_as_long_as_there_is_time() {
    let busy =
        b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let url = server(|number, mut stream| {
        let good = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        stream.write_all(if number == 0 { busy } else { good }).unwrap();
    });
    let reply = get(url, 10).await;
    assert_eq!(reply.body, Ok(b"ok".to_vec()));
    assert!(reply.micros >= 1_000_000, "the wait counts");
    let url = server(|_, mut stream| stream.write_all(busy).unwrap());
    assert_eq!(get(url, 10).await.body, Err(Trouble::Refused(429)));
    // A peer that wants to be asked next year, or when no clock goes any more, is not waited for.
    for after in [31_536_000, u64::MAX] {
        let url = says(&format!(
            "HTTP/1.1 503 No\r\nretry-after: {after}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ));
        let began = Instant::now();
        assert_eq!(get(url, 10).await.body, Err(Trouble::Refused(503)));
        assert!(began.elapsed() < PATIENCE);
    }
}

#[test]
fn what_is_no_url_of_a_peer_is_refused() {
    for url in ["", "127.0.0.1:7701", "ftp://a", "http://", "http://a b"] {
        assert_eq!(Http::new(&[url.to_string()]).unwrap_err(), HttpError::Url(url.to_string()));
    }
    assert!(Http::new(&["http://127.0.0.1:7701/".to_string(), "https://example.org".to_string()]).is_ok());
}
