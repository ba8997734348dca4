//! Traces of orders as a collector receives them: OTLP over HTTP, decoded from its protobuf.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, status};
use prost::Message as _;
use telemetry::{Collector, Stage, Traces};

/// A request, and what was in it.
struct Received {
    path: String,
    headers: HashMap<String, String>,
    request: ExportTraceServiceRequest,
}

/// A collector that takes everything, or answers with a status of one's choice.
fn collector(status: &'static str) -> (SocketAddr, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some(received) = receive(&mut reader) {
                    let body = ExportTraceServiceResponse::default().encode_to_vec();
                    let head = format!(
                        "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    reader.get_mut().write_all(&[head.as_bytes(), &body].concat()).expect("answered");
                    let _ = sender.send(received);
                }
            });
        }
    });
    (address, receiver)
}

fn receive(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1).expect("a path").to_string();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_string());
    }
    let mut body = vec![0; headers["content-length"].parse().expect("a length")];
    reader.read_exact(&mut body).expect("a body");
    let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("protobuf");
    Some(Received { path, headers, request })
}

fn to(address: SocketAddr) -> Collector {
    Collector {
        endpoint: format!("http://{address}"),
        headers: vec![("authorization".to_string(), "Bearer word".to_string())],
        service: "glassbook-test".to_string(),
        interval: Duration::from_millis(50),
    }
}

/// All spans that arrive until there is one of this name.
fn spans_until(receiver: &Receiver<Received>, name: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    while !spans.iter().any(|span: &Span| span.name == name) {
        let received = receiver.recv_timeout(Duration::from_secs(10)).expect("spans");
        for resource in received.request.resource_spans {
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans
}

fn attribute(span: &Span, name: &str) -> Option<Value> {
    span.attributes.iter().find(|of| of.key == name)?.value.clone()?.value
}

fn nanos(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos()).expect("before 2554")
}

const LIFE: [Stage; 6] =
    [Stage::Sealed, Stage::Published, Stage::Committed, Stage::Proved, Stage::Confirmed, Stage::Final];

#[test]
fn an_order_is_followed_from_the_gateway_to_finality() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    let before = SystemTime::now();
    let mut trace = traces.begin("rest", "POST /api/v3/order", None).expect("traced");
    trace.handed_over();
    trace.acknowledged(4_711, 12, SystemTime::now());
    let acknowledged = SystemTime::now();
    let at = |place: usize| acknowledged + Duration::from_secs(1 + place as u64);
    for (place, stage) in LIFE.into_iter().enumerate() {
        traces.reached(12, stage, at(place), None);
    }
    assert_eq!(traces.figures().under_way, 0);
    let mut spans = spans_until(&receiver, "order");
    traces.stop();
    spans.sort_by_key(|span| (span.start_time_unix_nano, span.end_time_unix_nano));
    let root = spans.iter().find(|span| span.name == "order").expect("the whole").clone();
    let parts: Vec<&Span> = spans.iter().filter(|span| span.name != "order").collect();
    let names: Vec<&str> = parts.iter().map(|span| span.name.as_str()).collect();
    let expected =
        ["admit", "sequence", "make durable", "seal", "publish", "commit", "prove", "confirm", "finalise"];
    assert_eq!(names, expected);
    for part in &parts {
        assert_eq!((&part.trace_id, &part.parent_span_id), (&root.trace_id, &root.span_id));
    }
    // One begins where the one before ends, and the times are those that were said.
    for pair in parts.windows(2) {
        assert_eq!(
            pair[0].end_time_unix_nano, pair[1].start_time_unix_nano,
            "{} {}",
            pair[0].name, pair[1].name
        );
    }
    for (place, part) in parts[3..].iter().enumerate() {
        assert_eq!(part.end_time_unix_nano, nanos(at(place)), "{}", part.name);
    }
    assert!(root.start_time_unix_nano >= nanos(before));
    assert_eq!(root.end_time_unix_nano, nanos(at(5)));
    assert_eq!(root.status.map(|status| status.code), Some(status::StatusCode::Ok as i32));
    let batch =
        spans.iter().find(|span| span.name == "order").and_then(|span| attribute(span, "glassbook.batch"));
    assert_eq!(batch, Some(Value::IntValue(12)));
}

