//! Signed requests: which worker says what, when, and only once.
//!
//! A request carries four headers: the worker's Ed25519 public key, the time in milliseconds since 1970, the SHA-256 of
//! the body, and a signature over
//!
//! ```text
//! "glassbook worker 1\n" METHOD "\n" PATH-AND-QUERY "\n" TIME "\n" SHA-256(BODY) in hex
//! ```
//!
//! So the signature is checked before the body is read: nobody else can make the node read one. Before the body of a proof,
//! which may be large, the lease is checked, too.
//!
//! A request counts once. Those of the last minute are remembered; in memory only, so a node that was started anew takes
//! nothing that the one before it may have taken: requests are signed at most five seconds in the future, and for as long after
//! its start a node refuses what was signed before. Its workers try again. That holds as long as the node's clock is not set
//! back in between.

use std::collections::{BTreeSet, HashMap};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::job::{Millis, WorkerId};

/// The header with the worker's public key, in hex.
pub const WORKER: &str = "glassbook-worker";
/// The header with the time, in decimal.
pub const TIME: &str = "glassbook-time";
/// The header with the SHA-256 of the body, in hex.
pub const BODY: &str = "glassbook-body";
/// The header with the signature, in hex.
pub const SIGNATURE: &str = "glassbook-signature";

/// A request may be so many milliseconds old, by the node's clock.
const WINDOW: u64 = 60_000;
/// A worker's clock may be so many milliseconds ahead of the node's.
const AHEAD: u64 = 5_000;
/// Requests of one worker within the window at most.
const REMEMBERED: usize = 4_096;

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A header is missing or cannot be read.
    #[error("the request needs the headers {WORKER}, {TIME}, {BODY} and {SIGNATURE}")]
    Headers,
    /// Nobody allowed this worker.
    #[error("this worker's key is not among those that the node allows")]
    NotAllowed,
    /// The clocks differ too much.
    #[error(
        "the request's time is {off} ms from the node's; at most {WINDOW} ms behind and {AHEAD} ms ahead are accepted"
    )]
    Time {
        /// How far.
        off: u64,
    },
    /// A node that ran before may have had it.
    #[error("this node was started a moment ago, and the request may have been received before: try again")]
    JustStarted,
    /// The body is another than the one that was signed.
    #[error("the body is not the one that was signed")]
    Body,
    /// The signature is of something else.
    #[error("the signature does not fit the request")]
    Signature,
    /// It was here before.
    #[error("this request was received before")]
    Repeated,
    /// Too many within a short time.
    #[error("too many requests: {REMEMBERED} in a minute at most")]
    TooMany,
}

/// A worker's key.
#[derive(Clone, Debug)]
pub struct WorkerKey(SigningKey);

impl WorkerKey {
    /// The key of a secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// What the node knows the worker by.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        WorkerId(self.0.verifying_key().to_bytes())
    }

    /// The signature of a request.
    #[must_use]
    pub fn sign(&self, method: &str, path: &str, time: Millis, body: &[u8; 32]) -> [u8; 64] {
        self.0.sign(&message(method, path, time, body)).to_bytes()
    }
}

/// What stands for a body in a signature.
#[must_use]
pub fn body_hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

fn message(method: &str, path: &str, time: Millis, body: &[u8; 32]) -> Vec<u8> {
    let body = hex::encode(body);
    format!("glassbook worker 1\n{method}\n{path}\n{}\n{body}", time.0).into_bytes()
}

/// What a request says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Upper case.
    pub method: &'a str,
    /// With the query.
    pub path: &'a str,
    /// Of the header.
    pub worker: WorkerId,
    /// Of the header.
    pub time: Millis,
    /// Of the header.
    pub body: [u8; 32],
    /// Of the header.
    pub signature: [u8; 64],
}

