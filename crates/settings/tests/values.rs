//! What is in force, where it comes from, and that file, example and book say the same.

use std::fs;
use std::path::Path;
use std::time::Duration;

use settings::{Environment, Loaded, Origin, Place, load};

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())))
}

fn loaded(text: &str, variables: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("glassbook.toml");
    fs::write(&path, text).expect("a file");
    load(Some(&path), &environment(variables)).expect("readable")
}

#[test]
fn without_a_file_everything_has_a_default_and_nothing_is_wrong() {
    let loaded = load(None, &Environment::default()).expect("no file");
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    assert!(loaded.entries.iter().all(|entry| entry.origin == Origin::Default));
    assert_eq!(loaded.settings.exchange.batch_interval, Duration::from_secs(2));
    assert_eq!(loaded.settings.gateway.listen.port(), 7_700);
}

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_defaults() {
    let text = "[exchange]\nqueue = 7\nmax_bundle = 8\n[exchange.journal]\nsegment_bytes = \"32 MiB\"\n";
    let variables = [
        ("GLASSBOOK_EXCHANGE__QUEUE", "9"),
        ("GLASSBOOK_EXCHANGE__JOURNAL__SEGMENT_BYTES", "128 MiB"),
        ("GLASSBOOK_GATEWAY__ALLOWED_ORIGINS", "https://a.example, https://b.example"),
        ("GLASSBOOK_KEYSTORE_PASSWORD", "not a setting"),
    ];
    let loaded = loaded(text, &variables);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let exchange = &loaded.settings.exchange;
    assert_eq!((exchange.queue, exchange.max_bundle, exchange.group), (9, 8, 16_384));
    assert_eq!(exchange.journal.segment_bytes, 128 << 20);
    assert_eq!(loaded.settings.gateway.allowed_origins, ["https://a.example", "https://b.example"]);
    let origin = |name: &str| {
        loaded.entries.iter().find(|entry| entry.name() == name).map(|entry| entry.origin.clone())
    };
    assert_eq!(
        origin("exchange.queue"),
        Some(Origin::Said(Place::Environment("GLASSBOOK_EXCHANGE__QUEUE".to_string())))
    );
    assert!(matches!(origin("exchange.max_bundle"), Some(Origin::Said(Place::File { line: 3, .. }))));
    let shown = settings::show(&loaded.entries);
    assert!(shown.contains("environment GLASSBOOK_EXCHANGE__QUEUE"), "{shown}");
    assert!(shown.contains("glassbook.toml:3"), "{shown}");
}

#[test]
fn an_empty_variable_goes_back_to_the_default() {
    let loaded = loaded(
        "[exchange]\nqueue = 7\ndata = \"data\"\n",
        &[("GLASSBOOK_EXCHANGE__QUEUE", ""), ("GLASSBOOK_EXCHANGE__DATA", "")],
    );
    assert_eq!(loaded.settings.exchange.queue, 4_096);
    assert_eq!(loaded.settings.exchange.data, None);
}

#[test]
fn paths_in_a_file_begin_at_its_folder_and_those_of_variables_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("glassbook.toml");
    fs::write(&path, "[exchange]\ndata = \"data\"\n[availability]\npublished = \"/p\"\n").expect("a file");
    let loaded =
        load(Some(&path), &environment(&[("GLASSBOOK_AVAILABILITY__KEYRING", "k")])).expect("readable");
    assert_eq!(loaded.settings.exchange.data, Some(folder.path().join("data")));
    assert_eq!(loaded.settings.availability.published.as_deref(), Some(Path::new("/p")));
    assert_eq!(loaded.settings.availability.keyring.as_deref(), Some(Path::new("k")));
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let text = "[exchange]\nqueue = 7\n[gateway]\nallowed_origins = [\"https://a.example\"]\n[telemetry]\nlog_format = \"json\"\n";
    let first = loaded(text, &[]);
    let again = loaded(&settings::show(&first.entries), &[]);
    assert!(again.is_usable(), "{:?}", again.problems);
    let values = |loaded: &Loaded| {
        loaded.entries.iter().map(|entry| (entry.name(), entry.value.clone())).collect::<Vec<_>>()
    };
    assert_eq!(values(&first), values(&again));
}

#[test]
fn secrets_are_masked() {
    let key = "11".repeat(32);
    let text = format!(
        "[chain]\nurl = \"https://user:word@host/v3/abc\"\noperator_key = \"{key}\"\n[exchange]\ndata = \"d\"\n"
    );
    let shown = settings::show(&loaded(&text, &[]).entries);
    assert!(shown.contains("operator_key = \"********\""), "{shown}");
    assert!(shown.contains("url = \"https://********@host/********\""), "{shown}");
}

#[test]
fn the_example_is_a_file_without_problems() {
    let example = settings::example();
    let first = loaded(&example, &[]);
    assert!(first.problems.is_empty(), "{:?}", first.problems);
    // With everything in force that is commented out, but what only makes sense with a real value.
    let lines = example.lines().map(|line| match line.strip_prefix("# ") {
        Some(key) if key.split(" = ").next().is_some_and(is_key) && !key.contains('…') => key,
        _ => line,
    });
    let uncommented = lines.collect::<Vec<_>>().join("\n");
    let all = loaded(&uncommented, &[]);
    let said = all.entries.iter().filter(|entry| entry.origin != Origin::Default).count();
    assert!(said + 4 >= all.entries.len(), "{said} of {}", all.entries.len());
    let wrong: Vec<_> = all
        .problems
        .iter()
        .filter(|problem| {
            !problem.key.starts_with("gateway.tls")
                && !problem.key.starts_with("chain")
                && problem.key != "proving.listen"
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{uncommented}");
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
}

#[test]
fn the_tables_of_the_book_are_these_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/operators/configuration.md");
    let chapter = fs::read_to_string(&path).expect("the chapter");
    let tables = settings::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let (before, rest) = chapter.split_once(BEGIN).expect("the begin of the tables");
        let (_, after) = rest.split_once(END).expect("the end of the tables");
        fs::write(&path, format!("{before}{BEGIN}\n{tables}\n{END}{after}")).expect("the chapter");
        return;
    }
    assert!(
        chapter.contains(tables.trim()),
        "run UPDATE_DOCS=1 cargo nextest run --release -p settings, and look at what has changed"
    );
}

const BEGIN: &str = "<!-- made by crates/settings: begin -->";
const END: &str = "<!-- made by crates/settings: end -->";
