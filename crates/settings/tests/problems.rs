//! Every problem is found, and said with its place and what to do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use settings::{Environment, Loaded, Place, Places, Problem, Severity, load};

struct Case {
    folder: tempfile::TempDir,
    loaded: Loaded,
}

impl Case {
    fn of(text: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("glassbook.toml");
        fs::write(&path, text).expect("a file");
        let environment =
            Environment::of(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let loaded = load(Some(&path), &environment).expect("readable");
        Self { folder, loaded }
    }

    fn looked_around(mut self) -> Self {
        self.loaded.look_around(Places { ports: true });
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn problem(&self, key: &str) -> &Problem {
        let found = self.loaded.problems.iter().find(|problem| problem.key == key);
        found.unwrap_or_else(|| panic!("no problem of {key}:\n{}", self.text()))
    }

    fn text(&self) -> String {
        self.loaded.problems.iter().map(|problem| format!("{problem}\n\n")).collect()
    }
}

fn line(problem: &Problem) -> usize {
    match problem.place {
        Place::File { line, .. } => line,
        _ => 0,
    }
}

#[test]
fn all_problems_of_a_file_are_found_in_one_reading() {
    let case = Case::of(
        "[exchange]\n\
         batch_comands = 5\n\
         batch_interval = 2\n\
         queue = 0\n\
         \n\
         [gatway]\n\
         listen = \"127.0.0.1:7700\"\n\
         \n\
         [gateway]\n\
         listen = \"localhost:7700\"\n\
         tls_key = \"key.pem\"\n\
         allowed_origins = [\"*\"]\n\
         \n\
         [proving]\n\
         proofs = \"grot16\"\n\
         \n\
         [telemetry]\n\
         log = \"inof\"\n",
        &[("GLASSBOOK_FIX__LISTN", "127.0.0.1:7702"), ("GLASSBOOK_DEV__RATE", "many")],
    );
    for (key, at, what, remedy) in [
        ("exchange.batch_comands", 2, "no such key", "batch_commands"),
        ("exchange.batch_interval", 3, "no unit", "batch_interval = \"2s\""),
        ("exchange.queue", 4, "between 1 and 1_048_576", "queue = 4_096"),
        ("gatway", 6, "no such section", "[gateway]"),
        ("gateway.listen", 10, "not an IP address", "127.0.0.1:7700"),
        ("gateway.tls_key", 11, "no certificate", "tls_certificate"),
        ("gateway.allowed_origins", 12, "every web page", "list of origins"),
        ("proving.proofs", 15, "\"groth16\" is meant", "one of"),
        ("telemetry.log", 18, "\"info\" is meant", "a level"),
        ("GLASSBOOK_FIX__LISTN", 0, "no setting has this name", "GLASSBOOK_FIX__LISTEN"),
        ("dev.rate", 0, "not an integer", "for example 200"),
    ] {
        let problem = case.problem(key);
        assert_eq!(problem.severity, Severity::Error, "{problem}");
        assert_eq!(line(problem), at, "{problem}");
        assert!(problem.what.contains(what), "{what}: {problem}");
        assert!(problem.remedy.contains(remedy), "{remedy}: {problem}");
    }
    assert_eq!(case.loaded.problems.len(), 11, "{}", case.text());
    assert!(!case.loaded.is_usable());
}

#[test]
fn a_problem_shows_the_line_and_marks_what_is_meant() {
    let case = Case::of("[gateway]\nlisten = \"here\"\n", &[]);
    let text = case.problem("gateway.listen").to_string();
    assert!(
        text.contains("glassbook.toml:2:10\n   |\n 2 | listen = \"here\"\n   |          ^^^^^^\n"),
        "{text}"
    );
    assert!(text.contains("= remedy: write an IP address and a port"), "{text}");
}

#[test]
fn what_is_not_toml_is_said_and_the_rest_is_read_all_the_same() {
    let case = Case::of("[gateway]\nlisten = \n[exchange]\nqueue = 0\n", &[]);
    assert_eq!(line(case.problem("syntax")), 2, "{}", case.text());
    assert_eq!(line(case.problem("exchange.queue")), 4);
}

#[test]
fn a_key_without_its_section_is_told_where_it_belongs() {
    let case = Case::of("tls_key = \"a\"\n[exchange]\ntraders = 3\n", &[]);
    assert!(case.problem("tls_key").remedy.contains("[gateway]"), "{}", case.text());
    assert!(case.problem("exchange.traders").remedy.contains("[dev]"), "{}", case.text());
}

#[test]
fn a_section_that_is_a_value_and_a_value_that_is_a_section_are_told_apart() {
    let case = Case::of("gateway = 3\n[exchange.queue]\na = 1\n", &[]);
    assert!(case.problem("gateway").what.contains("it is a section"), "{}", case.text());
    assert!(case.problem("exchange.queue").what.contains("a table"), "{}", case.text());
}

#[test]
fn settings_that_contradict_each_other_are_found() {
    let case = Case::of(
        "[exchange]\nmax_bundle = 100_000\nbatch_commands = 1_000_000\nmax_lag = 1_000_000\n\
         [exchange.journal]\nsegment_bytes = \"1000001 B\"\n\
         [chain]\nurl = \"http://127.0.0.1:8545\"\noperator_key = \"0x0101010101010101010101010101010101010101010101010101010101010101\"\n\
         operator_keystore = \"k.json\"\nfinality_delay = \"1500ms\"\n\
         [gateway]\nlisten = \"0.0.0.0:7701\"\n[gateway.limits]\nws_silence = \"10s\"\n",
        &[],
    );
    for key in [
        "exchange.journal.max_record_bytes",
        "exchange.journal.segment_bytes",
        "chain.operator_keystore",
        "chain.url",
        "chain.finality_delay",
        "availability.listen",
        "gateway.limits.ws_silence",
    ] {
        assert_eq!(case.problem(key).severity, Severity::Error);
    }
    for key in ["exchange.max_lag", "gateway.listen"] {
        assert_eq!(case.problem(key).severity, Severity::Warning);
    }
}

#[test]
fn fix_is_encrypted_by_the_gateways_certificate_and_a_chain_of_others_needs_a_key() {
    let open = "[fix]\nlisten = \"0.0.0.0:7702\"\n[chain]\nurl = \"http://127.0.0.1:1\"\n[exchange]\ndata = \"data\"\n";
    let case = Case::of(open, &[]);
    for key in ["fix.listen", "chain.url"] {
        assert_eq!(case.problem(key).severity, Severity::Warning);
    }
    let closed = format!("{open}[gateway]\ntls_certificate = \"c.pem\"\ntls_key = \"k.pem\"\n");
    let key = "01".repeat(32);
    let case = Case::of(&closed, &[("GLASSBOOK_CHAIN__OPERATOR_KEY", &key)]);
    let found =
        case.loaded.problems.iter().any(|problem| ["fix.listen", "chain.url"].contains(&&*problem.key));
    assert!(!found, "{}", case.text());
}

#[test]
fn files_and_folders_that_are_named_are_looked_at() {
    let case = Case::of(
        "[exchange]\ndata = \"glassbook.toml/data\"\n\
         [gateway]\ntls_certificate = \"missing.pem\"\ntls_key = \"glassbook.toml\"\n\
         [availability]\nkeyring = \".\"\n",
        &[],
    );
    fs::set_permissions(case.path("glassbook.toml"), fs::Permissions::from_mode(0o644)).expect("chmod");
    let case = case.looked_around();
    let problems: Vec<_> =
        case.loaded.problems.iter().map(|problem| (problem.key.as_str(), &*problem.what)).collect();
    let has = |key: &str, what: &str| problems.iter().any(|(of, text)| *of == key && text.contains(what));
    assert!(has("gateway.tls_certificate", "there is no file"), "{problems:?}");
    assert!(has("gateway.tls_key", "holds no private key in PEM form"), "{problems:?}");
    assert!(has("gateway.tls_key", "others may read it (mode 644)"), "{problems:?}");
    assert!(has("availability.keyring", "is not a file"), "{problems:?}");
    assert!(has("exchange.data", "is not a folder"), "{problems:?}");
}

#[test]
fn a_port_in_use_is_a_warning_and_a_foreign_address_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let text = format!("[gateway]\nlisten = \"{address}\"\n[fix]\nlisten = \"192.0.2.1:7702\"\n");
    let case = Case::of(&text, &[("GLASSBOOK_CHAIN__LISTEN", "127.0.0.1:0")]).looked_around();
    let problem = case.problem("gateway.listen");
    assert_eq!((problem.severity, line(problem)), (Severity::Warning, 2), "{problem}");
    let foreign =
        case.loaded.problems.iter().find(|problem| problem.what.contains("has no address 192.0.2.1"));
    assert_eq!(foreign.map(|problem| problem.severity), Some(Severity::Error), "{}", case.text());
}

#[test]
fn secrets_are_in_no_message() {
    let secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    let text = format!(
        "[chain]\nurl = \"ws://{secret}\"\noperator_key = \"{secret}\"\nfunder_key = {secret}\n[telemetry]\notlp_headers = \"{secret}\"\n"
    );
    let case = Case::of(&text, &[("GLASSBOOK_CHAIN__OPERATOR_KEY", secret)]).looked_around();
    assert!(case.loaded.problems.len() >= 4, "{}", case.text());
    let everything = format!("{}{}", case.text(), settings::show(&case.loaded.entries));
    assert!(!everything.contains(&secret[..16]), "{everything}");
}

#[test]
fn a_secret_in_a_file_that_others_may_read_is_a_warning() {
    let text = "[chain]\nurl = \"http://127.0.0.1:1\"\n[exchange]\ndata = \"data\"\n[telemetry]\notlp_headers = \"a=b\"\n";
    let case = Case::of(text, &[]);
    fs::set_permissions(case.path("glassbook.toml"), fs::Permissions::from_mode(0o604)).expect("chmod");
    let case = case.looked_around();
    let found = case
        .loaded
        .problems
        .iter()
        .any(|problem| problem.key == "telemetry.otlp_headers" && problem.remedy.contains("chmod 600"));
    assert!(found, "{}", case.text());
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.toml");
    fs::write(&path, [b'a', 0xff]).expect("a file");
    let error = load(Some(&path), &Environment::default()).expect_err("no text");
    assert!(error.to_string().contains("from byte 1 of the file on"), "{error}");
    assert!(load(Some(&folder.path().join("none.toml")), &Environment::default()).is_err());
}

#[test]
fn a_mistyped_section_below_another_finds_the_one_that_was_meant() {
    let case = Case::of("[gateway.limit]\nconnections = 1\n[exchange.jurnal]\n[fix.more]\n", &[]);
    assert!(case.problem("gateway.limit").remedy.contains("[gateway.limits]"), "{}", case.text());
    assert!(case.problem("exchange.jurnal").remedy.contains("[exchange.journal]"), "{}", case.text());
    let remedy = &case.problem("fix.more").remedy;
    assert!(remedy.contains("none below [fix]"), "{remedy}");
}

#[test]
fn a_key_that_is_there_twice_is_named_and_what_is_broken_is_said_once() {
    let case = Case::of("[exchange]\nqueue = 1\nqueue = 2\n[exchange]\ngroup = 2\n", &[]);
    assert_eq!(line(case.problem("queue")), 3);
    assert!(case.problem("queue").what.contains("there already"));
    assert_eq!(line(case.problem("exchange")), 4);
    let case = Case::of("[exchange]\nqueue = # later\n", &[]);
    assert_eq!(case.loaded.problems.len(), 1, "{}", case.text());
    assert!(case.problem("syntax").what.contains("no value"), "{}", case.text());
}

#[test]
fn variables_that_are_almost_a_setting_are_warned_of_and_others_are_left_alone() {
    let case = Case::of(
        "",
        &[
            ("GLASSBOOK_EXCHANGE_QUEUE", "5"),
            ("glassbook_gateway__listen", "127.0.0.1:1"),
            ("GLASSBOOK_KEYSTORE_PASSWORD", "word"),
            ("GLASSBOOK_MY_OPERATOR", "0x00"),
        ],
    );
    assert!(case.problem("GLASSBOOK_EXCHANGE_QUEUE").remedy.contains("GLASSBOOK_EXCHANGE__QUEUE"));
    assert!(case.problem("glassbook_gateway__listen").remedy.contains("GLASSBOOK_GATEWAY__LISTEN"));
    assert_eq!(case.loaded.problems.len(), 2, "{}", case.text());
    assert!(case.loaded.is_usable());
}

#[test]
fn what_is_shown_in_place_of_a_secret_is_not_taken_for_one() {
    let case = Case::of(
        "[chain]\nurl = \"https://********@node.example/********\"\noperator_key = \"********\"\n[exchange]\ndata = \"d\"\n",
        &[],
    );
    for key in ["chain.url", "chain.operator_key"] {
        assert!(case.problem(key).what.contains("in place of a secret"), "{}", case.text());
    }
    let shown = settings::show(&case.loaded.entries);
    assert!(shown.starts_with("# What is in force") && shown.contains("masked"), "{shown}");
}

#[test]
fn a_url_that_may_have_a_key_in_it_is_a_secret_in_the_file() {
    let text = "[exchange]\ndata = \"d\"\n[chain]\noperator_keystore = \"k\"\nurl = \"https://node.example/v3/0123\"\n";
    let case = Case::of(text, &[]);
    fs::set_permissions(case.path("glassbook.toml"), fs::Permissions::from_mode(0o644)).expect("set");
    let case = case.looked_around();
    assert!(case.problem("chain.url").what.contains("others may read"), "{}", case.text());
    assert!(!case.text().contains("0123"), "{}", case.text());
}

#[test]
fn a_key_that_is_wrong_is_not_missed_as_well() {
    let text = "[exchange]\ndata = \"d\"\n[chain]\nurl = \"http://127.0.0.1:1\"\noperator_key = \"zz\"\n";
    let case = Case::of(text, &[]);
    assert_eq!(case.loaded.problems.len(), 1, "{}", case.text());
}

#[test]
fn what_is_no_file_of_text_is_said_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("glassbook.toml");
    fs::write(&path, b"[exchange]\nqueue = 5 # \xff\n").expect("a file");
    let error = |path| load(Some(path), &Environment::default()).expect_err("no settings").to_string();
    assert!(error(&path).contains("glassbook.toml:2 is not UTF-8"), "{}", error(&path));
    assert!(error(folder.path()).contains("is a folder"), "{}", error(folder.path()));
}
