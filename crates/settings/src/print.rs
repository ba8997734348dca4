//! Settings for people: what is in force, an example file, the table of the book.

use std::fmt::Write as _;

use crate::problem::Place;
use crate::reader::{Entry, Origin, Reader};
use crate::sections::Settings;
use crate::source::{Environment, Source, variable};

/// What is in force, as a file would have it, with where each value comes from. Secrets are masked.
#[must_use]
pub fn show(entries: &[Entry]) -> String {
    let line = |entry: &Entry| match &entry.value {
        Some(value) => format!("{} = {value}", entry.key),
        None => format!("# {} is not set: {}", entry.key, entry.default.as_ref().err().unwrap_or(&"")),
    };
    let widest = entries.iter().map(|entry| line(entry).chars().count()).max().unwrap_or(0).min(56);
    let mut out = String::from(
        "# What is in force, and where each value comes from. As a settings file it says the same, but for secrets, which are\n\
         # masked.\n\n",
    );
    each_section(entries, &mut out, |out, entry| {
        let origin = match &entry.origin {
            Origin::Default => "default".to_string(),
            Origin::Said(Place::File { path, line, .. }) => format!("{}:{line}", path.display()),
            Origin::Said(Place::Environment(name)) => format!("environment {name}"),
            Origin::Said(Place::Nowhere) => String::new(),
        };
        let line = line(entry);
        match line.starts_with('#') && entry.origin == Origin::Default {
            true => writeln!(out, "{line}"),
            false => writeln!(out, "{line:widest$}  # {origin}"),
        }
    });
    out
}

/// A file with every key, its description and default, all of it commented out.
#[must_use]
pub fn example() -> String {
    let mut out = String::from(
        "# Settings of a Glassbook node. What is commented out is the default, or an example where there is none.\n\
         # A variable in the environment goes before the file: GLASSBOOK_GATEWAY__LISTEN=0.0.0.0:7700.\n\
         # Look at it with `glassbook config check` and `glassbook config show`. Relative paths begin at this file's folder.\n",
    );
    let mut section = "";
    for entry in all() {
        if entry.section != section {
            section = entry.section;
            let _ = write!(out, "\n# {}.\n[{section}]\n", entry.section_about);
        }
        let about = plain(entry.about);
        let expected = &entry.expected;
        let (value, without) = match (&entry.default, entry.example) {
            (Ok(default), _) => (default.as_str(), String::new()),
            (Err(without), example) => {
                (example.unwrap_or_default(), format!(" Without: {}.", plain(without)))
            }
        };
        let _ = write!(out, "\n# {}: {expected}.{without}\n# {} = {value}\n", capital(&about), entry.key);
    }
    out
}

/// The book's tables: a section each, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = String::new();
    let mut section = "";
    for entry in all() {
        if entry.section != section {
            section = entry.section;
            let _ = write!(
                out,
                "\n### `[{section}]`\n\n{}.\n\n| key | default | what may be written | meaning |\n|---|---|---|---|\n",
                entry.section_about
            );
        }
        let default = match &entry.default {
            Ok(default) => format!("`{default}`"),
            Err(without) => (*without).to_string(),
        };
        let _ = writeln!(out, "| `{}` | {default} | {} | {} |", entry.key, entry.expected, entry.about);
    }
    out
}

/// Every key with its default.
fn all() -> Vec<Entry> {
    let (source, environment) = (Source::default(), Environment::default());
    let mut reader = Reader::new(&source, &environment);
    Settings::read(&mut reader);
    reader.finish().0
}

/// Sections with a title each.
fn each_section(
    entries: &[Entry],
    out: &mut String,
    mut write: impl FnMut(&mut String, &Entry) -> std::fmt::Result,
) {
    let mut section = "";
    for entry in entries {
        if entry.section != section {
            if !section.is_empty() {
                out.push('\n');
            }
            section = entry.section;
            let _ = writeln!(out, "[{section}]");
        }
        let _ = write(out, entry);
    }
}

fn plain(markdown: &str) -> String {
    markdown.replace(['*', '`'], "")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

impl Entry {
    /// The variable that overrides it.
    #[must_use]
    pub fn variable(&self) -> String {
        variable(self.section, self.key)
    }
}
