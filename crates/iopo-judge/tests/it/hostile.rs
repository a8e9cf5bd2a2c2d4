//! Hostile texts: long, deeply nested or arbitrary. Every parser terminates quickly and never panics.
//!
//! The limits leave room for busy machines: a parser that takes quadratic time exceeds them by far.

use std::time::{Duration, Instant};

use iopo_judge::cfbench::{Criterion, Priority};
use iopo_judge::complexbench::Rule;
use iopo_judge::followbench::{Category, Item};
use iopo_judge::{Language, Mode, cfbench, complexbench, followbench, trace};
use proptest::prelude::*;

const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

/// Passes a text to every parser, as the answer of a judge and as a response.
fn parse_all(text: &str) {
    let criteria: Vec<Criterion> =
        ["礼貌", "ends with a question"].map(|text| Criterion::new(text, Priority::Primary)).into();
    for mode in Mode::ALL {
        for count in [1, 3] {
            let _ = trace::scores(mode, count, text);
        }
        let _ = cfbench::verdict(mode, &criteria, text);
        for (language, level) in LANGUAGES.into_iter().flat_map(|one| [(one, 1), (one, 2)]) {
            let _ = followbench::judge(mode, language, level, text);
        }
        let _ = complexbench::judge(mode, text);
        let objects = complexbench::objects(mode, Some(text), text).unwrap_or_default();
        for rule in
            ["model_length_each:[1,2]", "Json:[\"a\"]", "model_constraint_punc:[.]", "match:a"]
        {
            let _ = complexbench::decide(mode, &Rule::new(rule), &objects);
        }
        rules(mode, text);
    }
    let _ = trace::script_rating(text);
    let _ = Rule::new(text);
    trace::forged_verdict(text);
    cfbench::forged_verdict(&criteria, text);
    followbench::forged_verdict(text);
    complexbench::forged_verdict(text);
}

fn rules(mode: Mode, text: &str) {
    let sources =
        ["E2E", "WIKIEVENTS", "BBH_time", "cnn_dailymail", "xsum", "samsum", "gigaword", "arxiv"];
    let content = sources.map(|source| (Category::Content, 1, source));
    let format =
        [(Category::Format, 22, ""), (Category::Format, 30, ""), (Category::Example, 1, "")];
    for (category, example_id, source) in content.into_iter().chain(format) {
        for language in LANGUAGES {
            let item = Item {
                language,
                category,
                example_id,
                source: source.into(),
                level: 5,
                instruction: String::new(),
                target: "{instruction}\n<a>{answer}</a>".into(),
            };
            if item.rule().is_some() {
                let _ = followbench::conditions(mode, &item, text);
            }
        }
    }
}

#[test]
fn long_texts_end_soon() {
    let pieces = [
        "[",
        "{\"a\":",
        "**1",
        "[[",
        "(",
        "答案：是/",
        "评分对象：",
        "||",
        "a. ",
        "\t1\n",
        "`",
        "```\n",
        "ﷺ",
        "\\n\\t",
        "is is ",
        "Fine Grained Score: [",
        "Fine Grained Score: ",
        "{\"verdicts\":",
        "\n\n",
        "\u{301}",
        "'YES',",
        "Answer: yes/",
        " : 1",
    ];
    for piece in pieces {
        let text = piece.repeat(100_000 / piece.len());
        let start = Instant::now();
        parse_all(&text);
        assert!(start.elapsed() < Duration::from_mins(3), "{piece:?}: {:?}", start.elapsed());
    }
}

#[test]
fn ten_megabytes_end_soon() {
    let text = "Fine Grained Score: [10, 10] 答案：是 ['YES', 'NO'] 礼貌\t1\n".repeat(160_000);
    assert!(text.len() > 10_000_000);
    let start = Instant::now();
    let scores = trace::scores(Mode::Repaired, 2, &text).map(|scores| scores.len());
    assert_eq!(scores, Ok(2));
    assert_eq!(complexbench::judge(Mode::Repaired, &text), Ok(true));
    assert!(followbench::judge(Mode::Repaired, Language::English, 2, &text).is_ok());
    let criteria = [Criterion::new("礼貌", Priority::Primary)];
    assert!(cfbench::verdict(Mode::Repaired, &criteria, &text).is_err());
    assert!(start.elapsed() < Duration::from_mins(3), "{:?}", start.elapsed());
}

