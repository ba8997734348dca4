//! One type for every source of flow, and finding out which a file is.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rules::Genesis;

use crate::file::MAGIC;
use crate::{Agreement, FlowError, FlowItem, FlowReader, Reconstruction, Recording, Simulation};

/// How far a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Units read.
    pub done: u64,
    /// All there are, when that is known.
    pub total: Option<u64>,
    /// What is counted: "messages" or "commands".
    pub unit: &'static str,
}

/// A source of flow: an iterator over its items.
pub enum Source {
    /// A recording, reconstructed.
    Lobster(Box<Reconstruction>),
    /// A flow file.
    Flow(Box<FlowReader<BufReader<File>>>),
    /// A simulation.
    Simulation(Box<Simulation>),
}

/// Opens a file and finds out by its content what it is. A recording is read to its end at once.
///
/// # Errors
/// When it cannot be read, or is neither a flow file nor a recording.
pub fn open(path: &Path) -> Result<Source, FlowError> {
    let cannot_open = |source| FlowError::Open { path: path.to_owned(), source };
    let mut input = BufReader::with_capacity(1 << 18, File::open(path).map_err(cannot_open)?);
    let start = input.fill_buf().map_err(cannot_open)?;
    if start.starts_with(&MAGIC) {
        return Ok(Source::Flow(Box::new(FlowReader::new(input)?)));
    }
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_recording = header.len() < 1024
        && ["time", "order_id", "bid_price"].iter().all(|column| {
            header.split(|byte| *byte == b',').any(|name| name.trim_ascii() == column.as_bytes())
        });
    if !is_recording {
        return Err(FlowError::UnknownFormat);
    }
    Ok(Source::Lobster(Box::new(Reconstruction::new(Recording::read(input)?))))
}

impl Source {
    /// What the exchange begins with.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        match self {
            Self::Lobster(source) => source.genesis(),
            Self::Flow(source) => source.genesis(),
            Self::Simulation(source) => source.genesis(),
        }
    }

    /// How far it is; cheap enough to ask after every item.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self {
            Self::Lobster(source) => {
                let (done, total) = source.progress();
                Progress { done, total: Some(total), unit: "messages" }
            }
            Self::Flow(source) => {
                Progress { done: source.commands_read(), total: source.expected(), unit: "commands" }
            }
            Self::Simulation(source) => {
                let (done, total) = source.progress();
                Progress { done, total: Some(total), unit: "commands" }
            }
        }
    }

    /// How far the commands so far agree with the recording; `None` when there is none.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        match self {
            Self::Lobster(source) => Some(source.agreement()),
            Self::Flow(_) | Self::Simulation(_) => None,
        }
    }
}

impl Iterator for Source {
    type Item = Result<FlowItem, FlowError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Lobster(source) => source.next().map(Ok),
            Self::Flow(source) => source.next(),
            Self::Simulation(source) => source.next().map(Ok),
        }
    }
}
