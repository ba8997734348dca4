//! Reads keys, and remembers all that there is to say of each: what it is for, its default, where its value comes from, and
//! what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::nearest::nearest;
use crate::problem::{Place, Problem, Severity};
use crate::source::{Environment, Item, Node, Raw, Source, Table, variable};
use crate::value::{self, Wrong, grouped, quoted, show_bytes, show_time};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The file or the environment.
    Said(Place),
}

/// A key, and what is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its section, `exchange.journal`.
    pub section: &'static str,
    /// What the section is for.
    pub section_about: &'static str,
    /// Its name.
    pub key: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What may be written: `an integer, 1 to 10_000`.
    pub expected: String,
    /// The default, as TOML has it; or what happens without a value.
    pub default: Result<String, &'static str>,
    /// A value that shows how it is written, for keys without default.
    pub example: Option<&'static str>,
    /// The value in force, as TOML has it; masked if it is secret. None when there is none.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Entry {
    /// `exchange.journal.segment_bytes`
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// Where its value stands.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.origin {
            Origin::Default => Place::Nowhere,
            Origin::Said(place) => place.clone(),
        }
    }
}

/// What is shown of a secret.
pub const MASK: &str = "\"********\"";
/// What is wrong with it.
const MASKED: &str = "it is what is shown in place of a secret";

/// Whether somebody took what is shown for what is in force.
fn is_masked(raw: &Raw) -> bool {
    match raw {
        Raw::Text(text) | Raw::Loose(text) => text.contains(MASK.trim_matches('"')),
        _ => false,
    }
}

