//! Whether the node lives, and whether it can serve: named checks, each with its reason and what to do.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};

/// How long an answer serves all that ask: many who ask cost no more than one.
const SERVES: Duration = Duration::from_millis(200);

/// What a check finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All is well, with some figure or word for people.
    Well(String),
    /// It works, and somebody should look.
    Degraded {
        /// What is wrong.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// It does not work.
    Down {
        /// What is wrong.
        why: String,
        /// What to do.
        remedy: String,
    },
}

impl Finding {
    /// Degraded.
    pub fn degraded(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Degraded { why: why.into(), remedy: remedy.into() }
    }

    /// Down.
    pub fn down(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Down { why: why.into(), remedy: remedy.into() }
    }

    fn status(&self) -> Status {
        match self {
            Self::Well(_) => Status::Well,
            Self::Degraded { .. } => Status::Degraded,
            Self::Down { .. } => Status::Down,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Well,
    Degraded,
    Down,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// What a failed check says of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does not live: whoever watches it should start it again.
    Live,
    /// It cannot serve now: send requests elsewhere, and leave it alone.
    Ready,
}

struct Check {
    name: &'static str,
    kind: Kind,
    look: Box<dyn Fn() -> Finding + Send + Sync>,
}

/// An answer, and when it was found.
type Answer = (Instant, Status, Arc<str>);

/// The checks of a node.
#[derive(Default)]
pub struct Health {
    checks: Mutex<Vec<Arc<Check>>>,
    /// The last answers to `/healthz` and `/readyz`.
    answers: Mutex<[Option<Answer>; 2]>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("checks", &self.list().iter().map(|check| check.name).collect::<Vec<_>>())
            .finish()
    }
}

impl Health {
    /// Adds a check. It is asked at each request and must not wait for anything.
    pub fn add(&self, name: &'static str, kind: Kind, look: impl Fn() -> Finding + Send + Sync + 'static) {
        let check = Arc::new(Check { name, kind, look: Box::new(look) });
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Adds a check that somebody gives a sign of life at least so often. Until the first sign it is asked for patience.
    pub fn beat(&self, name: &'static str, kind: Kind, at_least_every: Duration) -> Beat {
        let beat = Beat { began: Instant::now(), last: Arc::new(AtomicU64::new(0)) };
        let heard = beat.clone();
        self.add(name, kind, move || {
            let silence = heard.silence();
            match silence <= at_least_every {
                true => Finding::Well(format!("seen {} ms ago", silence.as_millis())),
                false => Finding::down(
                    format!("no sign of life for {} s", silence.as_secs()),
                    "look at the log; if it says nothing, take a stack trace (gdb -p) and start the node again",
                ),
            }
        });
        beat
    }

    /// `/healthz` and `/readyz`.
    pub fn routes(self: &Arc<Self>) -> Router {
        let (live, ready) = (Arc::clone(self), Arc::clone(self));
        Router::new()
            .route("/healthz", get(async move || live.answer(Kind::Live)))
            .route("/readyz", get(async move || ready.answer(Kind::Ready)))
    }

    /// The worst of all checks in a word, and all of them: what `/readyz` (or, of those for liveness, `/healthz`) tells.
    #[must_use]
    pub fn report(&self, kind: Kind) -> (bool, Value) {
        let (status, value) = self.look(kind);
        (status != Status::Down, value)
    }

    fn answer(&self, kind: Kind) -> impl IntoResponse + use<> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut answers[usize::from(kind == Kind::Ready)];
        let (status, text) = match kept {
            Some((at, status, text)) if at.elapsed() < SERVES => (*status, Arc::clone(text)),
            _ => {
                let (status, value) = self.look(kind);
                let text: Arc<str> = value.to_string().into();
                *kept = Some((Instant::now(), status, Arc::clone(&text)));
                (status, text)
            }
        };
        let code = if status == Status::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (code, headers, text.to_string())
    }

