//! The session layer as a state machine: messages, times and wishes go in, actions come out. It touches no socket, file or
//! clock, so every rule of it can be tried in a test.

mod inbound;
mod outbound;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::message::{FieldError, RejectReason};
use crate::outgoing::{Body, Header};
use crate::{Message, Utc, tags};

/// Volatile messages and those of the session layer take their numbers from a block that is on disk before: after a crash
/// the numbers go on behind the block, and the gap is filled when the other side asks.
pub(crate) const BLOCK: u64 = 256;

/// How often a gap is asked for before the session ends.
const GAP_REQUESTS: u32 = 3;

/// What holds for every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How far SendingTime may be from our clock.
    pub sending_time_tolerance: Duration,
    /// The shortest heartbeat interval a Logon may ask for.
    pub shortest_heartbeat: Duration,
    /// The longest.
    pub longest_heartbeat: Duration,
    /// How long the answer to our Logout may take.
    pub logout_timeout: Duration,
    /// Garbled pieces after which a connection ends.
    pub garbled: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            sending_time_tolerance: Duration::from_secs(120),
            shortest_heartbeat: Duration::from_secs(1),
            longest_heartbeat: Duration::from_secs(300),
            logout_timeout: Duration::from_secs(5),
            garbled: 100,
        }
    }
}

/// Now, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For SendingTime.
    pub utc: Utc,
    /// For timers: since any fixed moment.
    pub ticks: Duration,
}

/// What to write down. In order, and all of it durable before the [`Action`]s that came out with it are carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The number of the next message that is expected.
    NextIn(u64),
    /// No message with this number or a later one was sent.
    NextOut(u64),
    /// A message of the application, to be sent again when asked for.
    Sent {
        /// MsgSeqNum.
        number: u64,
        /// SendingTime.
        time: Utc,
        /// What.
        body: Body,
    },
    /// Both numbers are one again, and no message was sent.
    Reset,
    /// SendingTime of the last accepted Logon.
    LoggedOn(Utc),
    /// Something of the application's; `None` forgets it.
    Note(Vec<u8>, Option<Vec<u8>>),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write this down first.
    Record(Record),
    /// Send these bytes.
    Write(Vec<u8>),
    /// Hand a message to the application.
    Deliver(Message),
    /// Read what was sent under these numbers, and hand it to [`Session::resend`], in order and in pieces.
    Resend {
        /// The first number.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Close the connection, after sending what is to be sent.
    Close(Closed),
}

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// By Logout, from one side or the other.
    LoggedOut,
    /// The other side broke a rule that ends a session.
    Broken(String),
    /// Nothing came for too long.
    Silent,
}

/// What the other side may be told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// MsgSeqNum.
    pub number: u64,
    /// When it was sent first.
    pub time: Utc,
    /// What.
    pub body: Body,
}

/// Where a session's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Of the next message that is expected.
    pub next_in: u64,
    /// Of the next message that is sent.
    pub next_out: u64,
}

/// A session, with a connection or without.
#[derive(Debug)]
pub struct Session {
    rules: Rules,
    /// Our CompID.
    own: String,
    /// The other side's.
    other: String,
    /// The application's tags that may be in a message more than once.
    repeated: &'static [u32],
    next_in: u64,
    next_out: u64,
    /// What is on disk as the next number to send.
    reserved: u64,
    /// SendingTime of the last accepted Logon.
    logged_on: Utc,
    /// [`Session::next_in`] as it is on disk.
    written_in: u64,
    connection: Option<Connection>,
}

/// What is known of a connection.
#[derive(Debug)]
struct Connection {
    heartbeat: Duration,
    last_in: Duration,
    last_out: Duration,
    /// When a TestRequest was sent that has no answer yet.
    tested: Option<Duration>,
    tests: u64,
    gap: Option<Gap>,
    /// When our Logout was sent.
    logout: Option<Duration>,
    garbled: u32,
    closed: bool,
}

/// Messages are missing, and were asked for.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// The highest number that was seen.
    until: u64,
    /// When it was asked for, and what was expected then.
    asked: Duration,
    expected: u64,
    requests: u32,
}