#[test]
fn deep_nesting_gives_no_verdict() {
    for open in ["[", "{\"a\":"] {
        let answer = format!("Fine Grained Score: {}", open.repeat(10_000));
        assert_eq!(trace::scores(Mode::Paper, 1, &answer), Err(iopo_judge::Unjudged::Json));
    }
    let brackets = "[".repeat(10_000) + "'YES', 'YES'" + &"]".repeat(10_000);
    let paper = followbench::judge(Mode::Paper, Language::English, 2, &brackets);
    assert_eq!(paper.map(|outcome| outcome.hard), Ok(-1));
    // Control: without the brackets, the same list is read.
    let plain = followbench::judge(Mode::Paper, Language::English, 2, "['YES', 'YES']");
    assert_eq!(plain.map(|outcome| outcome.hard), Ok(1));
}

#[test]
fn data_files_have_limits() {
    let nested = "[".repeat(100_000);
    assert!(cfbench::parse(&nested).is_err());
    assert!(followbench::parse(Language::English, &nested).is_err());
    assert!(complexbench::parse(Mode::Paper, Language::Chinese, &nested).is_err());
    assert!(trace::parse(&nested).is_err());
}

/// Texts made of the parts that parsers look for.
fn fragments() -> impl Strategy<Value = String> {
    let parts = [
        "Fine Grained Score:",
        "Constraints Overall Score:",
        "[[",
        "]]",
        "[",
        "]",
        "{",
        "}",
        "\"verdicts\"",
        ":",
        "10",
        "0.5",
        ",",
        "'YES'",
        "NO",
        "是",
        "否",
        "答案：",
        "Answer: yes",
        "评分对象：",
        "all",
        "None",
        "||",
        "\t",
        "\n",
        "\n\n",
        "1",
        "一",
        "礼貌",
        "“",
        "```",
        "**",
        "`",
        "【模型回复中评分问题的评测对象】\n",
        "\u{301}",
        "１",
        "\\",
        "a. B? ",
        "1. ",
        "-ly",
        "ﬁ",
        "𠀁",
        " ",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 0..40)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_parser_panics_on_fragments(text in fragments()) {
        parse_all(&text);
    }

    #[test]
    fn no_parser_panics_on_any_text(text in any::<String>()) {
        parse_all(&text);
    }

    #[test]
    fn prose_around_an_answer_changes_no_repaired_verdict(
        before in "[a-z ,]{0,40}",
        after in "[a-z ,]{0,40}",
        marks in prop::collection::vec(any::<bool>(), 1..6),
    ) {
        let around = |answer: &str| format!("{before}\n{answer}\n{after}");
        let list: Vec<&str> = marks.iter().map(|&mark| if mark { "'YES'" } else { "'NO'" }).collect();
        let answer = around(&format!("[{}]", list.join(", ")));
        let read = followbench::judge(Mode::Repaired, Language::English, marks.len(), &answer);
        prop_assert_eq!(read.map(|outcome| outcome.verdicts), Ok(marks.clone()));

        let scores: Vec<String> = marks.iter().map(|&mark| if mark { "10" } else { "3" }.into()).collect();
        let answer = around(&format!("Fine Grained Score: [{}]", scores.join(", ")));
        let read = trace::scores(Mode::Repaired, marks.len(), &answer);
        prop_assert_eq!(read.map(|all| all.iter().map(|one| one.score > 9.0).collect()), Ok(marks.clone()));

        let criteria: Vec<Criterion> =
            (0..marks.len()).map(|at| Criterion::new(format!("criterion {at}{at}"), Priority::Primary)).collect();
        let lines: Vec<String> = marks.iter().enumerate()
            .map(|(at, &mark)| format!("criterion {at}{at}\t{}", u8::from(mark)))
            .collect();
        let read = cfbench::verdict(Mode::Repaired, &criteria, &around(&lines.join("\n\n")));
        prop_assert_eq!(read.map(|verdict| verdict.marks), Ok(marks.clone()));

        let answer = around(if marks[0] { "答案：是" } else { "答案：否" });
        prop_assert_eq!(complexbench::judge(Mode::Repaired, &answer), Ok(marks[0]));
    }
}
