//! A message that has arrived: its fields, and how they are read.

use thiserror::Error;

use crate::{Utc, tags};

/// Separates fields (SOH).
pub const SOH: u8 = 1;

/// Bounds on one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Bytes, from BeginString to CheckSum.
    pub bytes: usize,
    /// Fields.
    pub fields: usize,
    /// Entries of one repeating group.
    pub entries: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self { bytes: 16 << 10, fields: 1_024, entries: 64 }
    }
}

/// Why bytes with the right length and check sum are no message. The standard calls them garbled too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not `tag=value`.
    #[error("a field is not tag=value")]
    Field,
    /// A tag that is no number, begins with zero, or is beyond nine digits.
    #[error("a tag is not a number")]
    Tag,
    /// A data field that is not as long as it says, or not where it should be.
    #[error("data field {tag} is not as long as its length field says")]
    Data {
        /// Of the data.
        tag: u32,
    },
    /// MsgType is not the third field.
    #[error("MsgType is not the third field")]
    Order,
    /// More fields than allowed.
    #[error("more than {limit} fields")]
    Fields {
        /// How many are allowed.
        limit: usize,
    },
}

/// Why a field cannot be used: what a Reject (35=3) says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}: tag {tag}", reason.sentence())]
pub struct FieldError {
    /// The field's.
    pub tag: u32,
    /// Tag 373.
    pub reason: RejectReason,
}

/// SessionRejectReason, tag 373.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the standard names them")]
pub enum RejectReason {
    RequiredTagMissing = 1,
    TagWithoutValue = 4,
    ValueIncorrect = 5,
    IncorrectDataFormat = 6,
    CompIdProblem = 9,
    SendingTimeAccuracy = 10,
    InvalidMsgType = 11,
    TagAppearsMoreThanOnce = 13,
    IncorrectGroupCount = 16,
    Other = 99,
}

impl RejectReason {
    /// The standard's words.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::RequiredTagMissing => "Required tag missing",
            Self::TagWithoutValue => "Tag specified without a value",
            Self::ValueIncorrect => "Value is incorrect (out of range) for this tag",
            Self::IncorrectDataFormat => "Incorrect data format for value",
            Self::CompIdProblem => "CompID problem",
            Self::SendingTimeAccuracy => "SendingTime accuracy problem",
            Self::InvalidMsgType => "Invalid MsgType",
            Self::TagAppearsMoreThanOnce => "Tag appears more than once",
            Self::IncorrectGroupCount => "Incorrect NumInGroup count for repeating group",
            Self::Other => "Other",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    tag: u32,
    start: u32,
    end: u32,
}

/// A message that has arrived, with the right length and check sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    fields: Vec<Field>,
    entries: usize,
}

impl Message {
    /// Splits a frame, as [`crate::Framer`] finds it, into fields.
    ///
    /// # Errors
    /// When the bytes are no message.
    pub(crate) fn split(bytes: Vec<u8>, limits: &MessageLimits) -> Result<Self, Malformed> {
        let mut fields: Vec<Field> = Vec::with_capacity(24);
        let mut at = 0;
        // A data field's tag, and where its value ends.
        let mut data: Option<(u32, usize)> = None;
        while at < bytes.len() {
            if fields.len() == limits.fields {
                return Err(Malformed::Fields { limit: limits.fields });
            }
            let equals = find(&bytes[at..], b'=').ok_or(Malformed::Field)? + at;
            let tag = tag(&bytes[at..equals])?;
            let start = equals + 1;
            let end = match data.take() {
                Some((expected, length)) => {
                    let end = start.checked_add(length).filter(|end| bytes.get(*end) == Some(&SOH));
                    end.filter(|_| tag == expected).ok_or(Malformed::Data { tag: expected })?
                }
                None => find(&bytes[start..], SOH).ok_or(Malformed::Field)? + start,
            };
            if let Some(next) = tags::data_of(tag) {
                let length = number(&bytes[start..end]).and_then(|length| usize::try_from(length).ok());
                data = Some((next, length.ok_or(Malformed::Data { tag: next })?));
            }
            // Frames are far shorter than 4 GiB.
            fields.push(Field { tag, start: start as u32, end: end as u32 });
            at = end + 1;
        }
        if let Some((tag, _)) = data {
            return Err(Malformed::Data { tag });
        }
        let first: Vec<u32> = fields.iter().take(3).map(|field| field.tag).collect();
        if first != [tags::BEGIN_STRING, tags::BODY_LENGTH, tags::MSG_TYPE] {
            return Err(Malformed::Order);
        }
        Ok(Self { bytes, fields, entries: limits.entries })
    }

