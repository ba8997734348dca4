//! The stream's description: AsyncAPI 3, made from the messages' own types.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::protocol::{Gap, Request, Response, Told};

/// The AsyncAPI document.
pub(crate) fn document() -> Value {
    let mut schemas = Map::new();
    add::<Request>(&mut schemas);
    add::<Response>(&mut schemas);
    add::<Told<'static>>(&mut schemas);
    add::<Gap>(&mut schemas);
    let message = |name: &str, summary: &str, schema: &str| {
        json!({
            "name": name,
            "contentType": "application/json",
            "summary": summary,
            "payload": { "$ref": format!("#/components/schemas/{schema}") },
        })
    };
    let reference = |name: &str| json!({ "$ref": format!("#/channels/stream/messages/{name}") });
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Glassbook's stream",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
            "description": "One WebSocket for executions, batches, trades, books, the tape of all commands, and for submissions. \
                Numbers of a channel show what is missing; a reader who is too slow is told by `gap`, and of a book gets a new \
                snapshot. The server pings; whoever is silent for a minute is disconnected.",
        },
        "servers": {
            "here": { "host": "127.0.0.1:7700", "protocol": "ws", "pathname": "/api/glassbook/v1/stream" },
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/api/glassbook/v1/stream",
                "messages": {
                    "request": message("request", "What a client asks for", "Request"),
                    "response": message("response", "The answer to a request, with its id", "Response"),
                    "told": message("told", "What is told of a channel that is followed", "Told"),
                    "gap": message("gap", "Messages are missing: the reader was too slow", "Gap"),
                },
            },
        },
        "operations": {
            "ask": {
                "action": "receive",
                "channel": { "$ref": "#/channels/stream" },
                "messages": [reference("request")],
                "reply": {
                    "channel": { "$ref": "#/channels/stream" },
                    "messages": [reference("response")],
                },
            },
            "follow": {
                "action": "send",
                "channel": { "$ref": "#/channels/stream" },
                "messages": [reference("told"), reference("gap")],
            },
        },
        "components": { "schemas": schemas },
    })
}

/// Adds a type's schema, and those of all types in it.
fn add<T: ToSchema + PartialSchema>(schemas: &mut Map<String, Value>) {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut found);
    found.push((T::name().into_owned(), T::schema()));
    for (name, schema) in found {
        // Schemas of our own types are JSON.
        let schema = serde_json::to_value(schema).unwrap_or_default();
        schemas.insert(name, schema);
    }
}
