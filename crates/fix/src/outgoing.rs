//! Messages to send: the body, and the header and trailer around it.

use std::fmt::{Display, Write as _};

use crate::framer::{BEGIN, check_sum};
use crate::message::SOH;
use crate::{Utc, tags};

/// A message's type and body, without the header's and trailer's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    kind: String,
    fields: Vec<u8>,
}

impl Body {
    /// A message of this type (tag 35), without fields yet.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self { kind: clean(kind), fields: Vec::new() }
    }

    /// What was kept of a message.
    pub(crate) fn from_parts(kind: &str, fields: &[u8]) -> Self {
        Self { kind: kind.to_owned(), fields: fields.to_vec() }
    }

    /// Adds a field. Whatever would end the field early or is not readable ASCII becomes `?`.
    pub fn push(&mut self, tag: u32, value: impl Display) {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "{tag}=");
        let start = text.len();
        let _ = write!(text, "{value}");
        self.fields.extend_from_slice(&text.as_bytes()[..start]);
        self.fields.extend(text[start..].chars().map(|c| if is_clean(c) { c as u8 } else { b'?' }));
        self.fields.push(SOH);
    }

    /// As [`Body::push`], in a chain.
    #[must_use]
    pub fn with(mut self, tag: u32, value: impl Display) -> Self {
        self.push(tag, value);
        self
    }

    /// Adds a field, if there is a value.
    #[must_use]
    pub fn with_some(self, tag: u32, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(tag, value),
            None => self,
        }
    }

    /// Adds a length field and its data field, which may hold any bytes.
    #[must_use]
    pub fn with_data(mut self, length: u32, data: u32, bytes: &[u8]) -> Self {
        debug_assert_eq!(tags::data_of(length), Some(data));
        self.push(length, bytes.len());
        self.fields.extend_from_slice(format!("{data}=").as_bytes());
        self.fields.extend_from_slice(bytes);
        self.fields.push(SOH);
        self
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its fields, encoded.
    #[must_use]
    pub fn fields(&self) -> &[u8] {
        &self.fields
    }
}

/// The header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Who sends.
    pub sender: &'a str,
    /// Who receives.
    pub target: &'a str,
    /// MsgSeqNum.
    pub number: u64,
    /// Now.
    pub time: Utc,
    /// When a message that is sent again was sent first; makes it a possible duplicate.
    pub original: Option<Utc>,
}

impl Header<'_> {
    /// The message as it goes over the wire.
    #[must_use]
    pub fn frame(&self, body: &Body) -> Vec<u8> {
        let Self { sender, target, number, time, original } = self;
        let mut head = format!("35={}\u{1}49={sender}\u{1}56={target}\u{1}34={number}\u{1}", body.kind);
        if original.is_some() {
            head.push_str("43=Y\u{1}");
        }
        let _ = write!(head, "52={time}\u{1}");
        if let Some(original) = original {
            let _ = write!(head, "122={original}\u{1}");
        }
        let mut bytes = format!("8={BEGIN}\u{1}9={}\u{1}", head.len() + body.fields.len()).into_bytes();
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&body.fields);
        bytes.extend_from_slice(format!("10={:03}\u{1}", check_sum(&bytes)).as_bytes());
        bytes
    }
}

fn is_clean(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if is_clean(c) { c } else { '?' }).collect()
}
