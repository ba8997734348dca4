//! Where settings come from: a TOML file, with the place of everything in it, and environment variables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Place;

/// The variable that names the file.
pub const VARIABLE: &str = "GLASSBOOK_CONFIG";
/// The file that is read when it is there and no other one is named.
const USUAL: &str = "glassbook.toml";
/// What overrides begin with.
const PREFIX: &str = "GLASSBOOK_";
/// What stands between section and key in a variable's name.
const SEPARATOR: &str = "__";
/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// Why a file cannot be read at all.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The operating system refuses it.
    #[error("{path} cannot be read: {error}; let the user that runs this read it, or name another file")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is a folder.
    #[error("{path} is a folder; name the file in it: {path}/{USUAL}")]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// It is not text.
    #[error(
        "{path}:{line} is not UTF-8 text, from byte {at} of the file on: it is no settings file, was damaged, or an editor saved it in another encoding; save it as UTF-8"
    )]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line, which counts from one.
        line: usize,
        /// The first byte that is not.
        at: usize,
    },
    /// It is too large.
    #[error("{path} has more than {LARGEST} bytes: it is no settings file")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// The file to read: the one that is named, else the one in [`VARIABLE`], else `glassbook.toml` here if there is one.
#[must_use]
pub fn file_named(option: Option<&Path>) -> Option<PathBuf> {
    let from_environment = || std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
    let usual = || Some(PathBuf::from(USUAL)).filter(|path| path.exists());
    option.map(Path::to_path_buf).or_else(from_environment).or_else(usual)
}

/// Variables that may be settings.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `GLASSBOOK_GATEWAY__LISTEN`, and what it is set to.
    settings: BTreeMap<String, String>,
    /// Such names whose value is not text.
    not_text: BTreeSet<String>,
    /// Names that are something else, or almost a setting's: `GLASSBOOK_GATEWAY_LISTEN`.
    others: BTreeSet<String>,
}

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let mut all = Self::default();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => all.add(name, value),
                Err(_) if is_setting(&name) => drop(all.not_text.insert(name)),
                Err(_) => {}
            }
        }
        all
    }

    /// Those among some variables that look like settings: `GLASSBOOK_GATEWAY__LISTEN`. Other names that begin so, such as
    /// `GLASSBOOK_KEYSTORE_PASSWORD`, mean something else.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all = Self::default();
        variables.into_iter().for_each(|(name, value)| all.add(name, value));
        all
    }

    fn add(&mut self, name: String, value: String) {
        if is_setting(&name) {
            self.settings.insert(name, value);
        } else if name.to_ascii_uppercase().starts_with(PREFIX) {
            self.others.insert(name);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(String::as_str)
    }

    pub(crate) fn not_text(&self) -> impl Iterator<Item = &str> {
        self.not_text.iter().map(String::as_str)
    }

    pub(crate) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(String::as_str)
    }
}

fn is_setting(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains(SEPARATOR))
}

/// The variable that overrides a key of a section.
#[must_use]
pub fn variable(section: &str, key: &str) -> String {
    let path = section.split('.').chain([key]).map(str::to_uppercase).collect::<Vec<_>>();
    format!("{PREFIX}{}", path.join(SEPARATOR))
}

/// A value as it stands there.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// `true`
    Bool(bool),
    /// An integer, if it fits.
    Integer(Option<i128>),
    /// Text.
    Text(String),
    /// From a variable: not known what it is.
    Loose(String),
    /// Values.
    List(Vec<Raw>),
    /// Something that no key takes: its name.
    Other(&'static str),
}

impl Raw {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Text(_) | Self::Loose(_) => "a string",
            Self::List(_) => "a list",
            Self::Other(kind) => kind,
        }
    }
}

/// A part of the file.
#[derive(Debug)]
pub enum Node {
    /// `[section]`, or `section = {}`.
    Table(Table),
    /// `key = value`
    Value(Raw),
}

/// Names in the order of the alphabet, each with where name and value stand.
pub type Table = BTreeMap<String, Item>;

/// What a name stands for.
#[derive(Debug)]
pub struct Item {
    pub name: Range<usize>,
    pub value: Range<usize>,
    pub node: Node,
}

/// A file, or none.
#[derive(Debug, Default)]
pub struct Source {
    path: Arc<PathBuf>,
    text: String,
    /// What is in it.
    pub root: Table,
    /// What is not TOML, where.
    pub errors: Vec<(String, Range<usize>)>,
}

