//! Measures the engine on a stated workload, and other engines on the same operations in the same run.
//!
//! [`run`] is what `glassbook bench` calls: throughput and latency of one million operations, memory of one
//! million resting orders, a table, and JSON. All engines see identical operations and must fill the same
//! quantity, or the run fails. Then the whole pipeline, from signed submissions to sealed batches.

mod bare_engine;
mod engine;
mod error;
mod full_engine;
mod machine;
mod measure;
mod memory;
#[cfg(feature = "peers")]
mod orderbook_rs_engine;
mod pipeline;
mod report;
mod run;
mod thread_cpu;
mod workload;

pub use bare_engine::BareEngine;
pub use engine::Engine;
pub use error::BenchError;
pub use full_engine::{ClientIds, FullEngine, With, Without};
pub use machine::Machine;
pub use measure::{Clock, EngineFigures, Latency, Spread, latency, throughput};
pub use memory::{MemoryFigures, measure_memory};
#[cfg(feature = "peers")]
pub use orderbook_rs_engine::OrderbookRsEngine;
pub use pipeline::{BURST, PipelineFigures, SUSTAINED, measure_pipeline};
pub use report::Report;
pub use run::{Options, run};
pub use workload::{ACCOUNTS, MARKET_MAKERS, MAX_PRICE, Operation, Shares, SplitMix, WARM_ORDERS, Workload};
