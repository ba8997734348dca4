//! Recordings in LOBSTER's message format, with the best quotes after each message beside it.
//!
//! One line a message; the first line names the columns. Prices are in ten-thousandths of a dollar, times in
//! seconds after midnight (<https://lobsterdata.com/info/DataStructure.php>). An empty side of the book is
//! written as a size of zero, whatever its price. Nothing is trusted: a line that makes no sense is an error
//! with its number.

use std::io::BufRead;

use types::{Quantity, Side, Timestamp};

use crate::{FlowError, LobsterProblem};

/// No line of a recording is longer.
const MAX_LINE: usize = 1024;

/// 2012-06-21 00:00 in New York (UTC-4), in microseconds since the Unix epoch: the day of LOBSTER's samples.
const MIDNIGHT: Timestamp = Timestamp(1_340_251_200_000_000);

/// A price in ten-thousandths of a dollar, as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedPrice(pub u32);

/// The best price of a side after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedQuote {
    /// The price.
    pub price: RecordedPrice,
    /// How much rests there, visibly.
    pub quantity: Quantity,
}

/// What a message says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Type 1: a limit order came to rest.
    Submission,
    /// Type 2: part of an order was cancelled.
    Reduction,
    /// Type 3: what was left of an order was cancelled.
    Deletion,
    /// Type 4: a visible resting order traded.
    Execution,
    /// Type 5: a hidden order traded.
    HiddenExecution,
    /// Types 6 and 7: an auction or a halt.
    Other,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number, from one; the header is the first.
    pub line: u64,
    /// When.
    pub timestamp: Timestamp,
    /// What.
    pub kind: MessageKind,
    /// The resting order that it is about; zero for a hidden one.
    pub order: u64,
    /// How much was submitted, cancelled or traded.
    pub quantity: Quantity,
    /// The order's price; zero where the kind has none.
    pub price: RecordedPrice,
    /// The side of the resting order.
    pub side: Side,
    /// The best ask afterwards.
    pub ask: Option<RecordedQuote>,
    /// The best bid afterwards.
    pub bid: Option<RecordedQuote>,
}

impl Message {
    /// The best quote of a side afterwards.
    #[must_use]
    pub fn quote(&self, side: Side) -> Option<RecordedQuote> {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }
}

const COLUMNS: [&str; 10] = [
    "time",
    "type",
    "order_id",
    "size",
    "price",
    "direction",
    "ask_price",
    "ask_size",
    "bid_price",
    "bid_size",
];

/// Reads a recording message by message, in memory for one line.
#[derive(Debug)]
pub struct LobsterReader<R> {
    input: R,
    midnight: Timestamp,
    /// Where each of [`COLUMNS`] stands in a line.
    places: [usize; COLUMNS.len()],
    line: u64,
    buffer: Vec<u8>,
    last: Timestamp,
    failed: bool,
}

impl<R: BufRead> LobsterReader<R> {
    /// Reads the header. Times count from midnight on 2012-06-21 in New York, the day of LOBSTER's samples.
    ///
    /// # Errors
    /// When the first line does not name every column.
    pub fn new(input: R) -> Result<Self, FlowError> {
        Self::with_midnight(input, MIDNIGHT)
    }