/// Reads settings from a file and the environment.
pub struct Reader<'a> {
    source: &'a Source,
    environment: &'a Environment,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    /// Sections without keys of their own are there, too.
    sections: BTreeSet<&'static str>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source, environment: &'a Environment) -> Self {
        let problems = source.errors.iter().map(|(what, span)| {
            let toml = "write it as TOML: [section], then key = value, with strings in double quotes";
            let (key, what, remedy) = match what.as_str() {
                // Its span is the name.
                "duplicate key" => (
                    source.at(span),
                    "it is there already, further up",
                    "keep one of them; a [section] is begun once",
                ),
                what if what.starts_with("string values must be quoted") && source.rest(span).is_empty() => {
                    ("syntax", "there is no value", "write one behind the =, or remove the line")
                }
                what => ("syntax", what, toml),
            };
            Problem {
                severity: Severity::Error,
                key: key.to_string(),
                // The text of the line may be a secret.
                place: source.place(span, true),
                what: what.to_string(),
                remedy: remedy.to_string(),
            }
        });
        let problems = problems.collect();
        Self { source, environment, entries: Vec::new(), problems, sections: BTreeSet::new() }
    }

    /// Begins a section.
    pub fn section(&mut self, name: &'static str, about: &'static str) -> Section<'_, 'a> {
        self.sections.insert(name);
        let mut table = Some(&self.source.root);
        for part in name.split('.') {
            table = match table.and_then(|table| table.get(part)).map(|item| &item.node) {
                Some(Node::Table(inner)) => Some(inner),
                _ => None,
            };
        }
        Section { reader: self, name, about, table }
    }

    /// All keys, and all problems: also names that nobody asked for.
    pub fn finish(mut self) -> (Vec<Entry>, Vec<Problem>) {
        self.unknown_in(&self.source.root, "");
        self.unknown_variables();
        self.almost_variables();
        self.leave_out_what_follows();
        let line = |problem: &Problem| match problem.place {
            Place::File { line, column, .. } => (0, line, column),
            Place::Environment(_) => (1, 0, 0),
            Place::Nowhere => (2, 0, 0),
        };
        self.problems.sort_by_key(line);
        (self.entries, self.problems)
    }

    /// Where a line is not TOML, what was made of it says nothing more.
    fn leave_out_what_follows(&mut self) {
        let line = |problem: &Problem| match problem.place {
            Place::File { line, .. } => Some(line),
            _ => None,
        };
        let syntax = self.source.errors.len();
        let broken: BTreeSet<_> = self.problems[..syntax].iter().filter_map(line).collect();
        let mut place = 0;
        self.problems.retain(|problem| {
            place += 1;
            place <= syntax || line(problem).is_none_or(|line| !broken.contains(&line))
        });
    }

    fn unknown_in(&mut self, table: &Table, path: &str) {
        for (name, item) in table {
            let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let is_section = self
                .sections
                .iter()
                .any(|section| *section == full || section.starts_with(&format!("{full}.")));
            let is_key = self.entries.iter().any(|entry| entry.section == path && entry.key == name);
            match (&item.node, is_section) {
                (Node::Table(inner), true) => self.unknown_in(inner, &full),
                (Node::Value(_), true) => {
                    let (what, remedy) =
                        ("it is a section, not a key", format!("write [{full}] on a line of its own"));
                    self.error(&full, self.source.place(&item.name, true), what, remedy);
                }
                _ if is_key => {}
                _ => self.unknown(path, name, &full, item),
            }
        }
    }

    fn unknown(&mut self, section: &str, name: &str, full: &str, item: &Item) {
        let place = self.source.place(&item.name, true);
        if section.is_empty() {
            let known = self.sections.iter().copied();
            let owner = self.entries.iter().find(|entry| entry.key == name);
            let remedy = match (nearest(name, known), owner, &item.node) {
                (_, Some(entry), Node::Value(_)) => format!("move it below [{}]", entry.section),
                (Some(near), ..) => format!("perhaps [{near}] is meant"),
                (None, ..) => format!(
                    "the sections are: {}",
                    self.sections.iter().copied().collect::<Vec<_>>().join(", ")
                ),
            };
            return self.error(full, place, "there is no such section", remedy);
        }
        if let Node::Table(_) = item.node {
            let below = self.sections.iter().copied().filter(|of| of.starts_with(&format!("{section}.")));
            let remedy = match nearest(full, below.clone()) {
                Some(near) => format!("perhaps [{near}] is meant"),
                None if below.clone().next().is_none() => format!("there is none below [{section}]"),
                None => format!("below [{section}] there is [{}]", below.collect::<Vec<_>>().join("], [")),
            };
            return self.error(full, place, "there is no such section", remedy);
        }
        let keys = self.entries.iter().filter(|entry| entry.section == section).map(|entry| entry.key);
        let remedy = match (nearest(name, keys.clone()), self.entries.iter().find(|entry| entry.key == name))
        {
            (Some(near), _) => format!("perhaps {near:?} is meant"),
            (None, Some(elsewhere)) => format!("{name:?} is a key of [{}]", elsewhere.section),
            (None, None) => format!("the keys of [{section}] are: {}", keys.collect::<Vec<_>>().join(", ")),
        };
        self.error(full, place, "there is no such key", remedy);
    }

    fn unknown_variables(&mut self) {
        let known: BTreeSet<String> =
            self.entries.iter().map(|entry| variable(entry.section, entry.key)).collect();
        for name in self
            .environment
            .names()
            .filter(|name| !known.contains(*name))
            .map(str::to_string)
            .collect::<Vec<_>>()
        {
            let remedy = match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => format!("perhaps {near} is meant; otherwise unset it"),
                None => "unset it, or look for the name with `glassbook config show`".to_string(),
            };
            self.error(&name.clone(), Place::Environment(name), "no setting has this name", remedy);
        }
    }

    /// Names that mean nothing and are a setting's but for capitals and underscores; and values that are not text.
    fn almost_variables(&mut self) {
        let bare = |name: &str| name.replace('_', "").to_ascii_uppercase();
        let known: BTreeMap<String, String> = self
            .entries
            .iter()
            .map(|entry| variable(entry.section, entry.key))
            .map(|name| (bare(&name), name))
            .collect();
        let environment = self.environment;
        for name in environment.others() {
            let Some(meant) = known.get(&bare(name)) else { continue };
            self.problems.push(Problem {
                severity: Severity::Warning,
                key: name.to_string(),
                place: Place::Environment(name.to_string()),
                what: "it is not read: no setting has exactly this name".to_string(),
                remedy: format!(
                    "perhaps {meant} is meant, with capitals and two underscores; otherwise unset it"
                ),
            });
        }
        for name in environment.not_text() {
            let place = Place::Environment(name.to_string());
            self.error(name, place, "it is not UTF-8 text", "set it again, or unset it".to_string());
        }
    }

    fn error(&mut self, key: &str, place: Place, what: impl Into<String>, remedy: String) {
        let (key, what) = (key.to_string(), what.into());
        self.problems.push(Problem { severity: Severity::Error, key, place, what, remedy });
    }
}

