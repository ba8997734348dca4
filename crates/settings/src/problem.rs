//! Something that is wrong with the settings, as an operator wants to be told: where, what, and what to do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The node does not start with it.
    Error,
    /// The node starts; somebody should look.
    Warning,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    File {
        /// The file.
        path: Arc<PathBuf>,
        /// Counts from one.
        line: usize,
        /// Counts characters from one.
        column: usize,
        /// The line, when it may be shown.
        text: Option<String>,
        /// How many characters of it are meant.
        length: usize,
    },
    /// In an environment variable.
    Environment(String),
    /// Nowhere: it is a default, or it is missing.
    Nowhere,
}

impl fmt::Display for Place {
    /// `glassbook.toml:3:7`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column, .. } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Nowhere => write!(f, "not set"),
        }
    }
}

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The full name of the key, or what comes nearest to one.
    pub key: String,
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// The widest line of a file that is shown.
const WIDEST: usize = 160;

impl fmt::Display for Problem {
    /// In the manner of the Rust compiler.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity}: {}: {}", self.key, self.what)?;
        if self.place != Place::Nowhere {
            writeln!(f, "  --> {}", self.place)?;
        }
        match &self.place {
            Place::File { line, column, text, length, .. } => {
                if let Some(text) = text.as_ref().filter(|text| text.chars().count() <= WIDEST) {
                    let margin = " ".repeat(line.to_string().len());
                    let room = text.chars().count().saturating_sub(column - 1).max(1);
                    let marks = "^".repeat((*length).clamp(1, room));
                    writeln!(
                        f,
                        " {margin} |\n {line} | {text}\n {margin} | {}{marks}",
                        " ".repeat(column - 1)
                    )?;
                }
            }
            Place::Environment(_) | Place::Nowhere => {}
        }
        write!(f, "   = remedy: {}", self.remedy)
    }
}