impl<'a> Signed<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// When one is missing or malformed.
    pub fn read<'h>(
        method: &'a str,
        path: &'a str,
        header: impl Fn(&'static str) -> Option<&'h str>,
    ) -> Result<Self, AuthError> {
        let worker = header(WORKER).and_then(|text| text.parse().ok()).ok_or(AuthError::Headers)?;
        let time = header(TIME).and_then(|text| text.parse().ok()).map(Millis).ok_or(AuthError::Headers)?;
        let (mut body, mut signature) = ([0; 32], [0; 64]);
        let bytes = |name, to: &mut [u8]| {
            header(name).and_then(|text| hex::decode_to_slice(text, to).ok()).ok_or(AuthError::Headers)
        };
        bytes(BODY, &mut body)?;
        bytes(SIGNATURE, &mut signature)?;
        Ok(Self { method, path, worker, time, body, signature })
    }

    /// Whether that is the body that was signed.
    ///
    /// # Errors
    /// When it is another.
    pub fn has_body(&self, body: &[u8]) -> Result<(), AuthError> {
        if body_hash(body) == self.body { Ok(()) } else { Err(AuthError::Body) }
    }
}

/// Knows whom to let in, and what was said already.
#[derive(Debug)]
pub struct Gate {
    allowed: BTreeSet<WorkerId>,
    /// What was signed before may have been received before.
    since: Millis,
    seen: HashMap<WorkerId, BTreeSet<(Millis, [u8; 64])>>,
}

impl Gate {
    /// Lets these workers in, at a node that was started at that time; zero for one that is the first of its kind.
    pub fn new(allowed: impl IntoIterator<Item = WorkerId>, started: Millis) -> Self {
        let since = if started == Millis(0) { started } else { started.plus(AHEAD) };
        Self { allowed: allowed.into_iter().collect(), since, seen: HashMap::new() }
    }

    /// Lets these workers in from now on, and no others.
    pub fn allow(&mut self, allowed: impl IntoIterator<Item = WorkerId>) {
        self.allowed = allowed.into_iter().collect();
        let Self { allowed, seen, .. } = self;
        seen.retain(|worker, _| allowed.contains(worker));
    }

    /// Whether the worker really said that, and for the first time.
    ///
    /// # Errors
    /// When not.
    pub fn admit(&mut self, signed: &Signed<'_>, now: Millis) -> Result<WorkerId, AuthError> {
        let Signed { method, path, worker, time, body, signature } = *signed;
        if !self.allowed.contains(&worker) {
            return Err(AuthError::NotAllowed);
        }
        let off = now.0.abs_diff(time.0);
        if off > if time > now { AHEAD } else { WINDOW } {
            return Err(AuthError::Time { off });
        }
        let key = VerifyingKey::from_bytes(&worker.0).map_err(|_| AuthError::Signature)?;
        key.verify_strict(&message(method, path, time, &body), &Signature::from_bytes(&signature))
            .map_err(|_| AuthError::Signature)?;
        if time <= self.since {
            return Err(AuthError::JustStarted);
        }
        let seen = self.seen.entry(worker).or_default();
        // Older ones are refused by their time.
        let oldest = Millis(now.0.saturating_sub(WINDOW));
        *seen = seen.split_off(&(oldest, [0; 64]));
        if seen.len() >= REMEMBERED {
            return Err(AuthError::TooMany);
        }
        if !seen.insert((time, signature)) {
            return Err(AuthError::Repeated);
        }
        Ok(worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn key() -> WorkerKey {
        WorkerKey::new(&[5; 32])
    }

    fn signed(body: &[u8]) -> Signed<'static> {
        signed_at(NOW, body)
    }

    fn signed_at(time: Millis, body: &[u8]) -> Signed<'static> {
        let (method, path, body) = ("POST", "/v1/leases?a=b", body_hash(body));
        let signature = key().sign(method, path, time, &body);
        Signed { method, path, worker: key().id(), time, body, signature }
    }

