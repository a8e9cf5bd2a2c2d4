//! The yes or no of an answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::normalize;
use crate::{Mode, Unjudged};

static VERDICT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"答案\s*:\s*(是|否)|(?i:(?-u:\b)answer\s*:\s*(yes|no)(?-u:\b))")
        .unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
});

/// Reads whether a judge answered yes.
///
/// # Errors
/// `repaired` returns the reason if the answer has no verdict, or verdicts that differ.
pub fn judge(mode: Mode, answer: &str) -> Result<bool, Unjudged> {
    match mode {
        Mode::Paper => Ok(published(answer)),
        Mode::Repaired => {
            let mut verdicts = verdicts(&normalize(answer).replace("**", ""));
            let first = verdicts.pop().ok_or(Unjudged::NoVerdict)?;
            if verdicts.iter().all(|&verdict| verdict == first) {
                Ok(first)
            } else {
                Err(Unjudged::Contradiction)
            }
        }
    }
}

/// The single verdict in the published form; otherwise, whether the answer contains the character for yes but not the one
/// for no.
fn published(answer: &str) -> bool {
    let [yes, no] = ["答案：是", "答案：否"].map(|form| answer.matches(form).count());
    if yes + no == 1 { yes == 1 } else { answer.contains('是') && !answer.contains('否') }
}

/// The verdicts of a normalized answer. A repeated format line such as `答案：是/否` is not a verdict.
pub(super) fn verdicts(text: &str) -> Vec<bool> {
    let matches = VERDICT.captures_iter(text);
    let open = |end: usize| text[end..].trim_start_matches(' ').starts_with(['/', '否', '|']);
    matches
        .filter(|found| !found.get(0).is_some_and(|whole| open(whole.end())))
        .map(|found| {
            let chinese = found.get(1).is_some_and(|word| word.as_str() == "是");
            chinese || found.get(2).is_some_and(|word| word.as_str().eq_ignore_ascii_case("yes"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_lines_are_no_verdicts() {
        for answer in ["答案：是/否", "答案：是否", "Answer: yes / no", "Answer: nothing", "是"]
        {
            assert_eq!(judge(Mode::Repaired, answer), Err(Unjudged::NoVerdict), "{answer}");
        }
        assert_eq!(judge(Mode::Repaired, "答案：是的"), Ok(true));
        assert_eq!(judge(Mode::Repaired, "ANSWER: NO."), Ok(false));
        assert_eq!(judge(Mode::Repaired, "答案：是 Answer: no"), Err(Unjudged::Contradiction));
    }
}
