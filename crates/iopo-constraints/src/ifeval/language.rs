//! Language detection: the algorithm of the published code, with a fixed seed.

use langdetect::{DetectorFactory, Seed};

/// Whether the detector knows a language code.
pub(super) fn is_known(code: &str) -> bool {
    DetectorFactory::builtin().langlist().iter().any(|known| known == code)
}

/// Detects the language code of a text. `None` when the text has no letters to detect it by.
pub(super) fn detect(text: &str) -> Option<String> {
    let mut detector = DetectorFactory::builtin().create().ok()?;
    detector.seed = Seed::Int(0);
    detector.append(text);
    detector.detect().ok()
}

/// Whether a text is in a language, or its language cannot be detected.
pub(super) fn is_or_unknown(text: &str, code: &str) -> bool {
    detect(text).is_none_or(|found| found == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_punctuation_have_no_language() {
        assert_eq!(detect("12:30 🙂 …"), None);
        assert!(is_or_unknown("12:30", "de"));
        assert_eq!(detect("Die Katze trinkt gern kalte Milch.").as_deref(), Some("de"));
        assert!(is_known("zh-cn") && is_known("te") && !is_known("xx") && !is_known("English"));
    }
}
