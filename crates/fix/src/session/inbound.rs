//! What a session does with what arrives.

use std::time::Duration;

use super::{Action, Body, Closed, Connection, FieldError, Gap, Now, Record, RejectReason, Session};
use crate::framer::{BEGIN, Frame, Garbled, TooLong};
use crate::{Message, Utc, tags};
use tags::kind;

/// How a message's number stands to the one that is expected.
enum Place {
    Expected,
    /// Messages before it are missing.
    TooHigh(u64),
    /// It was taken before, and says so.
    Duplicate,
}

/// What ends a session at once, in words for the Logout.
struct Fatal(String);

impl Session {
    /// The Logon that a connection begins with. Who sends it is known, and that it is for this session.
    pub fn logon(&mut self, now: Now, message: &Message, out: &mut Vec<Action>) {
        self.connection = Some(Connection {
            heartbeat: self.rules.longest_heartbeat,
            last_in: now.ticks,
            last_out: now.ticks,
            tested: None,
            tests: 0,
            gap: None,
            logout: None,
            garbled: 0,
            closed: false,
        });
        if let Err(Fatal(why)) = self.take_logon(now, message, out) {
            self.end(now, &why, out);
        }
    }

    /// What arrived on a connection after the Logon.
    pub fn receive(&mut self, now: Now, frame: &Frame, out: &mut Vec<Action>) {
        let Some(connection) = &mut self.connection else { return };
        if connection.closed {
            return;
        }
        let message = match frame {
            Frame::Message(message) => message,
            Frame::Garbled(why) => return self.garbled(now, *why, out),
        };
        (connection.last_in, connection.tested) = (now.ticks, None);
        if let Err(Fatal(why)) = self.take(now, message, out) {
            self.end(now, &why, out);
        }
        self.close_gap();
    }

    /// A message was too long to be read.
    pub fn too_long(&mut self, now: Now, error: TooLong, out: &mut Vec<Action>) {
        if self.is_online() {
            self.end(now, &error.to_string(), out);
        }
    }

    /// Garbled messages are ignored, as the standard says: the gap in the numbers will show. Not without end.
    fn garbled(&mut self, now: Now, why: Garbled, out: &mut Vec<Action>) {
        tracing::debug!(session = %self.other, %why, "garbled");
        let Some(connection) = &mut self.connection else { return };
        connection.garbled += 1;
        if connection.garbled > self.rules.garbled {
            self.end(now, "too many garbled messages", out);
        }
    }

    fn take_logon(&mut self, now: Now, message: &Message, out: &mut Vec<Action>) -> Result<(), Fatal> {
        self.check_header(now, message).map_err(|(_, why)| Fatal(why))?;
        let fatal = |error: FieldError| Fatal(error.to_string());
        message.check(self.repeated).map_err(fatal)?;
        let sent = message.time(tags::SENDING_TIME).map_err(fatal)?;
        if sent <= self.logged_on {
            // The proof of who it is covers the SendingTime, so this keeps recorded Logons from being used again.
            return Err(Fatal("SendingTime is not after that of the last Logon".into()));
        }
        let number = message.number(tags::MSG_SEQ_NUM).map_err(fatal)?;
        if message.number(tags::ENCRYPT_METHOD).map_err(fatal)? != 0 {
            return Err(Fatal("EncryptMethod must be 0".into()));
        }
        let heartbeat = Duration::from_secs(message.number(tags::HEART_BT_INT).map_err(fatal)?);
        let (shortest, longest) = (self.rules.shortest_heartbeat, self.rules.longest_heartbeat);
        if !(shortest..=longest).contains(&heartbeat) {
            let (shortest, longest) = (shortest.as_secs(), longest.as_secs());
            return Err(Fatal(format!("HeartBtInt must be from {shortest} to {longest} seconds")));
        }
        let reset = message.flag(tags::RESET_SEQ_NUM_FLAG).map_err(fatal)?;
        let expects = message.optional_number(tags::NEXT_EXPECTED_MSG_SEQ_NUM).map_err(fatal)?;
        if reset {
            if number != 1 {
                return Err(Fatal("MsgSeqNum must be 1 when ResetSeqNumFlag is Y".into()));
            }
            self.reset(out);
        }
        if number < self.next_in {
            return Err(Fatal(too_low(self.next_in, number)));
        }
        if expects.is_some_and(|expects| expects == 0 || expects > self.next_out) {
            let (next, found) = (self.next_out, expects.unwrap_or(0));
            return Err(Fatal(format!("NextExpectedMsgSeqNum is {found}, the next message is {next}")));
        }
        self.logged_on = sent;
        out.push(Action::Record(Record::LoggedOn(sent)));
        if let Some(connection) = &mut self.connection {
            connection.heartbeat = heartbeat;
        }
        if number == self.next_in {
            self.next_in += 1;
        }
        self.confirm_logon(now, reset, expects, out);
        if number >= self.next_in {
            self.found_gap(now, number, expects.is_none(), out);
        }
        Ok(())
    }

