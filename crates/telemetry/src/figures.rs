//! Figures for Prometheus: a registry that is filled with what is known now, once for each answer.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What figures of one kind are told apart by: `("state", "final")`.
pub type Label = [(&'static str, &'static str); 1];

/// The format of [`Figures::text`], as HTTP calls it.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Figures, all of whose names begin with `glassbook_`. A count's name gets `_total` at its end.
#[derive(Debug)]
pub struct Figures(Registry);

impl Default for Figures {
    fn default() -> Self {
        Self(Registry::with_prefix("glassbook"))
    }
}

impl Figures {
    /// Something that rises and falls.
    pub fn now(&mut self, name: &str, help: &str, value: impl Into<u64>) {
        let gauge = Gauge::<i64>::default();
        gauge.set(bounded(value.into()));
        self.0.register(name, help, gauge);
    }

    /// Something that only rises, from the start of the process.
    pub fn count(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.0.register(name, help, counter);
    }

    /// Things that rise and fall, told apart by a label.
    pub fn each_now(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Label, u64)>) {
        let family = Family::<Label, Gauge>::default();
        for (label, value) in values {
            family.get_or_create(&label).set(bounded(value));
        }
        self.0.register(name, help, family);
    }

    /// Things that only rise, told apart by a label.
    pub fn each_count(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Label, u64)>) {
        let family = Family::<Label, Counter>::default();
        for (label, value) in values {
            family.get_or_create(&label).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    /// All of them, in the text format of OpenMetrics.
    ///
    /// # Errors
    /// Never, unless the format's library has a bug.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}

fn bounded(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let mut figures = Figures::default();
        figures.now("lag", "Things that wait", 7_u64);
        figures.count("things", "Things", u64::MAX);
        figures.each_now(
            "batches",
            "Batches in each state",
            [([("state", "final")], 3), ([("state", "sealed")], 1)],
        );
        let text = figures.text().expect("text");
        for line in [
            "# HELP glassbook_lag Things that wait.",
            "# TYPE glassbook_lag gauge",
            "glassbook_lag 7",
            "glassbook_things_total 18446744073709551615",
            "glassbook_batches{state=\"final\"} 3",
            "# EOF",
        ] {
            assert!(text.lines().any(|of| of == line), "{line}\n{text}");
        }
    }
}
