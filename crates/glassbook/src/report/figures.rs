//! Numbers as people read them.

/// A whole number with its thousands apart.
pub fn count(value: u64) -> String {
    group(&value.to_string())
}

/// A number with so many decimals and its thousands apart.
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    match digits.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", group(whole)),
        None => format!("{sign}{}", group(digits)),
    }
}

/// A large number in short: `1.24 M`.
pub fn short(value: f64) -> String {
    match value.abs() {
        1e12.. => format!("{:.2} T", value / 1e12),
        1e9.. => format!("{:.2} G", value / 1e9),
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{} k", trimmed(value / 1e3)),
        100.0.. => grouped(value, 0),
        _ => trimmed(value),
    }
}

/// Nanoseconds: `812 ns`, `1.3 µs`, `24 ms`.
pub fn nanos(value: f64) -> String {
    let (value, unit) = match value {
        1e9.. => (value / 1e9, "s"),
        1e6.. => (value / 1e6, "ms"),
        1e3.. => (value / 1e3, "µs"),
        _ => (value, "ns"),
    };
    if value >= 100.0 || unit == "ns" {
        format!("{value:.0} {unit}")
    } else {
        format!("{} {unit}", trimmed(value))
    }
}

/// Seconds: `4.2 s`, `3 min 20 s`.
pub fn seconds(value: f64) -> String {
    if value < 120.0 {
        return nanos(value * 1e9);
    }
    let whole = value.round() as u64;
    match whole / 3_600 {
        0 => format!("{} min {} s", whole / 60, whole % 60),
        hours => format!("{hours} h {} min", whole / 60 % 60),
    }
}

/// Bytes: `12.4 KiB`.
pub fn bytes(value: f64) -> String {
    match value {
        1_048_576.0.. => format!("{:.2} MiB", value / 1_048_576.0),
        1024.0.. => format!("{:.1} KiB", value / 1024.0),
        _ => format!("{value:.0} B"),
    }
}

/// A share in per cent, and never rounded up to 100.
pub fn percent(value: f64) -> String {
    if value > 99.99 && value < 100.0 {
        return "> 99.99 %".to_owned();
    }
    if value == 100.0 || value == 0.0 { format!("{value:.0} %") } else { format!("{value:.2} %") }
}

/// The time of day in UTC, from microseconds since the epoch.
pub fn time_of_day(micros: u64, with_seconds: bool, with_millis: bool) -> String {
    let seconds = micros / 1_000_000 % 86_400;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (with_seconds, with_millis) {
        (_, true) => format!("{hours:02}:{minutes:02}:{rest:02}.{:03}", micros / 1_000 % 1_000),
        (true, _) => format!("{hours:02}:{minutes:02}:{rest:02}"),
        _ => format!("{hours:02}:{minutes:02}"),
    }
}

/// The date in UTC (Howard Hinnant's `civil_from_days`).
pub fn date(micros: u64) -> String {
    let days = (micros / 86_400_000_000) as i64 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A hash: its beginning and its end.
pub fn short_hash(hash: &[u8; 32]) -> String {
    let all = hash_text(hash);
    format!("{}…{}", &all[..10], &all[all.len() - 6..])
}

/// A hash in full.
pub fn hash_text(hash: &[u8; 32]) -> String {
    hash.iter().fold("0x".to_owned(), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('?'));
        }
        text
    })
}

fn group(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three digits at most, without zeros at the end.
fn trimmed(value: f64) -> String {
    let text = match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.trim_end_matches('0').is_empty() => whole.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(grouped(-12_345.678, 2), "-12,345.68");
        assert_eq!(short(1_240_000.0), "1.24 M");
        assert_eq!(short(5.0), "5");
        assert_eq!(nanos(812.0), "812 ns");
        assert_eq!(nanos(1_300.0), "1.30 µs");
        assert_eq!(nanos(24_000_000.0), "24 ms");
        assert_eq!(seconds(200.4), "3 min 20 s");
        assert_eq!(bytes(12_700.0), "12.4 KiB");
        assert_eq!(percent(99.995), "> 99.99 %");
        assert_eq!(percent(99.43), "99.43 %");
        assert_eq!(percent(100.0), "100 %");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(date(1_340_295_753_639_876), "2012-06-21");
        assert_eq!(time_of_day(1_340_295_753_639_876, true, true), "16:22:33.639");
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400_000_000), "2000-02-29");
    }

    #[test]
    fn hashes_keep_their_ends() {
        let mut hash = [0xab; 32];
        hash[31] = 1;
        assert_eq!(short_hash(&hash), "0xabababab…abab01");
        assert_eq!(hash_text(&hash).len(), 66);
    }
}
