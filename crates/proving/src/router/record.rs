//! What is kept of a worker across restarts: its profile and its breaker, in one canonical encoding.
//!
//! ```text
//! version 1                            1 byte
//! breaker's state                      1 byte   (0 closed, 1 open, 2 half-open)
//!   closed: last results               LEB128, a bit each; their number, LEB128, at most 64
//!   open: until                        LEB128, microseconds since the Unix epoch
//!         cause                        1 byte   (0 in a row, 1 rate, 2 probe, 3 lie)
//! openings                             LEB128, at most 2^32 - 1
//! cycle ratio                          mean
//! number of kinds                      LEB128, at most 5
//! each, ascending by code:
//!   kind                               1 byte, as in a proof file
//!   samples                            LEB128
//!   success                            mean
//!   proving, proof bytes               line, line
//!   verification                       mean
//!
//! mean: average, weight                8 bytes each, IEEE 754 little-endian: finite, not negative, no minus zero
//!       updated                        LEB128, microseconds since the Unix epoch
//! line: mean; averages of x, x², xy    8 bytes each, as above
//! ```

use std::collections::BTreeMap;

use types::{DecodeError, Reader, Timestamp, Writer};
use verifier::ProofKind;

use super::{BreakerState, CircuitBreaker, DecayedLine, DecayedMean, KindProfile, OpenCause, Profile};

const VERSION: u8 = 1;

/// What is kept of a worker across restarts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerRecord {
    /// What it has shown that it can do.
    pub profile: Profile,
    /// Whether it may be given work.
    pub breaker: CircuitBreaker,
}

impl WorkerRecord {
    /// No encoding is longer.
    pub const MAX_BYTES: usize = 2048;

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.byte(VERSION);
        match self.breaker.state {
            BreakerState::Closed => {
                out.byte(0);
                out.uint(self.breaker.results);
                out.uint(self.breaker.known.into());
            }
            BreakerState::Open { until, cause } => {
                out.byte(1);
                out.uint(until.0);
                out.byte(match cause {
                    OpenCause::Consecutive => 0,
                    OpenCause::Rate => 1,
                    OpenCause::Probe => 2,
                    OpenCause::Lie => 3,
                });
            }
            BreakerState::HalfOpen => out.byte(2),
        }
        out.uint(self.breaker.openings.into());
        encode_mean(&self.profile.cycle_ratio, &mut out);
        out.uint(self.profile.kinds.len() as u64);
        let by_code: BTreeMap<_, _> =
            self.profile.kinds.iter().map(|(kind, profile)| (kind.code(), profile)).collect();
        for (code, profile) in by_code {
            out.byte(code);
            out.uint(profile.samples);
            encode_mean(&profile.success, &mut out);
            encode_line(&profile.proving, &mut out);
            encode_line(&profile.proof_bytes, &mut out);
            encode_mean(&profile.verification, &mut out);
        }
        out
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > Self::MAX_BYTES {
            let (found, limit) = (bytes.len() as u64, Self::MAX_BYTES as u64);
            return Err(DecodeError::TooLong { what: "worker record", found, limit });
        }
        let mut r = Reader::new(bytes);
        match r.byte("version")? {
            VERSION => {}
            tag => return Err(DecodeError::UnknownTag { what: "worker record version", tag }),
        }
        let breaker = decode_breaker(&mut r)?;
        let cycle_ratio = decode_mean(&mut r, "cycle ratio")?;
        let mut kinds = BTreeMap::new();
        let mut last = None;
        for _ in 0..r.count(ProofKind::ALL.len() as u64, "kinds")? {
            let tag = r.byte("proof kind")?;
            let kind = ProofKind::from_code(tag)
                .filter(|_| last.is_none_or(|last| last < tag))
                .ok_or(DecodeError::UnknownTag { what: "proof kind, or not ascending", tag })?;
            last = Some(tag);
            let profile = KindProfile {
                samples: r.uint("samples")?,
                success: decode_mean(&mut r, "success")?,
                proving: decode_line(&mut r, "proving time")?,
                proof_bytes: decode_line(&mut r, "proof size")?,
                verification: decode_mean(&mut r, "verification time")?,
            };
            if profile.success.mean > 1.0 {
                return Err(DecodeError::BadInteger { what: "success" });
            }
            kinds.insert(kind, profile);
        }
        r.finish()?;
        Ok(Self { profile: Profile { kinds, cycle_ratio }, breaker })
    }
}

fn encode_mean(mean: &DecayedMean, out: &mut Vec<u8>) {
    encode_float(mean.mean, out);
    encode_float(mean.weight, out);
    out.uint(mean.updated.0);
}

fn encode_line(line: &DecayedLine, out: &mut Vec<u8>) {
    encode_mean(&line.y, out);
    encode_float(line.x, out);
    encode_float(line.xx, out);
    encode_float(line.xy, out);
}

fn encode_float(value: f64, out: &mut Vec<u8>) {
    out.raw(&value.to_le_bytes());
}

