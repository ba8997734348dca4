//! A FIX 4.4 acceptor (FIX 4.4, volume 2: "FIX session protocol").
//!
//! ```text
//!  bytes ──► Framer ──► Message ──► Session (pure: messages and times in, actions out)
//!                                     │ records          │ bytes        │ messages
//!                                   Store (redb)      connection     Application
//! ```
//!
//! Knows nothing of an exchange: an [`Application`] says who may log on, takes messages and sends some.
//!
//! What holds, whatever crashes:
//!
//! - A message of the application is on disk before it is sent, with the application's notes. Whoever missed it asks for it
//!   (ResendRequest) and gets it as a possible duplicate. Messages of the session layer, and those that the application calls
//!   volatile, are not kept; such numbers are filled.
//! - The number of a message is on disk before the message is handed to the application, so that nothing is ever carried out
//!   twice. What was lost on the way to the application after that is lost; whoever sent it asks what became of it.
//!
//! # Why not a library
//!
//! In 2026 there are several Rust engines. `hotfix` is for initiators only. `ferrumfix` and `rustyfix` have codecs, and no
//! session that could be used. The C++ binding `quickfix` would put threads, a file store and unbounded queues of a C++ library
//! into the process. `fixer` brings MongoDB, SQL and OpenTelemetry along. `quickfix-tokio` comes closest (it passes QuickFIX's
//! acceptance tests), but before a Logon it buffers whatever a stranger sends, without bounds or time limits on writing or on
//! the number of connections; its sessions are fixed when it starts, where ours are made by whoever has a key; and its files
//! grow for ever. What it would save is the session's rules, some 600 lines here, which are tested here against the scenarios
//! of the standard's test cases and against QuickFIX itself.

mod acceptor;
mod application;
mod connection;
mod framer;
mod message;
mod outgoing;
mod session;
mod store;
pub mod tags;
mod utc;

pub use acceptor::{Acceptor, AcceptorError, AcceptorLimits, AcceptorSettings};
pub use application::{
    Application, Identity, Incoming, Outgoing, Refusal, SessionEnded, SessionHandle, Status,
};
pub use framer::{BEGIN, Frame, Framer, Garbled, TooLong, check_sum, read_message};
pub use message::{Entry, FieldError, Malformed, Message, MessageLimits, RejectReason, SOH};
pub use outgoing::{Body, Header};
pub use session::{Action, Closed, Kept, Now, Numbers, Record, Rules, Session};
pub use store::{Saved, SessionId, Store, StoreError, StoreLimits};
pub use utc::Utc;