impl Source {
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let io = |error| SourceError::Io { path: path.to_path_buf(), error };
        if path.is_dir() {
            return Err(SourceError::Folder { path: path.to_path_buf() });
        }
        let mut bytes = Vec::new();
        File::open(path).map_err(io)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > LARGEST {
            return Err(SourceError::TooLarge { path: path.to_path_buf() });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            SourceError::NotText { path: path.to_path_buf(), line, at }
        })?;
        Ok(Self::parse(path, text))
    }

    pub fn parse(path: &Path, text: String) -> Self {
        let (root, errors) = DeTable::parse_recoverable(&text);
        let root = table(root.get_ref());
        let end = text.len();
        let errors =
            errors.iter().map(|error| (error.message().to_string(), error.span().unwrap_or(end..end)));
        Self { path: Arc::new(path.to_path_buf()), root, errors: errors.collect(), text }
    }

    /// Where the file is: paths in it begin there.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// What stands there.
    pub fn at(&self, span: &Range<usize>) -> &str {
        &self.text
            [floor(&self.text, span.start)..floor(&self.text, span.end).max(floor(&self.text, span.start))]
    }

    /// What stands from there on in the line, but for a comment.
    pub fn rest(&self, span: &Range<usize>) -> &str {
        let rest = self.text[floor(&self.text, span.start)..].lines().next().unwrap_or("");
        rest.split('#').next().unwrap_or("").trim()
    }

    /// A place in the file. The text of a secret's line is not shown.
    pub fn place(&self, span: &Range<usize>, secret: bool) -> Place {
        let start = floor(&self.text, span.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        let end = floor(&self.text, span.end).clamp(start, line_end);
        Place::File {
            path: Arc::clone(&self.path),
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            text: (!secret).then(|| self.text[line_start..line_end].trim_end().chars().map(shown).collect()),
            length: self.text[start..end].trim_end().chars().count(),
        }
    }
}

/// The beginning of the character at a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn table(from: &DeTable<'_>) -> Table {
    let item = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let text: &std::borrow::Cow<'_, str> = name.get_ref();
        let node = match value.get_ref() {
            DeValue::Table(inner) => Node::Table(table(inner)),
            other => Node::Value(raw(other)),
        };
        (text.to_string(), Item { name: name.span(), value: value.span(), node })
    };
    from.iter().map(item).collect()
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Integer(digits) => {
            let text = digits.as_str().replace('_', "");
            Raw::Integer(i128::from_str_radix(&text, digits.radix()).ok())
        }
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Array(values) => Raw::List(values.iter().map(|value| raw(value.get_ref())).collect()),
        DeValue::Float(_) => Raw::Other("a number with a point"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let source = Source::parse(Path::new("a.toml"), "# ü\n[chain]\nurl = \"ä\" # ö\n".to_string());
        let Node::Table(chain) = &source.root["chain"].node else { panic!("no table") };
        let Place::File { line, column, text, length, .. } = source.place(&chain["url"].value, false) else {
            panic!("no place")
        };
        assert_eq!((line, column, length), (3, 7, 3));
        assert_eq!(text.as_deref(), Some("url = \"ä\" # ö"));
    }

    #[test]
    fn only_variables_with_a_section_are_settings() {
        let names = ["GLASSBOOK_GATEWAY__LISTEN", "GLASSBOOK_KEYSTORE_PASSWORD", "GLASSBOOK_CONFIG", "PATH"];
        let environment = Environment::of(names.map(|name| (name.to_string(), String::new())));
        assert_eq!(environment.names().collect::<Vec<_>>(), ["GLASSBOOK_GATEWAY__LISTEN"]);
        assert_eq!(
            variable("exchange.journal", "segment_bytes"),
            "GLASSBOOK_EXCHANGE__JOURNAL__SEGMENT_BYTES"
        );
    }

    #[test]
    fn every_error_of_syntax_is_found() {
        let source = Source::parse(Path::new("a.toml"), "a = \nb = 1\nb = 2\nc = \"x\n".to_string());
        assert!(source.errors.len() >= 3, "{:?}", source.errors);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_places_and_no_panic(text in "\\PC*[\n=\\[\\]\"a0.]*\\PC*") {
            let source = Source::parse(Path::new("a.toml"), text);
            for (_, span) in &source.errors {
                source.place(span, false);
            }
        }
    }
}
