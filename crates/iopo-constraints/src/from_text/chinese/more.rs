//! Further forms: tables and lists of what the task asks for, parts of reports, fields, code, decimals, LaTeX.

use crate::from_text::rule::Rule;

/// The rules, tried in order.
pub(super) const RULES: &[Rule] = &[
    // A table or list of the thing that the task asks for.
    Rule::new(
        "table",
        "{}",
        r"{head}(?:最后,|最终,|将)*(?<object>{object}){must}{write}(?:清晰的)?(?:markdown)?表格{form}(?:来|进行)?(?:清晰地)?(?:{show}|记录|组织|呈现){aim}{tail}",
    ).needing(&["表格"]),
    Rule::new(
        "table",
        "{}",
        r"{head}{must}{write}(?:清晰的)?(?:markdown)?表格{form}(?:来|进行)?(?:清晰地)?(?:{show}|列出|列举|总结|概括|对比|记录)(?<object>{object}){aim}{tail}",
    ).needing(&["表格"]),
    Rule::new(
        "min_items",
        r#"{"n":2}"#,
        r"{head}(?<object>{object})的列表{must}(?:使用|采用)项目符号(?:进行)?编号{tail}",
    ).needing(&["项目符号"]),
    Rule::new(
        "count_range",
        r#"{"unit":"point","low":2,"high":100000}"#,
        r"{head}(?:最后,|最终,|将)*(?<object>{object}){must}{write}(?:清晰的)?{numbered}{form}?(?:来|进行)?(?:{show}|列出|组织|整理){aim}{tail}",
    ).needing(&["编号", "有序", "数字列表"]),
    Rule::new(
        "count_range",
        r#"{"unit":"point","low":2,"high":100000}"#,
        r"{head}{must}{write}(?:清晰的)?{numbered}{form}?(?:来|进行)?(?:清晰地)?(?:{show}|列出|列举|组织|整理|总结)(?:这些)?(?<object>{object}){aim}{tail}",
    ).needing(&["编号", "有序", "数字列表"]),
    Rule::new(
        "min_bullets",
        r#"{"n":2}"#,
        r"{head}(?:最后,|最终,|将)*(?<object>{object}){must}{write}(?:清晰的)?{bullets}{form}?(?:来|进行)?(?:{show}|列出|组织|整理){aim}{tail}",
    ).needing(&["项目符号", "无序", "要点列表"]),
    Rule::new(
        "min_bullets",
        r#"{"n":2}"#,
        r"{head}{must}{write}(?:清晰的)?{bullets}{form}?(?:来|进行)?(?:清晰地)?(?:{show}|列出|列举|组织|整理|总结)(?<object>{object}){aim}{tail}",
    ).needing(&["项目符号", "无序", "要点列表"]),
    Rule::new(
        "min_items",
        r#"{"n":2}"#,
        r"{head}{must}{write}(?:清晰的)?列表{form}(?:来|进行)?(?:清晰地)?(?:{show}|列出|列举|组织|整理|总结)(?<object>{object}){aim}{tail}",
    ).needing(&["列表"]),
    // Columns of tables.
    Rule::new(
        "table_columns",
        "{}",
        r"{head}(?:最后,|最终,|将)*(?<object>{object}){must}{write}(?:清晰的)?(?:markdown)?表格{form}(?:来|进行)?(?:{show}|记录|组织),(?:表格|其中)?{must}(?:包含但不限于|包括但不限于|包含|包括)(?:以下列:)?(?<columns>{names})(?:等?(?:列|栏目|字段|信息|内容|关键指标|指标)?|(?:这?(?<count>{num})个?)(?:列|栏目|字段|部分)){aim}{tail}",
    ).needing(&["表格"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}{must}{write}(?:清晰的)?(?:markdown)?表格{form}(?:来|进行)?(?:{show}|列出|记录)(?<object>{object}),(?:表格|其中)?{must}(?:包含但不限于|包括但不限于|包含|包括)(?:以下列:)?(?<columns>{names})(?:等?(?:列|栏目|字段|信息|内容|关键指标|指标)?|(?:这?(?<count>{num})个?)(?:列|栏目|字段|部分)){aim}{tail}",
    ).needing(&["表格"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}(?:{whole}|{data}){must}{write}(?:markdown)?表格{form}(?:进行)?{show},(?<each>每(?:一)?行){must}(?:包含|包括)(?<columns>{names})等?(?:信息|内容|列)?{tail}",
    ).needing(&["表格"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}(?:在)?表格(?:中|里)?{must}(?:包括|包含)(?<columns>{name}(?:、{name})+(?:和|以及|及|与){name}){tail}",
    ).needing(&["表格"]),
    Rule::new(
        "table_columns",
        "{}",
        r"{head}表格(?:形式)?(?:中)?{must}(?:包含|包括)(?:以下列)?:\|(?<columns>{name}(?:\|{name})+)\|{tail}",
    ).needing(&["表格"]),
    // Parts with headings.
    Rule::new(
        "named_parts",
        "{}",
        r"{head}(?:{formal},)?(?:{reports}(?:的?(?:结构|内容|格式))?|回答|输出格式|格式|描述内容|内容)?(?:上)?{must}(?:(?:为|是)(?:一份|一篇)?(?:结构化的)?(?:技术|专业|医学|分析)*报告|(?:遵循|采用|使用|按照|以|符合)(?:了)?{formal}),?(?:内容)?{must}(?:包含但不限于|包括但不限于|包含|包括|分为|涵盖)(?:以下)?(?:(?<count>{num})个)?(?:主要)?(?:部分:)?(?<names>{names}(?:与{name})?)等?(?:(?<count2>{num})个?)?(?:主要|关键)?(?:部分|章节)?(?:组成)?{tail}",
    ).needing(&["、", "和", "\u{E000}"]),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}(?<doc>指南|大纲|提纲|教程|攻略|文章|综述|策略|总结|简历|报告|计划|方案)(?:的?(?:结构|内容|格式))?{must}(?:包含|包括|分为|涵盖)(?:以下)?(?:(?<count>{num})个)?(?:主要)?(?:部分)?:?(?<names>{names})等?(?:(?<count2>{num})个)?(?:主要|关键)?(?:部分|章节)?(?:组成)?,(?:且|并且|并)?{headed}{tail}",
    ).needing(&["、", "和", "\u{E000}"]),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}(?<doc>大纲|提纲|目录){must}(?:包含|包括)(?:以下)?(?:(?<count>{num})个)?(?:主要)?(?:部分)?:(?<names>{names}){tail}",
    ).needing(&["、", "和", "\u{E000}"]),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}(?<doc>简历)(?:格式|内容|结构)?{must}(?:包含|包括)(?<names>{names}){tail}",
    ).needing(&["、", "和", "\u{E000}"]),
    Rule::new(
        "include_phrases",
        "{}",
        r"{head}(?<doc>报告|计划|方案|计划书){must}(?:包含|包括)(?:以下)?(?:关键)?字段:(?<phrases>{quotes}){tail}",
    ).needing(&["、", "和", "\u{E000}"]),
    // Decimals.
    Rule::new(
        "decimals",
        "{}",
        r"{head}(?:返回的|计算的|计算出的|输出的)?(?:评分|分数|价格|平均值|差值|数值|得分|金额|比例|概率|百分比|计算)(?:数值|结果)?(?:的)?(?:精度)?{must}(?:保留|精确|保持)(?:到|至|为|在)?(?:小数点后)?(?<n>{num})位(?:小数)?{tail}",
    ).needing(&["位"]),
    // Fields and names in the response.
    Rule::new(
        "include_phrases",
        "{}",
        r"{head}(?:{whole}|{data})(?:中|里)?{must}(?:包含|包括)(?:但不限于)?(?:以下(?:字段)?:?)?(?<phrases>{glossed}(?:(?:和|与|、|及|以及|,){glossed})+)(?:这?(?<count>{num})个)?(?:字段|键值对|键|属性)?{tail}",
    ).needing(&["\u{E000}"]),
    Rule::new(
        "include_phrase",
        "{}",
        r"{head}(?:{whole}|{data}|输出的结果)(?:中|里)?{must}(?:包含|包括)(?<phrase>{quote})\([^(),:;]{1,10}\){tail}",
    ).needing(&["\u{E000}"]),
    Rule::new(
        "include_phrases",
        "{}",
        r"{head}(?:在)?关键词列表(?:中|里)?{must}(?:包含|包括)(?<phrases>{quote}(?:(?:和|与|、|及|以及|,){quote})+){tail}",
    ).needing(&["\u{E000}"]),
    Rule::new(
        "include_phrase",
        "{}",
        r"{head}(?:宣传)?(?:口号|标语)(?:{must}(?:为|是)|:)(?<phrase>{quote}){tail}",
    ).needing(&["\u{E000}"]),
    Rule::new(
        "include_name",
        "{}",
        r"{head}(?<code>函数|方法|类|对象|变量|枚举类)(?:的)?(?:名称|名){must}(?:为|是)(?<name>{quote}){tail}",
    ).needing(&["\u{E000}"]),
    Rule::new("titled", "{}", r"{head}(?:一个)?清晰的标题(?<title>{quote}){tail}").needing(&["\u{E000}"]),
    // Code in Markdown.
    Rule::new(
        "markup",
        r#"{"format":"code_block"}"#,
        r"{head}(?:最终)?(?:输出的|生成的|所有)?(?<code>(?:示例)?代码(?:示例|段落|片段)?|sql语句){must}(?:{write}|放在)(?:markdown)?(?:格式|语法|的代码块|语法的代码块|代码块)(?:中)?(?:的?形式)?(?:来|进行)?(?:{show}|返回|标注)?{aim}{tail}",
    ).needing(&["代码", "sql"]),
    Rule::new(
        "markup",
        r#"{"format":"code_block"}"#,
        r"{head}将(?<code>sql语句|代码|代码示例){must}{write}(?:markdown)?代码块(?:的?形式|的?格式)?(?:进行)?(?:{show}|返回){aim}{tail}",
    ).needing(&["代码", "sql"]),
    // Documents in LaTeX.
    Rule::new(
        "markup",
        r#"{"format":"latex_document"}"#,
        r"{head}(?:最终)?(?:{whole})?(?:的)?(?:输出格式|输出的格式|格式){must}(?:是|为|采用|使用)latex文档{aim}{tail}",
    ).needing(&["latex"]),
    Rule::new(
        "markup",
        r#"{"format":"latex_document"}"#,
        r"{head}{docs}{must}{write}latex(?:格式|语法)(?:来|进行)?{show}{aim}{tail}",
    ).needing(&["latex"]),
    Rule::new(
        "markup",
        r#"{"format":"latex"}"#,
        r"{head}(?:最终)?{answer}?(?:的)?(?:输出格式|输出的格式|格式){must}(?:是|为|采用|使用)latex(?:格式)?{aim}{tail}",
    )
    .needing(&["latex"]),
    Rule::new(
        "markup",
        r#"{"format":"latex"}"#,
        r"{head}(?:最终)?{answer}?{must}{write}latex(?:格式|语法)(?:来|进行)?{show}{aim}{tail}",
    )
    .needing(&["latex"]),
    // Markdown.
    Rule::new(
        "markup",
        r#"{"format":"markdown"}"#,
        r"{head}{whole}(?:的)?(?:组织结构|结构|排版){must}(?:遵循|采用|使用|符合)markdown(?:格式|语法)?{aim}{tail}",
    ).needing(&["markdown"]),
    Rule::new(
        "elements",
        "{}",
        r"{head}(?:{docs}|观点及理由|内容)?(?:的)?(?:结构)?{must}(?:要求清晰,|清晰,|按照层次化结构组织,|采用层次化结构,)(?:并)?{must}(?:使用|采用|包括|通过|用)(?:清晰的)?(?<elements>{elements})(?:等元素)?{structure}{aim}{tail}",
    ).needing(&["标题", "列表"]),
    // Lengths without a limit.
    Rule::new(
        "char_range",
        "{}",
        r"{head}{whole}(?:的)?(?:总?字数|长度|篇幅){must}(?:为|是)(?<about>{num}){chars}{tail}",
    ).needing(&["字"]),
    Rule::new(
        "char_range",
        "{}",
        r"{head}{whole}?{size}?{must}{keep}{at}(?:大约|约|大概){num_about}{chars}左右{aim}{tail}",
    ).needing(&["字"]),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}{reports}{must}(?:包含|包括|分为)(?<names>{names})(?<count>{num})个(?:主要|关键)?部分{tail}",
    ).needing(&["、", "和", "\u{E000}"]),
    // Keys of JSON with their meaning.
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?:{whole}|{data}){must}{write}json格式(?:进行)?{show},(?:其中)?{must}(?:包含|包括)(?:字段|键)(?<keys>{quote})表示[^,:;()]{2,10}{tail}",
    ).needing(&["json"]),
    // Sources and lists of them.
    Rule::new(
        "count_range",
        r#"{"unit":"reference","low":0,"high":100000}"#,
        r"{head}{whole}{must}(?:包含|包括|引用)(?<low>{num})(?:篇|个|条|项)以上{related}?(?:的)?参考文献{tail}",
    ).needing(&["文献", "论文", "文章", "引用"]),
    Rule::new(
        "citation_style",
        r#"{"style":"apa","listed":true}"#,
        r"{head}(?:在)?(?:{whole}|论文)?(?:的)?(?:末尾|结尾|文末){must}附上引用的文献列表,{must}(?:遵循|采用|使用|按照){apa}{tail}",
    ).needing(&["apa"]),
];
