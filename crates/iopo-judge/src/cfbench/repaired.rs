//! Parses marks line by line and accepts harmless variation.

use std::sync::LazyLock;

use regex::Regex;

use super::echo::Echo;
use crate::Unjudged;
use crate::text::{normalize, without_fences};

static SCORE_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(.*?)(?:\t|\||:|  )\s*[(\[]?\s*(?:(0(?:\.0+)?|零)|1(?:\.0+)?|一)\s*[)\]]?\s*[.。]?\s*$",
    )
    .unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
});

/// A line that ends with a mark.
pub(super) struct ScoreLine {
    /// The text before the mark.
    pub(super) text: String,
    /// The text, preceded by the lines without a mark that come before it.
    pub(super) with_carried: String,
    pub(super) mark: bool,
}

/// Finds the lines that end with a mark. Lines after the last mark are ignored.
pub(super) fn score_lines(answer: &str) -> Vec<ScoreLine> {
    let answer = answer.replace("\\t", "\t").replace("\\n", "\n");
    let text = normalize(&without_fences(&answer));
    let mut carried = String::new();
    let mut lines = Vec::new();
    for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
        if let Some(found) = SCORE_LINE.captures(line) {
            let mut with_carried = std::mem::take(&mut carried);
            with_carried.push_str(&found[1]);
            let mark = found.get(2).is_none();
            lines.push(ScoreLine { text: found[1].to_owned(), with_carried, mark });
        } else {
            carried.push_str(line);
        }
    }
    lines
}

/// Reads one mark per criterion.
pub(super) fn marks(criteria: &[&str], answer: &str) -> Result<Vec<bool>, Unjudged> {
    let lines = score_lines(answer);
    if lines.len() != criteria.len() {
        return Err(Unjudged::Count);
    }
    let criteria: Vec<Echo> = criteria.iter().map(|text| Echo::new(&normalize(text))).collect();
    let mut marks = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        check(&criteria, at, line)?;
        marks.push(line.mark);
    }
    Ok(marks)
}

/// Checks that a line repeats the criterion at the same position.
fn check(criteria: &[Echo], at: usize, line: &ScoreLine) -> Result<(), Unjudged> {
    let echo = Echo::new(&line.text);
    if echo.is_blank() || echo.is_number(at + 1) {
        return Ok(());
    }
    let carried = (line.with_carried != line.text).then(|| Echo::new(&line.with_carried));
    let similarity = |criterion: &Echo| {
        let with = carried.as_ref().map_or(0.0, |carried| carried.similarity(criterion));
        echo.similarity(criterion).max(with)
    };
    let own = similarity(&criteria[at]);
    if own < 0.5 {
        return Err(Unjudged::Echo);
    }
    let differs = |other: &&Echo| !other.same_key(&criteria[at]);
    if criteria.iter().filter(differs).any(|other| similarity(other) > own) {
        return Err(Unjudged::Order);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<Vec<bool>, Unjudged> {
        marks(&["mentions the price", "ends with a question"], answer)
    }

    #[test]
    fn harmless_variation_is_accepted() {
        for answer in [
            "1. mentions the price: 1\n2. ends with a question: 0",
            "1\t1\n2\t0",
            "(1)\t1\n2.\t0",
            "mentions the price | [1].\nends with a question | (0)。",
            "Mentions the price  1.0\nEnds, with a question  0.00\nI hope this helps.",
            "Here are the marks\nmentions the price\t一\nends with a\nquestion\t零",
        ] {
            assert_eq!(read(answer), Ok(vec![true, false]), "{answer}");
        }
    }

    #[test]
    fn doubtful_answers_are_refused() {
        let cases = [
            ("mentions the price: 1", Unjudged::Count),
            ("mentions the price\t1\nends with a question\t-0", Unjudged::Count),
            ("mentions the price\t1\nends with a question\t10", Unjudged::Count),
            ("mentions the price\t1\nuses a list\t1", Unjudged::Echo),
            ("2\t1\n1\t0", Unjudged::Echo),
            ("2. \t1\n1. \t0", Unjudged::Echo),
        ];
        for (answer, reason) in cases {
            assert_eq!(read(answer), Err(reason), "{answer}");
        }
        let similar = ["the title has five words", "the title has six words"];
        let swapped = "the title has six words\t1\nthe title has five words\t0";
        assert_eq!(marks(&similar, swapped), Err(Unjudged::Order));
    }
}