#[test]
fn a_collector_is_told_who_sends_and_with_the_headers_it_wants() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    traces.begin("native", "POST /streams", None).expect("traced").refused("busy");
    let received = receiver.recv_timeout(Duration::from_secs(10)).expect("spans");
    traces.stop();
    assert_eq!(received.path, "/v1/traces");
    assert_eq!(received.headers["authorization"], "Bearer word");
    assert_eq!(received.headers["content-type"], "application/x-protobuf");
    let resource = received.request.resource_spans[0].resource.clone().expect("a resource");
    let name =
        resource.attributes.iter().find(|of| of.key == "service.name").and_then(|of| of.value.clone()?.value);
    assert_eq!(name, Some(Value::StringValue("glassbook-test".to_string())));
    let span = &received.request.resource_spans[0].scope_spans[0].spans[0];
    let status = span.status.clone().expect("a status");
    assert_eq!((status.code, status.message.as_str()), (status::StatusCode::Error as i32, "busy"));
    assert!(traces.figures().exports >= 1);
}

#[test]
fn the_callers_trace_goes_on() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let trace = traces.begin("rest", "POST /api/v3/order", Some(caller)).expect("traced");
    assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    drop(trace);
    let spans = spans_until(&receiver, "order");
    traces.stop();
    assert_eq!(spans[0].parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert!(attribute(&spans[0], "glassbook.unfinished").is_some());
}

#[test]
fn what_the_chain_takes_back_is_said_and_done_again() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    traces.begin("fix", "D", None).expect("traced").acknowledged(1, 1, SystemTime::now());
    let begin = SystemTime::now();
    let again = [Stage::Sealed, Stage::Published, Stage::Committed, Stage::Published, Stage::Committed];
    for (place, stage) in again.into_iter().chain([Stage::Proved, Stage::Confirmed, Stage::Final]).enumerate()
    {
        traces.reached(1, stage, begin + Duration::from_secs(1 + place as u64), None);
    }
    let spans = spans_until(&receiver, "order");
    traces.stop();
    let commits: Vec<&Span> = spans.iter().filter(|span| span.name == "commit").collect();
    assert_eq!(commits.len(), 2);
    assert_eq!(spans.iter().filter(|span| span.name == "publish").count(), 1);
    let root = spans.iter().find(|span| span.name == "order").expect("the whole");
    assert_eq!(root.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["taken back"]);
}

#[test]
fn an_acknowledgement_that_is_noticed_after_its_batch_was_sealed_is_no_loss() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    let trace = traces.begin("rest", "POST /api/v3/order", None).expect("traced");
    let begin = SystemTime::now() + Duration::from_secs(1);
    traces.reached(3, Stage::Sealed, begin, None);
    trace.acknowledged(9, 3, SystemTime::now());
    for stage in &LIFE[1..] {
        traces.reached(3, *stage, begin + Duration::from_secs(1), None);
    }
    let spans = spans_until(&receiver, "order");
    traces.stop();
    assert_eq!(spans.len(), 9, "{:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
}

#[test]
fn orders_under_way_when_the_node_stops_are_exported_with_what_they_reached() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    traces.begin("rest", "POST /api/v3/order", None).expect("traced").acknowledged(1, 1, SystemTime::now());
    traces.reached(1, Stage::Sealed, SystemTime::now(), None);
    traces.stop();
    let spans = spans_until(&receiver, "order");
    let root = spans.iter().find(|span| span.name == "order").expect("the whole");
    assert!(attribute(root, "glassbook.unfinished").is_some());
    assert!(traces.begin("rest", "POST /api/v3/order", None).is_none(), "after the stop");
}

#[test]
fn one_in_so_many_is_traced_and_no_more_than_there_is_room_for() {
    let (address, _receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 10, 3).expect("an exporter");
    let open: Vec<_> = (0..100).filter_map(|_| traces.begin("rest", "POST /api/v3/order", None)).collect();
    let figures = traces.figures();
    assert_eq!((open.len(), figures.begun, figures.crowded, figures.under_way), (3, 3, 7, 3));
    drop(open);
    assert_eq!(traces.figures().under_way, 0);
    traces.stop();
}

#[test]
fn a_collector_that_refuses_or_is_away_costs_traces_and_nothing_else() {
    let (address, receiver) = collector("503 Service Unavailable");
    let away = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    for address in [address, away] {
        let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
        drop(traces.begin("rest", "POST /api/v3/order", None));
        traces.stop();
        let figures = traces.figures();
        assert_eq!((figures.exports, figures.under_way), (0, 0));
        assert!(figures.failed_exports >= 1, "{figures:?}");
    }
    assert!(receiver.try_recv().is_ok());
}

