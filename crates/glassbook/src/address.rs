//! Addresses as people write them.

use alloy_primitives::Address;

/// Reads an address. In mixed case it must have the checksum of EIP-55; all in lower or all in upper case it has none.
pub fn parse(text: &str) -> Result<Address, String> {
    let address: Address =
        text.parse().map_err(|_| "an address is 0x and 40 hexadecimal digits".to_string())?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mixed = digits.bytes().any(|byte| byte.is_ascii_lowercase())
        && digits.bytes().any(|byte| byte.is_ascii_uppercase());
    if mixed && address.to_checksum(None).strip_prefix("0x") != Some(digits) {
        return Err(
            "its checksum is wrong (EIP-55): a digit or a letter's case is not as it was; copy it again, \
                    from where you trust it"
                .to_string(),
        );
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of EIP-55.
    const EXAMPLES: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn an_address_has_its_checksum_or_none() {
        for text in EXAMPLES {
            let address = parse(text).unwrap();
            assert_eq!(address.to_string(), text);
            let digits = &text[2..];
            for other in [
                text.to_lowercase(),
                format!("0x{}", digits.to_uppercase()),
                digits.to_string(),
                digits.to_lowercase(),
            ] {
                assert_eq!(parse(&other), Ok(address), "{other}");
            }
        }
    }

    #[test]
    fn a_wrong_digit_or_case_is_found_when_there_is_a_checksum() {
        let refused = |text: &str| assert!(parse(text).unwrap_err().contains("checksum"), "{text}");
        for text in EXAMPLES {
            refused(&text.replacen(&text[2..3], if &text[2..3] == "7" { "8" } else { "7" }, 1));
            for (place, letter) in text.char_indices().skip(2).filter(|(_, c)| c.is_ascii_alphabetic()) {
                let other = if letter.is_ascii_lowercase() {
                    letter.to_ascii_uppercase()
                } else {
                    letter.to_ascii_lowercase()
                };
                refused(&format!("{}{other}{}", &text[..place], &text[place + 1..]));
            }
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}0", EXAMPLES[0]);
        for text in
            ["", "0x", "0x12", &EXAMPLES[0][..41], &long, "0xzAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd"]
        {
            assert!(parse(text).unwrap_err().contains("40 hexadecimal digits"), "{text}");
        }
    }
}