impl Session {
    /// A session without a connection.
    #[must_use]
    pub fn new(
        rules: Rules,
        (own, other): (&str, &str),
        repeated: &'static [u32],
        numbers: Numbers,
        logged_on: Utc,
    ) -> Self {
        let Numbers { next_in, next_out } = numbers;
        Self {
            rules,
            own: own.to_owned(),
            other: other.to_owned(),
            repeated,
            next_in,
            next_out,
            reserved: next_out,
            logged_on,
            written_in: next_in,
            connection: None,
        }
    }

    /// Where its numbers are.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        Numbers { next_in: self.next_in, next_out: self.next_out }
    }

    /// Whether somebody is logged on.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.closed)
    }

    /// The connection is gone.
    pub fn disconnected(&mut self, out: &mut Vec<Action>) {
        self.connection = None;
        if self.written_in != self.next_in {
            self.written_in = self.next_in;
            out.push(Action::Record(Record::NextIn(self.next_in)));
        }
        if self.reserved != self.next_out {
            self.reserved = self.next_out;
            out.push(Action::Record(Record::NextOut(self.next_out)));
        }
    }

    /// When [`Session::tick`] has something to do next.
    #[must_use]
    pub fn next_tick(&self) -> Option<Duration> {
        let connection = self.connection.as_ref()?;
        if let Some(sent) = connection.logout {
            return Some(sent + self.rules.logout_timeout);
        }
        let heartbeat = connection.heartbeat;
        let send = connection.last_out + heartbeat;
        let hear = match connection.tested {
            Some(tested) => tested + heartbeat,
            None => connection.last_in + silence(heartbeat),
        };
        let gap = connection.gap.map(|gap| gap.asked + heartbeat.max(GAP_PATIENCE));
        Some(send.min(hear).min(gap.unwrap_or(send)))
    }

    /// Time has passed: heartbeats, test requests, and the end of whoever is silent.
    pub fn tick(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(connection) = &mut self.connection else { return };
        if connection.closed {
            return;
        }
        if let Some(sent) = connection.logout {
            if now.ticks >= sent + self.rules.logout_timeout {
                connection.closed = true;
                out.push(Action::Close(Closed::LoggedOut));
            }
            return;
        }
        let heartbeat = connection.heartbeat;
        match connection.tested {
            Some(tested) if now.ticks >= tested + heartbeat => {
                connection.closed = true;
                out.push(Action::Close(Closed::Silent));
                return;
            }
            None if now.ticks >= connection.last_in + silence(heartbeat) => {
                connection.tested = Some(now.ticks);
                connection.tests += 1;
                let id = format!("TEST{}", connection.tests);
                self.send_admin(now, &Body::new(tags::kind::TEST_REQUEST).with(tags::TEST_REQ_ID, id), out);
            }
            _ => {}
        }
        self.ask_again(now, out);
        if self.connection.as_ref().is_some_and(|connection| now.ticks >= connection.last_out + heartbeat) {
            self.send_admin(now, &Body::new(tags::kind::HEARTBEAT), out);
        }
    }

    /// A gap that nothing has come into is asked for again, a few times.
    fn ask_again(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(connection) = &mut self.connection else { return };
        let Some(gap) = &mut connection.gap else { return };
        if now.ticks < gap.asked + connection.heartbeat.max(GAP_PATIENCE) {
            return;
        }
        if gap.expected == self.next_in && gap.requests >= GAP_REQUESTS {
            self.log_out(now, "messages that were asked for did not come", out);
            return;
        }
        if gap.expected != self.next_in {
            gap.requests = 0;
        }
        gap.requests += 1;
        (gap.asked, gap.expected) = (now.ticks, self.next_in);
        self.request_resend(now, out);
    }
}

/// How long a gap may stay without being asked for again.
const GAP_PATIENCE: Duration = Duration::from_secs(10);

/// How long the other side may be silent: its interval, and some time for the way ("reasonable transmission time").
fn silence(heartbeat: Duration) -> Duration {
    heartbeat + heartbeat / 5
}