    #[test]
    fn a_request_is_admitted_once_even_if_the_node_is_started_anew() {
        for ahead in [0, 1, AHEAD, AHEAD + 1] {
            let request = signed_at(NOW.plus(ahead), b"x");
            let taken = Gate::new([key().id()], Millis(0)).admit(&request, NOW);
            assert_eq!(taken.is_ok(), ahead <= AHEAD);
            // Started in the same millisecond, or later.
            for started in [0, 1, AHEAD, WINDOW].map(|later| NOW.plus(later)) {
                let mut gate = Gate::new([key().id()], started);
                for now in [0, 1, AHEAD, AHEAD + 1, WINDOW, 2 * WINDOW].map(|later| started.plus(later)) {
                    let again = gate.admit(&request, now);
                    assert!(taken.is_err() || again.is_err(), "{ahead} {started:?} {now:?}");
                }
            }
        }
        // A while after its start it takes what is new, of clocks that are right or a little behind.
        let mut gate = Gate::new([key().id()], NOW);
        assert_eq!(gate.admit(&signed_at(NOW.plus(1), b"x"), NOW.plus(1)), Err(AuthError::JustStarted));
        for (at, time) in [(1, 1), (WINDOW, 1), (WINDOW, WINDOW)] {
            let (now, time) = (NOW.plus(AHEAD + at), NOW.plus(AHEAD + time));
            assert_eq!(gate.admit(&signed_at(time, &at.to_le_bytes()), now), Ok(key().id()));
        }
    }

    #[test]
    fn clocks_may_be_a_little_ahead_and_more_behind() {
        let mut gate = Gate::new([key().id()], Millis(0));
        let request = signed_at(NOW, b"x");
        let early = Millis(NOW.0 - AHEAD - 1);
        assert_eq!(gate.admit(&request, early), Err(AuthError::Time { off: AHEAD + 1 }));
        assert_eq!(gate.admit(&request, Millis(NOW.0 - AHEAD)), Ok(key().id()));
        assert_eq!(gate.admit(&signed_at(NOW, b"y"), NOW.plus(WINDOW)), Ok(key().id()));
    }

    #[test]
    fn a_request_is_admitted_once() {
        let mut gate = Gate::new([key().id()], Millis(0));
        assert_eq!(gate.admit(&signed(b"x"), NOW), Ok(key().id()));
        assert_eq!(gate.admit(&signed(b"x"), NOW), Err(AuthError::Repeated));
        assert_eq!(gate.admit(&signed(b"x"), NOW.plus(WINDOW)), Err(AuthError::Repeated));
        let late = gate.admit(&signed(b"x"), NOW.plus(WINDOW + 1));
        assert_eq!(late, Err(AuthError::Time { off: WINDOW + 1 }));
    }

    #[test]
    fn nothing_of_a_request_can_be_altered() {
        let mut gate = Gate::new([key().id()], Millis(0));
        let good = signed(b"x");
        let other = WorkerKey::new(&[6; 32]).id();
        for (altered, error) in [
            (Signed { method: "PUT", ..good }, AuthError::Signature),
            (Signed { path: "/v1/leases?a=c", ..good }, AuthError::Signature),
            (Signed { time: NOW.plus(1), ..good }, AuthError::Signature),
            (Signed { body: body_hash(b"y"), ..good }, AuthError::Signature),
            (Signed { worker: other, ..good }, AuthError::NotAllowed),
        ] {
            assert_eq!(gate.admit(&altered, NOW), Err(error));
        }
        assert!(gate.admit(&good, NOW).is_ok());
        assert_eq!(good.has_body(b"x"), Ok(()));
        assert_eq!(good.has_body(b"y"), Err(AuthError::Body));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut gate = Gate::new([key().id()], Millis(0));
        let good = signed(b"");
        for at in 0..=REMEMBERED as u64 {
            let time = Millis(NOW.0 - at);
            let signature = key().sign(good.method, good.path, time, &good.body);
            let expected = if at < REMEMBERED as u64 { Ok(key().id()) } else { Err(AuthError::TooMany) };
            assert_eq!(gate.admit(&Signed { time, signature, ..good }, NOW), expected);
        }
    }
}
