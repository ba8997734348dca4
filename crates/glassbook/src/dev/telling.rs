//! What a node tells of itself while it runs: log, traces, health.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use settlement::{Event, State};
use telemetry::{Health, Stage, Traces, log};

use crate::config;

/// Where it tells it. Parts of the node have copies of it.
#[derive(Clone, Debug, Default)]
pub struct Telling {
    /// Traces of orders.
    pub traces: Traces,
    /// Checks, for `/healthz` and `/readyz`.
    pub health: Arc<Health>,
}

impl Telling {
    /// Begins the log and, when a collector is named, traces.
    pub fn begin(settings: &settings::Telemetry) -> Result<Self> {
        match log::begin(config::log_format(settings), &settings.log) {
            // Tests run several nodes in one process.
            Ok(()) | Err(log::LogError::Twice) => {}
            Err(error) => return Err(error.into()),
        }
        let traces = match config::collector(settings) {
            None => Traces::off(),
            Some(collector) => {
                let capacity = usize::try_from(settings.traces).unwrap_or(usize::MAX);
                Traces::to(&collector, settings.trace_one_in, capacity)?
            }
        };
        Ok(Self { traces, health: Arc::default() })
    }

    /// A batch has moved.
    pub fn moved(&self, event: &Event) {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(event.at)).unwrap_or_else(SystemTime::now);
        let (batch, state) = (event.batch, event.to.name());
        match (&event.to, stage(&event.to)) {
            (State::Failed { why, remedy }, _) => {
                tracing::error!(batch, why, remedy, "a batch has failed");
                self.traces.trouble(batch, why, at);
            }
            (_, Some(stage)) => {
                let block = event.block.map(|block| block.number);
                tracing::debug!(batch, state, block, "batch");
                // The others are not the chain's doing.
                let on_chain = matches!(stage, Stage::Committed | Stage::Confirmed | Stage::Final);
                self.traces.reached(batch, stage, at, block.filter(|_| on_chain));
            }
            (_, None) => tracing::debug!(batch, state, "batch"),
        }
    }

    /// Sends what traces wait.
    pub fn end(&self) {
        self.traces.stop();
    }
}

/// The stage that a state is the beginning of. The others are on the way to the next.
fn stage(state: &State) -> Option<Stage> {
    Some(match state {
        State::Sealed => Stage::Sealed,
        State::Published => Stage::Published,
        State::Committed => Stage::Committed,
        State::Proved => Stage::Proved,
        State::Confirmed => Stage::Confirmed,
        State::Final => Stage::Final,
        State::Committing | State::Proving | State::Submitted | State::Finalising | State::Failed { .. } => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_the_beginning_of_a_state() {
        let states = [
            State::Sealed,
            State::Published,
            State::Committed,
            State::Proved,
            State::Confirmed,
            State::Final,
        ];
        let stages: Vec<Stage> = states.iter().filter_map(stage).collect();
        assert_eq!(stages.len(), states.len());
        assert!(stages.is_sorted());
    }
}
