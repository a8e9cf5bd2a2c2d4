//! Texts that map to a constraint, texts that nearly do, and the share of a published file.

use std::fs;
use std::time::{Duration, Instant};

use iopo_constraints::{
    Constraint, Instruction, Kind, from_text, from_text_in_instruction, from_text_in_task,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::constraints::draws;
use crate::support::labeled;

mod mapped;
mod near;
mod pairs;
mod tasks;

/// All pairs of a text that maps to nothing and its twin.
fn pairs() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    [pairs::NEGATED, pairs::SCOPED, pairs::SECOND, pairs::HEDGED, pairs::OUTPUTS]
        .into_iter()
        .flatten()
}

/// All texts that map.
fn known() -> Vec<&'static str> {
    let texts = mapped::CHINESE.iter().chain(mapped::ENGLISH).map(|(text, ..)| *text);
    texts.chain(pairs().map(|(_, twin, _)| *twin)).collect()
}

#[test]
fn texts_map_to_the_constraint_that_they_state() {
    assert!(mapped::CHINESE.len() >= 120 && mapped::ENGLISH.len() >= 120);
    let mut wrong = Vec::new();
    for (text, id, params) in mapped::CHINESE.iter().chain(mapped::ENGLISH) {
        let expected = Constraint::from_parts(id, params).expect(text);
        let found = from_text(text);
        if found.as_ref() != Some(&expected) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn near_misses_map_to_nothing() {
    assert!(near::CHINESE.len() >= 120 && near::ENGLISH.len() >= 120);
    let texts = near::CHINESE.iter().chain(near::ENGLISH);
    let mapped: Vec<_> =
        texts.filter_map(|text| Some((text, from_text(text)?.kind().id()))).collect();
    assert!(mapped.is_empty(), "{mapped:?}");
}

#[test]
fn hostile_texts_map_to_nothing() {
    let long = "回答不超过100字".repeat(1000);
    for text in [
        "",
        " ",
        "。",
        "1.",
        "不超过999999999999999999999字",
        "“”",
        "包含“”",
        "Use at most 0 words.",
        &long,
    ] {
        assert_eq!(from_text(text), None, "{text:.20}");
    }
}

#[test]
fn twins_of_near_misses_map() {
    assert!(pairs().count() >= 150, "{}", pairs().count());
    for (near, twin, id) in pairs() {
        assert_eq!(from_text(near), None, "{near}");
        let found = from_text(twin).map(|found| found.kind().id());
        assert_eq!(found, Some(*id), "{twin}");
    }
}

#[test]
fn the_task_decides_what_the_response_is() {
    let mut wrong = Vec::new();
    for (text, task, id, params) in tasks::MAPPED {
        let expected = Constraint::from_parts(id, params).expect(text);
        let found = from_text_in_task(text, task);
        if found.as_ref() != Some(&expected) {
            wrong.push((text, task, found));
        }
        if let Some(alone) = from_text(text) {
            assert_eq!(alone, expected, "{text}");
        }
    }
    for (text, task) in tasks::REFUSED {
        if let Some(found) = from_text_in_task(text, task) {
            wrong.push((text, task, Some(found)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn negated_and_hedged_texts_state_another_constraint_or_none() {
    const NEGATIONS: &[&str] = &[
        "无需",
        "不必",
        "无须",
        "不用",
        "不需要",
        "避免",
        "请勿",
        "禁止",
        "不得",
        "切勿",
        "不应",
        "尽量不",
        "没必要",
        "拒绝",
        "do not ",
        "never ",
        "there is no need to ",
        "you need not ",
        "avoid: ",
    ];
    const HEDGES: &[&str] = &[
        "尽量",
        "可以",
        "如有需要，",
        "必要时",
        "建议",
        "最好",
        "如果可能，",
        "可选：",
        "ideally, ",
        "if possible, ",
        "you may ",
        "preferably ",
        "where possible, ",
        "try to ",
    ];
    for text in known() {
        let own = from_text(text);
        assert!(own.is_some(), "{text}");
        for word in NEGATIONS.iter().chain(HEDGES) {
            let changed = format!("{word}{text}");
            assert_ne!(from_text(&changed), own, "{changed}");
            assert_ne!(from_text_in_task(&changed, "写一篇文章"), own, "{changed}");
        }
    }
}

#[test]
fn texts_about_a_part_map_to_nothing() {
    const SCOPES: &[&str] = &[
        "每段",
        "各部分",
        "第一段",
        "首段",
        "末段",
        "标题中",
        "摘要中",
        "开头部分",
        "其中，",
        "前两句",
        "引言中",
        "附录",
        "除标题外，",
        "in each paragraph, ",
        "in the title, ",
        "in the first sentence, ",
        "for every item, ",
        "in the summary, ",
        "except in the title, ",
    ];
    for text in known() {
        for scope in SCOPES {
            let changed = format!("{scope}{text}");
            // A limit of paragraphs is another limit.
            let found = from_text(&changed).filter(|found| found.kind() != Kind::UnitRange);
            assert_eq!(found, None, "{changed}");
        }
    }
}

#[test]
fn a_second_demand_maps_to_nothing() {
    const DEMANDS: &[&str] = &[
        "，并保持语气正式",
        "，同时列出三个例子",
        "，且必须有趣",
        "，以及一张图片",
        "，包括三个案例",
        "，确保内容准确",
        "，每段有小标题",
        ", and write in a formal tone",
        ", including three examples",
        " with a picture",
        ", ensuring that it is funny",
        "; be polite",
    ];
    for text in known() {
        let text = text.trim_end_matches(['。', '；', '.', ';', ',', ' ']);
        for demand in DEMANDS {
            let changed = format!("{text}{demand}");
            assert_eq!(from_text(&changed), None, "{changed}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn words_between_those_of_a_text_are_not_ignored(
        at in 0..400_usize, cut in 0..60_usize, word in "[\u{4E00}-\u{9FFF}]{2,3}",
    ) {
        // Only words of the lists can be added without effect: no list has these three words at once.
        let texts = known();
        let text = texts[at % texts.len()];
        let chars: Vec<char> = text.chars().collect();
        let cut = cut % chars.len();
        let inside = chars[..cut].iter().filter(|c| "“”\"《》`".contains(**c)).count() % 2 == 1;
        prop_assume!(!inside && from_text(&word).is_none());
        let foreign = format!("茄{word}茄");
        let changed: String =
            chars[..cut].iter().copied().chain(foreign.chars()).chain(chars[cut..].iter().copied()).collect();
        // The name of a column or part may be any word.
        let names = ["table_columns", "named_parts", "json_keys", "include_phrases"];
        let is_named = |found: &Constraint| found.kinds().any(|kind| names.contains(&kind.id()));
        let found = from_text(&changed).filter(|found| !is_named(found));
        prop_assert_eq!(found, None, "{}", changed);
    }

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,80}", task in ".{0,40}") {
        let (alone, in_task) = (from_text(&text), from_text_in_task(&text, &task));
        if let (Some(alone), Some(in_task)) = (alone, in_task) {
            prop_assert_eq!(alone, in_task);
        }
    }
}

#[test]
fn a_megabyte_of_hostile_text_is_read_quickly() {
    let units = [
        "不",
        "“",
        "”",
        "\"",
        "字",
        "1",
        "一",
        "百",
        "，",
        "、",
        " ",
        "\n",
        "(",
        "{",
        "每",
        "不超过200字，",
        "请",
        "the ",
        "use ",
        "“a”、",
        "以便",
        "的",
        "\u{E000}",
        "𝐀",
        "e\u{301}",
        "标题、",
    ];
    let start = Instant::now();
    // Clauses that could be divided in many ways.
    for count in [3, 8, 20] {
        let text = format!("{}坏", "以markdown格式输出，并使用标题和列表，".repeat(count));
        assert_eq!(from_text(&text), None, "{count}");
    }
    for unit in units {
        let text = unit.repeat(1_000_000 / unit.len());
        assert_eq!(from_text(&text), None, "{unit}");
        // A long task is cut, and a short text in it still maps.
        assert!(from_text_in_task("回答不超过100字", &text).is_some(), "{unit}");
        let short: String = text.chars().take(300).collect();
        let _ = (from_text(&short), from_text_in_task(&short, &text));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn chinese_sentences_map_back() {
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..20 {
        for constraint in draws(seed, "Write about green tea.") {
            for phrasing in 0..3 {
                let Some(sentence) = constraint.render_chinese(phrasing) else { continue };
                assert!(sentence.ends_with('。'));
                // A word of a Chinese sentence is a phrase.
                if matches!(constraint.kind(), Kind::IncludeWord | Kind::ExcludeWord) {
                    continue;
                }
                // Some sentences are about markup of certain words, which no kind decides.
                let read = from_text(&sentence);
                assert!(read.is_none() || read.as_ref() == Some(&constraint), "{sentence}");
                if read.is_some() {
                    found.insert(constraint.kind());
                }
            }
        }
    }
    assert!(found.len() >= 28, "{} kinds map back: {found:?}", found.len());
    for kind in
        [Kind::MaxChars, Kind::JsonBlock, Kind::Elements, Kind::Titled, Kind::Table, Kind::NoLists]
    {
        assert!(found.contains(&kind), "{kind}");
    }
}

#[test]
fn other_constraints_ask_for_contents_and_for_references() {
    let within = |text: &str, others: &[&str]| {
        from_text_in_instruction(text, Instruction { task: "写一份报告", others })
            .map(|found| found.kind())
    };
    let table = "技术细节以表格形式呈现";
    assert_eq!(within(table, &["需要包含以下技术细节：大小、周期"]), Some(Kind::Table));
    assert_eq!(within(table, &["报告语言简洁"]), None);
    let sources = "至少引用3篇相关领域的学术文献，以支持观点";
    for others in [&["遵循APA引用格式"][..], &["语言简洁", "文末附上参考文献列表"]]
    {
        assert_eq!(within(sources, others), Some(Kind::PartCount), "{others:?}");
    }
    for others in [&[][..], &["文中提及来源"], &["遵循APA格式", "报告以LaTeX格式提交"]]
    {
        assert_eq!(within(sources, others), None, "{others:?}");
    }
    // The code is one string of the JSON.
    let code = "示例代码不得超过20行";
    assert_eq!(within(code, &["请以JSON格式输出你的回答"]), None);
    assert_eq!(within(code, &["包含详细的解释"]), Some(Kind::UnitRange));
    let parts = "简历应包括个人信息、教育背景、工作经验、技能和职业目标等部分";
    for (other, kind) in [("姓名置于简历顶部", None), ("语言简洁", Some(Kind::NamedParts))]
    {
        let instruction = Instruction { task: "撰写一份专业的简历", others: &[other] };
        let found = from_text_in_instruction(parts, instruction);
        assert_eq!(found.map(|found| found.kind()), kind, "{other}");
    }
    // Marks of a format would count.
    assert_eq!(within("报告不少于1000字", &["使用表格"]), Some(Kind::MinChars));
    for format in ["以JSON格式输出", "输出格式为XML"] {
        assert_eq!(within("报告不少于1000字", &[format]), None, "{format}");
    }
    // Those of LaTeX and HTML do not, but hide the paragraphs and sections.
    for format in ["输出格式为LaTeX", "报告需以HTML格式提交"] {
        assert_eq!(within("报告不少于1000字", &[format]), Some(Kind::MinChars), "{format}");
        for parts in ["每段不少于100字", "每个部分不少于200字"] {
            assert_eq!(within(parts, &[format]), None, "{format}");
        }
    }
    assert_eq!(within("每个部分不少于200字", &[]), Some(Kind::UnitRange));
    // The clauses of a text are constraints beside each other.
    let both = "论文中需至少引用10篇相关领域的学术文献，并在参考文献部分按照APA格式列出";
    assert_eq!(within(both, &[]), Some(Kind::AllOf));
    assert_eq!(within("论文中需至少引用10篇相关领域的学术文献", &[]), None);
}

#[test]
fn tasks_and_other_constraints_rule_citations_and_parts_out() {
    let within = |text: &str, task: &str, others: &[&str]| {
        from_text_in_instruction(text, Instruction { task, others }).map(|found| found.kind())
    };
    let cited = "所有引用遵循APA格式";
    assert_eq!(within(cited, "撰写一篇论文", &["语言简洁"]), Some(Kind::Cited));
    assert_eq!(within(cited, "撰写一篇论文", &["论文需以LaTeX格式提交"]), None);
    assert_eq!(within(cited, "撰写一篇论文", &["最终输出格式需为LaTeX"]), None);
    assert_eq!(within(cited, "给出一篇英文作文题，问题涉及文化", &[]), None);
    let part = "个人信息部分不超过50字";
    assert_eq!(within(part, "填写简历模板", &["语言简洁"]), Some(Kind::PartRange));
    assert_eq!(within(part, "填写简历模板", &["明确规定各部分的起始和结束标记"]), None);
}

/// The constraints of TRACE's evaluation file that code decides, in their instructions and alone.
const SHARE: (usize, usize) = (513, 456);

#[test]
fn the_share_of_the_published_constraints_is_the_documented_one() {
    let Some(folder) = labeled::folder("trace") else {
        eprintln!("skipped: the evaluation file of TRACE is absent");
        return;
    };
    let text = fs::read_to_string(folder.join("trace_evaluation.jsonl")).expect("a readable file");
    let (mut total, mut within, mut alone) = (0, 0, 0);
    for line in text.lines() {
        let item: Value = serde_json::from_str(line).expect("an item");
        let task = item["description"].as_str().expect("a task");
        let texts: Vec<&str> = item["constraints_splits"]
            .as_array()
            .expect("constraints")
            .iter()
            .map(|text| text.as_str().expect("a text"))
            .collect();
        for (at, text) in texts.iter().copied().enumerate() {
            total += 1;
            let others = [&texts[..at], &texts[at + 1..]].concat();
            let instruction = Instruction { task, others: &others };
            let found = [
                from_text_in_instruction(text, instruction),
                from_text_in_task(text, task),
                from_text(text),
            ];
            within += usize::from(found[0].is_some());
            alone += usize::from(found[2].is_some());
            let mut known = found.iter().flatten();
            let first = known.next();
            assert!(known.all(|other| Some(other) == first), "{text}");
        }
    }
    assert_eq!((total, within, alone), (5087, SHARE.0, SHARE.1));
}
