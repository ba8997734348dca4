//! Settings files: what is shown of them is a file that says the same, a variable means what the file means, every problem
//! stands where the file has it, and no secret is ever shown.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use settings::{Entry, Environment, Loaded, Origin, Place, parse, show};

const MARK: &str = "S3cr3t";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let loaded = load(text, &[]);
    places(&loaded, text);
    if loaded.is_usable() && loaded.entries.iter().all(|entry| !is_secret(entry)) {
        same(&loaded, &load(&show(&loaded.entries), &[]), |_| true);
        variables(&loaded);
    }
    if !text.contains(MARK) {
        secrets(text);
    }
});

fn load(text: &str, variables: &[(String, String)]) -> Loaded {
    parse(Path::new("/folder/glassbook.toml"), text.to_owned(), &Environment::of(variables.iter().cloned()))
}

/// What is not shown as it is cannot be read back.
fn is_secret(entry: &Entry) -> bool {
    entry.value.as_ref().is_some_and(|value| value.contains("********"))
}

fn places(loaded: &Loaded, text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in &loaded.problems {
        assert!(!problem.what.is_empty() && !problem.remedy.is_empty());
        let shown = problem.to_string();
        assert!(shown.contains(&problem.remedy));
        if let Place::File { line, column, length, .. } = &problem.place {
            let there = lines[line - 1].chars().count();
            assert!((1..=there + 1).contains(column) && column - 1 + length <= there, "{shown}");
        }
    }
}

fn same(one: &Loaded, other: &Loaded, of: impl Fn(&Entry) -> bool) {
    assert!(other.is_usable(), "{:?}", other.problems);
    for (one, other) in one.entries.iter().zip(&other.entries).filter(|(one, _)| of(one)) {
        assert_eq!((one.name(), &one.value), (other.name(), &other.value));
    }
}

fn variables(loaded: &Loaded) {
    let said = |entry: &Entry| entry.origin != Origin::Default && !entry.expected.contains("list");
    let variables: Vec<(String, String)> = loaded
        .entries
        .iter()
        .filter(|entry| said(entry))
        .filter_map(|entry| {
            let value = entry.value.as_ref()?;
            let text = match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
                Some(text) if text.contains('\\') => return None,
                // An empty variable says nothing.
                Some("") => return None,
                Some(text) => text,
                None if value.starts_with('[') => return None,
                None => value,
            };
            Some((entry.variable(), text.to_owned()))
        })
        .collect();
    let by_variables = load("", &variables);
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    for (one, other) in loaded.entries.iter().zip(&by_variables.entries) {
        if names.contains(&one.variable().as_str()) {
            assert_eq!((one.name(), &one.value), (other.name(), &other.value));
        }
    }
}

/// Secrets in the file and in variables, with some text around them.
fn secrets(text: &str) {
    let (around, rest) = text.split_once('\n').unwrap_or((text, ""));
    let file = format!(
        "[telemetry]\notlp_headers = \"{around}{MARK}\"\n[chain]\noperator_key = \"{MARK}{around}\"\n{rest}"
    );
    let url = format!("https://{MARK}:{MARK}@{around}/{MARK}");
    let key = format!("{around}{MARK}");
    let variables = [
        ("GLASSBOOK_CHAIN__URL".to_owned(), url),
        ("GLASSBOOK_CHAIN__FUNDER_KEY".to_owned(), key.clone()),
        ("GLASSBOOK_TELEMETRY__OTLP_HEADERS".to_owned(), key),
    ];
    for variables in [&variables[..], &[]] {
        let loaded = load(&file, variables);
        let mut shown = show(&loaded.entries);
        loaded.problems.iter().for_each(|problem| shown.push_str(&problem.to_string()));
        shown.push_str(&format!("{:?}", loaded.settings));
        assert!(!shown.contains(MARK), "{shown}");
    }
}