    fn confirm_logon(&mut self, now: Now, reset: bool, expects: Option<u64>, out: &mut Vec<Action>) {
        let own = self.next_out;
        let heartbeat = self.connection.as_ref().map_or(Duration::ZERO, |connection| connection.heartbeat);
        let body = Body::new(kind::LOGON)
            .with(tags::ENCRYPT_METHOD, 0)
            .with(tags::HEART_BT_INT, heartbeat.as_secs())
            .with_some(tags::RESET_SEQ_NUM_FLAG, reset.then_some('Y'))
            .with_some(tags::NEXT_EXPECTED_MSG_SEQ_NUM, expects.map(|_| self.next_in));
        self.send_admin(now, &body, out);
        if let Some(from) = expects.filter(|from| *from < own) {
            out.push(Action::Resend { from, to: own - 1 });
        }
    }

    fn take(&mut self, now: Now, message: &Message, out: &mut Vec<Action>) -> Result<(), Fatal> {
        let number = match message.number(tags::MSG_SEQ_NUM) {
            Ok(number) => number,
            Err(error) => return Err(Fatal(error.to_string())),
        };
        let resets =
            message.kind() == kind::SEQUENCE_RESET && !message.flag(tags::GAP_FILL_FLAG).unwrap_or(false);
        if let Err((reason, why)) = self.check_header(now, message) {
            if let Some((tag, reason)) = reason {
                if number == self.next_in {
                    self.next_in += 1;
                }
                self.reject(now, message, (Some(tag), reason), out);
            }
            return Err(Fatal(why));
        }
        if resets {
            return self.sequence_reset(now, message, out);
        }
        if message.kind() == kind::LOGON && message.flag(tags::RESET_SEQ_NUM_FLAG).unwrap_or(false) {
            return self.take_logon(now, message, out);
        }
        match self.place(now, message, number, out)? {
            Place::Expected => self.take_expected(now, message, out),
            Place::Duplicate => Ok(()),
            Place::TooHigh(number) => {
                match message.kind() {
                    // Answered at once: the other side may have a gap as well, and both would wait for each other.
                    kind::RESEND_REQUEST => self.resend_request(now, message, out),
                    kind::LOGOUT => return self.answer_logout(now, out),
                    _ => {}
                }
                self.found_gap(now, number, true, out);
                Ok(())
            }
        }
    }

    fn take_expected(&mut self, now: Now, message: &Message, out: &mut Vec<Action>) -> Result<(), Fatal> {
        if message.kind() == kind::SEQUENCE_RESET {
            return self.sequence_reset(now, message, out);
        }
        self.next_in += 1;
        if let Err(FieldError { tag, reason }) = message.check(self.repeated) {
            self.reject(now, message, (Some(tag), reason), out);
            return Ok(());
        }
        match message.kind() {
            kind::HEARTBEAT | kind::REJECT => {}
            kind::TEST_REQUEST => match message.text(tags::TEST_REQ_ID) {
                Ok(id) => {
                    let body = Body::new(kind::HEARTBEAT).with(tags::TEST_REQ_ID, id);
                    self.send_admin(now, &body, out);
                }
                Err(FieldError { tag, reason }) => self.reject(now, message, (Some(tag), reason), out),
            },
            kind::RESEND_REQUEST => self.resend_request(now, message, out),
            kind::LOGOUT => return self.answer_logout(now, out),
            kind::LOGON => return Err(Fatal("already logged on".into())),
            "" => self.reject(now, message, (Some(tags::MSG_TYPE), RejectReason::InvalidMsgType), out),
            _ if self.connection.as_ref().is_some_and(|connection| connection.logout.is_some()) => {
                // Nothing is taken on after our Logout; the number is, as it was read.
            }
            _ => {
                // On disk before it is handed over: what is carried out is never asked for again, whatever happens.
                self.written_in = self.next_in;
                out.push(Action::Record(Record::NextIn(self.next_in)));
                out.push(Action::Deliver(message.clone()));
            }
        }
        Ok(())
    }

    /// What must hold of every message's header. Says what to reject first, if anything, and why the session ends.
    #[allow(clippy::type_complexity, reason = "a tag with a reason, and words")]
    fn check_header(&self, now: Now, message: &Message) -> Result<(), (Option<(u32, RejectReason)>, String)> {
        if message.get(tags::BEGIN_STRING) != Some(BEGIN.as_bytes()) {
            return Err((None, format!("BeginString must be {BEGIN}")));
        }
        for (tag, expected) in [(tags::SENDER_COMP_ID, &self.other), (tags::TARGET_COMP_ID, &self.own)] {
            if message.get(tag) != Some(expected.as_bytes()) {
                let reason = RejectReason::CompIdProblem;
                return Err((Some((tag, reason)), format!("{}: tag {tag}", reason.sentence())));
            }
        }
        let tolerance = u64::try_from(self.rules.sending_time_tolerance.as_micros()).unwrap_or(u64::MAX);
        let accurate = |sent: Utc| sent.0.abs_diff(now.utc.0) <= tolerance;
        match message.time(tags::SENDING_TIME) {
            Ok(sent) if accurate(sent) => Ok(()),
            Ok(_) => {
                let reason = RejectReason::SendingTimeAccuracy;
                Err((Some((tags::SENDING_TIME, reason)), reason.sentence().to_owned()))
            }
            Err(error) => Err((Some((error.tag, error.reason)), error.to_string())),
        }
    }

