//! Signs that a text demands less, more or something else than the proposed kind.
//!
//! The patterns accept only listed words, so these signs rarely decide. They hold for every rule, whatever words the next
//! one adds.

use std::sync::LazyLock;

use regex::Regex;

/// Compiles a pattern of this file; `None` never occurs, which a test checks.
fn pattern(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

fn finds(regex: Option<&Regex>, text: &str) -> bool {
    regex.is_none_or(|regex| regex.is_match(text))
}

/// Words that narrow a demand to parts of the response.
static SCOPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"每|各|第|首|末|分别|其中|除|前[一二两三四五六七八九十\d]|后[一二两三四五六七八九十\d]|\b(?:each|every|per|first|last|respectively|except|all)\b",
    )
});

/// Words that contain a word of [`SCOPE`] and narrow nothing.
const NO_SCOPE: &[&str] = &[
    "第一人称",
    "小数点后",
    "其中",
    "末尾",
    "首歌",
    "文末",
    "first person",
    "first-person",
    "all lower",
    "all upper",
    "first of all",
];

/// Whether a text narrows its demand to parts of the response.
pub(super) fn has_scope(text: &str) -> bool {
    let plain = NO_SCOPE.iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
    finds(SCOPE.as_ref(), &plain)
}

/// Whether a kind is about the first or last word or letter, or about every word or sentence.
pub(super) fn is_scoped(id: &str) -> bool {
    let scoped = [
        "first_word",
        "last_word",
        "sentence_starts",
        "sentence_ends",
        "same_ends",
        "no_same_ends",
        "word_at_position",
        "no_consecutive_initials",
        "bracketed_words",
        "wrapped_pairs",
        "even_parts",
    ];
    scoped.contains(&id)
}

/// Words that make a demand optional or conditional, or offer a choice.
static HEDGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"可以|可选|也可|最好|(?:建议|推荐)(?:使用|采用|以|用|不|控制|包含)|尽量|尽可能|如有|如果|假如|若|倘|必要时|视情况|酌情|适当|或|除非|\b(?:if|when|where|unless|possible|preferably|ideally|optionally|try|may|might|could|can|or|consider|recommended|optional)\b",
    )
});

/// Words of limits that contain a word of [`HEDGE`].
const NO_HEDGE: &[&str] = &[
    "or fewer",
    "or less",
    "or more",
    "or longer",
    "words or phrases",
    "引用或参考文献",
    "文章或科学研究报告",
    "适当位置",
    "创建服务或修改现有服务配置",
    // The feedbacks of a program, of which the code has all: “猜大了”、“猜小了”或“猜对了”的反馈.
    "\u{E001}或\u{E002}的反馈",
    "points or numbered",
    "cannot",
];

/// Whether a text makes its demand optional, or offers a choice.
pub(super) fn is_hedged(text: &str) -> bool {
    let plain = NO_HEDGE.iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
    finds(HEDGE.as_ref(), &plain)
}

/// Limits from below (`low`, `over`) and from above (`high`, `under`). 不少于 comes before 少于, and 不超过 before 超过.
static LIMIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(concat!(
        r"(?<low>不(?:得|应|能)?少于|不(?:得|应)?低于|不小于|至少|最少|以上|",
        r"\b(?:at least|no fewer than|no less than|not fewer than|not less than|minimum|or more|or longer)\b)|",
        r"(?<high>不(?:能|得|应|可|会|要)?(?:超过|超過)|不(?:能|得)?多于|不大于|最多|至多|以内|之内|[字词句行]以下|字内|",
        r"\b(?:at most|(?:no|not) (?:be )?(?:more|longer) than|(?:must|should|may|does|do|shall|can) ?not exceed|not exceed|",
        r"(?:do|does|must|should|may|can|shall) ?not (?:be|write|use|contain) (?:more|longer) than|cannot exceed|not go over|",
        r"not over|maximum|max|up to|or fewer|or less|within|below|limit|limited)\b)|",
        r"(?<over>超过|大于|多于|高于|\bmore than\b)|(?<under>少于|小于|低于|\b(?:under|fewer than|less than)\b)",
    ))
});

static NEGATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"不|无|避免|禁|勿|没|莫|别|拒|\b(?:not|no|never|avoid|without|don't|doesn't|needn't|cannot|refrain|nothing|neither|nor|none)\b",
    )
});

/// Words that contain a word of [`NEGATION`] or [`LIMIT`] and deny or limit nothing.
const NO_NEGATION: &[&str] = &[
    "无序列表",
    "类别",
    "包含但不限于",
    "包括但不限于",
    "既不过于冗长也不过于简略",
    "不同",
    "within the userpass auth method",
    "no more and no fewer",
    "and nothing else",
];

