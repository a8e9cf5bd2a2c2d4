//! Formats numbers.

/// Formats a number with about four significant digits; very small and very large ones with an exponent.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else if value.fract() == 0.0 && size < 1e7 {
        grouped(value)
    } else if !(1e-3..1e7).contains(&size) {
        minus(&exponent(value))
    } else {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        minus(trimmed(&format!("{value:.decimals$}")))
    }
}

/// Formats an estimate or an end of its interval with the decimals that give the estimate three significant digits.
pub(crate) fn estimate(value: f64, estimate: f64) -> String {
    let size = estimate.abs();
    if !value.is_finite() || !(1e-3..1e7).contains(&size) {
        return number(value);
    }
    let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
    minus(&format!("{value:.decimals$}"))
}

/// Formats a share in percent with one decimal.
pub(crate) fn percent(value: f64) -> String {
    if value.is_finite() { minus(&format!("{:.1}", 100.0 * value)) } else { "–".to_owned() }
}

/// Formats a difference of shares in percentage points with its sign.
pub(crate) fn points(value: f64) -> String {
    if value.is_finite() { minus(&format!("{:+.1}", 100.0 * value)) } else { "–".to_owned() }
}

/// Formats the label of a tick on an axis with ticks every `step`.
pub(crate) fn tick(value: f64, step: f64) -> String {
    if value.abs() < step * 1e-9 {
        return "0".to_owned();
    }
    if value.abs() >= 1e6 || step < 1e-3 {
        return minus(&exponent(value));
    }
    let decimals = (-step.log10().floor()).clamp(0.0, 3.0) as usize;
    // A step of 2.5 needs one decimal more than its magnitude suggests.
    let decimals =
        if (step * 10_f64.powi(decimals as i32)).fract() > 1e-6 { decimals + 1 } else { decimals };
    minus(&format!("{value:.decimals$}"))
}

fn exponent(value: f64) -> String {
    let text = format!("{value:.2e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", trimmed(mantissa)),
        None => text,
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact() {
        let shown: Vec<String> =
            [0.0, 12.0, 12_345.0, -0.5, 0.123_456, 123.456, 2e-5, 3.5e9, f64::NAN]
                .map(number)
                .to_vec();
        assert_eq!(
            shown,
            ["0", "12", "12\u{202f}345", "−0.5", "0.1235", "123.5", "2e−5", "3.5e9", "–"]
        );
        assert_eq!(
            (estimate(0.91, 0.91), estimate(175.25, 166.2)),
            ("0.910".to_owned(), "175".to_owned())
        );
        assert_eq!(percent(0.6123), "61.2");
        assert_eq!((points(0.05), points(-0.0312)), ("+5.0".to_owned(), "−3.1".to_owned()));
    }

    #[test]
    fn ticks_have_the_decimals_of_their_step() {
        assert_eq!(tick(0.5, 0.25), "0.50");
        assert_eq!(tick(-2.0, 1.0), "−2");
        assert_eq!(tick(2.5, 2.5), "2.5");
        assert_eq!(tick(0.000_05, 0.000_05), "5e−5");
        assert_eq!(tick(1e-18, 0.1), "0");
    }
}
