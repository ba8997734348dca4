//! The documents describe what is there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kit::World;

/// All `$ref`s in a document.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// All names of properties in a document: as serde writes them, not as Rust does.
fn names_are_json(value: &Value) {
    match value {
        Value::Object(object) => {
            for name in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
                assert!(!name.0.contains('_'), "{} is not what the JSON has", name.0);
            }
            object.values().for_each(names_are_json);
        }
        Value::Array(list) => list.iter().for_each(names_are_json),
        _ => {}
    }
}

fn resolves(document: &Value) {
    names_are_json(document);
    let mut found = BTreeSet::new();
    references(document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} is nowhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_in_the_document_and_everything_in_it_is_a_route() {
    let world = World::open().await;
    let text = reqwest::get(format!("{}/openapi.json", world.url)).await.unwrap().text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    resolves(&document);
    let operations: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    let native = [
        "get /exchange",
        "get /batches",
        "get /batches/{batch}",
        "get /batches/{batch}/sealed",
        "get /batches/{batch}/proof",
        "get /batches/{batch}/availability",
        "get /commands/{sequence}",
        "get /events",
        "get /orders/{order}",
        "get /receipts/{sequence}",
        "post /streams",
        "post /owner-commands",
        "get /accounts/{account}",
        "get /accounts/{account}/balance-proof",
        "get /owners/{address}",
        "get /forced-operations",
        "get /delegations/{account}",
        "post /delegations",
        "post /keys",
        "get /keys",
        "delete /keys/{apiKey}",
        "get /stream",
    ]
    .map(|route| route.replacen(" /", " /api/glassbook/v1/", 1));
    let expected: BTreeSet<String> = native
        .into_iter()
        .chain(["get /openapi.json".to_string(), "get /asyncapi.json".to_string()])
        .collect();
    assert_eq!(operations, expected);

    for operation in &operations {
        let (method, path) = operation.split_once(' ').unwrap();
        let described = &document["paths"][path][method];
        for part in ["summary", "operationId", "tags"] {
            assert!(!described[part].is_null(), "{operation} has no {part}");
        }
        let responses = described["responses"].as_object().unwrap();
        assert!(responses.contains_key("200") || responses.contains_key("101"), "{operation}");
        for response in responses.values() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{operation}");
        }
        // It is there: whatever is wrong with an empty request, it is not the route.
        let filled = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let url = format!("{}{}", world.url, filled.collect::<Vec<_>>().join("/"));
        let request = reqwest::Client::new().request(method.to_uppercase().parse().unwrap(), url);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        if status != 200 {
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert!(
                !["unknown_route", "wrong_method"].contains(&body["code"].as_str().unwrap()),
                "{operation}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_description_is_whole() {
    let world = World::open().await;
    let text = reqwest::get(format!("{}/asyncapi.json", world.url)).await.unwrap().text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["asyncapi"], "3.0.0");
    resolves(&document);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in ["Request", "Response", "Told", "Gap", "EventBody", "StreamsRequest"] {
        assert!(schemas.contains_key(name), "{name} is not described");
    }
}