    fn place(
        &mut self,
        now: Now,
        message: &Message,
        number: u64,
        out: &mut Vec<Action>,
    ) -> Result<Place, Fatal> {
        if number > self.next_in {
            return Ok(Place::TooHigh(number));
        }
        let duplicate = message.flag(tags::POSS_DUP_FLAG).unwrap_or(false);
        if duplicate && message.kind() != kind::SEQUENCE_RESET {
            let sent = message.time(tags::SENDING_TIME).unwrap_or_default();
            match message.time(tags::ORIG_SENDING_TIME) {
                Ok(original) if original > sent => {
                    if number == self.next_in {
                        self.next_in += 1;
                    }
                    let reason = RejectReason::SendingTimeAccuracy;
                    self.reject(now, message, (Some(tags::ORIG_SENDING_TIME), reason), out);
                    return Err(Fatal(reason.sentence().into()));
                }
                Ok(_) => {}
                Err(FieldError { tag, reason }) => {
                    if number == self.next_in {
                        self.next_in += 1;
                    }
                    self.reject(now, message, (Some(tag), reason), out);
                    return Ok(Place::Duplicate);
                }
            }
        }
        match number == self.next_in {
            true => Ok(Place::Expected),
            false if duplicate => Ok(Place::Duplicate),
            false => Err(Fatal(too_low(self.next_in, number))),
        }
    }

    /// Both kinds. A gap fill has come in its place; a reset counts whatever its own number is.
    fn sequence_reset(&mut self, now: Now, message: &Message, out: &mut Vec<Action>) -> Result<(), Fatal> {
        let fills = message.flag(tags::GAP_FILL_FLAG).unwrap_or(false);
        match message.number(tags::NEW_SEQ_NO) {
            Ok(next) if next > self.next_in || next == self.next_in && !fills => {
                self.next_in = next;
                self.written_in = next;
                out.push(Action::Record(Record::NextIn(next)));
            }
            Ok(_) => {
                // A gap fill that goes nowhere takes its number all the same; a reset backwards changes nothing.
                if fills {
                    self.next_in += 1;
                }
                self.reject(now, message, (Some(tags::NEW_SEQ_NO), RejectReason::ValueIncorrect), out);
            }
            Err(FieldError { tag, reason }) => {
                if fills {
                    self.next_in += 1;
                }
                self.reject(now, message, (Some(tag), reason), out);
            }
        }
        Ok(())
    }

    fn resend_request(&mut self, now: Now, message: &Message, out: &mut Vec<Action>) {
        let bounds = message.number(tags::BEGIN_SEQ_NO).and_then(|begin| {
            let end = message.number(tags::END_SEQ_NO)?;
            let last = self.next_out - 1;
            // Zero is infinity.
            let end = if end == 0 { last } else { end.min(last) };
            let reason = RejectReason::ValueIncorrect;
            if begin == 0 || begin > last {
                return Err(FieldError { tag: tags::BEGIN_SEQ_NO, reason });
            }
            if begin > end { Err(FieldError { tag: tags::END_SEQ_NO, reason }) } else { Ok((begin, end)) }
        });
        match bounds {
            Ok((from, to)) => out.push(Action::Resend { from, to }),
            Err(FieldError { tag, reason }) => self.reject(now, message, (Some(tag), reason), out),
        }
    }

    fn answer_logout(&mut self, now: Now, out: &mut Vec<Action>) -> Result<(), Fatal> {
        let asked = self.connection.as_ref().is_some_and(|connection| connection.logout.is_some());
        if !asked {
            self.send_admin(now, &Body::new(kind::LOGOUT), out);
        }
        if let Some(connection) = &mut self.connection {
            connection.closed = true;
        }
        out.push(Action::Close(Closed::LoggedOut));
        Ok(())
    }

    /// A message came whose predecessors did not. They are asked for, once; it comes again with them.
    fn found_gap(&mut self, now: Now, number: u64, ask: bool, out: &mut Vec<Action>) {
        let expected = self.next_in;
        let Some(connection) = &mut self.connection else { return };
        match &mut connection.gap {
            Some(gap) => gap.until = gap.until.max(number),
            None => {
                connection.gap = Some(Gap { until: number, asked: now.ticks, expected, requests: 1 });
                if ask {
                    self.request_resend(now, out);
                }
            }
        }
    }

    fn close_gap(&mut self) {
        let next_in = self.next_in;
        if let Some(connection) = &mut self.connection
            && connection.gap.is_some_and(|gap| gap.until < next_in)
        {
            connection.gap = None;
        }
    }

    fn reset(&mut self, out: &mut Vec<Action>) {
        (self.next_in, self.next_out, self.reserved, self.written_in) = (1, 1, 1, 1);
        if let Some(connection) = &mut self.connection {
            connection.gap = None;
        }
        out.push(Action::Record(Record::Reset));
    }
}

fn too_low(expected: u64, received: u64) -> String {
    format!("MsgSeqNum too low, expecting {expected} but received {received}")
}
