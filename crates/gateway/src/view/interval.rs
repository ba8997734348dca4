//! The spans of candles, in UTC: Binance's intervals.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use types::Timestamp;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long a candle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interval {
    /// `1s`
    Second1,
    /// `1m`
    Minute1,
    /// `3m`
    Minute3,
    /// `5m`
    Minute5,
    /// `15m`
    Minute15,
    /// `30m`
    Minute30,
    /// `1h`
    Hour1,
    /// `2h`
    Hour2,
    /// `4h`
    Hour4,
    /// `6h`
    Hour6,
    /// `8h`
    Hour8,
    /// `12h`
    Hour12,
    /// `1d`
    Day1,
    /// `3d`, counted from the epoch.
    Day3,
    /// `1w`, from Monday.
    Week1,
    /// `1M`, a month of the calendar.
    Month1,
}

/// No interval is called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no such interval")]
pub struct UnknownInterval;

impl Interval {
    /// All, the shortest first.
    pub const ALL: [Self; 16] = [
        Self::Second1,
        Self::Minute1,
        Self::Minute3,
        Self::Minute5,
        Self::Minute15,
        Self::Minute30,
        Self::Hour1,
        Self::Hour2,
        Self::Hour4,
        Self::Hour6,
        Self::Hour8,
        Self::Hour12,
        Self::Day1,
        Self::Day3,
        Self::Week1,
        Self::Month1,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second1 => "1s",
            Self::Minute1 => "1m",
            Self::Minute3 => "3m",
            Self::Minute5 => "5m",
            Self::Minute15 => "15m",
            Self::Minute30 => "30m",
            Self::Hour1 => "1h",
            Self::Hour2 => "2h",
            Self::Hour4 => "4h",
            Self::Hour6 => "6h",
            Self::Hour8 => "8h",
            Self::Hour12 => "12h",
            Self::Day1 => "1d",
            Self::Day3 => "3d",
            Self::Week1 => "1w",
            Self::Month1 => "1M",
        }
    }

    /// Microseconds, where that is the same for all; not of weeks, which begin elsewhere, and months.
    const fn length(self) -> Option<u64> {
        Some(match self {
            Self::Second1 => SECOND,
            Self::Minute1 => MINUTE,
            Self::Minute3 => 3 * MINUTE,
            Self::Minute5 => 5 * MINUTE,
            Self::Minute15 => 15 * MINUTE,
            Self::Minute30 => 30 * MINUTE,
            Self::Hour1 => HOUR,
            Self::Hour2 => 2 * HOUR,
            Self::Hour4 => 4 * HOUR,
            Self::Hour6 => 6 * HOUR,
            Self::Hour8 => 8 * HOUR,
            Self::Hour12 => 12 * HOUR,
            Self::Day1 => DAY,
            Self::Day3 => 3 * DAY,
            Self::Week1 | Self::Month1 => return None,
        })
    }

    /// The number of the span that a time is in.
    pub(super) fn index(self, time: Timestamp) -> u64 {
        match self.length() {
            Some(length) => time.0 / length,
            // The first Monday was the fourth day.
            None if self == Self::Week1 => (time.0 / DAY + 3) / 7,
            None => month_of(time.0 / DAY),
        }
    }

    /// When a span begins.
    pub(super) fn opens(self, index: u64) -> Timestamp {
        Timestamp(match self.length() {
            Some(length) => index.saturating_mul(length),
            None if self == Self::Week1 => index.saturating_mul(7).saturating_sub(3).saturating_mul(DAY),
            None => first_day(index).saturating_mul(DAY),
        })
    }

    /// When the candle that this time is in began.
    #[must_use]
    pub fn open(self, time: Timestamp) -> Timestamp {
        self.opens(self.index(time))
    }

    /// When the candle after the one that this time is in begins.
    #[must_use]
    pub fn next(self, time: Timestamp) -> Timestamp {
        self.opens(self.index(time).saturating_add(1))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Interval {
    type Err = UnknownInterval;

    fn from_str(text: &str) -> Result<Self, UnknownInterval> {
        Self::ALL.into_iter().find(|interval| interval.name() == text).ok_or(UnknownInterval)
    }
}

/// Months since January 1970 at a day since then. The calendar's arithmetic is Howard Hinnant's `civil_from_days`, with
/// years that begin in March.
fn month_of(day: u64) -> u64 {
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // March is 0.
    let month = (5 * of_year + 2) / 153;
    (era * 400 + year) * 12 + month + 2 - 1_970 * 12
}

/// The first day of a month since January 1970.
fn first_day(month: u64) -> u64 {
    // No timestamp is later.
    let months = month.min(7_200_000) + 1_970 * 12 - 2;
    let (year, month) = (months / 12, months % 12);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_back_and_nothing_else_is() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        for text in ["", "1", "1mm", "1W", "1D", "2m", "1M ", "１m"] {
            assert_eq!(text.parse::<Interval>(), Err(UnknownInterval));
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_at_the_first() {
        // 2026-01-05 14:30 UTC, a Monday.
        let time = Timestamp(1_767_623_400_000_000);
        let day = |text: u64| Timestamp(text * 1_000_000);
        assert_eq!(Interval::Week1.open(time), day(1_767_571_200));
        assert_eq!(Interval::Week1.open(day(1_767_571_199)), day(1_766_966_400));
        assert_eq!(Interval::Month1.open(time), day(1_767_225_600));
        assert_eq!(Interval::Month1.next(time), day(1_769_904_000));
        // The leap day of 2024, and the first of March.
        assert_eq!(Interval::Month1.open(day(1_709_251_199)), day(1_706_745_600));
        assert_eq!(Interval::Month1.open(day(1_709_251_200)), day(1_709_251_200));
        assert_eq!(Interval::Day3.open(time).0 % (3 * DAY), 0);
        for interval in Interval::ALL {
            assert_eq!(interval.open(Timestamp(0)), Timestamp(0), "{interval}");
        }
    }

    proptest! {
        #[test]
        fn every_time_is_in_its_span(time: u64, at in 0..Interval::ALL.len()) {
            let (interval, time) = (Interval::ALL[at], Timestamp(time));
            let (open, next) = (interval.open(time), interval.next(time));
            prop_assert!(open <= time && (time < next || next.0 == u64::MAX), "{interval} {open} {time} {next}");
            prop_assert_eq!(interval.index(open), interval.index(time));
            if next.0 < u64::MAX {
                prop_assert_eq!(interval.index(next), interval.index(time) + 1);
            }
        }
    }
}
