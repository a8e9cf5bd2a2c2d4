//! Signs that a text demands something else than, or something beside, the proposed kind.

use std::sync::LazyLock;

use regex::Regex;

use super::proposal::Proposal;

/// Words that narrow a demand to parts of the response.
static SCOPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"每|各|第|首|末|分别|\b(?:each|every|per|first|last|respectively|all)\b").ok()
});

/// A list or table of every X is one list or table, and 第一人称 is no ordinal.
const NO_SCOPE: &[&str] = &[
    "列出每",
    "输出每",
    "给出每",
    "展示每",
    "呈现每",
    "对每一步",
    "第一人称",
    "first person",
    "first-person",
    "all lower",
    "all upper",
];

/// Words between free ones that make a text doubtful: conditions, parts, positions, the output of a program.
static DOUBT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"顶部|居中|下一行|括号|无法|如果|若|部分|测试用例|背景信息|至少|图表|图的|定时器|文末|表单|不|避免|章节|选择|技能|错误代码|代码开始|代码结尾|关键行|代码的|存储|记录|读取|标题加|在[^文中]{1,12}中[^必需应]|(?:函数|脚本|闭包|接口)的?(?:输出|返回|应|使用)|文件格式|货币|数列|数据要求|测试结果|涉及到|程序(?:的|应以)|\b(?:if|when|unless|section|part|function|script|not|no)\b",
    )
    .ok()
});

/// A number of things. Kinds with lists state their length.
static AMOUNT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[二两三四五六七八九十](?:个|项|条|点|种|步|大|类|篇)").ok());

/// Features of a document with the words for them.
const FEATURES: &[(&str, &[&str])] = &[
    ("list", &["列表", "编号", "项目符号", "list", "bullet"]),
    ("table", &["表格", "table"]),
    ("bold", &["粗", "bold"]),
    ("italic", &["斜体", "italic"]),
    ("underline", &["下划线", "underlin"]),
    ("reference", &["引用", "参考文献", "citation", "reference"]),
    ("picture", &["图片", "图表", "图形", "视频", "image", "chart"]),
    ("code", &["代码", "程序", "code"]),
    ("comments", &["注释", "comment"]),
    ("json", &["json"]),
    ("markdown", &["markdown"]),
    ("html", &["html"]),
    ("latex", &["latex"]),
    ("look", &["颜色", "字号", "居中", "红色", "绿色", "css", "color", "font"]),
    ("heading", &["标题", "heading", "title"]),
    ("other", &["异常处理", "文字"]),
];

/// The features that a kind may name.
fn features(proposal: &Proposal) -> Option<&'static [&'static str]> {
    Some(match proposal.id {
        "table" | "table_columns" => &["table", "markdown"],
        "min_items" => &["list", "markdown"],
        "min_numbered" | "min_bullets" | "exact_numbered" | "exact_bullets" | "no_lists" => {
            &["list"]
        }
        "headings" => &["heading", "markdown"],
        "bold" => &["bold"],
        "json_object" | "json_array" => &["json", "list"],
        "json_keys" => &["json"],
        "code_language" | "max_code_lines" | "min_code_lines" => &["code"],
        "markup" => match proposal.string("format")? {
            "markdown" => &["markdown"],
            "italic" => &["italic"],
            "latex" => &["latex"],
            "html" => &["html"],
            "underline" => &["underline"],
            "code" => &["code", "markdown"],
            "comments" => &["code", "comments"],
            _ => &["reference"],
        },
        _ => return None,
    })
}

/// Whether free words of a text raise doubts about the proposal.
pub(super) fn is_doubtful(text: &str, proposal: &Proposal) -> bool {
    let plain = text.replace("函数需要有", "").replace("第一人称", "");
    let doubt = DOUBT.as_ref().is_none_or(|doubt| doubt.is_match(&plain));
    let named = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let second = features(proposal).is_some_and(|known| {
        FEATURES.iter().any(|(feature, words)| !known.contains(feature) && named(words))
    });
    // Emphasis on all X is more than emphasis somewhere.
    let emphasis =
        proposal.id == "bold" || matches!(proposal.string("format"), Some("italic" | "underline"));
    let lists = ["include_phrases", "json_keys", "table_columns"];
    let amount =
        !lists.contains(&proposal.id) && AMOUNT.as_ref().is_none_or(|amount| amount.is_match(text));
    doubt || second || amount || (emphasis && named(&["所有", "全部"]))
}

/// Whether a text narrows its demand to parts of the response.
pub(super) fn has_scope(text: &str) -> bool {
    let plain = NO_SCOPE.iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
    SCOPE.as_ref().is_none_or(|scope| scope.is_match(&plain))
}

static UPPER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"不(?:能|得|应|可|会|要)?超过|不多于|不得多于|不能多于|不大于|不(?:应)?超過|最多|至多|以内|之内|[字词句行]以下|上限|\b(?:at most|(?:no|not) (?:be )?(?:more|longer) than|(?:must|should|may|does|do|shall|can) ?not exceed|not exceed|(?:do|does|must|should|may|can) ?not (?:be|write|use|contain) (?:more|longer) than|not go over|maximum|up to|or fewer|or less|under|fewer than|less than|within|below)\b").ok()
});

static LOWER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"不(?:得|应|能)?少于|不(?:得|应)?低于|不小于|至少|最少|以上|下限|\b(?:at least|no fewer than|no less than|not fewer than|not less than|minimum|or more|or longer)\b").ok()
});

static NEGATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"不|避免|禁止|请勿|没有|切勿|\b(?:not|no|never|avoid|without|don't|refrain|nothing)\b",
    )
    .ok()
});

/// Whether limits and negations of a text agree with a kind.
pub(super) fn polarity_agrees(text: &str, id: &str) -> bool {
    let (Some(upper), Some(lower), Some(negation)) =
        (UPPER.as_ref(), LOWER.as_ref(), NEGATION.as_ref())
    else {
        return false;
    };
    let rest = lower.replace_all(text, "");
    let rest = upper.replace_all(&rest, "");
    let negative =
        ["no_", "exclude_", "not_", "single_", "plain_"].iter().any(|start| id.starts_with(start));
    let whole = id.starts_with("json_");
    let has_range = id.ends_with("_range");
    let high = !upper.is_match(&lower.replace_all(text, "")) || id.starts_with("max_") || has_range;
    let low = !lower.is_match(&upper.replace_all(text, ""))
        || !id.starts_with("max_") && !id.starts_with("exact_");
    // "Nothing else" only underlines a demand for the whole response.
    let nothing = rest.replace("nothing else", "").replace("no more and no fewer", "");
    let denied = negation.is_match(if whole { &nothing } else { &rest });
    high && low && (denied == negative || id == "single_line")
}
