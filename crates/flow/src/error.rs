//! Everything that can be wrong with a source of flow.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use types::{DecodeError, Price};

/// Why flow cannot be read or written.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The file cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading or writing failed.
    #[error("reading or writing order flow failed: {0}")]
    Io(#[from] io::Error),
    /// A recording in LOBSTER's format is not one.
    #[error("line {line}: {problem}")]
    Lobster {
        /// Counts from one; the header is the first.
        line: u64,
        /// What is wrong there.
        problem: LobsterProblem,
    },
    /// A flow file is not one.
    #[error("byte {offset}: {problem}")]
    File {
        /// Where the faulty part begins.
        offset: u64,
        /// What is wrong there.
        problem: FileProblem,
    },
    /// A simulation was asked for that cannot be.
    #[error("{found} {what}: there can be {least} to {most}")]
    OutOfRange {
        /// What of it.
        what: &'static str,
        /// How many were asked for.
        found: u64,
        /// How many there must be.
        least: u64,
        /// How many there may be.
        most: u64,
    },
    /// The content is neither a flow file nor a recording.
    #[error("this is neither a flow file nor a recording in LOBSTER's format")]
    UnknownFormat,
}

/// What is wrong with a line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LobsterProblem {
    /// The line is longer than any message.
    #[error("the line is longer than {limit} bytes")]
    LineTooLong {
        /// The longest accepted.
        limit: usize,
    },
    /// The first line does not name this column.
    #[error("the first line does not name the column `{0}`")]
    MissingColumn(&'static str),
    /// The line ends before this column.
    #[error("the column `{0}` is missing")]
    MissingField(&'static str),
    /// The column is not a number in range.
    #[error("`{text}` is not a {column}")]
    BadNumber {
        /// Which column.
        column: &'static str,
        /// What it says.
        text: String,
    },
    /// The message type has no meaning.
    #[error("{0} is not a message type")]
    UnknownType(u64),
    /// The message is earlier than the one before.
    #[error("the time goes backwards")]
    TimeDecreases,
    /// The recorded best bid is not below the recorded best ask.
    #[error("the recorded bid is not below the recorded ask")]
    CrossedQuotes,
    /// There are more messages than a reconstruction holds in memory.
    #[error("the recording has more than {limit} messages")]
    TooManyMessages {
        /// The most accepted.
        limit: usize,
    },
    /// No tick makes every price fit below the highest price that a market may have.
    #[error("the price {price} in ten-thousandths of a dollar needs more than {limit} ticks")]
    PriceTooHigh {
        /// The highest price of the recording.
        price: u32,
        /// The most ticks that a market may have.
        limit: Price,
    },
}

/// What is wrong with a flow file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileProblem {
    /// The first bytes are not a flow file's.
    #[error("this is not a flow file")]
    BadMagic,
    /// The version is not one that can be read.
    #[error("version {found} is not supported, only {supported}")]
    UnsupportedVersion {
        /// Of the file.
        found: u64,
        /// Of this reader.
        supported: u64,
    },
    /// The file ends inside a part.
    #[error("the file ends inside {what}")]
    Truncated {
        /// Inside what.
        what: &'static str,
    },
    /// A length is not a minimal integer, or above its limit.
    #[error("the length of {what} is not a minimal integer of at most {limit}")]
    BadLength {
        /// Of what.
        what: &'static str,
        /// The most accepted.
        limit: u64,
    },
    /// The bytes are not a canonical encoding.
    #[error("{what}: {source}")]
    Encoding {
        /// Of what.
        what: &'static str,
        /// Why.
        source: DecodeError,
    },
    /// The command has an origin or L1 position that a flow cannot have.
    #[error("the command's origin does not belong in a flow")]
    BadOrigin,
    /// The count at the end is not the number of commands before it.
    #[error("the file says it holds {stated} commands, but {found} were read")]
    WrongCount {
        /// At the end of the file.
        stated: u64,
        /// Before it.
        found: u64,
    },
    /// Bytes follow the end mark.
    #[error("bytes follow the end of the file")]
    TrailingBytes,
}