/// Whether limits and negations of a text agree with a kind.
pub(super) fn polarity_agrees(text: &str, id: &str) -> bool {
    let (Some(limit), Some(negation)) = (LIMIT.as_ref(), NEGATION.as_ref()) else { return false };
    let plain = NO_NEGATION.iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
    let has = |names: [&str; 2]| {
        let mut found = limit.captures_iter(&plain);
        found.any(|found| names.iter().any(|name| found.name(name).is_some()))
    };
    let (low, high) = (has(["low", "over"]), has(["high", "under"]));
    let rest = limit.replace_all(&plain, "");
    let negative =
        ["no_", "exclude_", "not_", "single_", "plain_"].iter().any(|start| id.starts_with(start));
    let is_max = id.starts_with("max_");
    let high_agrees = !high || is_max || id.ends_with("_range");
    let low_agrees = !low || (!is_max && !id.starts_with("exact_"));
    high_agrees && low_agrees && (negation.is_match(&rest) == negative || id == "single_line")
}

/// Whether a text wants all of something in a list or table, of which code sees only that it is there.
pub(super) fn is_total(text: &str, id: &str) -> bool {
    let places = [
        "table",
        "table_columns",
        "min_items",
        "min_numbered",
        "count_range",
        "min_bullets",
        "bold",
    ];
    // The structure of a text is numbered as a whole.
    let is_structure = id == "count_range" && text.contains("组织文章结构");
    is_structure || places.contains(&id) && (text.contains("所有") || text.contains("全部"))
}

/// Whether a kind is about code.
pub(super) fn is_about_code(id: &str) -> bool {
    matches!(id, "max_code_lines" | "min_code_lines" | "code_language" | "code_names")
}

/// Whether a kind counts text or depends on its first or last words, so that marks of a format change the count.
pub(super) fn counts_marks(id: &str) -> bool {
    let counted = [
        "_chars",
        "char_range",
        "_words",
        "word_range",
        "unit_range",
        "entry_range",
        "part_range",
        "_sentences",
        "_paragraphs",
    ];
    // Citations in LaTeX are commands.
    let framed =
        ["starts_with", "ends_with", "ends_with_question", "single_line", "citation_style"];
    counted.iter().any(|end| id.ends_with(end)) || framed.contains(&id)
}

/// Whether a kind counts the characters that a reader sees, without the marks of LaTeX and HTML.
pub(super) fn reads_text(id: &str) -> bool {
    matches!(id, "max_chars" | "min_chars" | "char_range")
}

/// Whether a kind counts lines of code, which are one string if the response is JSON.
pub(super) fn counts_code(id: &str) -> bool {
    matches!(id, "max_code_lines" | "min_code_lines" | "unit_range")
}

/// Whether a kind looks for names of parts, which are English in an English response.
pub(super) fn has_names(id: &str) -> bool {
    matches!(id, "named_parts" | "part_range" | "entry_range" | "table_columns")
}

static OUTPUT: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"返回|数据|结果|查询|函数|程序|脚本|接口"));

/// Whether a text can be about the output of a program.
pub(super) fn names_output(text: &str) -> bool {
    finds(OUTPUT.as_ref(), text)
}

static ANSWER: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"回答|答复|解答|指南|文档|\byour (?:answer|response|reply)\b"));

/// Whether a text names the response as such.
pub(super) fn names_answer(text: &str) -> bool {
    ANSWER.as_ref().is_some_and(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for regex in [&SCOPE, &HEDGE, &LIMIT, &NEGATION, &OUTPUT, &ANSWER] {
            assert!(regex.is_some());
        }
    }

    #[test]
    fn limits_and_negations_agree_with_kinds() {
        for (text, id) in [
            ("不超过200字", "max_chars"),
            ("不少于200字", "min_chars"),
            ("超过200字", "min_chars"),
            ("少于200字", "max_chars"),
            ("不少于200字,不超过300字", "char_range"),
            ("不使用列表", "no_lists"),
            ("使用无序列表", "min_bullets"),
            ("no more than 3 words", "max_words"),
        ] {
            assert!(polarity_agrees(text, id), "{text}");
        }
        for (text, id) in [
            ("不超过200字", "min_chars"),
            ("不少于200字", "max_chars"),
            ("无需使用表格", "table"),
            ("不必使用列表", "min_items"),
            ("without a table", "table"),
            ("使用列表", "no_lists"),
        ] {
            assert!(!polarity_agrees(text, id), "{text}");
        }
    }
}
