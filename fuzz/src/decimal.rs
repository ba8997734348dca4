//! The plainest reading of decimal strings.

/// Digits without a point, and how many of them stand behind it: the same for the same number, however it is written. None if
/// it is no decimal number: digits, and at most one point between them.
pub fn plain_decimal(text: &str) -> Option<(String, usize)> {
    let (mut digits, mut places, mut points) = (String::new(), 0, 0);
    for c in text.chars() {
        match c {
            '.' => points += 1,
            '0'..='9' => {
                digits.push(c);
                places += usize::from(points > 0);
            }
            _ => return None,
        }
    }
    if points > 1 || text.split('.').any(str::is_empty) {
        return None;
    }
    while places > 0 && digits.ends_with('0') {
        digits.pop();
        places -= 1;
    }
    Some((digits.trim_start_matches('0').to_owned(), places))
}

/// Whether two decimal strings are the same number.
pub fn same_decimal(one: &str, other: &str) -> bool {
    let plain = plain_decimal(one);
    plain.is_some() && plain == plain_decimal(other)
}
