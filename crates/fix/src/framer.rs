//! Finds messages in a stream of bytes.
//!
//! A message begins with `8=FIX…|9=length|`, and has `10=…|` where the length says. Bytes for which that does not hold are
//! garbled: they are skipped up to the next `8=`, and the sequence numbers will show whether something was lost. A frame whose
//! shape is right but whose check sum is wrong is skipped whole, so that no byte is added up more than once.

use thiserror::Error;

use crate::message::{Malformed, Message, MessageLimits, SOH, number};
use crate::tags;

/// Characters of BeginString at most.
const BEGIN_STRING: usize = 16;
/// How every BeginString begins.
const VERSION: &[u8] = b"FIX";
/// Digits of BodyLength at most.
const BODY_LENGTH: usize = 9;
/// Bytes of `10=nnn|`.
const TRAILER: usize = 7;

/// What comes next in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message with the right length and check sum.
    Message(Message),
    /// Something else was skipped.
    Garbled(Garbled),
}

/// Why something was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Garbled {
    /// Bytes between messages.
    #[error("bytes that begin no message")]
    Noise,
    /// Another header than `8=…|9=length|`, or no check sum where the length says.
    #[error("BeginString, BodyLength and CheckSum are not where they should be")]
    Shape,
    /// The check sum.
    #[error("CheckSum is {found:03}, the bytes add up to {computed:03}")]
    CheckSum {
        /// As sent.
        found: u8,
        /// As computed.
        computed: u8,
    },
    /// The fields.
    #[error(transparent)]
    Fields(#[from] Malformed),
}

/// A message is longer than allowed; the stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message is longer than {limit} bytes")]
pub struct TooLong {
    /// What is allowed.
    pub limit: usize,
}

/// Collects bytes and finds messages in them. Holds one message's bytes, and what was read after them in one go.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// What is before it was dealt with.
    at: usize,
    limits: MessageLimits,
}

impl Framer {
    /// With nothing in it.
    #[must_use]
    pub fn new(limits: MessageLimits) -> Self {
        Self { buffer: Vec::new(), at: 0, limits }
    }

    /// Adds bytes as they arrive. Take all frames before more is added.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame; `None` until more bytes arrive.
    ///
    /// # Errors
    /// When a message is too long.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, TooLong> {
        let bytes = &self.buffer[self.at..];
        let Some(start) = beginning(bytes) else {
            // The last byte may be the first of a beginning.
            let noise = bytes.len() - usize::from(bytes.last() == Some(&b'8'));
            self.at += noise;
            return Ok((noise > 0).then_some(Frame::Garbled(Garbled::Noise)));
        };
        if start > 0 {
            self.at += start;
            return Ok(Some(Frame::Garbled(Garbled::Noise)));
        }
        let (length, frame) = match self.measure(bytes)? {
            Measured::Unfinished => return Ok(None),
            Measured::Garbled => (2, Frame::Garbled(Garbled::Shape)),
            Measured::Whole(length) => (length, self.read(&bytes[..length])),
        };
        self.at += length;
        Ok(Some(frame))
    }

    fn measure(&self, bytes: &[u8]) -> Result<Measured, TooLong> {
        let version = &bytes[2..bytes.len().min(2 + VERSION.len())];
        if !VERSION.starts_with(version) {
            return Ok(Measured::Garbled);
        }
        let Some(length_at) = field(bytes, 2, BEGIN_STRING) else {
            return Ok(unfinished(bytes, BEGIN_STRING + 2));
        };
        let rest = &bytes[length_at..];
        if !b"9=".starts_with(&rest[..rest.len().min(2)]) {
            return Ok(Measured::Garbled);
        }
        let Some(body) = field(rest, 2, BODY_LENGTH) else { return Ok(unfinished(rest, BODY_LENGTH + 2)) };
        let Some(length) = number(&rest[2..body - 1]) else { return Ok(Measured::Garbled) };
        // At most nine digits, and offsets that fit the buffer.
        let end = length_at + body + length as usize + TRAILER;
        if end > self.limits.bytes {
            return Err(TooLong { limit: self.limits.bytes });
        }
        let Some(trailer) = bytes.get(end - TRAILER..end) else { return Ok(Measured::Unfinished) };
        let digits = trailer[3..6].iter().all(u8::is_ascii_digit);
        let before = bytes[end - TRAILER - 1] == SOH;
        let shaped = trailer.starts_with(b"10=") && trailer[6] == SOH && digits && before;
        Ok(if shaped { Measured::Whole(end) } else { Measured::Garbled })
    }

    fn read(&self, bytes: &[u8]) -> Frame {
        let (summed, trailer) = bytes.split_at(bytes.len() - TRAILER);
        let computed = check_sum(summed);
        // Three digits.
        let found = number(&trailer[3..6]).unwrap_or(u64::MAX);
        if found != u64::from(computed) {
            return Frame::Garbled(Garbled::CheckSum { found: found.min(255) as u8, computed });
        }
        match Message::split(bytes.to_vec(), &self.limits) {
            Ok(message) => Frame::Message(message),
            Err(malformed) => Frame::Garbled(malformed.into()),
        }
    }
}

enum Measured {
    Unfinished,
    Garbled,
    Whole(usize),
}

fn unfinished(bytes: &[u8], limit: usize) -> Measured {
    if bytes.len() > limit { Measured::Garbled } else { Measured::Unfinished }
}

/// Where `8=` is.
fn beginning(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"8=")
}

/// Where the field after the one whose value starts at `start` begins, if the value has at most `limit` bytes.
fn field(bytes: &[u8], start: usize, limit: usize) -> Option<usize> {
    let value = bytes.get(start..)?;
    value.iter().take(limit + 1).position(|byte| *byte == SOH).map(|end| start + end + 1)
}

/// The sum of all bytes, modulo 256.
#[must_use]
pub fn check_sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

/// Reads one message that is all of `bytes`: for tests and tools.
#[must_use]
pub fn read_message(bytes: &[u8], limits: MessageLimits) -> Option<Message> {
    let mut framer = Framer::new(limits);
    framer.push(bytes);
    match framer.next_frame() {
        Ok(Some(Frame::Message(message))) if message.bytes().len() == bytes.len() => Some(message),
        _ => None,
    }
}

/// The version that is spoken here.
pub const BEGIN: &str = "FIX.4.4";

const _: () = assert!(tags::BEGIN_STRING == 8 && BEGIN.len() <= BEGIN_STRING);
