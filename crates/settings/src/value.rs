//! How values are written: integers, times, sizes, addresses, files, names of a few.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::source::Raw;

/// What is wrong with a value.
pub type Wrong = String;

/// An integer within limits. `_` may stand between digits.
pub fn integer(raw: &Raw, range: &RangeInclusive<u64>) -> Result<u64, Wrong> {
    let value = match raw {
        Raw::Integer(value) => *value,
        Raw::Loose(text) => match text.trim().replace('_', "").parse() {
            Ok(value) => Some(value),
            Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => None,
            Err(_) => return Err(format!("it is {text:?}, not an integer")),
        },
        other => return Err(not(other, "an integer")),
    };
    let value = value.and_then(|value| u64::try_from(value).ok()).filter(|value| range.contains(value));
    value.ok_or_else(|| outside(&grouped(*range.start()), &grouped(*range.end())))
}

/// `true` or `false`.
pub fn boolean(raw: &Raw) -> Result<bool, Wrong> {
    match raw {
        Raw::Bool(value) => Ok(*value),
        Raw::Loose(text) => {
            text.trim().parse().map_err(|_| format!("it is {text:?}, neither true nor false"))
        }
        other => Err(not(other, "a boolean")),
    }
}

/// Text.
pub fn text(raw: &Raw) -> Result<String, Wrong> {
    match raw {
        Raw::Text(text) | Raw::Loose(text) => Ok(text.clone()),
        other => Err(not(other, "a string")),
    }
}

/// Texts: a list, or in a variable texts with commas between them.
pub fn texts(raw: &Raw) -> Result<Vec<String>, Wrong> {
    match raw {
        Raw::List(values) => {
            values.iter().map(text).collect::<Result<_, _>>().map_err(|wrong| format!("in the list, {wrong}"))
        }
        Raw::Loose(text) => {
            Ok(text.split(',').map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect())
        }
        other => Err(not(other, "a list of strings")),
    }
}

/// A time within limits: a number and ms, s, m, h or d.
pub fn time(raw: &Raw, range: &RangeInclusive<Duration>) -> Result<Duration, Wrong> {
    let text = match raw {
        Raw::Integer(_) => return Err("it has no unit".to_string()),
        other => text(other)?,
    };
    let (number, unit) = number_and_unit(&text)?;
    let millis = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        "" => return Err("it has no unit".to_string()),
        _ => return Err(format!("{unit:?} is no unit of time")),
    };
    let time = millis.and_then(|unit: u64| number.checked_mul(unit)).map(Duration::from_millis);
    let outside = || outside(&show_time(*range.start()), &show_time(*range.end()));
    time.filter(|time| range.contains(time)).ok_or_else(outside)
}

/// A number of bytes within limits: an integer, or a number and B, KiB, MiB or GiB.
pub fn bytes(raw: &Raw, range: &RangeInclusive<u64>) -> Result<u64, Wrong> {
    let text = match raw {
        Raw::Integer(_) => {
            return integer(raw, range)
                .map_err(|_| outside(&show_bytes(*range.start()), &show_bytes(*range.end())));
        }
        other => text(other)?,
    };
    let (number, unit) = number_and_unit(&text)?;
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "kB" | "KB" | "MB" | "GB" | "K" | "M" | "G" => {
            return Err(format!("{unit:?} may mean thousands or 1,024s; KiB, MiB and GiB are 1,024s"));
        }
        _ => return Err(format!("{unit:?} is no unit of size")),
    };
    let bytes = number.checked_mul(1 << shift).filter(|bytes| range.contains(bytes));
    bytes.ok_or_else(|| outside(&show_bytes(*range.start()), &show_bytes(*range.end())))
}

/// An IP address with a port.
pub fn address(raw: &Raw) -> Result<SocketAddr, Wrong> {
    let text = text(raw)?;
    text.parse().map_err(|_| match text.rsplit_once(':') {
        // An IPv6 address without one, or what is meant for one.
        Some((host, port)) if port.ends_with(']') || (host.contains(':') && !host.ends_with(']')) => {
            "it has no port, which stands behind the address: [::1]:7700".to_string()
        }
        Some((host, port)) if port.parse::<u16>().is_ok() => format!("{host:?} is not an IP address"),
        Some((_, port)) => format!("{port:?} is not a port"),
        None => "it has no port".to_string(),
    })
}

/// A path.
pub fn path(raw: &Raw) -> Result<PathBuf, Wrong> {
    let text = text(raw)?;
    match text.is_empty() {
        true => Err("it is empty".to_string()),
        false => Ok(PathBuf::from(text)),
    }
}

/// A URL with one of some schemes and a host. No more of it is looked at.
pub fn url(raw: &Raw, schemes: &[&str]) -> Result<String, Wrong> {
    let text = text(raw)?;
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("it has no scheme".to_string());
    };
    if !schemes.contains(&scheme) {
        return Err(format!("its scheme is {scheme:?}, not {}", schemes.join(" or ")));
    }
    if rest.is_empty()
        || rest.starts_with(['/', ':', '?', '#'])
        || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err("it has no host".to_string());
    }
    Ok(text)
}

