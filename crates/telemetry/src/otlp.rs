//! Takes spans to a collector: OTLP, protobuf over HTTP.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanLimits,
};
use thiserror::Error;

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER: u64 = 1 << 16;
/// Spans that wait to be sent. Further ones are dropped.
const WAITING: usize = 16_384;
/// Spans in one request.
const TOGETHER: usize = 512;
/// Where a collector takes traces, unless the endpoint says otherwise.
const PATH: &str = "/v1/traces";

/// Where traces go.
#[derive(Clone)]
pub struct Collector {
    /// Its address: `http://127.0.0.1:4318`. Without a path, `/v1/traces` is meant.
    pub endpoint: String,
    /// Sent with every request; may be secret.
    pub headers: Vec<(String, String)>,
    /// What this node is called.
    pub service: String,
    /// Time between requests.
    pub interval: Duration,
}

impl fmt::Debug for Collector {
    /// Without what may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("service", &self.service)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// Why nothing can be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The endpoint or a header is wrong.
    #[error("traces cannot be exported: {0}; look at telemetry.otlp_endpoint and telemetry.otlp_headers")]
    Exporter(#[from] ExporterBuildError),
}

/// Requests to the collector.
#[derive(Debug, Default)]
pub struct Exports {
    /// Taken.
    pub taken: AtomicU64,
    /// Not taken: their spans are lost.
    pub failed: AtomicU64,
}

/// A provider whose spans go to a collector, from a thread of its own.
pub fn provider(collector: &Collector, exports: Arc<Exports>) -> Result<SdkTracerProvider, ExportError> {
    let has_path = collector.endpoint.splitn(4, '/').nth(3).is_some_and(|path| !path.is_empty());
    let endpoint = match has_path {
        true => collector.endpoint.clone(),
        false => format!("{}{PATH}", collector.endpoint.trim_end_matches('/')),
    };
    let agent =
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client { agent: agent.into(), exports, failing: AtomicBool::new(false) })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_headers(collector.headers.iter().cloned().collect::<HashMap<_, _>>())
        .with_timeout(PATIENCE)
        .build()?;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(WAITING)
        .with_max_export_batch_size(TOGETHER)
        .with_scheduled_delay(collector.interval)
        .build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_service_name(collector.service.clone())
        .with_attribute(version)
        .build();
    let limits = SpanLimits::default();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        // What is sampled is decided before a span is made.
        .with_sampler(Sampler::AlwaysOn)
        .with_max_events_per_span(limits.max_events_per_span)
        .with_resource(resource)
        .build())
}

/// HTTP as the rest of the node speaks it. It blocks: the processor has a thread of its own for it.
#[derive(Debug)]
struct Client {
    agent: ureq::Agent,
    exports: Arc<Exports>,
    failing: AtomicBool,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        let taken = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        let count = if taken { &self.exports.taken } else { &self.exports.failed };
        count.fetch_add(1, Ordering::Relaxed);
        // It is said once and not at every request: a collector that is away stays away for a while.
        let news = self.failing.swap(!taken, Ordering::Relaxed) == taken;
        match &answer {
            Ok(_) if taken && news => tracing::info!("traces are exported again"),
            Ok(answer) if news => {
                tracing::warn!(
                    status = answer.status().as_u16(),
                    "the collector refuses traces; look at its log"
                );
            }
            Err(error) if news => {
                tracing::warn!(%error, "traces cannot be exported; they are lost until it works")
            }
            _ => {}
        }
        answer
    }
}

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.to_vec());
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let bytes = body.with_config().limit(ANSWER).read_to_vec()?;
        Ok(Response::from_parts(parts, Bytes::from(bytes)))
    }
}
