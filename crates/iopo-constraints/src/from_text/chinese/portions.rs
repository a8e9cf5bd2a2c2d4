//! Sizes of parts, numbers of parts, emphasis.

use crate::from_text::rule::Rule;

/// The rules for a limit of something: its subject, and the unit of the limit.
macro_rules! limits {
    ($id:literal, $implied:literal, $needs:expr, $subject:literal, $unit:literal $(,)?) => {
        &[
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}{most}(?<high>{num})",
                    $unit,
                    "(?:以内|之内)?{aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}(?<high>{num})",
                    $unit,
                    "(?:以内|之内|内|以下){aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}(?:包含|有)?{least}(?:包含|有|写)?(?<low>{num})",
                    $unit,
                    "(?:以上)?{aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}(?<low>{num})",
                    $unit,
                    "(?:以上|及以上){aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}(?<low>{num})(?:",
                    $unit,
                    ")?{dash}(?<high>{num})",
                    $unit,
                    "(?:之间|之間|以内|范围内|的范围内)?{aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}{least}(?<low>{num})",
                    $unit,
                    ",?(?:但|且|并且|同时|而)?(?:控制在|{most})(?<high>{num})",
                    $unit,
                    "(?:以内)?{aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}(?<about>{num})",
                    $unit,
                    "(?:左右|上下){aim}{tail}"
                ),
            )
            .needing($needs),
            Rule::new(
                $id,
                $implied,
                concat!(
                    $subject,
                    "{must}{keep}{at}(?:大约|约|约为|大概|大约为)(?<about>{num})",
                    $unit,
                    "(?:左右)?{aim}{tail}"
                ),
            )
            .needing($needs),
        ]
    };
}

/// The rules by subject, tried in order.
pub(super) const LIMITS: &[&[Rule]] = &[
    // Paragraphs.
    limits!(
        "unit_range",
        r#"{"unit":"paragraph","size":"characters","low":0,"high":100000}"#,
        &["每"],
        "{head}(?<each>每(?:个|一)?)(?:自然)?段(?:落|文字|内容)?(?:的)?{length}?",
        "{chars}"
    ),
    limits!(
        "unit_range",
        r#"{"unit":"paragraph","size":"words","low":0,"high":100000}"#,
        &["每"],
        "{head}(?<each>每(?:个|一)?)(?:自然)?段(?:落|文字|内容)?(?:的)?{length}?",
        "(?:个单词|单词)"
    ),
    limits!(
        "unit_range",
        r#"{"unit":"paragraph","size":"sentences","low":0,"high":100000}"#,
        &["每"],
        "{head}(?<each>每(?:个|一)?)(?:自然)?段(?:落)?(?:的)?(?:句子数量?)?(?:包含|有)?",
        "(?:句话|句|个句子)"
    ),
    // The title.
    limits!(
        "unit_range",
        r#"{"unit":"title","size":"characters","low":0,"high":100000}"#,
        &["标题", "题目"],
        "{head}(?:新闻|文章|报告|论文|邮件)?(?:的)?(?:标题|题目)(?:的)?{length}?",
        "{chars}"
    ),
    limits!(
        "unit_range",
        r#"{"unit":"title","size":"words","low":0,"high":100000}"#,
        &["标题", "题目"],
        "{head}(?:新闻|文章|报告|论文|邮件)?(?:的)?(?:标题|题目)(?:的)?{length}?",
        "(?:个单词|单词)"
    ),
    // Parts with names.
    limits!(
        "part_range",
        r#"{"size":"characters","low":0,"high":100000}"#,
        &["摘要", "引言", "前言", "结论", "结语", "导语", "个人", "自我", "教育", "推荐"],
        "{head}(?:{reports}(?:的|中的)?)?(?<section>{sections})(?:部分|段落)?(?:的)?{length}?",
        "{chars}"
    ),
    // Numbers of parts.
    limits!(
        "count_range",
        r#"{"unit":"verse","low":0,"high":100000}"#,
        &["诗"],
        "{head}(?:整首)?(?:诗歌|诗)(?:的)?(?:长度|行数|总行数)?",
        "行(?:诗句)?"
    ),
    limits!(
        "count_range",
        r#"{"unit":"stanza","low":0,"high":100000}"#,
        &["诗"],
        "{head}(?:整首)?(?:诗歌|诗)(?:的)?(?:节数)?(?:{must}分为)?",
        "(?:个诗节|个小节|节)"
    ),
    limits!(
        "count_range",
        r#"{"unit":"row","low":0,"high":100000}"#,
        &["表格"],
        "{head}表格(?:中|里)?(?:的)?(?:信息|内容|数据|行数)?",
        "行(?:数据|信息|内容)?"
    ),
    limits!(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        &["参考文献"],
        "{head}(?:{whole}(?:中|里|结尾|末尾)?)?{must}(?:包含|包括|列出|提供|附上|引用)?",
        "(?:篇|个|条|项)(?:以上)?{related}?参考文献(?:列表)?"
    ),
    limits!(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        &["参考文献"],
        "{head}参考文献(?:列表)?(?:的)?(?:数量)?(?:{must}(?:包含|包括|列出))?",
        "(?:篇|个|条|项)"
    ),
    limits!(
        "count_range",
        r#"{"unit":"paragraph","low":0,"high":100000}"#,
        &["段"],
        "{head}{whole}?(?:{must}(?:分为|分成|包含|包括|写))?",
        "(?:个段落|个自然段|自然段|段)"
    ),
];