/// One of a few names.
pub fn choice<T: Copy>(raw: &Raw, names: &[(&str, T)]) -> Result<T, Wrong> {
    let text = text(raw)?;
    let found = names.iter().find(|(name, _)| *name == text);
    let known = || names.iter().map(|(name, _)| *name);
    found.map(|(_, value)| *value).ok_or_else(|| match crate::nearest::nearest(&text, known()) {
        Some(near) => format!("{text:?} is none of its values; perhaps {near:?} is meant"),
        None => format!("{text:?} is none of its values"),
    })
}

fn number_and_unit(text: &str) -> Result<(u64, &str), Wrong> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let digits = digits.replace('_', "");
    match digits.parse() {
        Ok(number) => Ok((number, unit.trim())),
        Err(_) if digits.is_empty() => Err(format!("{text:?} does not begin with a number")),
        Err(_) => Err("the number is too large".to_string()),
    }
}

fn not(raw: &Raw, wanted: &str) -> Wrong {
    format!("it is {}, not {wanted}", raw.kind())
}

fn outside(low: &str, high: &str) -> Wrong {
    format!("it is not between {low} and {high}")
}

/// A time in the largest unit that it is a multiple of.
pub fn show_time(time: Duration) -> String {
    let millis = time.as_millis();
    if millis == 0 {
        return "0s".to_string();
    }
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if millis.is_multiple_of(unit) {
            return format!("{}{name}", millis / unit);
        }
    }
    format!("{millis}ms")
}

/// A number of bytes in the largest unit that it is a multiple of.
pub fn show_bytes(bytes: u64) -> String {
    for (shift, name) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{} {name}", bytes >> shift);
        }
    }
    format!("{bytes} B")
}

/// An integer as TOML may have it: `10_000`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Text as TOML has it.
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(text: &str) -> Raw {
        Raw::Loose(text.to_string())
    }

    #[test]
    fn times_have_a_unit_and_limits() {
        let range = Duration::from_millis(10)..=Duration::from_secs(3_600);
        assert_eq!(time(&loose("2s"), &range), Ok(Duration::from_secs(2)));
        assert_eq!(time(&loose("1_500 ms"), &range), Ok(Duration::from_millis(1_500)));
        for (text, why) in [
            ("2", "no unit"),
            ("2 weeks", "no unit of time"),
            ("1.5s", "no unit of time"),
            ("9ms", "between 10ms and 1h"),
            ("2h", "between 10ms and 1h"),
            ("99999999999999999999s", "too large"),
            ("18446744073709551615d", "between"),
            ("s", "begin with a number"),
            ("", "begin with a number"),
        ] {
            let wrong = time(&loose(text), &range).expect_err(text);
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
        assert!(time(&Raw::Integer(Some(2)), &range).is_err());
    }

    #[test]
    fn sizes_are_integers_or_have_units_of_1024() {
        let range = 512..=1 << 30;
        assert_eq!(bytes(&loose("64 MiB"), &range), Ok(64 << 20));
        assert_eq!(bytes(&Raw::Integer(Some(512)), &range), Ok(512));
        for text in ["64 MB", "1 TiB", "2 GiB", "511", "99999999999999999999", "17179869184 GiB"] {
            assert!(bytes(&loose(text), &range).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_too_large_for_a_machine_are_outside_not_something_else() {
        let wrong = integer(&Raw::Integer(None), &(1..=10)).expect_err("too large");
        assert!(wrong.contains("between 1 and 10"), "{wrong}");
        let wrong =
            integer(&loose("999999999999999999999999999999999999999999"), &(1..=10)).expect_err("too large");
        assert!(wrong.contains("between 1 and 10"), "{wrong}");
        assert!(integer(&Raw::Integer(Some(-1)), &(0..=10)).is_err());
    }

    #[test]
    fn addresses_say_which_half_is_wrong() {
        for (text, why) in [
            ("localhost:80", "not an IP address"),
            ("127.0.0.1:http", "not a port"),
            ("127.0.0.1", "no port"),
            ("[::1]", "no port"),
            ("::1", "no port"),
        ] {
            let wrong = address(&loose(text)).expect_err(text);
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
        assert!(address(&loose("[::1]:80")).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_of_times_and_sizes_reads_back(millis in 0_u64..1 << 50, size in 0_u64..u64::MAX) {
            let time_shown = show_time(Duration::from_millis(millis));
            assert_eq!(time(&loose(&time_shown), &(Duration::ZERO..=Duration::MAX)), Ok(Duration::from_millis(millis)));
            assert_eq!(bytes(&loose(&show_bytes(size)), &(0..=u64::MAX)), Ok(size));
            assert_eq!(integer(&loose(&grouped(size)), &(0..=u64::MAX)), Ok(size));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC*") {
            let raw = loose(&text);
            let _ = (integer(&raw, &(0..=1)), time(&raw, &(Duration::ZERO..=Duration::MAX)), bytes(&raw, &(0..=1)));
            let _ = (address(&raw), url(&raw, &["http"]), texts(&raw), boolean(&raw), path(&raw));
            let quoted = quoted(&text);
            assert_eq!(toml::from_str::<std::collections::BTreeMap<String, String>>(&format!("a = {quoted}")).expect(&quoted)["a"], text);
        }
    }
}
