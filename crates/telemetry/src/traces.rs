//! Traces of orders, from the gateway to finality.
//!
//! ```text
//!  order ├────────────────────────────────────────────────────────────────────────────────────────────┤
//!        ├ admit ┤├ sequence ┤├ make durable ┤├ seal ┤├ publish ┤├ commit ┤├ prove ┤├ confirm ┤├ finalise ┤
//! ```
//!
//! A trace lives as long as its order is under way: seconds here, days on a public chain. What of it is past is exported at
//! once, the span of the whole at its end. Times are those at which things happened, not those at which they were noticed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};

use crate::figures::Figures;
use crate::otlp::{self, Collector, ExportError, Exports};

/// Batches without traced orders whose stages are remembered, for acknowledgements that arrive after them.
const REMEMBERED: u64 = 256;

/// What a batch has reached. In the order of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its commands are final among themselves.
    Sealed,
    /// Its data is available.
    Published,
    /// The chain has its commitment.
    Committed,
    /// Its proof is there.
    Proved,
    /// The contract has checked the proof.
    Confirmed,
    /// The chain cannot take it back.
    Final,
}

impl Stage {
    /// The name of the span that ends with it.
    fn span(self) -> &'static str {
        match self {
            Self::Sealed => "seal",
            Self::Published => "publish",
            Self::Committed => "commit",
            Self::Proved => "prove",
            Self::Confirmed => "confirm",
            Self::Final => "finalise",
        }
    }
}

/// Traces of one of so many orders; or none at all.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traces({})", if self.is_on() { "on" } else { "off" })
    }
}

struct Inner {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    exports: Arc<Exports>,
    one_in: u64,
    capacity: usize,
    /// Orders that were asked about.
    asked: AtomicU64,
    begun: AtomicU64,
    /// Not traced because too many were under way.
    crowded: AtomicU64,
    under_way: AtomicUsize,
    stopped: AtomicBool,
    batches: Mutex<BTreeMap<u64, Batch>>,
}

/// What is known of a batch, and the traced orders in it.
#[derive(Default)]
struct Batch {
    reached: Vec<(Stage, SystemTime, Option<u64>)>,
    orders: Vec<Open>,
}

/// A traced order under way.
struct Open {
    root: Span,
    context: SpanContext,
    /// When the last thing was over that has a span.
    since: SystemTime,
    reached: Option<Stage>,
    place: Place,
}

