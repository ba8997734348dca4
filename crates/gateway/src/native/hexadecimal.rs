//! Bytes as hexadecimal digits: `0x` and lower case on the way out, with or without `0x` on the way in.

use super::ApiError;

pub(crate) fn show(bytes: impl AsRef<[u8]>) -> String {
    let mut text = "0x".to_string();
    text.push_str(&hex::encode(bytes));
    text
}

/// Bytes of any length up to a limit.
pub(crate) fn read(text: &str, what: &str, limit: usize) -> Result<Vec<u8>, ApiError> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() > 2 * limit {
        let message = format!("{what} is {} hexadecimal digits long", digits.len());
        return Err(ApiError::bad("too_long", message, format!("{what} has at most {limit} bytes")));
    }
    hex::decode(digits).map_err(|error| {
        let remedy = "give bytes as hexadecimal digits, two for each, with or without 0x before them";
        ApiError::bad("bad_hex", format!("{what}: {error}"), remedy)
    })
}

/// Bytes of one length.
pub(crate) fn read_array<const N: usize>(text: &str, what: &str) -> Result<[u8; N], ApiError> {
    let bytes = read(text, what, N)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| {
        let message = format!("{what} is {found} bytes long");
        ApiError::bad("bad_length", message, format!("{what} has {N} bytes"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_with_and_without_prefix_and_nothing_else_is() {
        assert_eq!(read("0xabCD", "it", 2).unwrap(), [0xab, 0xcd]);
        assert_eq!(read_array::<2>("abcd", "it").unwrap(), [0xab, 0xcd]);
        assert_eq!(show([0xab, 0xcd]), "0xabcd");
        for (text, code) in
            [("abc", "bad_hex"), ("zz", "bad_hex"), ("0x0xab", "bad_hex"), ("abcdef", "too_long")]
        {
            assert_eq!(read(text, "it", 2).unwrap_err().body.code, code, "{text}");
        }
        assert_eq!(read_array::<2>("ab", "it").unwrap_err().body.code, "bad_length");
        assert_eq!(read_array::<2>("", "it").unwrap_err().body.code, "bad_length");
    }
}