/// What is said of a key where it is read.
struct Declared<'t, T> {
    key: &'static str,
    about: &'static str,
    expected: String,
    default: Result<T, &'static str>,
    example: Option<&'static str>,
    secret: bool,
    show: &'t dyn Fn(&T) -> String,
}

/// A section whose keys are read.
pub struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    name: &'static str,
    about: &'static str,
    table: Option<&'a Table>,
}

impl Section<'_, '_> {
    /// An integer.
    pub fn integer(
        &mut self,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
        about: &'static str,
    ) -> u64 {
        let expected = between("an integer", &range, |value| grouped(*value));
        let declared = Declared::with(key, about, expected, default, &|value| grouped(*value));
        self.read(declared, |raw| value::integer(raw, &range)).unwrap_or(default)
    }

    /// An integer that need not be.
    pub fn integer_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        range: RangeInclusive<u64>,
        example: &'static str,
        about: &'static str,
    ) -> Option<u64> {
        let expected = between("an integer", &range, |value| grouped(*value));
        let declared = Declared::without(key, about, expected, without, example, &|value| grouped(*value));
        self.read(declared, |raw| value::integer(raw, &range))
    }

    /// Yes or no.
    pub fn boolean(&mut self, key: &'static str, default: bool, about: &'static str) -> bool {
        let declared = Declared::with(key, about, "true or false".to_string(), default, &bool::to_string);
        self.read(declared, value::boolean).unwrap_or(default)
    }

    /// A time.
    pub fn time(
        &mut self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
        about: &'static str,
    ) -> Duration {
        let declared =
            Declared::with(key, about, time_expected(&range), default, &|time| quoted(&show_time(*time)));
        self.read(declared, |raw| value::time(raw, &range)).unwrap_or(default)
    }

    /// A time that need not be.
    pub fn time_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        range: RangeInclusive<Duration>,
        example: &'static str,
        about: &'static str,
    ) -> Option<Duration> {
        let show = |time: &Duration| quoted(&show_time(*time));
        let declared = Declared::without(key, about, time_expected(&range), without, example, &show);
        self.read(declared, |raw| value::time(raw, &range))
    }

    /// A number of bytes.
    pub fn bytes(
        &mut self,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
        about: &'static str,
    ) -> u64 {
        let expected = between("a size", &range, |bytes| show_bytes(*bytes));
        let declared = Declared::with(key, about, expected, default, &|bytes| quoted(&show_bytes(*bytes)));
        self.read(declared, |raw| value::bytes(raw, &range)).unwrap_or(default)
    }

    /// One of some names.
    pub fn choice<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        default: T,
        names: &[(&'static str, T)],
        about: &'static str,
    ) -> T {
        let expected = names.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ");
        let show = |value: &T| quoted(names.iter().find(|(_, of)| of == value).map_or("", |(name, _)| name));
        let declared = Declared::with(key, about, format!("one of {expected}"), default, &show);
        self.read(declared, |raw| value::choice(raw, names)).unwrap_or(default)
    }

    /// Text.
    pub fn text(&mut self, key: &'static str, default: &'static str, about: &'static str) -> String {
        let declared =
            Declared::with(key, about, "a string".to_string(), default.to_string(), &|text| quoted(text));
        self.read(declared, value::text).unwrap_or_else(|| default.to_string())
    }

    /// Text that a function finds nothing wrong with.
    pub fn checked_text(
        &mut self,
        key: &'static str,
        default: &'static str,
        expected: &str,
        check: impl Fn(&str) -> Result<(), Wrong>,
        about: &'static str,
    ) -> String {
        let declared =
            Declared::with(key, about, expected.to_string(), default.to_string(), &|text| quoted(text));
        let read = |raw: &Raw| value::text(raw).and_then(|text| check(&text).map(|()| text));
        self.read(declared, read).unwrap_or_else(|| default.to_string())
    }

    /// Text that need not be, and that a function finds nothing wrong with.
    pub fn checked_text_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        expected: &str,
        example: &'static str,
        check: impl Fn(&str) -> Result<(), Wrong>,
        about: &'static str,
    ) -> Option<String> {
        let show = |text: &String| quoted(text);
        let declared = Declared::without(key, about, expected.to_string(), without, example, &show);
        self.read(declared, |raw: &Raw| value::text(raw).and_then(|text| check(&text).map(|()| text)))
    }

    /// Texts that a function finds nothing wrong with. None by default.
    pub fn texts(
        &mut self,
        key: &'static str,
        expected: &str,
        check: impl Fn(&str) -> Result<(), Wrong>,
        about: &'static str,
    ) -> Vec<String> {
        let show = |texts: &Vec<String>| {
            format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        };
        let declared = Declared::with(key, about, expected.to_string(), Vec::new(), &show);
        let read = |raw: &Raw| {
            let texts = value::texts(raw)?;
            texts.iter().try_for_each(|text| check(text))?;
            Ok(texts)
        };
        self.read(declared, read).unwrap_or_default()
    }

    /// Where to listen.
    pub fn address(&mut self, key: &'static str, default: SocketAddr, about: &'static str) -> SocketAddr {
        let declared =
            Declared::with(key, about, ADDRESS.to_string(), default, &|address| quoted(&address.to_string()));
        self.read(declared, value::address).unwrap_or(default)
    }

    /// Where to listen, if at all.
    pub fn address_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        example: &'static str,
        about: &'static str,
    ) -> Option<SocketAddr> {
        let show = |address: &SocketAddr| quoted(&address.to_string());
        let declared = Declared::without(key, about, ADDRESS.to_string(), without, example, &show);
        self.read(declared, value::address)
    }

    /// A file or folder that need not be. In a file, relative to the file's folder.
    pub fn path_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        example: &'static str,
        about: &'static str,
    ) -> Option<PathBuf> {
        let show = |path: &PathBuf| quoted(&path.display().to_string());
        let declared = Declared::without(key, about, "a path".to_string(), without, example, &show);
        let folder = self.reader.source.folder();
        let read = |raw: &Raw| {
            let path = value::path(raw)?;
            Ok(match raw {
                Raw::Loose(_) => path,
                _ => folder.join(path),
            })
        };
        self.read(declared, read)
    }

    /// A URL that need not be. Whatever may be a password in it is not shown.
    pub fn url_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        schemes: &[&str],
        example: &'static str,
        about: &'static str,
    ) -> Option<SecretString> {
        let expected = schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ");
        let show = |url: &SecretString| quoted(&without_secrets(url.expose_secret()));
        let declared = Declared {
            secret: true,
            ..Declared::without(key, about, format!("a URL with {expected}"), without, example, &show)
        };
        self.read(declared, |raw| value::url(raw, schemes).map(SecretString::from))
    }

    /// A secret that need not be.
    pub fn secret_or(
        &mut self,
        key: &'static str,
        without: &'static str,
        expected: &str,
        example: &'static str,
        check: impl Fn(&str) -> Result<(), Wrong>,
        about: &'static str,
    ) -> Option<SecretString> {
        let show = |_: &SecretString| MASK.to_string();
        let declared = Declared {
            secret: true,
            ..Declared::without(key, about, expected.to_string(), without, example, &show)
        };
        // What is wrong with a secret must not repeat it.
        let read = |raw: &Raw| match raw {
            Raw::Text(text) | Raw::Loose(text) => check(text).map(|()| SecretString::from(text.clone())),
            other => Err(format!("it is {}, not a string", other.kind())),
        };
        self.read(declared, read)
    }

    fn read<T>(&mut self, declared: Declared<'_, T>, read: impl Fn(&Raw) -> Result<T, Wrong>) -> Option<T> {
        let Declared { key, about, expected, default, example, secret, show } = declared;
        let (mut value, mut origin) = (default.as_ref().ok().map(show), Origin::Default);
        let mut found = None;
        let said = self.in_file(key).into_iter().chain(self.in_environment(key));
        for (raw, place) in said.collect::<Vec<_>>() {
            let place = self.reader.placed(&place, secret);
            match raw.map(|raw| if is_masked(&raw) { Err(MASKED.to_string()) } else { read(&raw) }) {
                // An empty variable: as if nobody had said anything.
                None => (found, value, origin) = (None, default.as_ref().ok().map(show), Origin::Default),
                Some(Ok(of)) => {
                    (value, origin) = (Some(show(&of)), Origin::Said(place));
                    found = Some(of);
                }
                Some(Err(what)) => {
                    let how = example
                        .map(str::to_string)
                        .or_else(|| default.as_ref().ok().map(show))
                        .unwrap_or_default();
                    let remedy = match place {
                        Place::Environment(_) => {
                            format!("set it to {expected}; for example {}", how.trim_matches('"'))
                        }
                        _ => format!("write {expected}; for example {key} = {how}"),
                    };
                    let name = format!("{}.{key}", self.name);
                    self.reader.error(&name, place, what, remedy);
                }
            }
        }
        let default = default.map(|default| show(&default));
        let (section, section_about) = (self.name, self.about);
        let entry = Entry { section, section_about, key, about, expected, default, example, value, origin };
        self.reader.entries.push(entry);
        found
    }

    fn in_file(&self, key: &str) -> Option<(Option<Raw>, Span)> {
        let item = self.table?.get(key)?;
        let raw = match &item.node {
            Node::Value(raw) => raw.clone(),
            Node::Table(_) => Raw::Other("a table"),
        };
        Some((Some(raw), Span::File(item.value.clone())))
    }

    fn in_environment(&self, key: &str) -> Option<(Option<Raw>, Span)> {
        let name = variable(self.name, key);
        let value = self.reader.environment.get(&name)?;
        let raw = (!value.is_empty()).then(|| Raw::Loose(value.to_string()));
        Some((raw, Span::Environment(name)))
    }
}