/// Counts against the orders under way as long as it is there.
struct Place(Arc<Inner>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Figures of traces, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceFigures {
    /// Orders whose trace began.
    pub begun: u64,
    /// Orders that were not traced because too many were under way.
    pub crowded: u64,
    /// Traces under way.
    pub under_way: u64,
    /// Requests that the collector took.
    pub exports: u64,
    /// Requests that it did not take.
    pub failed_exports: u64,
}

impl TraceFigures {
    /// Adds them to others.
    pub fn add_to(&self, figures: &mut Figures) {
        figures.count("traces_begun", "Orders whose trace began", self.begun);
        figures.count("traces_crowded", "Orders not traced because too many were under way", self.crowded);
        figures.now("traces_under_way", "Traced orders that are not final", self.under_way);
        figures.count("trace_exports", "Requests that the collector of traces took", self.exports);
        figures.count(
            "trace_exports_failed",
            "Requests that the collector of traces did not take",
            self.failed_exports,
        );
    }
}

impl Traces {
    /// No traces: costs nothing.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Traces one of `one_in` orders, at most `capacity` at the same time.
    ///
    /// # Errors
    /// When the collector's address or headers are wrong. Whether it is there is found out later.
    pub fn to(collector: &Collector, one_in: u64, capacity: usize) -> Result<Self, ExportError> {
        let exports = Arc::new(Exports::default());
        let provider = otlp::provider(collector, Arc::clone(&exports))?;
        Ok(Self::with(provider, exports, one_in, capacity))
    }

    fn with(provider: SdkTracerProvider, exports: Arc<Exports>, one_in: u64, capacity: usize) -> Self {
        Self(Some(Arc::new(Inner {
            tracer: provider.tracer_with_scope(
                InstrumentationScope::builder("glassbook").with_version(env!("CARGO_PKG_VERSION")).build(),
            ),
            provider,
            exports,
            one_in: one_in.max(1),
            capacity,
            asked: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            crowded: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            batches: Mutex::default(),
        })))
    }

    /// Whether there are traces.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// An order has arrived at a door (`http`, `session`) by a request (`POST /api/v3/order`). None when it
    /// is not traced. The caller's `traceparent` (W3C Trace Context, level 1) becomes the parent.
    #[must_use]
    pub fn begin(
        &self,
        door: &'static str,
        request: &'static str,
        traceparent: Option<&str>,
    ) -> Option<OrderTrace> {
        self.begin_at(door, request, traceparent, SystemTime::now())
    }

    fn begin_at(
        &self,
        door: &'static str,
        request: &'static str,
        traceparent: Option<&str>,
        now: SystemTime,
    ) -> Option<OrderTrace> {
        let inner = self.0.as_ref().filter(|inner| !inner.stopped.load(Ordering::Relaxed))?;
        if !inner.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(inner.one_in) {
            return None;
        }
        let room = |open: usize| (open < inner.capacity).then(|| open + 1);
        if inner.under_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            inner.crowded.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let place = Place(Arc::clone(inner));
        inner.begun.fetch_add(1, Ordering::Relaxed);
        let parent = traceparent
            .and_then(caller)
            .map_or_else(Context::new, |of| Context::new().with_remote_span_context(of));
        let mut attributes =
            vec![KeyValue::new("glassbook.door", door), KeyValue::new("glassbook.request", request)];
        // As the semantic conventions for HTTP servers call them.
        if let Some((method, route)) = request.split_once(' ').filter(|_| door == "http") {
            attributes
                .extend([KeyValue::new("http.request.method", method), KeyValue::new("http.route", route)]);
        }
        let builder = inner
            .tracer
            .span_builder("order")
            .with_kind(SpanKind::Server)
            .with_start_time(now)
            .with_attributes(attributes);
        let root = builder.start_with_context(&inner.tracer, &parent);
        let context = root.span_context().clone();
        Some(OrderTrace {
            open: Some(Open { root, context, since: now, reached: None, place }),
            now: SystemTime::now,
        })
    }

    /// A batch has reached a stage. An earlier one than before when the chain or the operator has taken something back.
    /// What the chain has done has a block there.
    pub fn reached(&self, batch: u64, stage: Stage, at: SystemTime, block: Option<u64>) {
        let Some(inner) = &self.0 else { return };
        let mut batches = inner.batches();
        let entry = batches.entry(batch).or_default();
        entry.reached.push((stage, at, block));
        // A batch that goes back and forth for ever.
        if entry.reached.len() > 32 {
            entry.reached.remove(0);
        }
        for order in &mut entry.orders {
            order.reach(stage, at, block);
        }
        if stage == Stage::Final {
            for order in std::mem::take(&mut entry.orders) {
                order.end(Status::Ok, at);
            }
        }
        let newest = batches.last_key_value().map_or(0, |(number, _)| *number);
        batches
            .retain(|number, batch| !batch.orders.is_empty() || number.saturating_add(REMEMBERED) > newest);
    }

    /// A batch does not go on, for now or for good: said in the traces of its orders.
    pub fn trouble(&self, batch: u64, why: &str, at: SystemTime) {
        let Some(inner) = &self.0 else { return };
        if let Some(batch) = inner.batches().get_mut(&batch) {
            for order in &mut batch.orders {
                order.root.add_event_with_timestamp(
                    "trouble",
                    at,
                    vec![KeyValue::new("glassbook.why", why.to_string())],
                );
            }
        }
    }

    /// Figures.
    #[must_use]
    pub fn figures(&self) -> TraceFigures {
        let Some(inner) = &self.0 else { return TraceFigures::default() };
        TraceFigures {
            begun: inner.begun.load(Ordering::Relaxed),
            crowded: inner.crowded.load(Ordering::Relaxed),
            under_way: inner.under_way.load(Ordering::Relaxed) as u64,
            exports: inner.exports.taken.load(Ordering::Relaxed),
            failed_exports: inner.exports.failed.load(Ordering::Relaxed),
        }
    }

    /// Ends the traces of all orders that are under way, and sends what waits. Takes seconds when the collector is away.
    pub fn stop(&self) {
        let Some(inner) = &self.0 else { return };
        inner.stopped.store(true, Ordering::Relaxed);
        let batches = std::mem::take(&mut *inner.batches());
        let now = SystemTime::now();
        for order in batches.into_values().flat_map(|batch| batch.orders) {
            order.abandon("the node stopped before the order was final", now);
        }
        if let Err(error) = inner.provider.shutdown() {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

impl Inner {
    fn batches(&self) -> MutexGuard<'_, BTreeMap<u64, Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part of an order's life.
    fn child(
        &self,
        name: &'static str,
        of: &SpanContext,
        (from, to): (SystemTime, SystemTime),
        block: Option<u64>,
    ) {
        let context = Context::new().with_remote_span_context(of.clone());
        let attributes = block.map(|block| KeyValue::new("glassbook.l1_block", signed(block)));
        let builder = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Internal)
            .with_start_time(from)
            .with_attributes(attributes);
        builder.start_with_context(&self.tracer, &context).end_with_timestamp(to);
    }
}

impl Open {
    fn part(&mut self, name: &'static str, until: SystemTime, block: Option<u64>) {
        // Threads notice things in another order than they happen: no part begins before the one before it has ended.
        let until = self.since.max(until);
        self.place.0.child(name, &self.context, (self.since, until), block);
        self.since = until;
    }

    fn reach(&mut self, stage: Stage, at: SystemTime, block: Option<u64>) {
        match self.reached {
            Some(before) if stage < before => {
                let to = KeyValue::new("glassbook.stage", stage.span());
                self.root.add_event_with_timestamp("taken back", at, vec![to]);
                self.since = self.since.max(at);
            }
            Some(before) if stage == before => {}
            _ => self.part(stage.span(), at, block),
        }
        self.reached = Some(stage);
    }

    fn end(mut self, status: Status, at: SystemTime) {
        self.root.set_status(status);
        self.root.end_with_timestamp(at.max(self.since));
    }

    fn abandon(mut self, why: &'static str, at: SystemTime) {
        self.root.set_attribute(KeyValue::new("glassbook.unfinished", why));
        self.end(Status::Unset, at);
    }
}

/// The trace of one request with an order, until it is acknowledged. Dropped before, it ends as unanswered.
pub struct OrderTrace {
    open: Option<Open>,
    now: fn() -> SystemTime,
}

impl fmt::Debug for OrderTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OrderTrace").field(&self.id()).finish()
    }
}

impl OrderTrace {
    /// The trace's id, as collectors show it: for log lines and answers.
    #[must_use]
    pub fn id(&self) -> String {
        self.open.as_ref().map(|open| open.context.trace_id().to_string()).unwrap_or_default()
    }

    /// The order has passed all that stands before the exchange (signature, limits), and is handed over.
    pub fn handed_over(&mut self) {
        let now = (self.now)();
        if let Some(open) = &mut self.open {
            open.part("admit", now, None);
        }
    }

    /// What the rules made of it: the order's number, or the code of the reason why it did nothing.
    pub fn outcome(&mut self, order: Option<u64>, rejected: Option<u16>) {
        let Some(open) = &mut self.open else { return };
        let order = order.map(|order| KeyValue::new("glassbook.order", signed(order)));
        let rejected = rejected.map(|code| KeyValue::new("glassbook.rejected", i64::from(code)));
        open.root.set_attributes(order.into_iter().chain(rejected));
    }

    /// The exchange has acknowledged it: it has this number, was sequenced then, and will be sealed in this batch.
    pub fn acknowledged(mut self, sequence: u64, batch: u64, sequenced: SystemTime) {
        let now = (self.now)();
        let Some(mut open) = self.open.take() else { return };
        open.part("sequence", sequenced.min(now), None);
        open.part("make durable", now, None);
        open.root.set_attribute(KeyValue::new("glassbook.sequence", signed(sequence)));
        open.root.set_attribute(KeyValue::new("glassbook.batch", signed(batch)));
        let inner = Arc::clone(&open.place.0);
        let mut batches = inner.batches();
        if inner.stopped.load(Ordering::Relaxed) {
            return open.abandon("the node stopped before the order was final", now);
        }
        let entry = batches.entry(batch).or_default();
        for (stage, at, block) in &entry.reached {
            open.reach(*stage, *at, *block);
        }
        match entry.reached.last() {
            Some((Stage::Final, at, _)) => open.end(Status::Ok, *at),
            _ => entry.orders.push(open),
        }
    }

    /// It was refused, here or by the exchange.
    pub fn refused(mut self, why: &str) {
        let now = (self.now)();
        if let Some(open) = self.open.take() {
            open.end(Status::error(why.to_string()), now);
        }
    }
}

impl Drop for OrderTrace {
    fn drop(&mut self) {
        let now = (self.now)();
        if let Some(open) = self.open.take() {
            open.abandon("the request ended before it was answered", now);
        }
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads `00-<trace id>-<parent id>-<flags>` (W3C Trace Context, section 3.2). None when it is anything else.
fn caller(traceparent: &str) -> Option<SpanContext> {
    let is_hex = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let mut parts = traceparent.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may have more parts, version 0 has none.
    let right =
        is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    if !right || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let (trace, parent) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(parent).ok()?);
    // Whether it is sampled is for this node to decide, and it has decided.
    let context = SpanContext::new(trace, parent, TraceFlags::SAMPLED, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_read_as_the_standard_says() {
        let right = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = caller(right).expect(right);
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(caller("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-ä-ö-01",
        ] {
            assert!(caller(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn without_a_collector_nothing_is_traced() {
        let traces = Traces::off();
        assert!(traces.begin("rest", "POST /api/v3/order", None).is_none());
        traces.reached(1, Stage::Sealed, SystemTime::now(), None);
        traces.stop();
        assert_eq!(traces.figures(), TraceFigures::default());
    }
}
