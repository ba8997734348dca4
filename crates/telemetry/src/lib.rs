//! What a node tells of itself: log lines, health, figures, and traces of orders from the gateway to finality.
//!
//! Must not know what an exchange is: whoever composes the node says what its checks, figures and stages are.

pub mod current;
pub mod figures;
pub mod health;
pub mod log;
mod otlp;
pub mod traces;

pub use figures::Figures;
pub use health::{Beat, Finding, Health};
pub use log::Format;
pub use otlp::{Collector, ExportError};
pub use traces::{OrderTrace, Stage, TraceFigures, Traces};