enum Span {
    File(Range<usize>),
    Environment(String),
}

impl Reader<'_> {
    fn placed(&self, span: &Span, secret: bool) -> Place {
        match span {
            Span::File(span) => self.source.place(span, secret),
            Span::Environment(name) => Place::Environment(name.clone()),
        }
    }
}

impl<'t, T> Declared<'t, T> {
    fn with(
        key: &'static str,
        about: &'static str,
        expected: String,
        default: T,
        show: &'t dyn Fn(&T) -> String,
    ) -> Self {
        Self { key, about, expected, default: Ok(default), example: None, secret: false, show }
    }

    fn without(
        key: &'static str,
        about: &'static str,
        expected: String,
        without: &'static str,
        example: &'static str,
        show: &'t dyn Fn(&T) -> String,
    ) -> Self {
        Self { key, about, expected, default: Err(without), example: Some(example), secret: false, show }
    }
}

const ADDRESS: &str = "an IP address and a port; port 0 is some free one";

fn between<T>(what: &str, range: &RangeInclusive<T>, show: impl Fn(&T) -> String) -> String {
    format!("{what}, {} to {}", show(range.start()), show(range.end()))
}

fn time_expected(range: &RangeInclusive<Duration>) -> String {
    between("a time", range, |time| show_time(*time))
}

/// A URL without what may be a secret: user, password, path and query (many services take the key as a part of the path).
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return MASK.trim_matches('"').to_string() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(_, host)| ("********@", host));
    let path = if matches!(path, "" | "/") { path } else { "/********" };
    format!("{scheme}://{user}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_urls_are_masked() {
        for (url, shown) in [
            ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
            ("http://127.0.0.1:8545/", "http://127.0.0.1:8545/"),
            ("https://user:pass@host/v3/0123", "https://********@host/********"),
            ("https://host?key=0123", "https://host/********"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
