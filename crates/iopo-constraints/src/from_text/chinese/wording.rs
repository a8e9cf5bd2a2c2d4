//! Rarer wordings of the same demands: lists in the body of a text, columns of tables, numbered tips, sources.

use crate::from_text::rule::Rule;

/// The rules, tried in order.
pub(super) const RULES: &[Rule] = &[
    // Lists.
    Rule::new(
        "count_range",
        r#"{"unit":"point","low":2,"high":100000}"#,
        r"{head}{whole}?{must}{write}(?:列表和编号|编号和列表)(?:约束)?{arrange}{aim}{tail}",
    )
    .needing(&["编号"]),
    Rule::new(
        "min_bullets",
        r#"{"n":2}"#,
        r"{head}{body}{must}{write}(?:清晰的)?{bullets}{form}?{arrange}{aim}{tail}",
    )
    .needing(&["正文"]),
    Rule::new(
        "count_range",
        r#"{"unit":"point","low":2,"high":100000}"#,
        r"{head}{must}{write}(?:清晰的)?{numbered}{form}?(?:来|进行)?(?:{show}|列出|列举)(?<each>每(?:一)?(?:种|个|项))(?<object>{object}){aim}{tail}",
    )
    .needing(&["每"]),
    Rule::new(
        "count_range",
        r#"{"unit":"point","low":2,"high":100000}"#,
        r"{head}{whole}(?:要求)?{must}{write}列表{form}{show},(?<each>每)(?:个|条|项)(?<noun>[^,:;.每各第的和与或]{2,6}?){must}(?:以|用|使用)(?:阿拉伯)?数字(?:进行)?编号{tail}",
    )
    .needing(&["每"]),
    // Tables.
    Rule::new("table", "{}", r"{head}表格{must}(?:包含|包括|有)(?:标题行|表头){tail}")
        .needing(&["标题行", "表头"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}表格{must}(?:包含|包括|有)(?<count>两)列,(?<columns>一列(?:是|为){column},另一列(?:是|为)(?:对应的)?{column}){tail}",
    )
    .needing(&["另一列"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}(?:在)?表格(?:中|里)?{must}(?:包含|包括|有)(?<columns>{column})列{tail}",
    )
    .needing(&["表格"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}(?:输出)?格式{must}(?:是|为)(?:一个|一份|一张)(?:包含|包括)(?<columns>{names})的(?:详细)?表格{tail}",
    )
    .needing(&["表格"]),
    // JSON.
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?:摘要|答案|结果|翻译)(?:内容)?{must}(?:置于|放在|存储在|写在)(?<keys>{quote})键(?:之)?(?:下|中){tail}",
    )
    .needing(&["键"]),
    Rule::new(
        "json_block",
        r#"{"around":"text","array":false}"#,
        r"{head}输出(?<object>步骤|建议|列表)(?:的)?格式{must}(?:是|为)json(?:格式)?{tail}",
    )
    .needing(&["json"]),
    // Words of the response.
    Rule::new("include_phrase", "{}", r"{head}(?:确认后,)?{must}回复(?<phrase>{quote}){tail}")
        .needing(&["回复"]),
    // Lengths.
    Rule::new(
        "char_range",
        "{}",
        r"{head}{whole}?{size}?{must}{keep}(?:约|大约|大概){at}(?<about_low>{num}){chars}?{dash}(?<about_high>{num}){chars}(?:之间)?{aim}{tail}",
    )
    .needing(&["约", "大概"]),
    // Code.
    Rule::new(
        "markup",
        r#"{"format":"code_block"}"#,
        r"{head}{must}(?:附上|提供|包含)(?:代码片段示例|代码片段|代码示例)以(?:帮助|便于)理解(?:具体)?实现(?:方式)?{tail}",
    )
    .needing(&["代码"]),
    Rule::new(
        "code_language",
        "{}",
        r"{head}查询后(?:的)?输出格式{must}(?:是|为)(?<name>sql)(?:语句)?代码(?:形式|格式)?{tail}",
    )
    .needing(&["sql"]),
    // Citations.
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":false}"#,
        r"{head}(?<each>每)篇(?:文章|文献|论文)的引用{must}(?:严格)?(?:遵循|采用|使用|符合|按照){apa}{tail}",
    )
    .needing(&["apa"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":true}"#,
        r"{head}總結{must}(?:遵循|採用|使用){apa}並(?:包含|包括)參考文獻(?:部分|列表)?{tail}",
    )
    .needing(&["apa"]),
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        r"{head}(?:在)?{whole}?(?:的)?(?:结尾|末尾|文末){must}引用{least}(?<low>{num})(?:篇|个){related}?(?:研究|学术|科学)?(?:论文|文献|文章),{must}(?:采用|使用)参考文献(?:的)?格式{tail}",
    )
    .needing(&["参考文献"]),
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        r"{head}{whole}?{must}引用{least}(?<low>{num})(?:篇|个)(?:学术|科学)(?:论文|文献|文章)(?:或科学研究报告)?{support},并(?:在)?(?:文末|结尾|末尾){must}列出参考文献{tail}",
    )
    .needing(&["参考文献"]),
];