/// Rules that state a number in another form, and emphasis.
pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "unit_range",
        r#"{"unit":"stanza","size":"lines"}"#,
        r"{head}(?:诗歌)?(?<each>每(?:个|一)?)(?:诗节|小节|节){must}(?:为|有|包含|由)?(?<exact>{num})行(?:诗句|组成)?{tail}",
    ),
    Rule::new(
        "emphasized",
        "{}",
        r"{head}(?:对于|对|将)?(?:在)?(?:段落|文|{whole})?(?:中|里)?(?:的)?{keys}{must}(?:{write}|进行)?(?<style>{style}){type}?(?:进行|来|以)?(?:{marked})?(?:出来|出)?{aim}{tail}",
    ).needing(&["粗", "斜体", "下划线"]),
    Rule::new(
        "emphasized",
        "{}",
        r"{head}(?:在)?(?:(?:{whole}|文)(?:中|里)?)?(?:的)?(?:适当位置)?{must}{write}(?<style>{style}){type}?(?:来)?{marked}(?:出)?{keys}{aim}{tail}",
    ).needing(&["粗", "斜体", "下划线"]),
    // Citations.
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":false}"#,
        r"{head}(?:格式上)?(?:(?:{whole}|论文)(?:中)?)?(?:的)?(?:所有|全部)?(?:的)?{cited}(?:格式)?{must}(?:严格)?(?:符合|遵循|采用|使用|按照|为|是){apa}{cite}?{tail}",
    ).needing(&["apa"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":false}"#,
        r"{head}(?:格式上)?(?:(?:{whole}|论文))?(?:的)?(?:格式)?(?:要求)?{must}(?:严格)?(?:符合|遵循|采用|使用|按照|为|是)apa引用(?:格式|样式|规范){tail}",
    ).needing(&["apa"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":false}"#,
        r"{head}(?:(?:{whole}|论文))?{must}(?:严格)?(?:符合|遵循|采用|使用|按照){apa}(?:来)?(?:进行)?(?:引用和参考文献的(?:标注|编写)|参考文献的(?:引用和注释|引用|标注|编写)|引用){tail}",
    ).needing(&["apa"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":true}"#,
        r"{head}(?:在)?(?:{whole}|论文)?(?:的)?(?:中|结尾处|结尾|末尾处|末尾|文末|最后)?{must}(?:附上|列出|提供|包含)(?:遵循{apa}的)?(?:引用的?)?(?:参考)?文献列表,(?:并)?{must}(?:严格)?(?:遵循|采用|使用|按照){apa}{tail}",
    ).needing(&["apa"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":true}"#,
        r"{head}(?:{whole}|论文)?(?:中)?{must}(?:附上|列出|提供|包含|包括)(?:遵循|采用|符合){apa}的(?:参考文献|文献)(?:列表)?{tail}",
    ).needing(&["apa"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":true}"#,
        r"{head}(?:{whole}|论文)?{must}(?:严格)?(?:遵循|采用|使用|按照){apa},?(?:并|且|同时)?(?:在)?(?:文末|文章末尾|结尾)?{must}(?:附上|列出|提供|包含)参考文献(?:列表|部分)?{tail}",
    ).needing(&["apa"]),
    // Sources, in an instruction that asks for a list of references.
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        r"{head}(?:在)?(?:{whole}|撰写过程|论述|分析|解释)?(?:中|里)?,?{must}{cites}(?<sources>{sources}){support}{tail}",
    ).needing(&["至少", "不少于"]),
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        r"{head}(?:文献综述|{whole}){must}(?:引用|包含|包括)(?<sources>(?<low>{num})(?:篇|个)以上{related}?(?:的)?(?:学术|研究)?(?:文章|论文|文献)){tail}",
    ).needing(&["以上"]),
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        r"{head}{must}(?:包含|包括)(?:至少|不少于)(?<sources>(?<low>{num})个{related}?(?:的)?引用或参考文献){tail}",
    ).needing(&["参考文献"]),
    // A list of references.
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":1,"high":100000}"#,
        r"{head}(?:在)?(?:{whole}|论文|文献综述)?(?:的)?(?:中|结尾处|结尾|末尾处|末尾|文末|最后|最后部分)?{must}(?:附上|列出|提供|包含|包括|有)(?:一个|一份)?(?:完整的)?(?:引用的)?参考文献(?:列表|部分)?{tail}",
    ).needing(&["参考文献"]),
];