    /// Reads the header of a recording of another day: `midnight` is local midnight where it was recorded.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_midnight(input: R, midnight: Timestamp) -> Result<Self, FlowError> {
        let mut reader = Self {
            input,
            midnight,
            places: [0; COLUMNS.len()],
            line: 0,
            buffer: Vec::new(),
            last: Timestamp(0),
            failed: false,
        };
        reader.read_line()?;
        let header = String::from_utf8_lossy(&reader.buffer).into_owned();
        for (place, column) in reader.places.iter_mut().zip(COLUMNS) {
            let found = header.split(',').position(|name| name.trim() == column);
            *place = found
                .ok_or(FlowError::Lobster { line: 1, problem: LobsterProblem::MissingColumn(column) })?;
        }
        Ok(reader)
    }

    /// Reads a line into the buffer, without its end; whether there was one.
    fn read_line(&mut self) -> Result<bool, FlowError> {
        self.buffer.clear();
        self.line += 1;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            self.buffer.extend_from_slice(&chunk[..taken.min(MAX_LINE + 2)]);
            self.input.consume(taken);
            if self.buffer.len() > MAX_LINE + 1 {
                return Err(self.error(LobsterProblem::LineTooLong { limit: MAX_LINE }));
            }
            if end.is_some() {
                break;
            }
        }
        let found = !self.buffer.is_empty();
        while self.buffer.last().is_some_and(u8::is_ascii_whitespace) {
            self.buffer.pop();
        }
        Ok(found)
    }

    fn error(&self, problem: LobsterProblem) -> FlowError {
        FlowError::Lobster { line: self.line, problem }
    }

    fn message(&self) -> Result<Message, LobsterProblem> {
        let line = str::from_utf8(&self.buffer).map_err(|_| LobsterProblem::BadNumber {
            column: "line of numbers",
            text: String::from_utf8_lossy(&self.buffer).into_owned(),
        })?;
        let mut fields = [""; COLUMNS.len()];
        for (at, text) in line.split(',').enumerate() {
            if let Some(column) = self.places.iter().position(|place| *place == at) {
                fields[column] = text.trim();
            }
        }
        if let Some(column) = fields.iter().position(|text| text.is_empty()) {
            return Err(LobsterProblem::MissingField(COLUMNS[column]));
        }
        let [time, kind, order, size, price, direction, ask_price, ask_size, bid_price, bid_size] = fields;
        let kind = match integer::<u64>("type", kind)? {
            1 => MessageKind::Submission,
            2 => MessageKind::Reduction,
            3 => MessageKind::Deletion,
            4 => MessageKind::Execution,
            5 => MessageKind::HiddenExecution,
            6 | 7 => MessageKind::Other,
            found => return Err(LobsterProblem::UnknownType(found)),
        };
        let visible = !matches!(kind, MessageKind::HiddenExecution | MessageKind::Other);
        let timestamp = self.timestamp(time)?;
        if timestamp < self.last {
            return Err(LobsterProblem::TimeDecreases);
        }
        let message = Message {
            line: self.line,
            timestamp,
            kind,
            order: integer("order_id", order)?,
            quantity: Quantity(u64::from(integer::<u32>("size", size)?)),
            price: if visible { recorded_price("price", price)? } else { RecordedPrice(0) },
            side: if direction.starts_with('-') { Side::Sell } else { Side::Buy },
            ask: quote("ask_price", ask_price, "ask_size", ask_size)?,
            bid: quote("bid_price", bid_price, "bid_size", bid_size)?,
        };
        if visible && !matches!(direction, "1" | "-1") {
            return Err(bad_number("direction", direction));
        }
        if visible && message.order == 0 {
            return Err(bad_number("order_id", order));
        }
        if visible && message.quantity.0 == 0 {
            return Err(bad_number("size", size));
        }
        match (message.bid, message.ask) {
            (Some(bid), Some(ask)) if bid.price >= ask.price => Err(LobsterProblem::CrossedQuotes),
            _ => Ok(message),
        }
    }

    /// Seconds after midnight with up to nine decimals; rounded down to microseconds.
    fn timestamp(&self, text: &str) -> Result<Timestamp, LobsterProblem> {
        let bad = || bad_number("time", text);
        let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(seconds) || !digits(decimals) {
            return Err(bad());
        }
        let seconds: u64 = seconds.parse().map_err(|_| bad())?;
        let nanos: u64 = format!("{decimals:0<9}").parse().map_err(|_| bad())?;
        Ok(Timestamp(self.midnight.0.saturating_add(seconds * 1_000_000 + nanos / 1_000)))
    }
}

impl<R: BufRead> Iterator for LobsterReader<R> {
    type Item = Result<Message, FlowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let found = match self.read_line() {
                Ok(false) => return None,
                Ok(true) if self.buffer.is_empty() => continue,
                Ok(true) => self.message().map_err(|problem| self.error(problem)),
                Err(error) => Err(error),
            };
            match &found {
                Ok(message) => self.last = message.timestamp,
                Err(_) => self.failed = true,
            }
            return Some(found);
        }
        None
    }
}

fn quote(
    price_column: &'static str,
    price: &str,
    size_column: &'static str,
    size: &str,
) -> Result<Option<RecordedQuote>, LobsterProblem> {
    let quantity = Quantity(u64::from(integer::<u32>(size_column, size)?));
    if quantity.0 == 0 {
        integer::<i64>(price_column, price)?;
        return Ok(None);
    }
    Ok(Some(RecordedQuote { price: recorded_price(price_column, price)?, quantity }))
}

fn recorded_price(column: &'static str, text: &str) -> Result<RecordedPrice, LobsterProblem> {
    match integer::<u32>(column, text)? {
        0 => Err(bad_number(column, text)),
        price => Ok(RecordedPrice(price)),
    }
}

fn integer<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T, LobsterProblem> {
    text.parse().map_err(|_| bad_number(column, text))
}

fn bad_number(column: &'static str, text: &str) -> LobsterProblem {
    LobsterProblem::BadNumber { column, text: text.chars().take(40).collect() }
}
