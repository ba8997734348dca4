//! Who sends a request: API key, time, signature.

use super::failure::Failure;
use super::params::Params;
use crate::Gateway;
use crate::keys::{Caller, KeyError, Role};

/// How old a request may be when it does not say.
const WINDOW: u64 = 5_000;
/// The most it may say.
const LONGEST_WINDOW: u64 = 60_000;
/// How far ahead a caller's clock may be, exclusive.
const AHEAD: u64 = 1_000;

/// What must be known of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Nothing.
    Open,
    /// An API key, without a signature.
    Key,
    /// A signature under a key that may do this.
    Signed(Role),
}

/// What a request over HTTP signs: query string and body, one after the other, without the signature.
pub(crate) fn signed_bytes(query: &str, body: &[u8]) -> Vec<u8> {
    let mut signed = Vec::with_capacity(query.len() + body.len());
    without_signature(query.as_bytes(), &mut signed);
    without_signature(body, &mut signed);
    signed
}

fn without_signature(text: &[u8], out: &mut Vec<u8>) {
    let mut first = true;
    for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.starts_with(b"signature=")) {
        if !first {
            out.push(b'&');
        }
        first = false;
        out.extend_from_slice(pair);
    }
}

/// Whether the request is new enough. All times in milliseconds.
pub(crate) fn check_time(params: &Params, now: u64) -> Result<(), Failure> {
    params.required("timestamp")?;
    let timestamp = params.whole("timestamp")?.ok_or_else(|| Failure::missing("timestamp"))?;
    let window = match params.text("recvWindow")? {
        None => WINDOW,
        // Binance takes fractions of milliseconds, too.
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let whole = whole.parse().ok().filter(|_| digits(whole) && digits(fraction));
            whole.ok_or_else(|| Failure::illegal("recvWindow", "^[0-9]{1,20}(\\.[0-9]+)?$"))?
        }
    };
    if window > LONGEST_WINDOW {
        return Err(Failure::new(-1131, "recvWindow must be less than 60000"));
    }
    if timestamp >= now + AHEAD {
        let text = "Timestamp for this request was 1000ms ahead of the server's time.";
        return Err(Failure::new(-1021, text));
    }
    if now.saturating_sub(timestamp) > window {
        return Err(Failure::new(-1021, "Timestamp for this request is outside of the recvWindow."));
    }
    Ok(())
}

/// Who sends a request, when it must be known. Nothing else is looked at before. `signed` gives the texts of which one must
/// be what was signed.
pub(crate) fn authenticate(
    gateway: &Gateway,
    security: Security,
    api_key: Option<&str>,
    params: &Params,
    signed: impl FnOnce() -> Vec<Vec<u8>>,
    now: u64,
) -> Result<Option<Caller>, Failure> {
    match security {
        Security::Open => Ok(None),
        Security::Key => Ok(Some(gateway.keys.look_up(api_key.unwrap_or_default(), Role::Read)?)),
        Security::Signed(role) => {
            let api_key = api_key.unwrap_or_default();
            // An unknown key costs no more than a look.
            gateway.keys.look_up(api_key, role)?;
            check_time(params, now)?;
            let signature = params.required("signature")?;
            let mut verified = Err(KeyError::Signature);
            for text in signed() {
                verified = gateway.keys.verify(api_key, role, &text, signature);
                if verified != Err(KeyError::Signature) {
                    break;
                }
            }
            Ok(Some(verified?))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signature_is_taken_out_wherever_it_stands() {
        let cases: [(&str, &str, &str); 6] = [
            ("a=1&signature=ff", "", "a=1"),
            ("signature=ff&a=1", "", "a=1"),
            ("a=1&signature=ff&b=2", "", "a=1&b=2"),
            ("a=1", "b=2&signature=ff", "a=1b=2"),
            ("", "b=2&signature=ff", "b=2"),
            ("a=1&xsignature=f", "", "a=1&xsignature=f"),
        ];
        for (query, body, signed) in cases {
            assert_eq!(
                String::from_utf8(signed_bytes(query, body.as_bytes())).unwrap(),
                signed,
                "{query} {body}"
            );
        }
    }

    #[test]
    fn requests_from_the_past_or_the_future_are_refused() {
        let now = 1_700_000_000_000;
        let check = |query: &str| {
            check_time(&Params::of_form(query, b"").unwrap(), now).map_err(|failure| failure.code)
        };
        assert_eq!(check("timestamp=1700000000000"), Ok(()));
        assert_eq!(check("timestamp=1699999995000"), Ok(()));
        assert_eq!(check("timestamp=1699999994999"), Err(-1021));
        assert_eq!(check("timestamp=1699999994999&recvWindow=5001"), Ok(()));
        assert_eq!(check("timestamp=1699999994999&recvWindow=5001.5"), Ok(()));
        assert_eq!(check("timestamp=1700000000999"), Ok(()));
        assert_eq!(check("timestamp=1700000001000"), Err(-1021));
        assert_eq!(check("timestamp=1700000000000&recvWindow=60001"), Err(-1131));
        for query in ["timestamp=now", "timestamp=%2B1700000000000", "timestamp=1700000000000.0"] {
            assert_eq!(check(query), Err(-1100), "{query}");
        }
        for window in ["%2B5000", "5000.", "5000.x", ".5", "5000.1.1", "-1"] {
            let query = format!("timestamp=1700000000000&recvWindow={window}");
            assert_eq!(check(&query), Err(-1100), "{window}");
        }
        assert_eq!(check("recvWindow=1"), Err(-1102));
        assert_eq!(check("timestamp=18446744073709551615"), Err(-1021));
    }

    proptest! {
        #[test]
        fn what_is_signed_is_what_was_sent_when_no_signature_is_in_it(query in "[a-z=&%0-9]{0,40}", body in "[a-z=&]{0,40}") {
            prop_assume!(!query.contains("signature") && !body.contains("signature"));
            prop_assert_eq!(signed_bytes(&query, body.as_bytes()), format!("{query}{body}").into_bytes());
        }
    }
}