    /// As it arrived.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// MsgType; empty when it is not text.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.fields.get(2).and_then(|field| std::str::from_utf8(self.value(field)).ok()).unwrap_or_default()
    }

    /// The first field with this tag.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&[u8]> {
        self.fields.iter().find(|field| field.tag == tag).map(|field| self.value(field))
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.fields.iter().map(|field| (field.tag, self.value(field)))
    }

    /// A field with readable ASCII in it.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn optional_text(&self, tag: u32) -> Result<Option<&str>, FieldError> {
        self.get(tag).map(|value| text(tag, value)).transpose()
    }

    /// As [`Message::optional_text`], but the field must be there.
    ///
    /// # Errors
    /// When it is not, or holds something else.
    pub fn text(&self, tag: u32) -> Result<&str, FieldError> {
        required(tag, self.optional_text(tag)?)
    }

    /// A field with a number in it.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn optional_number(&self, tag: u32) -> Result<Option<u64>, FieldError> {
        let Some(value) = self.get(tag) else { return Ok(None) };
        let reason = RejectReason::IncorrectDataFormat;
        number(value).map(Some).ok_or(FieldError { tag, reason })
    }

    /// As [`Message::optional_number`], but the field must be there.
    ///
    /// # Errors
    /// When it is not, or holds something else.
    pub fn number(&self, tag: u32) -> Result<u64, FieldError> {
        required(tag, self.optional_number(tag)?)
    }

    /// A field with `Y` or `N` in it; without it, `N`.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn flag(&self, tag: u32) -> Result<bool, FieldError> {
        match self.get(tag) {
            None | Some(b"N") => Ok(false),
            Some(b"Y") => Ok(true),
            Some(_) => Err(FieldError { tag, reason: RejectReason::IncorrectDataFormat }),
        }
    }

    /// A field with a time in it.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn optional_time(&self, tag: u32) -> Result<Option<Utc>, FieldError> {
        let Some(value) = self.get(tag) else { return Ok(None) };
        let reason = RejectReason::IncorrectDataFormat;
        Utc::parse(value).map(Some).ok_or(FieldError { tag, reason })
    }

    /// As [`Message::optional_time`], but the field must be there.
    ///
    /// # Errors
    /// When it is not, or holds something else.
    pub fn time(&self, tag: u32) -> Result<Utc, FieldError> {
        required(tag, self.optional_time(tag)?)
    }

    /// The entries of a repeating group: after the field `count` come as many entries, each beginning with the first tag of
    /// `members`, and holding only such. Empty without the field.
    ///
    /// # Errors
    /// When there are other than as many entries, or more than allowed.
    pub fn group<'a>(&'a self, count: u32, members: &[u32]) -> Result<Vec<Entry<'a>>, FieldError> {
        let Some(at) = self.fields.iter().position(|field| field.tag == count) else { return Ok(Vec::new()) };
        let claimed = self.number(count)?;
        let wrong = FieldError { tag: count, reason: RejectReason::IncorrectGroupCount };
        let claimed = usize::try_from(claimed).ok().filter(|claimed| *claimed <= self.entries);
        let claimed = claimed.ok_or(FieldError { tag: count, reason: RejectReason::ValueIncorrect })?;
        let mut entries: Vec<Entry<'a>> = Vec::with_capacity(claimed);
        for field in self.fields[at + 1..].iter().take_while(|field| members.contains(&field.tag)) {
            if Some(&field.tag) == members.first() {
                if entries.len() == claimed {
                    return Err(wrong);
                }
                entries.push(Entry { fields: Vec::new() });
            }
            let entry = entries.last_mut().ok_or(wrong)?;
            if entry.get(field.tag).is_some() {
                let reason = RejectReason::TagAppearsMoreThanOnce;
                return Err(FieldError { tag: field.tag, reason });
            }
            entry.fields.push((field.tag, self.value(field)));
        }
        if entries.len() == claimed { Ok(entries) } else { Err(wrong) }
    }

    /// What is wrong with the fields as such: one without a value, or one that is there twice and is not in `repeated`.
    ///
    /// # Errors
    /// That.
    pub(crate) fn check(&self, repeated: &[u32]) -> Result<(), FieldError> {
        if let Some(empty) = self.fields.iter().find(|field| field.start == field.end) {
            return Err(FieldError { tag: empty.tag, reason: RejectReason::TagWithoutValue });
        }
        let mut seen: Vec<u32> = self.fields.iter().map(|field| field.tag).collect();
        seen.sort_unstable();
        let twice = seen.windows(2).find(|pair| pair[0] == pair[1] && !repeated.contains(&pair[0]));
        twice.map_or(Ok(()), |pair| {
            Err(FieldError { tag: pair[0], reason: RejectReason::TagAppearsMoreThanOnce })
        })
    }

    fn value(&self, field: &Field) -> &[u8] {
        &self.bytes[field.start as usize..field.end as usize]
    }
}

/// One entry of a repeating group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    fields: Vec<(u32, &'a [u8])>,
}

impl<'a> Entry<'a> {
    /// A field of the entry.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.0 == tag).map(|field| field.1)
    }

    /// A field of the entry with readable ASCII in it.
    ///
    /// # Errors
    /// When it is missing or holds something else.
    pub fn text(&self, tag: u32) -> Result<&'a str, FieldError> {
        let value = self.get(tag).map(|value| text(tag, value)).transpose()?;
        required(tag, value)
    }
}

fn required<T>(tag: u32, value: Option<T>) -> Result<T, FieldError> {
    value.ok_or(FieldError { tag, reason: RejectReason::RequiredTagMissing })
}

fn text(tag: u32, value: &[u8]) -> Result<&str, FieldError> {
    let readable = value.iter().all(|byte| (0x20..0x7f).contains(byte));
    let text = std::str::from_utf8(value).ok().filter(|_| readable);
    text.ok_or(FieldError { tag, reason: RejectReason::IncorrectDataFormat })
}

fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    bytes.iter().position(|b| *b == byte)
}

fn tag(bytes: &[u8]) -> Result<u32, Malformed> {
    if bytes.is_empty() || bytes.len() > 9 || bytes[0] == b'0' {
        return Err(Malformed::Tag);
    }
    number(bytes).and_then(|tag| u32::try_from(tag).ok()).ok_or(Malformed::Tag)
}

/// Digits; leading zeros are allowed, as the standard allows them. At most 19 of them, which fit.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    bytes
        .iter()
        .try_fold(0, |sum: u64, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}
