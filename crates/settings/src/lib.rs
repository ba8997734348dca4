//! What an operator decides about a node: one TOML file, overrides in the environment, defaults for everything.
//!
//! ```text
//!  glassbook.toml ──► source ──► reader ──► sections/ (typed, each key declared once) ──► Settings
//!  GLASSBOOK_…    ──►              │                                                        │
//!                                  ▼                                                        ▼
//!                       entries: value, origin, description            check: contradictions, files, ports
//!                                  └────────────► show, example, reference ◄── problems ────┘
//! ```
//!
//! A key is declared where it is read: its description, default and limits are there, and the example file, the table of the
//! book and what `glassbook config show` prints are made from them. All problems are found, not only the first.
//!
//! Must not know what the settings configure.

mod check;
mod nearest;
mod print;
mod problem;
mod reader;
mod sections;
mod source;
mod value;

pub use check::Places;
pub use nearest::nearest;
pub use print::{example, reference, show};
pub use problem::{Place, Problem, Severity};
pub use reader::{Entry, Origin};
pub use sections::{
    Availability, Certainty, Chain, Dev, Exchange, Fix, Flow, Gateway, Journal, Limits, LogFormat, Proofs,
    Proving, Settings, Settlement, Telemetry,
};
pub use source::{Environment, SourceError, VARIABLE, file_named};

use std::path::Path;

use reader::Reader;
use source::Source;

/// Settings with all that is known of where they come from.
#[derive(Debug)]
pub struct Loaded {
    /// What is in force. Where something is wrong it is the default.
    pub settings: Settings,
    /// Every key, in the order of the book.
    pub entries: Vec<Entry>,
    /// Everything that is wrong, and everything that looks so.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Whether nothing is wrong. Warnings do not count.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity == Severity::Warning)
    }
}

/// Reads a file (or none) and the environment. Looks at nothing else: [`Loaded::look_around`] does.
///
/// # Errors
/// When the file cannot be read at all.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Loaded, SourceError> {
    let source = match file {
        Some(path) => Source::read(path)?,
        None => Source::default(),
    };
    Ok(read(&source, environment))
}

/// As [`load`], of a file's text: nothing is read.
#[must_use]
pub fn parse(path: &Path, text: String, environment: &Environment) -> Loaded {
    read(&Source::parse(path, text), environment)
}

fn read(source: &Source, environment: &Environment) -> Loaded {
    let mut reader = Reader::new(source, environment);
    let settings = Settings::read(&mut reader);
    let (entries, mut problems) = reader.finish();
    let contradictions = check::contradictions(&settings, &entries, &problems);
    problems.extend(contradictions);
    Loaded { settings, entries, problems }
}

impl Loaded {
    /// Looks at what the settings name: files, folders, ports. Changes nothing; what is found may be otherwise a moment later.
    pub fn look_around(&mut self, places: Places) {
        self.problems.extend(check::surroundings(&self.settings, &self.entries, places));
    }
}