    fn look(&self, kind: Kind) -> (Status, Value) {
        let asked = self.list().into_iter().filter(|check| kind == Kind::Ready || check.kind == Kind::Live);
        let mut worst = Status::Well;
        let mut checks = Vec::new();
        for check in asked {
            let finding = (check.look)();
            let status = finding.status();
            worst = worst.max(status);
            checks.push(match finding {
                Finding::Well(detail) => {
                    json!({ "name": check.name, "status": status.name(), "detail": detail })
                }
                Finding::Degraded { why, remedy } | Finding::Down { why, remedy } => {
                    json!({ "name": check.name, "status": status.name(), "why": why, "remedy": remedy })
                }
            });
        }
        (worst, json!({ "status": worst.name(), "checks": checks }))
    }

    fn list(&self) -> Vec<Arc<Check>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Signs of life of a thread. Cheap.
#[derive(Clone, Debug)]
pub struct Beat {
    began: Instant,
    /// Milliseconds after the begin.
    last: Arc<AtomicU64>,
}

impl Beat {
    /// A sign of life.
    pub fn beat(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(health: &Arc<Health>, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = health.routes().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 16).await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn a_node_that_cannot_serve_lives_all_the_same_and_says_what_to_do() {
        let health = Arc::new(Health::default());
        health.add("engine", Kind::Live, || Finding::Well("running".to_string()));
        health.add("chain", Kind::Ready, || Finding::down("the node does not answer", "start it"));
        let (status, live) = get(&health, "/healthz").await;
        assert_eq!(
            (status, &live["status"], &live["checks"][0]["name"]),
            (StatusCode::OK, &json!("ok"), &json!("engine"))
        );
        assert_eq!(live["checks"].as_array().map(Vec::len), Some(1));
        let (status, ready) = get(&health, "/readyz").await;
        assert_eq!((status, &ready["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("down")));
        let chain = json!({ "name": "chain", "status": "down", "why": "the node does not answer", "remedy": "start it" });
        assert_eq!(ready["checks"][1], chain);
    }

    #[tokio::test]
    async fn what_is_degraded_serves() {
        let health = Arc::new(Health::default());
        health.add("settlement", Kind::Ready, || Finding::degraded("behind", "wait"));
        let (status, ready) = get(&health, "/readyz").await;
        assert_eq!((status, &ready["status"]), (StatusCode::OK, &json!("degraded")));
    }

    #[tokio::test]
    async fn many_who_ask_are_answered_by_one_look() {
        let looks = Arc::new(AtomicU64::new(0));
        let health = Arc::new(Health::default());
        let counted = Arc::clone(&looks);
        health.add("engine", Kind::Live, move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Finding::Well(String::new())
        });
        for _ in 0..50 {
            get(&health, "/healthz").await;
        }
        assert!(looks.load(Ordering::Relaxed) < 10, "{looks:?}");
    }

    #[test]
    fn silence_is_found_and_a_sign_of_life_ends_it() {
        let health = Health::default();
        let beat = health.beat("settler", Kind::Live, Duration::from_millis(100));
        assert!(health.report(Kind::Live).0);
        std::thread::sleep(Duration::from_millis(150));
        let (lives, report) = health.report(Kind::Live);
        assert!(
            !lives && report["checks"][0]["why"].as_str().is_some_and(|why| why.contains("no sign of life")),
            "{report}"
        );
        beat.beat();
        assert!(health.report(Kind::Live).0);
    }

    #[test]
    fn a_check_can_change_its_mind() {
        let health = Health::default();
        let broken = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&broken);
        health.add("disk", Kind::Live, move || match seen.load(Ordering::Relaxed) {
            true => Finding::down("full", "make room"),
            false => Finding::Well("has room".to_string()),
        });
        assert!(health.report(Kind::Live).0);
        broken.store(true, Ordering::Relaxed);
        assert!(!health.report(Kind::Live).0);
    }
}
