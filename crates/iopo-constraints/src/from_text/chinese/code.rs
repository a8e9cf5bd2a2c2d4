//! Names that code must use, and keys of JSON with their meanings.

use crate::from_text::rule::Rule;

/// The rules, tried in order.
pub(super) const RULES: &[Rule] = &[
    // 使用`kubectl apply`命令部署应用程序.
    Rule::new(
        "code_names",
        "{}",
        r"{head}{in_code}?{must}{calls}{origin}?(?<code_names>(?:(?:{quote}{callable}?|[a-z_][a-z0-9_.\-]*(?:\(\))?{callable}?)(?:、|,|和|与|及|以及))*{called})(?:{purpose})?{tail}",
    )
    .needing(&[
        "模块", "库", "函数", "方法", "类", "包", "关键字", "命令", "标签", "选项", "框架", "样式",
    ]),
    Rule::new(
        "code_names",
        "{}",
        r"{head}{in_code}?{must}(?:使用|利用|调用|运行|执行)(?<code_names>(?:{quote}{callable}?(?:、|,|和|与))*{quote}){purpose}{tail}",
    )
    .needing(&["\u{E000}"]),
    Rule::new(
        "code_names",
        "{}",
        r"{head}{in_code}?{must}(?:实现|完成)(?<code_names>{quote})的(?:配置|设置)(?:,以便(?:设置|指定)(?:输入|输出|路径|和|的)+)?{tail}",
    )
    .needing(&["的配置", "的设置"]),
    // Clauses of a query, and the types of a class.
    Rule::new(
        "code_names",
        "{}",
        r"{head}(?:{in_code}|sql查询语句)?{must}(?:至少|需要)?(?:包含|包括)(?:至少)?(?<code_names>(?:一个)?[a-z]+子句(?:(?:、|和|与|及|以及)(?:一个)?[a-z]+子句)+){tail}",
    )
    .needing(&["子句"]),
    Rule::new(
        "code_names",
        "{}",
        r"{head}{in_code}?{must}定义(?:一个)?(?<code_names>{quote}类,输入类型(?:为|是){quote}(?:和|、|与){quote},输出类型(?:为|是){quote}(?:和|、|与){quote}){tail}",
    )
    .needing(&["输入类型"]),
    // A method with its name.
    Rule::new(
        "code_names",
        "{}",
        r"{head}{must}(?:实现|定义|包含)(?:一个)?{deed}的(?:方法|函数)(?<code_names>{quote}){tail}",
    )
    .needing(&["方法", "函数"]),
    // Tables of databases, and their columns.
    Rule::new(
        "code_names",
        "{}",
        r"{head}数据库中{must}(?:存在|包含|有)(?:一个)?名为(?<code_names>{quote})的(?:数据)?表{tail}",
    )
    .needing(&["数据库"]),
    Rule::new(
        "code_names",
        "{}",
        r"{head}(?<code_names>{quote}表中{must}(?:包含|包括|有)(?:一个)?(?:用于{deed}的)?{quote})(?:字段|列){tail}",
    )
    .needing(&["表中"]),
    // Keys of JSON with their meanings.
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?:{whole}|{data}){must}{write}json(?:格式)?(?:进行)?{show},(?:其中)?键名?{must}(?:为|是)(?<keys>{quotes})(?<each>分别)(?:对应|表示|代表){meaning}{tail}",
    )
    .needing(&["键"]),
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?<in_json>{whole}|{data}){must}(?:包含|包括)(?<keys>{quotes})(?<count>{num})个字段,其中(?:{quote}字段(?:为|表示){meaning},?)+{tail}",
    )
    .needing(&["字段"]),
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?:{whole}|{data}){must}(?:包含|包括)(?<keys>{quotes})键,(?<each>分别)(?:对应|表示|代表){meaning}{tail}",
    )
    .needing(&["键"]),
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?:输出的?|返回的?|生成的?)?json(?:结构|对象|数据)?(?:中|里)?{must}(?:包含|包括)(?<count>{num})个(?:字段|键):(?<keys>{meant}(?:,{meant})+){tail}",
    )
    .needing(&["json"]),
    Rule::new(
        "json_block_keys",
        r#"{"around":"text"}"#,
        r"{head}(?:输出的?|返回的?)?json(?:的)?(?:字段|键){must}(?:包含|包括|为|是|有):?(?<keys>{glossed}(?:(?:、|,|和|与|以及|及){glossed})+){tail}",
    )
    .needing(&["json"]),
];
