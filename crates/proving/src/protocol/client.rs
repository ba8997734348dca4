//! The worker's side of the protocol.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;
use ureq::http::Request;
use verifier::Proof;

use super::auth::{BODY, SIGNATURE, TIME, WORKER, WorkerKey, body_hash};
use super::messages::{Failed, Hello, Offer, Pulse, Status};
use crate::job::Millis;

/// Answers that are not an input are at most so many bytes.
const MESSAGE_BYTES: u64 = 8 << 20;
/// Inputs are at most so many bytes.
const INPUT_BYTES: u64 = 2 << 30;

/// Larger bodies are sent only when the node wants them.
const ASK_FIRST: usize = 1 << 20;

/// Why a request came to nothing.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The node cannot be reached.
    #[error("{url}: {source}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// The node does not want it.
    #[error("the node says no ({status}): {why}")]
    Refused {
        /// HTTP's.
        status: u16,
        /// The node's words.
        why: String,
    },
    /// The answer makes no sense: is this a Glassbook node?
    #[error("{url} answers something else than a Glassbook node would")]
    Answer {
        /// What was asked for.
        url: String,
    },
}

impl ClientError {
    /// Whether asking again later may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // 425: signed in the same millisecond by another process with this key, or the node was only just started; the
            // next signature is another.
            Self::Refused { status, .. } => *status >= 500 || matches!(status, 408 | 425 | 429),
            Self::Answer { .. } => false,
        }
    }
}

/// A connection to a node.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    key: WorkerKey,
    /// The time of the last request, in milliseconds: no two have the same, or the second would look like a copy.
    last: AtomicU64,
}

impl Client {
    /// A worker's connection to the node at a URL like `http://127.0.0.1:7600`.
    #[must_use]
    pub fn new(node: &str, key: WorkerKey) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(120)))
            .timeout_connect(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            agent: config.into(),
            base: node.trim_end_matches('/').to_string(),
            key,
            last: AtomicU64::new(0),
        }
    }

    /// Says what the worker can do.
    ///
    /// # Errors
    /// When the node cannot be reached or does not want this worker.
    pub fn hello(&self, hello: &Hello) -> Result<(), ClientError> {
        self.call("PUT", "/v1/worker", json(hello), MESSAGE_BYTES).map(|_| ())
    }

    /// Asks for work; none when there is nothing to do.
    ///
    /// # Errors
    /// When the node cannot be reached or does not want this worker.
    pub fn lease(&self) -> Result<Option<Offer>, ClientError> {
        let path = "/v1/leases";
        let answer = self.call("POST", path, Vec::new(), MESSAGE_BYTES)?;
        if answer.is_empty() { Ok(None) } else { self.read(path, &answer).map(Some) }
    }

    /// The input of a job.
    ///
    /// # Errors
    /// When the node cannot be reached or the lease has ended.
    pub fn input(&self, lease: &str) -> Result<Vec<u8>, ClientError> {
        self.call("GET", &format!("/v1/leases/{lease}/input"), Vec::new(), INPUT_BYTES)
    }

    /// A sign of life.
    ///
    /// # Errors
    /// When the node cannot be reached or the lease has ended.
    pub fn renew(&self, lease: &str) -> Result<Pulse, ClientError> {
        let path = format!("/v1/leases/{lease}");
        let answer = self.call("POST", &path, Vec::new(), MESSAGE_BYTES)?;
        self.read(&path, &answer)
    }

    /// Hands in a proof.
    ///
    /// # Errors
    /// When the node cannot be reached or the proof does not hold.
    pub fn deliver(&self, offer: &Offer, cycles: u64, proof: &Proof) -> Result<(), ClientError> {
        let path = format!("/v1/jobs/{}/proof?lease={}&cycles={cycles}", offer.job, offer.lease);
        self.call("PUT", &path, proof.encode(), MESSAGE_BYTES).map(|_| ())
    }

    /// Gives a job back.
    ///
    /// # Errors
    /// When the node cannot be reached or the lease has ended.
    pub fn fail(&self, lease: &str, failed: &Failed) -> Result<(), ClientError> {
        self.call("POST", &format!("/v1/leases/{lease}/failure"), json(failed), MESSAGE_BYTES).map(|_| ())
    }

    /// How it goes.
    ///
    /// # Errors
    /// When the node cannot be reached.
    pub fn status(&self) -> Result<Status, ClientError> {
        let path = "/v1/status";
        let answer = self.call("GET", path, Vec::new(), MESSAGE_BYTES)?;
        self.read(path, &answer)
    }

    fn read<T: DeserializeOwned>(&self, path: &str, answer: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(answer).map_err(|_| ClientError::Answer { url: self.base.clone() + path })
    }

    /// The time to sign: now, or just after the last request's.
    fn time(&self) -> Millis {
        let now = Millis::now().0;
        // A clock that was set back is followed.
        let after = |last: u64| if last > now.saturating_add(1_000) { now } else { now.max(last + 1) };
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let time = after(last);
            match self.last.compare_exchange_weak(last, time, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Millis(time),
                Err(other) => last = other,
            }
        }
    }

    fn call(&self, method: &str, path: &str, body: Vec<u8>, limit: u64) -> Result<Vec<u8>, ClientError> {
        let url = self.base.clone() + path;
        let unreachable =
            |source: ureq::Error| ClientError::Unreachable { url: url.clone(), source: source.into() };
        let time = self.time();
        let hash = body_hash(&body);
        let mut request = Request::builder();
        if body.len() > ASK_FIRST {
            // Otherwise a refusal would be lost: the node does not read what it refuses.
            request = request.header("expect", "100-continue");
        }
        let request = request
            .method(method)
            .uri(&url)
            .header(WORKER, self.key.id().to_string())
            .header(TIME, time.0.to_string())
            .header(BODY, hex::encode(hash))
            .header(SIGNATURE, hex::encode(self.key.sign(method, path, time, &hash)))
            .body(body)
            .map_err(|error| unreachable(error.into()))?;
        let mut response = self.agent.run(request).map_err(unreachable)?;
        let status = response.status().as_u16();
        let answer = response.body_mut().with_config().limit(limit).read_to_vec().map_err(unreachable)?;
        match status {
            200 | 204 => Ok(answer),
            status => {
                // A page of somebody else's server is not printed whole.
                let why =
                    String::from_utf8_lossy(&answer).chars().filter(|c| !c.is_control()).take(500).collect();
                Err(ClientError::Refused { status, why })
            }
        }
    }
}

fn json(message: &impl serde::Serialize) -> Vec<u8> {
    // Maps with keys that are not strings would fail; there are none.
    serde_json::to_vec(message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_have_the_same_time_and_a_clock_set_back_is_followed() {
        let client = Client::new("http://127.0.0.1:1", WorkerKey::new(&[1; 32]));
        let times: Vec<Millis> = (0..500).map(|_| client.time()).collect();
        assert!(times.is_sorted_by(|a, b| a < b));
        client.last.store(Millis::now().0 + 3_600_000, Ordering::Relaxed);
        assert!(client.time().0 < Millis::now().0 + 1_000);
    }
}
