//! What the gateway reads of its own files: notes of FIX sessions and records of API keys are written as they were read, what
//! is noted step by step is what is known, and a public key is the same in all its forms.
#![no_main]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use gateway::client_ids;
use gateway::fix::fuzzing::{Book, known_again};
use gateway::keys::fuzzing::{public_key, record_again};
use kit::Choices;
use libfuzzer_sys::fuzz_target;
use types::{MarketId, OrderId};

type Store = BTreeMap<Vec<u8>, Vec<u8>>;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 4 {
        0 => notes(Choices::new(rest)),
        1 => book(Choices::new(rest)),
        2 => {
            if let Some(record) = record_again(rest) {
                assert_eq!(record_again(&record), Some(record));
            }
        }
        _ => {
            if let Ok(text) = std::str::from_utf8(rest) {
                key(text);
                id(text);
            }
        }
    }
});

fn list(store: &Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whatever the notes are.
fn notes(mut choices: Choices<'_>) {
    let mut store = Store::new();
    while !choices.is_empty() && store.len() < 32 {
        let key = match choices.byte() % 4 {
            0 => b"cursor".to_vec(),
            1 => choices.bytes(8).to_vec(),
            2 => [b"n", choices.bytes(8)].concat(),
            _ => {
                let length = choices.below(12) as usize;
                choices.bytes(length).to_vec()
            }
        };
        let length = choices.below(64) as usize;
        store.insert(key, choices.bytes(length).to_vec());
    }
    let is_name = |key: &[u8]| key.len() == 9 && key[0] == b'n';
    if let Some(again) = known_again(&list(&store)) {
        let mut expected = store.clone();
        expected.retain(|key, _| !is_name(key));
        expected.get_mut(&b"cursor"[..]).expect("something was told").truncate(8);
        assert_eq!(again, list(&expected));
    }
    let Some(mut book) = Book::read(&list(&store)) else { return };
    let stored = book.stored();
    assert_eq!(stored.len(), store.keys().filter(|key| is_name(key)).count());
    assert_eq!(Book::read(&stored).map(|book| book.stored()), Some(stored));
    // It goes on from there.
    book.add(MarketId(0), "new", false);
    assert_eq!(book.find(MarketId(0), "new"), Some((false, None)));
}

/// What a session does with names, one after the other.
fn book(mut choices: Choices<'_>) {
    let mut book = Book::read(&[]).expect("there are no notes");
    let mut store = Store::new();
    let mut used: BTreeMap<(MarketId, String), (bool, Option<OrderId>)> = BTreeMap::new();
    while !choices.is_empty() {
        let market = MarketId(choices.below(2) as u16);
        let name = choices.of(&["a", "b", "17", "018", "order.1", "0"]).to_owned();
        let key = (market, name.clone());
        let order = OrderId(choices.amount(100));
        let notes = match choices.byte() % 3 {
            // A name is used once.
            0 if !used.contains_key(&key) => {
                let replaces = choices.byte() % 2 == 1;
                used.insert(key, (replaces, None));
                book.add(market, &name, replaces)
            }
            1 => {
                if let Some(known) = used.get_mut(&key) {
                    known.1 = Some(order);
                }
                book.placed(market, &name, order)
            }
            _ => {
                used.remove(&key);
                book.remove(market, &name)
            }
        };
        for (key, value) in notes {
            match value {
                Some(value) => drop(store.insert(key, value)),
                None => drop(store.remove(&key)),
            }
        }
        assert_eq!(book.find(market, &name), used.get(&(market, name.clone())).copied());
    }
    assert_eq!(book.unsure(), used.values().filter(|(_, order)| order.is_none()).count());
    assert_eq!(book.stored(), list(&store));
    let again = Book::read(&list(&store)).expect("as noted");
    assert_eq!(again.stored(), book.stored());
    for ((market, name), known) in &used {
        assert_eq!(again.find(*market, name), Some(*known));
    }
}

fn key(text: &str) {
    let Some(key) = public_key(text) else { return };
    assert!(VerifyingKey::from_bytes(&key).is_ok_and(|key| !key.is_weak()));
    let der = hex::decode(format!("302a300506032b6570032100{}", hex::encode(key))).expect("digits");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    for form in [hex::encode(key), STANDARD.encode(key), STANDARD.encode(&der), pem] {
        assert_eq!(public_key(&form), Some(key), "{form}");
    }
}

fn id(text: &str) {
    let number = client_ids::number(text);
    assert_ne!(number.0, 0);
    assert_eq!(client_ids::number(&number.to_string()), number);
    let plain = text.parse().is_ok_and(|parsed: u64| parsed.to_string() == text && parsed > 0);
    if plain {
        assert_eq!(number.to_string(), text);
    }
    let legal = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | ':' | '/' | '_' | '-');
    assert_eq!(
        client_ids::is_client_id(text),
        (1..=36).contains(&text.chars().count()) && text.chars().all(legal)
    );
}
