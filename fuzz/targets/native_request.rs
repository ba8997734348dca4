//! Bodies and messages of the native API: the same whichever way JSON writes them, nothing in them that has no meaning, and
//! commands, signatures and signed texts that say what was written.
#![no_main]

use exchange::Submission;
use gateway::native::fuzzing::{READERS, hexadecimal, key_text, owner, streams, submitted};
use libfuzzer_sys::fuzz_target;
use rules::model_flow;
use serde_json::{Value, json};
use types::{AccountId, Command};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for read in READERS {
        let Some(meaning) = read(text) else { continue };
        let mut value: Value = serde_json::from_str(text).expect("it was read");
        for again in [value.to_string(), format!("{value:#}")] {
            assert_eq!(read(&again).as_ref(), Some(&meaning), "{text}");
        }
        let mut inner = value.clone();
        if let Some(params) = inner.get_mut("params").and_then(Value::as_object_mut) {
            params.insert("unheardOf".to_owned(), 0.into());
            assert_eq!(read(&inner.to_string()), None, "{text}");
        }
        // A list of the values is taken for an object, as serde has it.
        if let Some(object) = value.as_object_mut() {
            object.insert("unheardOf".to_owned(), 0.into());
            assert_eq!(read(&value.to_string()), None, "{text}");
        }
    }
    if let Some(submission) = streams(text) {
        let body = body(&submission);
        assert_eq!(streams(&body.to_string()).as_ref(), Some(&submission));
        let message = json!({ "id": 7, "method": "submit", "params": body });
        assert_eq!(submitted(&message.to_string()), Some(submission));
    }
    if let Some(submission) = submitted(text) {
        assert_eq!(streams(&body(&submission).to_string()), Some(submission));
    }
    if let Some(submission) = owner(text) {
        let Submission::Owner { account, command, signature, .. } = &submission else {
            panic!("of an owner")
        };
        let body = json!({
            "account": account.0, "command": encoded(command), "signature": hex::encode(signature),
        });
        assert_eq!(owner(&body.to_string()), Some(submission));
    }
    key(text);
    let limit = text.len() / 3;
    if let Some(bytes) = hexadecimal(text, limit) {
        assert!(
            bytes.len() <= limit && hex::encode(&bytes).eq_ignore_ascii_case(text.trim_start_matches("0x"))
        );
        assert_eq!(hexadecimal(&format!("0x{}", hex::encode(&bytes)), limit), Some(bytes));
    }
});

fn encoded(command: &Command) -> String {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    assert!(bytes.len() <= Command::MAX_BYTES);
    format!("0x{}", hex::encode(bytes))
}

fn body(submission: &Submission) -> Value {
    let Submission::Streams { commands, signatures, timestamps } = submission else { panic!("of streams") };
    assert!(timestamps.is_empty());
    let commands = commands
        .iter()
        .map(|(AccountId(account), command)| json!({ "account": account, "command": encoded(command) }));
    let signatures = signatures.iter().map(
        |(AccountId(account), signature)| json!({ "account": account, "signature": hex::encode(signature) }),
    );
    json!({ "commands": commands.collect::<Vec<_>>(), "signatures": signatures.collect::<Vec<_>>() })
}

/// What an owner signs says all of the request, and can be read in one way only.
fn key(text: &str) {
    let genesis = model_flow::genesis();
    let Some(signed) = key_text(text, &genesis, 7, 8) else { return };
    let asked: Value = serde_json::from_str(text).expect("it was read");
    if !asked.is_object() {
        return;
    }
    let mut lines = signed.splitn(9, '\n');
    let head = [
        "Glassbook: create key".to_owned(),
        format!("exchange: {}", genesis.exchange),
        format!("chain: {}", genesis.chain_id),
        "account: 7".to_owned(),
        "time: 8".to_owned(),
    ];
    for line in head {
        assert_eq!(lines.next(), Some(line.as_str()));
    }
    for name in ["role", "kind", "label"] {
        let said = asked.get(name).map_or("", |value| value.as_str().expect("text"));
        assert_eq!(lines.next(), Some(format!("{name}: {said}").as_str()));
    }
    let public = asked.get("publicKey").filter(|key| !key.is_null());
    let public = public.map(|key| format!("publicKey: {}", key.as_str().expect("text")));
    assert_eq!(lines.next(), public.as_deref());
}
