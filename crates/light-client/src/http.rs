//! Peers over plain HTTP: a thread for each request under way.

use std::future::Future;
use std::thread;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use thiserror::Error;

use crate::{Reply, Transport, Trouble};

/// How long a whole answer may take where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when a peer asks for it without saying how long.
const PAUSE: Duration = Duration::from_millis(500);

/// Peers with URLs like `http://127.0.0.1:7701`.
#[derive(Clone, Debug)]
pub struct Http {
    peers: Vec<String>,
    agent: ureq::Agent,
    patience: Duration,
}

/// Why a URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    /// It is not the URL of a peer.
    #[error("{0:?} is not the URL of a peer, like http://127.0.0.1:7701")]
    Url(String),
}

impl Http {
    /// Peers that have ten seconds for an answer.
    ///
    /// # Errors
    /// [`HttpError::Url`].
    pub fn new(peers: &[String]) -> Result<Self, HttpError> {
        Self::with_patience(peers, PATIENCE)
    }

    /// Peers that have this long for a whole answer, with all that it takes to connect and to wait when they are busy.
    ///
    /// # Errors
    /// [`HttpError::Url`].
    pub fn with_patience(peers: &[String], patience: Duration) -> Result<Self, HttpError> {
        for url in peers {
            let is_http = url.starts_with("http://") || url.starts_with("https://");
            if !is_http || url.parse::<ureq::http::Uri>().is_err() {
                return Err(HttpError::Url(url.clone()));
            }
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // Servers close after each answer, and a kept connection would tell which requests belong together.
            .max_idle_connections(0)
            .build();
        let peers = peers.iter().map(|url| url.trim_end_matches('/').to_string()).collect();
        Ok(Self { peers, agent: config.into(), patience })
    }

    /// The peers' URLs.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        &self.peers
    }
}

impl Transport for Http {
    fn peers(&self) -> usize {
        self.peers.len()
    }

    fn get(&self, peer: usize, path: &str, limit: usize) -> impl Future<Output = Reply> {
        let url = format!("{}{path}", self.peers[peer]);
        let (agent, patience) = (self.agent.clone(), self.patience);
        let (answer, answered) = oneshot::channel();
        let thread = thread::Builder::new().name("light client".into()).stack_size(1 << 20);
        let began = Instant::now();
        let spawned = thread.spawn(move || {
            let body = get(&agent, &url, limit, began + patience);
            let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
            // Nobody may wait any more.
            let _ = answer.send(Reply { body, micros });
        });
        async move {
            let trouble = match spawned {
                Err(error) => error.to_string(),
                Ok(_) => match answered.await {
                    Ok(reply) => return reply,
                    Err(_) => "the request failed".to_string(),
                },
            };
            Reply { body: Err(Trouble::Unreachable(trouble)), micros: 0 }
        }
    }
}

/// Asks until there is an answer or the time is over. A peer that is busy is asked again when it says.
fn get(agent: &ureq::Agent, url: &str, limit: usize, deadline: Instant) -> Result<Vec<u8>, Trouble> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::Timeout);
        }
        let request = agent.get(url).config().timeout_global(Some(left)).build();
        let mut response = request.call().map_err(|error| trouble(error, limit))?;
        match response.status().as_u16() {
            200 => {
                // One byte more is allowed for, so that a longer body is told from one that just fits.
                let bytes = response.body_mut().with_config().limit(limit as u64 + 1).read_to_vec();
                let bytes = bytes.map_err(|error| trouble(error, limit))?;
                return if bytes.len() > limit { Err(Trouble::TooLarge(limit)) } else { Ok(bytes) };
            }
            404 | 410 => return Err(Trouble::Absent),
            status @ (429 | 503) => {
                let after =
                    response.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
                let pause = after.map_or(PAUSE, Duration::from_secs).max(Duration::from_millis(50));
                // Not a sum: the peer chooses the pause, and no clock goes on so far.
                if pause >= deadline.saturating_duration_since(Instant::now()) {
                    return Err(Trouble::Refused(status));
                }
                thread::sleep(pause);
            }
            status => return Err(Trouble::Refused(status)),
        }
    }
}

fn trouble(error: ureq::Error, limit: usize) -> Trouble {
    match error {
        ureq::Error::Timeout(_) => Trouble::Timeout,
        ureq::Error::BodyExceedsLimit(_) => Trouble::TooLarge(limit),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Trouble::Timeout,
        other => Trouble::Unreachable(other.to_string()),
    }
}