#[test]
fn parts_have_no_gaps_although_the_engine_is_faster_than_whoever_handed_the_order_over() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    let mut trace = traces.begin("session", "commands", None).expect("traced");
    let sequenced = SystemTime::now();
    thread::sleep(Duration::from_millis(5));
    trace.handed_over();
    trace.acknowledged(1, 1, sequenced);
    // By a clock that is behind.
    traces.reached(1, Stage::Sealed, sequenced - Duration::from_secs(5), None);
    traces.reached(1, Stage::Final, SystemTime::now() + Duration::from_secs(1), Some(77));
    let spans = spans_until(&receiver, "order");
    traces.stop();
    let part = |name: &str| spans.iter().find(|span| span.name == name).expect("a part");
    for pair in ["admit", "sequence", "make durable", "seal", "finalise"].windows(2) {
        assert_eq!(
            part(pair[0]).end_time_unix_nano,
            part(pair[1]).start_time_unix_nano,
            "{} {}",
            pair[0],
            pair[1]
        );
        assert!(part(pair[1]).start_time_unix_nano <= part(pair[1]).end_time_unix_nano);
    }
    assert_eq!(attribute(part("finalise"), "glassbook.l1_block"), Some(Value::IntValue(77)));
    assert_eq!(attribute(part("seal"), "glassbook.l1_block"), None);
}

#[test]
fn an_order_is_found_by_its_number_and_its_request() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    let mut trace = traces.begin("http", "POST /api/v3/order", None).expect("traced");
    trace.outcome(Some(42), None);
    trace.acknowledged(7, 1, SystemTime::now());
    let mut trace = traces.begin("session", "commands", None).expect("traced");
    trace.outcome(None, Some(201));
    trace.acknowledged(8, 1, SystemTime::now());
    traces.reached(1, Stage::Final, SystemTime::now(), None);
    traces.stop();
    let mut roots = spans_until(&receiver, "order");
    roots.retain(|span| span.name == "order");
    let text = |span: &Span, name: &str| match attribute(span, name) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(text(&roots[0], "http.request.method"), "POST");
    assert_eq!(text(&roots[0], "http.route"), "/api/v3/order");
    assert_eq!(attribute(&roots[0], "glassbook.order"), Some(Value::IntValue(42)));
    assert_eq!(attribute(&roots[1], "glassbook.rejected"), Some(Value::IntValue(201)));
    assert_eq!(attribute(&roots[1], "http.route"), None);
}

#[tokio::test]
async fn an_order_that_was_passed_over_at_its_door_is_not_asked_about_again() {
    let (address, _receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 2, 1_000).expect("an exporter");
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for _ in 0..100 {
        let door = traces.begin("http", "POST /api/v3/order", Some(caller));
        let desk = async { telemetry::current::take_or(|| traces.begin("session", "commands", None)) };
        let taken = telemetry::current::within(door, desk, |_| None).await;
        assert!(taken.is_none_or(|trace| trace.id() == "4bf92f3577b34da6a3ce929d0e0e4736"));
    }
    assert_eq!(traces.figures().begun, 50);
    // What comes by a session is asked about where it is signed.
    assert!(telemetry::current::take_or(|| traces.begin("session", "commands", None)).is_some());
    traces.stop();
}

#[tokio::test]
async fn a_request_that_nobody_takes_up_is_refused_with_its_reason() {
    let (address, receiver) = collector("200 OK");
    let traces = Traces::to(&to(address), 1, 10).expect("an exporter");
    let begin = || traces.begin("http", "POST /api/v3/order", None);
    telemetry::current::within(begin(), async { "no such key" }, |answer| Some((*answer).to_string())).await;
    let taken = async {
        let trace = telemetry::current::take().expect("the request's");
        assert!(telemetry::current::take().is_none(), "only once");
        trace.acknowledged(1, 1, SystemTime::now());
    };
    telemetry::current::within(begin(), taken, |()| Some("not said".to_string())).await;
    assert!(telemetry::current::take().is_none());
    assert_eq!(traces.figures().under_way, 1);
    traces.reached(1, Stage::Final, SystemTime::now(), None);
    traces.stop();
    let mut spans = spans_until(&receiver, "order");
    while spans.iter().filter(|span| span.name == "order").count() < 2 {
        spans.extend(spans_until(&receiver, "order"));
    }
    let whys: Vec<String> = spans
        .iter()
        .filter_map(|span| span.status.clone())
        .map(|status| status.message)
        .filter(|why| !why.is_empty())
        .collect();
    assert_eq!(whys, ["no such key"]);
}