fn decode_breaker(r: &mut Reader<'_>) -> Result<CircuitBreaker, DecodeError> {
    let mut breaker = CircuitBreaker::default();
    match r.byte("breaker state")? {
        0 => {
            breaker.results = r.uint("results")?;
            breaker.known = r.count(64, "results")? as u32;
            if breaker.results.checked_shr(breaker.known).unwrap_or(0) != 0 {
                return Err(DecodeError::BadInteger { what: "results" });
            }
        }
        1 => {
            let until = Timestamp(r.uint("end of the cool-down")?);
            let cause = match r.byte("cause")? {
                0 => OpenCause::Consecutive,
                1 => OpenCause::Rate,
                2 => OpenCause::Probe,
                3 => OpenCause::Lie,
                tag => return Err(DecodeError::UnknownTag { what: "cause", tag }),
            };
            breaker.state = BreakerState::Open { until, cause };
        }
        2 => breaker.state = BreakerState::HalfOpen,
        tag => return Err(DecodeError::UnknownTag { what: "breaker state", tag }),
    }
    breaker.openings = r.u32("openings")?;
    Ok(breaker)
}

fn decode_mean(r: &mut Reader<'_>, what: &'static str) -> Result<DecayedMean, DecodeError> {
    let (mean, weight) = (decode_float(r, what)?, decode_float(r, what)?);
    Ok(DecayedMean { mean, weight, updated: Timestamp(r.uint(what)?) })
}

fn decode_line(r: &mut Reader<'_>, what: &'static str) -> Result<DecayedLine, DecodeError> {
    let y = decode_mean(r, what)?;
    Ok(DecayedLine { y, x: decode_float(r, what)?, xx: decode_float(r, what)?, xy: decode_float(r, what)? })
}

/// Larger numbers than these measure nothing, and could overflow in what is computed of them.
const LARGEST: f64 = 1e40;

fn decode_float(r: &mut Reader<'_>, what: &'static str) -> Result<f64, DecodeError> {
    let value = f64::from_le_bytes(r.array(what)?);
    // NaN is in no range.
    if value.is_sign_negative() || !(0.0..=LARGEST).contains(&value) {
        return Err(DecodeError::BadInteger { what });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::{BreakerConfig, CycleModel, Failure, Run, Workload};
    use proptest::prelude::*;
    use std::time::Duration;
    use verifier::ProofSystem;

    const HALF_LIFE: Duration = Duration::from_secs(3600);

    prop_compose! {
        fn run()(kind in 0usize..5, commands in 0u64..2000, cycles: u64, millis: u64, proof_bytes: u64) -> Run {
            Run {
                kind: ProofKind::ALL[kind],
                workload: Workload { batches: 1, commands, signatures: 9, witness_bytes: 1000 },
                cycles,
                elapsed: Duration::from_millis(millis),
                proof_bytes,
                verification: Duration::from_millis(millis >> 7),
            }
        }
    }

    prop_compose! {
        fn record()(
            runs in proptest::collection::vec((run(), any::<u64>(), 0u8..8), 0..12),
            probe: bool,
        ) -> WorkerRecord {
            let mut record = WorkerRecord::default();
            for (run, now, failed) in runs {
                let now = Timestamp(now);
                let config = BreakerConfig::default();
                match failed {
                    0 | 1 => {
                        record.profile.failed(run.kind, now, HALF_LIFE);
                        record.breaker.failed(Failure::Failed, now, &config);
                    }
                    2 => record.breaker.failed(Failure::Lied, now, &config),
                    _ => {
                        record.profile.succeeded(&run, &CycleModel::measured(ProofSystem::Sp1), now, HALF_LIFE);
                        record.breaker.succeeded(&config);
                    }
                }
                if probe {
                    record.breaker.started(Timestamp(u64::MAX - 1));
                }
            }
            record
        }
    }

    proptest! {
        #[test]
        fn records_survive_the_round_trip(record in record()) {
            let bytes = record.encode();
            prop_assert!(bytes.len() <= WorkerRecord::MAX_BYTES);
            prop_assert_eq!(WorkerRecord::decode(&bytes), Ok(record));
        }

        #[test]
        fn what_decodes_has_one_encoding(record in record(), at: prop::sample::Index, byte: u8) {
            let mut bytes = record.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(other) = WorkerRecord::decode(&bytes) {
                prop_assert_eq!(other.encode(), bytes);
            }
        }

        #[test]
        fn a_record_cut_short_or_continued_is_refused(record in record(), at: prop::sample::Index) {
            let mut bytes = record.encode();
            prop_assert!(WorkerRecord::decode(&bytes[..at.index(bytes.len())]).is_err());
            bytes.push(0);
            prop_assert!(WorkerRecord::decode(&bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = WorkerRecord::decode(&bytes);
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let mut expected = vec![1, 0, 0, 0, 0];
        expected.extend([0; 17]);
        expected.push(0);
        assert_eq!(WorkerRecord::default().encode(), expected);
    }

    #[test]
    fn a_kind_that_is_repeated_or_out_of_order_is_refused() {
        let mut record = WorkerRecord::default();
        for kind in [ProofKind::Core, ProofKind::Plonk] {
            record.profile.kinds.insert(kind, KindProfile::default());
        }
        let bytes = record.encode();
        assert_eq!(WorkerRecord::decode(&bytes), Ok(record));
        // The kinds are equally long and end the record.
        let start = WorkerRecord::default().encode().len();
        let (head, kinds) = bytes.split_at(start);
        let (core, plonk) = kinds.split_at(kinds.len() / 2);
        for wrong in [[plonk, core], [core, core]] {
            assert!(WorkerRecord::decode(&[head, &wrong.concat()].concat()).is_err());
        }
    }

    #[test]
    fn numbers_that_measure_nothing_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, -0.0, 1e41] {
            let mut bytes = WorkerRecord::default().encode();
            bytes[5..13].copy_from_slice(&bad.to_le_bytes());
            assert_eq!(WorkerRecord::decode(&bytes), Err(DecodeError::BadInteger { what: "cycle ratio" }));
        }
    }
}
