//! UTCTimestamp, the time of day of every FIX message, without a library for calendars.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Microseconds since 1970, UTC. Written as `YYYYMMDD-HH:MM:SS.sss`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utc(pub u64);

impl Utc {
    /// The machine's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// Reads a UTCTimestamp with none to nine digits after the second; what is finer than a microsecond is cut off. A leap
    /// second counts as the first second of the next minute.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (whole, fraction) = match text.get(17) {
            None => (text, &[][..]),
            Some(b'.') => (&text[..17], &text[18..]),
            Some(_) => return None,
        };
        if whole.len() != 17 || whole[8] != b'-' || whole[11] != b':' || whole[14] != b':' {
            return None;
        }
        if text.len() == 18 || fraction.len() > 9 {
            return None;
        }
        let (year, month, day) = (digits(&whole[..4])?, digits(&whole[4..6])?, digits(&whole[6..8])?);
        let (hour, minute, second) =
            (digits(&whole[9..11])?, digits(&whole[12..14])?, digits(&whole[15..17])?);
        if year < 1970 || !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let padded: u64 = (0..6).try_fold(0, |sum, at| {
            let digit = fraction.get(at).copied().unwrap_or(b'0');
            digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
        })?;
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let seconds = days_before(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Self(seconds * SECOND + padded))
    }

    /// Year, month and day.
    #[must_use]
    pub fn date(self) -> (u64, u64, u64) {
        date_of(self.0 / DAY)
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let of_day = self.0 % DAY;
        let (seconds, millis) = (of_day / SECOND, of_day % SECOND / 1_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}{month:02}{day:02}-{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970 to a date. The year begins in March, so that the leap day is its last (H. Hinnant, "chrono-compatible
/// low-level date algorithms", `days_from_civil`).
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The other way round (`civil_from_days`).
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times_are_read_and_written() {
        for (text, micros) in [
            ("19700101-00:00:00.000", 0),
            ("20000229-23:59:59.999", 951_868_799_999_000),
            ("20240301-00:00:00.001", 1_709_251_200_001_000),
        ] {
            assert_eq!(Utc::parse(text.as_bytes()), Some(Utc(micros)));
            assert_eq!(Utc(micros).to_string(), text);
        }
        assert_eq!(Utc::parse(b"19700101-00:00:01"), Some(Utc(SECOND)));
        assert_eq!(Utc::parse(b"19700101-00:00:00.000001999"), Some(Utc(1)));
        assert_eq!(Utc::parse(b"20161231-23:59:60"), Utc::parse(b"20170101-00:00:00"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "20240301",
            "20240301-00:00:00.",
            "20240301-00:00:00,000",
            "20240301-24:00:00",
            "20240301-00:60:00",
            "20230229-00:00:00",
            "20240001-00:00:00",
            "20241301-00:00:00",
            "20240300-00:00:00",
            "19691231-23:59:59",
            "20240301-00:00:00.0000000000",
            "20240301-00:00:00.00x",
            "20240301-00:00:00.000000x",
            "2024-301-00:00:00",
        ] {
            assert_eq!(Utc::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_comes_back(millis in 0u64..253_402_300_800_000) {
            let time = Utc(millis * 1_000);
            prop_assert_eq!(Utc::parse(time.to_string().as_bytes()), Some(time));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = Utc::parse(&bytes);
        }
    }
}
