//! Traces of orders begin where they arrive and go on with their batch.

use std::time::{Duration, SystemTime};

use serde_json::json;
use telemetry::{Collector, Stage, Traces};
use types::{AccountId, Side};

use crate::kit::{World, limit, session_key};

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_order_is_under_way_until_its_batch_is_final_and_a_refused_one_is_not() {
    let world = World::open().await;
    // Nobody listens there: what counts here is what the gateway tells.
    let collector = Collector {
        endpoint: "http://127.0.0.1:9".to_string(),
        headers: Vec::new(),
        service: "test".to_string(),
        interval: Duration::from_secs(60),
    };
    let traces = Traces::to(&collector, 1, 100).unwrap();
    world.gateway.desk.trace_to(traces.clone());

    let trader = AccountId(1);
    let mut signer = world.client.signer(trader, session_key(trader)).await.unwrap();
    let placed = world.client.submit(&mut signer, &[limit(Side::Sell, 500, 10)]).await.unwrap();
    let figures = traces.figures();
    assert_eq!((figures.begun, figures.under_way), (1, 1));

    let empty = json!({ "commands": [], "signatures": [] });
    let (status, _) = world.ask("POST", "/streams", Some(empty)).await;
    assert!(status >= 400, "{status}");
    let figures = traces.figures();
    assert_eq!((figures.begun, figures.under_way), (2, 1));

    // What is only looked at is not traced.
    world.ask("GET", "/exchange", None).await;
    assert_eq!(traces.figures().begun, 2);
    for stage in
        [Stage::Sealed, Stage::Published, Stage::Committed, Stage::Proved, Stage::Confirmed, Stage::Final]
    {
        assert_eq!(traces.figures().under_way, 1);
        traces.reached(placed.batch, stage, SystemTime::now(), None);
    }
    assert_eq!(traces.figures().under_way, 0);
}
