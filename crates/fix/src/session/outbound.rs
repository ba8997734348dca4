//! What a session sends.

use super::{Action, BLOCK, Body, Closed, Header, Kept, Now, Record, Session};
use crate::message::RejectReason;
use crate::{Message, Utc, tags};

impl Session {
    /// Sends a message of the application that is kept and sent again when asked for; also when nobody is logged on, who then
    /// asks for it when he is. `notes` are written down with it, all or nothing.
    pub fn send(
        &mut self,
        now: Now,
        body: Body,
        notes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        out: &mut Vec<Action>,
    ) {
        out.extend(notes.into_iter().map(|(key, value)| Action::Record(Record::Note(key, value))));
        let number = self.take_number(out);
        let write = self.is_online().then(|| self.frame(number, now.utc, None, &body));
        out.push(Action::Record(Record::Sent { number, time: now.utc, body }));
        self.write(now, write, out);
    }

    /// Sends a message of the application that is of no use later (market data): it is not kept, and dropped when nobody is
    /// logged on.
    pub fn send_volatile(&mut self, now: Now, body: &Body, out: &mut Vec<Action>) {
        if self.is_online() {
            self.send_admin(now, body, out);
        }
    }

    /// Writes down what the application wants to remember.
    pub fn note(&mut self, notes: Vec<(Vec<u8>, Option<Vec<u8>>)>, out: &mut Vec<Action>) {
        out.extend(notes.into_iter().map(|(key, value)| Action::Record(Record::Note(key, value))));
    }

    /// Says goodbye, and waits for the answer.
    pub fn log_out(&mut self, now: Now, why: &str, out: &mut Vec<Action>) {
        if self.connection.as_ref().is_none_or(|connection| connection.closed || connection.logout.is_some())
        {
            return;
        }
        self.send_admin(now, &Body::new(tags::kind::LOGOUT).with(tags::TEXT, why), out);
        if let Some(connection) = &mut self.connection {
            connection.logout = Some(now.ticks);
        }
    }

    /// Says goodbye without waiting for an answer: the other side broke a rule.
    pub(super) fn end(&mut self, now: Now, why: &str, out: &mut Vec<Action>) {
        self.send_admin(now, &Body::new(tags::kind::LOGOUT).with(tags::TEXT, why), out);
        if let Some(connection) = &mut self.connection {
            connection.closed = true;
        }
        out.push(Action::Close(Closed::Broken(why.to_owned())));
    }

    /// The messages that were kept under the numbers `from` to `to`, for whoever asked. What was not kept is filled.
    pub fn resend(&mut self, now: Now, (from, to): (u64, u64), kept: Vec<Kept>, out: &mut Vec<Action>) {
        let mut next = from;
        for Kept { number, time, body } in kept {
            self.fill_gap(now, next, number, out);
            let frame = self.frame(number, now.utc, Some(time), &body);
            self.write(now, Some(frame), out);
            next = number + 1;
        }
        self.fill_gap(now, next, to + 1, out);
    }

    /// Answers with a Reject: the message is taken, and did nothing.
    pub(super) fn reject(
        &mut self,
        now: Now,
        message: &Message,
        (tag, reason): (Option<u32>, RejectReason),
        out: &mut Vec<Action>,
    ) {
        let kind = Some(message.kind()).filter(|kind| !kind.is_empty());
        let body = Body::new(tags::kind::REJECT)
            .with(tags::REF_SEQ_NUM, message.number(tags::MSG_SEQ_NUM).unwrap_or(0))
            .with_some(tags::REF_TAG_ID, tag)
            .with_some(tags::REF_MSG_TYPE, kind)
            .with(tags::SESSION_REJECT_REASON, reason as u8)
            .with(tags::TEXT, reason.sentence());
        self.send_admin(now, &body, out);
    }

    pub(super) fn request_resend(&mut self, now: Now, out: &mut Vec<Action>) {
        let body = Body::new(tags::kind::RESEND_REQUEST)
            .with(tags::BEGIN_SEQ_NO, self.next_in)
            .with(tags::END_SEQ_NO, 0);
        self.send_admin(now, &body, out);
    }

    pub(super) fn send_admin(&mut self, now: Now, body: &Body, out: &mut Vec<Action>) {
        let number = self.take_number(out);
        let frame = self.frame(number, now.utc, None, body);
        self.write(now, Some(frame), out);
    }

    fn fill_gap(&mut self, now: Now, from: u64, to: u64, out: &mut Vec<Action>) {
        if from < to {
            let body = Body::new(tags::kind::SEQUENCE_RESET)
                .with(tags::GAP_FILL_FLAG, 'Y')
                .with(tags::NEW_SEQ_NO, to);
            let frame = self.frame(from, now.utc, Some(now.utc), &body);
            self.write(now, Some(frame), out);
        }
    }

    /// The next number. It is on disk that it may have been used before it is.
    fn take_number(&mut self, out: &mut Vec<Action>) -> u64 {
        let number = self.next_out;
        self.next_out += 1;
        if self.next_out > self.reserved {
            self.reserved = number + BLOCK;
            out.push(Action::Record(Record::NextOut(self.reserved)));
        }
        number
    }

    fn write(&mut self, now: Now, frame: Option<Vec<u8>>, out: &mut Vec<Action>) {
        if let (Some(connection), Some(frame)) = (&mut self.connection, frame) {
            connection.last_out = now.ticks;
            out.push(Action::Write(frame));
        }
    }

    fn frame(&self, number: u64, time: Utc, original: Option<Utc>, body: &Body) -> Vec<u8> {
        Header { sender: &self.own, target: &self.other, number, time, original }.frame(body)
    }
}
