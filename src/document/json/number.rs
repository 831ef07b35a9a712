//! Whether two number tokens mean the same, whatever their notation and length.

/// A decimal number as its significant digits and the place of the point before them: 0.digits × 10^point.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i128,
}

/// Whether two checked number tokens are the same; the rule stands at [`Node::same_value`](crate::document::Node::same_value).
pub(super) fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let integer = |token: &str| token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !(integer(a) && integer(b)) {
        let float = |token: &str| token.parse::<f64>().ok().filter(|float| float.is_finite());
        if let (Some(a), Some(b)) = (float(a), float(b))
            && a == b
        {
            return true;
        }
    }
    matches!((decimal(a), decimal(b)), (Some(a), Some(b)) if a == b)
}

/// The decimal value; `None` if the exponent is beyond all reason (more than 18 digits).
fn decimal(token: &str) -> Option<Decimal> {
    let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let magnitude = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
    digits.drain(..leading);
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    if digits.is_empty() {
        return Some(Decimal { negative: false, digits, point: 0 });
    }
    let point = i128::from(exponent) + whole.len() as i128 - leading as i128;
    Some(Decimal { negative: mantissa.len() != magnitude.len(), digits, point })
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn notation_does_not_count() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("1E+2", "1e2"),
            ("0.1", "1e-1"),
            ("-0", "0"),
            ("0e5", "0"),
            ("1e400", "10e399"),
            ("1e400", "0.1E401"),
            ("1e-400", "0.01e-398"),
            ("1e99999999999999999999", "1e99999999999999999999"),
            (
                "12345678901234567890123456789012345678901234567890",
                "12345678901234567890123456789012345678901234567890.0",
            ),
        ] {
            assert!(same(a, b) && same(b, a), "{a} {b}");
        }
    }

    #[test]
    fn long_integers_are_compared_to_the_last_digit() {
        for (a, b) in [
            ("9007199254740993", "9007199254740992"),
            ("1", "-1"),
            ("10", "1"),
            ("1e400", "1e401"),
            ("1e99999999999999999999", "1e99999999999999999998"),
            ("1e99999999999999999999", "1"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} {b}");
        }
    }
}
