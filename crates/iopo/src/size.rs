//! Parses sizes in bytes with units.

/// Parses `5GB`, `512MiB` or `1000`. Units with an `i` are powers of 1024, others of 1000.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim_start().to_ascii_uppercase().as_str() {
        "" | "B" => Some(1),
        "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "TB" => Some(1_000_000_000_000),
        "KIB" => Some(1 << 10),
        "MIB" => Some(1 << 20),
        "GIB" => Some(1 << 30),
        "TIB" => Some(1_u64 << 40),
        _ => None,
    };
    let number = digits.parse::<u64>().ok().zip(factor);
    number
        .and_then(|(number, factor)| number.checked_mul(factor))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected a whole number and a unit, such as 5GB or 512MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units_are_decimal_or_binary() {
        for (text, bytes) in [
            ("5GB", 5_000_000_000),
            ("512MiB", 512 << 20),
            (" 3 kb", 3000),
            ("7", 7),
            ("2TiB", 2 << 40),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn a_bad_size_is_refused_with_an_example() {
        for text in ["", "GB", "0", "0GB", "-1GB", "1.5GB", "5 parsecs", "99999999999TB"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("5GB"), "{error}");
        }
    }
}
