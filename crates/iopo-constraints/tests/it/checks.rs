//! A handwritten response that satisfies and one that violates each kind.

use iopo_constraints::Kind;

use crate::support::constraints::constraint;

/// Kind, parameters, a response that satisfies the constraint, a response that violates it.
pub(crate) const CASES: &[(&str, &str, &str, &str)] = &[
    ("max_words", r#"{"n":4}"#, "Don't drink cold tea.", "Do not drink cold tea."),
    ("min_words", r#"{"n":5}"#, "Do not drink cold tea.", "Don't drink cold - tea."),
    ("word_range", r#"{"low":2,"high":3}"#, "Hot tea.", "Tea."),
    ("exact_sentences", r#"{"n":2}"#, "Dr. Lee drinks tea. Good!", "Tea is good, e.g. green tea."),
    ("max_sentences", r#"{"n":1}"#, "It costs 3.50 here.", "Tea. Milk."),
    ("min_sentences", r#"{"n":2}"#, "Is it? Yes.", "Yes, it is."),
    ("exact_paragraphs", r#"{"n":2}"#, "One.\n \nTwo.\nStill two.", "One.\nStill one."),
    (
        "max_sentence_words",
        r#"{"n":3}"#,
        "I like tea. You like milk.",
        "I like tea. You do not like it.",
    ),
    ("long_sentence", r#"{"n":5}"#, "Tea. I like tea very much.", "I like tea. I like milk."),
    ("include_word", r#"{"word":"tea"}"#, "Green TEA's nice.", "Steam and team."),
    ("include_words", r#"{"first":"tea","second":"milk"}"#, "Milk with tea.", "Tea with sugar."),
    ("word_frequency", r#"{"word":"tea","n":2}"#, "Tea is tea.", "Tea is a team."),
    ("exclude_word", r#"{"word":"tea"}"#, "A team steams.", "Have some tea-time."),
    ("opening_word", r#"{"word":"tea"}"#, "I like tea. Yes.", "I like it. Tea, I mean."),
    ("mention_number", "{}", "I had 3 cups.", "1. Boil water.\n2. Add tea."),
    ("no_digits", "{}", "I had three cups.", "1. Boil water."),
    ("no_commas", "{}", "Tea and milk.", "Tea, milk."),
    ("no_exclamations", "{}", "Tea.", "Tea!"),
    ("exclamation", "{}", "Tea!", "Tea."),
    ("question", "{}", "Tea? Yes.", "Tea."),
    ("no_questions", "{}", "Tea.", "Tea? Yes."),
    ("ends_with_question", "{}", "Yes. Tea?\n", "Tea? Yes."),
    ("parentheses", "{}", "Tea (green).", "1) Tea."),
    ("no_parentheses", "{}", "1) Tea.", "Tea (green)."),
    ("quotation", "{}", "He said “tea”.", "It's 5\" long."),
    ("no_quotation", "{}", "It's 'tea'.", "He said \"tea\"."),
    ("all_lowercase", "{}", "tea, please. 3 cups.", "tea, Please."),
    ("all_uppercase", "{}", "TEA, PLEASE. 3 CUPS.", "TEA, please."),
    ("min_capital_words", r#"{"n":1}"#, "I like HOT tea.", "I like hot tea. A"),
    ("max_capital_words", r#"{"n":0}"#, "I like hot tea.", "NASA likes tea."),
    ("first_person", "{}", "It's what I like.", "The US likes tea. It is mined."),
    ("no_first_person", "{}", "The US likes tea.", "Tea is my drink."),
    ("second_person", "{}", "Your tea.", "Young tea."),
    ("no_second_person", "{}", "Young tea.", "You’ll like tea."),
    ("contractions", "{}", "It’s tea.", "The cook's tea is its best."),
    ("no_contractions", "{}", "The cook's tea.", "I don't like it."),
    ("exact_bullets", r#"{"n":2}"#, "Buy:\n- tea\n- milk", "Buy:\n- tea\n- milk\n* sugar"),
    ("min_bullets", r#"{"n":2}"#, "- tea\n• milk\n* jam", "**Tea**\n- milk\n---"),
    ("exact_numbered", r#"{"n":2}"#, "1. tea\n2. milk", "1. tea\n2. milk\n3. jam"),
    ("min_numbered", r#"{"n":2}"#, "1) tea\n2) milk", "1. tea\n- milk"),
    ("no_lists", "{}", "Tea - and milk.\n-5 degrees.", "Buy:\n* tea"),
    ("steps", r#"{"n":2}"#, "Step 1: Boil.\n**Step 2:** Pour.", "Step 1: Boil.\nStep 3: Pour."),
    ("headings", r#"{"n":1}"#, "## Tea\nIt is hot.", "#tea is hot"),
    ("angle_title", "{}", "<<Tea>>\nIt is hot.", "It is hot. <<Tea>>"),
    ("bold", r#"{"n":2}"#, "**Tea** and **milk**.", "**Tea** and ** **."),
    ("plain_text", "{}", "- Tea * 2", "Some `tea`."),
    ("table", "{}", "| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"),
    ("single_line", "{}", "Tea. Milk.\n", "Tea.\nMilk."),
    ("divided_parts", r#"{"n":2}"#, "Tea.\n***\nMilk.", "Tea. *** Milk."),
    ("sections", r#"{"n":2}"#, "Section 1\nTea.\n\nSection 2: Milk", "Section 1\nTea."),
    ("json_object", "{}", "```json\n{\"tea\": 1}\n```", "{tea: 1}"),
    ("starts_with", r#"{"phrase":"In short,"}"#, " in short, tea.", "Tea, in short,"),
    ("ends_with", r#"{"phrase":"That is all."}"#, "Tea. That is all.\n", "That is all. Tea."),
    ("wrapped_in_quotes", "{}", "\"Tea is hot.\"", "\"Tea\" is hot."),
    ("postscript", "{}", "Tea.\n\nP.S. Milk too.", "P.S. Milk too."),
    ("foreign_greeting", r#"{"language":"french"}"#, "Bonjour! Tea?", "Hello, bonjour."),
    (
        "as_role",
        r#"{"role":"engineer"}"#,
        "As an engineer, I like tea.",
        "As a engineer, I like tea.",
    ),
    ("signed_as", r#"{"name":"Sam"}"#, "Best,\nSam", "Best, Sam"),
    ("dear_reader", r#"{"name":"Sam"}"#, "Dear Sam,\n\ntea?", "Dear Samantha,\n\ntea?"),
    ("short_words", r#"{"letters":5}"#, "Green tea is good.", "Delightful tea."),
    ("long_words", r#"{"letters":10,"n":1}"#, "Delightful tea.", "Wonderful tea."),
    ("placeholders", r#"{"n":1}"#, "Dear [Name],", "Dear [1], [] [ ]"),
    ("no_placeholders", "{}", "Dear Sam [1],", "Dear [Name],"),
    ("like_item", r#"{"marker":"dash"}"#, "Buy:\n- tea\n- milk", "- tea\n- milk\n* jam"),
    ("key_value_lines", r#"{"key":"Topic"}"#, "Topic: tea\nSummary: hot", "Topic: tea\nIt is hot."),
    ("not_opening", r#"{"phrase":"Here"}"#, "Heresy!", "Here is tea."),
    ("max_chars", r#"{"n":4}"#, "我爱 green2 茶！", "我很爱喝茶"),
    ("min_chars", r#"{"n":4}"#, "我爱喝茶", "茶，好。Tea."),
    ("char_range", r#"{"low":2,"high":3}"#, "喝茶", "茶"),
    ("language", r#"{"language":"chinese"}"#, "我用 Rust 写茶。", "I like 茶 a lot."),
    ("markup", r#"{"format":"markdown"}"#, "- 茶", "茶很好。"),
    ("no_markup", r#"{"format":"latex"}"#, "It costs $5.", r"\(x\)"),
    ("min_items", r#"{"n":2}"#, "1、买茶\n（2）买奶", "一、买茶\n买奶"),
    ("max_code_lines", r#"{"n":1}"#, "Run:\n```\na\n```\nDone.", "```\na\nb\n```"),
    ("min_code_lines", r#"{"n":2}"#, "```\na\n\nb\n```", "```\na\n```\nb"),
    ("code_language", r#"{"name":"Python"}"#, "```python\na\n```", "```\npython\n```"),
    (
        "code_names",
        r#"{"names":["random","<p>"]}"#,
        "```\nimport random\n<p class=a>\n```",
        "Use random.\n```\nrandom_tea <p>\n```",
    ),
    (
        "markdown_elements",
        r#"{"elements":["heading","list"]}"#,
        "# 茶\n- 绿茶\n- 红茶",
        "一、茶\n- 绿茶\n- 红茶",
    ),
    ("include_phrase", r#"{"phrase":"绿茶"}"#, "喝绿茶吧。", "绿的茶"),
    ("include_phrases", r#"{"phrases":["tea","milk"]}"#, "Milky steam: TEA.", "Tea."),
    ("exclude_phrase", r#"{"phrase":"green tea"}"#, "Tea is green.", "Green tea."),
    ("json_keys", r#"{"keys":["a"]}"#, r#"{"b": {"a": 1}}"#, r#"{"b": "a"}"#),
    ("json_array", "{}", "```json\n[1]\n```", r#"{"a": [1]}"#),
    (
        "json_block",
        r#"{"around":"text","array":true}"#,
        "计算如下。\n共两步。\n```json\n[1]\n```\n完成。",
        "结果：\n```json\n{}\n```",
    ),
    (
        "json_block_keys",
        r#"{"around":"line","keys":["天数"]}"#,
        "结果如下：\n```json\n{\"天数\": 5}\n```",
        "先计算日期差。\n得到5天。\n```json\n{\"天数\": 5}\n```",
    ),
    ("no_json_block", "{}", "共5天：{}", "{\"天数\": 5}"),
    (
        "include_name",
        r#"{"name":"ShoppingCart"}"#,
        "```js\nconst ShoppingCart = {};\n```",
        "```js\nconst shoppingCart = {};\n```",
    ),
    (
        "count_range",
        r#"{"unit":"point","low":2,"high":100000}"#,
        "### 1. 注册账号\n- 手机号\n### 2. 搜索商品\n- 比价",
        "### 注册账号\n- 手机号\n\n## 参考文献\n1. 陆羽. (2020). 茶.\n2. 李白. (2021). 诗.",
    ),
    (
        "unit_range",
        r#"{"unit":"code_block","size":"lines","low":0,"high":2}"#,
        "```python\ndef add(a):\n\n    return a\n```\n测试：\n```python\nadd(1)\n```\n输出：\n```\n1\n2\n3\n```",
        "```python\ndef add(a):\n    b = a\n    return b\n```",
    ),
    ("json", "{}", "[1, {}]", r#"Here: {"a": 1}"#),
    ("titled", r#"{"title":"Tea time"}"#, "# Tea Time\nHot.", "Tea time is here."),
    (
        "elements",
        r#"{"elements":["heading","subheading","list"]}"#,
        "# Tea\n## Green\n- mild\n- fresh",
        "# Tea\n- mild\n- fresh",
    ),
    (
        "table_columns",
        r#"{"columns":["name"]}"#,
        "| Full name | b |\n|---|---|\n| 1 | 2 |",
        "| a | b |\n|---|---|\n| 1 | name |",
    ),
    ("named_parts", r#"{"names":["引言","结论"]}"#, "# 引言\n茶。\n结论：好。", "引言和结论。"),
    ("decimals", r#"{"n":2}"#, "It is 3.14.", "It is 3.1 in v1.23.4."),
    (
        "ends_with",
        r#"{"phrase":"为了地球的未来"}"#,
        "最后：“让我们行动，为了地球的未来！”",
        "“为了地球的未来！”谢谢大家。",
    ),
    ("word_once", r#"{"word":"tea"}"#, "Steam the TEA's leaves.", "Tea is tea."),
    ("exact_frequency", r#"{"word":"tea","n":2}"#, "Tea is tea-time.", "Tea, tea and tea."),
    (
        "once_and_twice",
        r#"{"first":"tea","second":"milk"}"#,
        "Milk, then tea, then milk.",
        "Milk, tea, milk, milk.",
    ),
    (
        "word_at_position",
        r#"{"word":"tea","sentence":2,"position":3}"#,
        "Yes. I like “Tea” - hot.",
        "I like tea. Yes.",
    ),
    ("first_word", r#"{"word":"tea"}"#, "1. **Tea** first.", "Teas first."),
    ("last_word", r#"{"word":"tea"}"#, "I like (tea).\n", "I like tea, yes."),
    ("sentence_starts", r#"{"word":"tea"}"#, "Tea is hot. “Tea” helps.", "Tea is hot. It helps."),
    ("sentence_ends", r#"{"word":"tea"}"#, "Hot tea. I like tea!", "Hot tea. I like it!"),
    ("same_ends", "{}", "Tea is still tea.", "Tea."),
    ("no_same_ends", "{}", "Tea.", "“Tea” is still tea!"),
    ("no_periods", "{}", "Tea!", "3.5 cups"),
    ("min_letters", r#"{"n":4}"#, "Thé 2a", "Tea 22"),
    ("max_letters", r#"{"n":3}"#, "Tea 22!", "Thé 2a"),
    ("min_lowercase_words", r#"{"n":2}"#, "I like tea.", "I LIKE tea, Sam."),
    ("max_lowercase_words", r#"{"n":1}"#, "I LIKE tea, Sam.", "I like tea."),
    ("no_consecutive_initials", "{}", "Tea is a drink.", "A “big” cup."),
    ("bracketed_words", "{}", "[Tea] [is] [hot].", "[Tea is] [hot]."),
    ("wrapped_pairs", "{}", "<<Tea is>> <<very hot>>.", "<<Tea>> <<is>>"),
    (
        "even_parts",
        r#"{"parts":2,"sentences":1,"words":2}"#,
        "Hot tea.\n***\nCold milk!",
        "Hot tea.\n***\nMilk.",
    ),
    (
        "language",
        r#"{"language":"english"}"#,
        "The code is in a block, and `x_val` is an array that holds the values.\n```python\nimport numpy\nnumpy zeros ones linspace stack reshape dot sum mean axis shape dtype float int ndarray concat stack split tile pad roll clip sort where nonzero unique\n```",
        "代码是英文的，注释是中文的。\n```python\nimport numpy as np\n```",
    ),
    (
        "unit_range",
        r#"{"unit":"paragraph","size":"characters","low":2,"high":3}"#,
        "# 一个很长的标题\n\n茶很好。\n\n喝茶。",
        "茶很好。\n\n水也很好。",
    ),
    (
        "entry_range",
        r#"{"label":"简介","size":"characters","low":0,"high":3}"#,
        "1. 茶经\n- 作者：唐代的陆羽\n- 简介：讲茶。\n2. 茶录\n- 简介：茶。",
        "1. 茶经\n- 简介：讲了很多茶。\n2. 茶录\n- 简介：茶。",
    ),
    (
        "part_range",
        r#"{"name":"摘要","size":"words","low":1,"high":2}"#,
        "## 摘要\ntea time\n## 正文\na b c d",
        "摘要 a b\n## 正文\na b",
    ),
    (
        "count_range",
        r#"{"unit":"step","low":3,"high":100000}"#,
        "1. 烧水\n- 热\n2. 泡茶\n3. 喝",
        "1. 烧水\n2. 泡茶\n- 喝",
    ),
    ("emphasized", r#"{"style":"bold"}"#, "喝**绿茶**吧。", "**绿茶**\n喝吧。"),
    (
        "citation_style",
        r#"{"style":"apa","listed":false}"#,
        "茶好（陆羽, 2020）。\n\n参考文献\n陆羽. (2020). 茶经. 书局.",
        "茶好（陆羽, 2020）。\n\n参考文献\n[1] 陆羽. 茶经[M]. 书局, 2020.",
    ),
    (
        "citation_style",
        r#"{"style":"apa","listed":true,"in_text":true}"#,
        "茶好（陆羽, 2020）。\n\n参考文献\n陆羽. (2020). 茶经. 书局.\n\n（全文约100字）",
        "茶好。\n\n参考文献\n陆羽. (2020). 茶经. 书局.",
    ),
    (
        "citation_style",
        r#"{"style":"apa","listed":true}"#,
        "茶好。\n\n参考文献\n陆羽. (2020). 茶经. 书局.\n\n---\n注：以上文献为示例。",
        "茶好（陆羽, 2020）。",
    ),
    ("no_citations", "{}", "茶在 2020 年很好。", "茶好[1]。"),
    (
        "all_of",
        r#"{"parts":[{"id":"max_words","params":{"n":3}},{"id":"no_commas","params":{}}]}"#,
        "I like tea.",
        "Tea, milk.",
    ),
    (
        "all_of",
        r#"{"parts":[{"id":"no_commas","params":{}},{"id":"max_words","params":{"n":3}}]}"#,
        "I like tea.",
        "I like green tea.",
    ),
    (
        "unit_range",
        r#"{"unit":"section","size":"characters","low":3,"high":4}"#,
        "# 茶\n\n## 绿茶\n很香。好\n\n## 红茶\n很浓很甜。",
        "# 茶\n\n## 绿茶\n很香。\n\n## 红茶\n很浓很甜。",
    ),
];

#[test]
fn each_kind_separates_a_good_response_from_a_bad_one() {
    for &(id, params, good, bad) in CASES {
        let constraint = constraint(id, params);
        let (yes, no) = (constraint.check(good), constraint.check(bad));
        assert!(yes.satisfied, "{id} on {good:?}: {}", yes.evidence);
        assert!(!no.satisfied, "{id} on {bad:?}: {}", no.evidence);
        assert!(!constraint.check(" \n").satisfied, "{id} on a blank response");
    }
}

/// Kinds that other texts use too, on Chinese text.
const CHINESE: &[(&str, &str, &str, &str)] = &[
    ("exact_sentences", r#"{"n":3}"#, "茶好吗？好！我喝茶……", "茶好吗？好。"),
    ("max_sentences", r#"{"n":1}"#, "我喝3.5杯茶。", "我喝茶!他喝水。"),
    ("exact_numbered", r#"{"n":3}"#, "一、买茶\n二、买奶\n（3）买糖", "1、买茶\n- 买奶"),
    ("no_lists", "{}", "一杯茶，两杯奶。", "一、买茶"),
    ("include_word", r#"{"word":"绿茶"}"#, "我喝绿茶。", "绿的茶。"),
    ("exclude_word", r#"{"word":"绿茶"}"#, "绿的茶。", "我喝绿茶。"),
    ("starts_with", r#"{"phrase":"总之，"}"#, "总之，茶很好。", "茶很好，总之，"),
    ("ends_with", r#"{"phrase":"谢谢"}"#, "茶很好，谢谢", "谢谢，茶很好"),
    ("first_person", "{}", "我喝茶。", "他自我介绍。"),
    ("no_second_person", "{}", "他喝茶。", "您喝茶。"),
    ("word_once", r#"{"word":"绿茶"}"#, "我喝绿茶。", "绿茶就是绿茶。"),
    ("first_word", r#"{"word":"绿茶"}"#, "“绿茶”很好。", "我喝绿茶。"),
    ("last_word", r#"{"word":"绿茶"}"#, "我喝绿茶。", "绿茶很好。"),
    ("sentence_starts", r#"{"word":"绿茶"}"#, "绿茶很好。绿茶很香！", "绿茶很好。它很香！"),
    ("sentence_ends", r#"{"word":"绿茶"}"#, "我喝绿茶。他也喝绿茶！", "我喝绿茶。他喝水！"),
    ("no_periods", "{}", "茶很好！", "茶很好。"),
    ("max_letters", r#"{"n":2}"#, "茶很！", "茶很好！"),
    (
        "language",
        r#"{"language":"english"}"#,
        "I drink the tea that you like and it is good.",
        "我喝茶。",
    ),
];

#[test]
fn chinese_responses_have_chinese_measures() {
    for &(id, params, good, bad) in CHINESE {
        let constraint = constraint(id, params);
        let (yes, no) = (constraint.check(good), constraint.check(bad));
        assert!(yes.satisfied, "{id} on {good:?}: {}", yes.evidence);
        assert!(!no.satisfied, "{id} on {bad:?}: {}", no.evidence);
        let counted = iopo_constraints::CountedResponse::new(good);
        assert!(counted.satisfies(&constraint), "{id} with cached counts");
    }
}

/// The kinds that synthesis and test prompts draw. A change of this list changes the draws of existing seeds.
const DRAWN: &str = "max_words min_words word_range exact_sentences max_sentences min_sentences \
    exact_paragraphs max_sentence_words long_sentence include_word include_words word_frequency \
    exclude_word opening_word mention_number no_digits no_commas no_exclamations exclamation \
    question no_questions ends_with_question parentheses no_parentheses quotation no_quotation \
    all_lowercase all_uppercase min_capital_words max_capital_words first_person no_first_person \
    second_person no_second_person contractions no_contractions exact_bullets min_bullets \
    exact_numbered min_numbered no_lists steps headings angle_title bold plain_text table \
    single_line divided_parts sections json_object starts_with ends_with wrapped_in_quotes \
    postscript foreign_greeting as_role signed_as dear_reader short_words long_words placeholders \
    no_placeholders like_item key_value_lines not_opening";

#[test]
fn the_drawn_kinds_stay_the_same() {
    let drawn: Vec<&str> =
        Kind::ALL.iter().filter(|kind| kind.is_drawn()).map(|kind| kind.id()).collect();
    let expected: Vec<&str> = DRAWN.split_whitespace().collect();
    assert_eq!(drawn, expected);
    // The others come last, so that they change no order.
    let first = Kind::ALL.iter().position(|kind| !kind.is_drawn()).expect("a kind of weight 0");
    assert_eq!(first, expected.len());
    let seen = |kind: &Kind| !kind.style_prompts().is_empty();
    assert!(!Kind::ALL[first..].iter().any(seen));
}

#[test]
fn every_kind_has_a_case() {
    for kind in Kind::ALL {
        assert!(CASES.iter().any(|case| case.0 == kind.id()), "{kind}");
    }
}

#[test]
fn evidence_states_the_count_and_the_bound() {
    let constraint = constraint("max_words", r#"{"n":2}"#);
    assert_eq!(constraint.check("I like tea.").evidence, "3 words, at most 2 asked");
}
