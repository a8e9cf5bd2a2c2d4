//! Chinese sentences that ask for a constraint.

use crate::{
    constraint::Constraint,
    families::{
        AnswerLanguage, Around, Characters, CitationStyle, Citations, Code, Composition, Document,
        Element, Emphasis, Ends, Fields, Framing, Joint, Keywords, Layout, Length, Letters, Lists,
        MarkupFormat, NO_LIMIT, Outline, Periods, Phrases, Portions, Size, Unit, Voice, Words,
        Wrapping,
    },
};

/// The sentences, none for kinds that only English texts have.
pub(crate) fn phrases(constraint: &Constraint) -> Vec<String> {
    match constraint {
        Constraint::Characters(characters) => of_characters(characters),
        Constraint::Length(length) => of_length(length),
        Constraint::Lists(lists) => of_lists(lists),
        Constraint::Layout(layout) => of_layout(layout),
        Constraint::Document(document) => of_document(document),
        Constraint::Code(code) => of_code(code),
        Constraint::Fields(fields) => of_fields(fields),
        Constraint::Keywords(keywords) => of_keywords(keywords),
        Constraint::Ends(ends) => of_ends(ends),
        Constraint::Letters(letters) => of_letters(letters),
        Constraint::Periods(Periods::NoPeriods) => {
            say(["不使用句号。".to_owned(), "回答中不得出现句号。".to_owned()])
        }
        Constraint::Wrapping(Wrapping::BracketedWords) => {
            say(["每个词都必须放在方括号中。".to_owned()])
        }
        Constraint::Wrapping(Wrapping::WrappedPairs) => {
            say(["每两个词必须放在一对双尖括号中。".to_owned()])
        }
        Constraint::Composition(Composition::EvenParts { parts, sentences, words }) => {
            say([format!(
                "全文分为{parts}部分，用单独一行的***隔开，每部分{sentences}句，每句{words}个单词。"
            )])
        }
        Constraint::Outline(Outline::Titled { title }) => {
            say([format!("标题为“{title}”。"), format!("文章的标题应为“{title}”。")])
        }
        Constraint::Outline(Outline::Elements { elements }) => {
            say([format!("使用{}组织内容。", named(elements))])
        }
        Constraint::Outline(Outline::MarkdownElements { elements }) => {
            say([format!("以Markdown格式输出,使用{}。", named(elements))])
        }
        Constraint::Portions(portions) => of_portions(portions),
        Constraint::Joint(Joint::AllOf { parts }) => of_joint(parts),
        Constraint::Emphasis(Emphasis::Emphasized { style }) => {
            let style = style.chinese();
            say([format!("使用{style}突出关键信息。"), format!("关键词以{style}标注。")])
        }
        Constraint::Citations(Citations::Cited {
            style: CitationStyle::Apa,
            listed: true,
            in_text: false,
        }) => say(["文末附上参考文献列表,遵循APA引用格式。".to_owned()]),
        Constraint::Citations(Citations::Cited {
            style: CitationStyle::Apa,
            listed: false,
            in_text: false,
        }) => say(["遵循APA引用格式。".to_owned(), "所有引用采用APA格式。".to_owned()]),
        Constraint::Phrases(Phrases::IncludePhrase { phrase }) => {
            say([format!("回答必须包含“{phrase}”。"), format!("回答中需提到“{phrase}”。")])
        }
        Constraint::Phrases(Phrases::IncludePhrases { phrases }) => {
            say([format!("回答必须包含{}。", quoted(phrases))])
        }
        Constraint::Phrases(Phrases::ExcludePhrase { phrase }) => {
            say([format!("回答不得出现“{phrase}”。"), format!("回答中不要使用“{phrase}”。")])
        }
        Constraint::Words(Words::IncludeWord { word }) => {
            say([format!("回答中必须出现词语“{word}”。")])
        }
        Constraint::Words(Words::ExcludeWord { word }) => {
            say([format!("回答中不得出现词语“{word}”。")])
        }
        Constraint::Framing(Framing::StartsWith { phrase }) => {
            say([format!("回答必须以“{phrase}”开头。")])
        }
        Constraint::Framing(Framing::EndsWith { phrase }) => {
            say([format!("回答必须以“{phrase}”结尾。")])
        }
        Constraint::Voice(Voice::FirstPerson) => say(["采用第一人称叙述。".to_owned()]),
        Constraint::Voice(Voice::NoFirstPerson) => say(["避免使用第一人称。".to_owned()]),
        _ => Vec::new(),
    }
}

fn say<const N: usize>(phrases: [String; N]) -> Vec<String> {
    phrases.into()
}

/// “A”、“B”和“C”.
fn quoted(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("“{value}”")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}和{last}", rest.join("、")),
        _ => quoted.concat(),
    }
}

/// "标题、列表".
fn named(elements: &[Element]) -> String {
    let names: Vec<&str> = elements.iter().map(|element| element.chinese()).collect();
    names.join("、")
}

fn of_characters(characters: &Characters) -> Vec<String> {
    match characters {
        Characters::MaxChars { n } => say([
            format!("字数不超过{n}字。"),
            format!("全文控制在{n}字以内。"),
            format!("回答最多{n}个字。"),
        ]),
        Characters::MinChars { n } => say([
            format!("字数不少于{n}字。"),
            format!("全文应在{n}字以上。"),
            format!("回答至少{n}个字。"),
        ]),
        Characters::CharRange { low, high } => say([
            format!("字数应在{low}至{high}字之间。"),
            format!("全文控制在{low}到{high}字之间。"),
            format!("回答不少于{low}字,但不超过{high}字。"),
        ]),
    }
}

fn of_keywords(keywords: &Keywords) -> Vec<String> {
    match keywords {
        Keywords::WordOnce { word } => say([
            format!("词语“{word}”必须恰好出现一次。"),
            format!("回答中“{word}”恰好使用一次。"),
        ]),
        Keywords::ExactFrequency { word, n } => say([
            format!("词语“{word}”必须恰好出现{n}次。"),
            format!("回答中“{word}”恰好使用{n}次。"),
        ]),
        Keywords::OnceAndTwice { first, second } => {
            say([format!("词语“{first}”必须恰好出现一次，词语“{second}”必须恰好出现两次。")])
        }
        Keywords::WordAtPosition { word, sentence, position } => {
            say([format!("第{sentence}句的第{position}个词必须是“{word}”。")])
        }
    }
}

fn of_ends(ends: &Ends) -> Vec<String> {
    match ends {
        Ends::FirstWord { word } => say([format!("回答的第一个词必须是“{word}”。")]),
        Ends::LastWord { word } => say([format!("回答的最后一个词必须是“{word}”。")]),
        Ends::SentenceStarts { word } => say([
            format!("每句话都必须以“{word}”开头。"),
            format!("每个句子的第一个词必须是“{word}”。"),
        ]),
        Ends::SentenceEnds { word } => say([
            format!("每句话都必须以“{word}”结尾。"),
            format!("每个句子的最后一个词必须是“{word}”。"),
        ]),
        Ends::SameEnds => say(["回答的第一个词和最后一个词必须相同。".to_owned()]),
        Ends::NoSameEnds => say(["回答的第一个词和最后一个词不得相同。".to_owned()]),
    }
}

fn of_letters(letters: &Letters) -> Vec<String> {
    match letters {
        Letters::MinLetters { n } => say([format!("回答至少包含{n}个字母。")]),
        Letters::MaxLetters { n } => say([format!("回答最多包含{n}个字母。")]),
        Letters::MinLowercaseWords { n } => say([format!("回答至少包含{n}个小写单词。")]),
        Letters::MaxLowercaseWords { n } => say([format!("回答最多包含{n}个小写单词。")]),
        Letters::NoConsecutiveInitials => {
            say(["相邻两个单词的首字母不得是字母表中相邻的字母。".to_owned()])
        }
    }
}

fn of_length(length: &Length) -> Vec<String> {
    match length {
        Length::MaxWords { n } => say([format!("不超过{n}个单词。")]),
        Length::MinWords { n } => say([format!("至少{n}个单词。")]),
        Length::ExactSentences { n } => say([format!("用{n}句话回答。")]),
        Length::MaxSentences { n } => {
            say([format!("回答不超过{n}句话。"), format!("全文控制在{n}句以内。")])
        }
        Length::MinSentences { n } => say([format!("回答至少包含{n}句话。")]),
        Length::ExactParagraphs { n } => say([format!("全文分为{n}个段落。")]),
        Length::WordRange { .. }
        | Length::MaxSentenceWords { .. }
        | Length::LongSentence { .. } => Vec::new(),
    }
}

fn of_lists(lists: &Lists) -> Vec<String> {
    match lists {
        Lists::ExactBullets { n } => say([format!("使用项目符号列表列出{n}条要点。")]),
        Lists::ExactNumbered { n } => say([format!("使用编号列表列出{n}条要点。")]),
        Lists::NoLists => say(["不使用任何列表。".to_owned()]),
        Lists::MinBullets { .. } | Lists::MinNumbered { .. } | Lists::Steps { .. } => Vec::new(),
    }
}

fn of_layout(layout: &Layout) -> Vec<String> {
    match layout {
        Layout::Table => say(["以表格形式呈现。".to_owned(), "回答应包含一个表格。".to_owned()]),
        Layout::JsonObject => {
            say(["以JSON对象形式输出。".to_owned(), "输出格式为JSON对象。".to_owned()])
        }
        _ => Vec::new(),
    }
}

fn of_document(document: &Document) -> Vec<String> {
    match document {
        Document::Language { language: AnswerLanguage::Chinese } => {
            say(["请用中文回答。".to_owned(), "全文使用中文撰写。".to_owned()])
        }
        Document::Language { language: AnswerLanguage::English } => {
            say(["请用英文回答。".to_owned(), "全文使用英文撰写。".to_owned()])
        }
        Document::Markup { format } => match format {
            MarkupFormat::Markdown => say(["使用Markdown格式输出。".to_owned()]),
            MarkupFormat::Italic => say(["使用斜体格式。".to_owned()]),
            MarkupFormat::Latex => say(["答案以LaTeX格式输出。".to_owned()]),
            MarkupFormat::LatexDocument => say(["输出格式为LaTeX文档。".to_owned()]),
            MarkupFormat::Html => say(["以HTML格式输出。".to_owned()]),
            MarkupFormat::Underline => say(["使用下划线格式。".to_owned()]),
            MarkupFormat::Code => say(["使用代码格式标注代码。".to_owned()]),
            MarkupFormat::CodeBlock => say(["提供代码示例。".to_owned()]),
            MarkupFormat::Comments => say(["代码中包含必要的注释。".to_owned()]),
            MarkupFormat::Link => say(["附上来源链接。".to_owned()]),
        },
        Document::MinItems { n } => say([format!("列表应至少包含{n}项。")]),
        Document::NoMarkup { .. } => Vec::new(),
    }
}

fn of_code(code: &Code) -> Vec<String> {
    match code {
        Code::MaxCodeLines { n } => say([format!("代码总行数不超过{n}行。")]),
        Code::MinCodeLines { n } => say([format!("代码应至少包含{n}行。")]),
        Code::CodeLanguage { name } => say([format!("代码使用{name}编写。")]),
        Code::CodeNames { names } => say([format!("代码中必须使用{}。", quoted(names))]),
        Code::IncludeName { name } => say([format!("函数名为“{name}”。")]),
    }
}

fn of_fields(fields: &Fields) -> Vec<String> {
    match fields {
        Fields::JsonKeys { keys } => {
            say([format!("只输出JSON，不输出其他内容，其中包含{}字段。", quoted(keys))])
        }
        Fields::Json => say(["只输出JSON，不输出其他内容。".to_owned()]),
        Fields::JsonArray => say(["只输出JSON数组，不输出其他内容。".to_owned()]),
        Fields::JsonBlock { around: Around::Line, array: false } => {
            say(["以JSON格式输出。".to_owned(), "输出格式为JSON。".to_owned()])
        }
        Fields::JsonBlock { around: Around::Line, array: true } => {
            say(["以JSON数组形式输出。".to_owned()])
        }
        Fields::JsonBlock { around: Around::Text, array: false } => {
            say(["结果以JSON格式返回。".to_owned()])
        }
        Fields::JsonBlock { around: Around::Text, array: true } => {
            say(["结果必须是JSON数组。".to_owned()])
        }
        Fields::JsonBlockKeys { around: Around::Line, keys } => {
            say([format!("输出格式为JSON，包含{}字段。", quoted(keys))])
        }
        Fields::JsonBlockKeys { around: Around::Text, keys } => {
            say([format!("输出的JSON必须包含{}字段。", quoted(keys))])
        }
        Fields::NoJsonBlock => Vec::new(),
        Fields::TableColumns { columns } => say([format!("表格列标题为{}。", quoted(columns))]),
        Fields::NamedParts { names } => say([format!("报告应包含{}等部分。", names.join("、"))]),
        Fields::Decimals { n } => say([format!("答案保留{n}位小数。")]),
    }
}

/// The first sentences of all parts in one, if each has one.
fn of_joint(parts: &[Constraint]) -> Vec<String> {
    let said: Option<Vec<String>> = parts.iter().map(|part| part.render_chinese(0)).collect();
    let Some(said) = said else { return Vec::new() };
    let clauses: Vec<&str> = said.iter().map(|sentence| sentence.trim_end_matches('。')).collect();
    vec![format!("{}。", clauses.join(","))]
}

fn of_portions(portions: &Portions) -> Vec<String> {
    match portions {
        Portions::UnitRange { unit, size, low, high } => {
            let limit = limited(*low, *high, measure_word(*size));
            match unit {
                Unit::Title => say([format!("标题{limit}。")]),
                Unit::CodeBlock => say([format!("代码{limit}。")]),
                unit => say([format!("每{}{limit}。", unit_word(*unit))]),
            }
        }
        Portions::EntryRange { label, size, low, high } => {
            say([format!("每个条目的{label}{}。", limited(*low, *high, measure_word(*size)))])
        }
        Portions::PartRange { name, size, low, high } => {
            say([format!("{name}部分{}。", limited(*low, *high, measure_word(*size)))])
        }
        Portions::PartCount { unit: Unit::Reference, low, high } => {
            say([format!("参考文献{}。", limited(*low, *high, "篇"))])
        }
        Portions::PartCount { unit: Unit::Step, low, high } => {
            say([format!("步骤{}。", limited(*low, *high, "个"))])
        }
        Portions::PartCount { unit: Unit::Verse, low, high } => {
            say([format!("诗歌{}。", limited(*low, *high, "行"))])
        }
        Portions::PartCount { unit: Unit::Stanza, low, high } => {
            say([format!("诗歌{}。", limited(*low, *high, "节"))])
        }
        Portions::PartCount { unit: Unit::Row, low, high } => {
            say([format!("表格{}。", limited(*low, *high, "行"))])
        }
        Portions::PartCount { unit: Unit::Paragraph, low, high } => {
            say([format!("全文{}。", limited(*low, *high, "个段落"))])
        }
        Portions::PartCount { unit: Unit::Section, low, high } => {
            say([format!("文章{}。", limited(*low, *high, "个部分"))])
        }
        Portions::PartCount { unit: Unit::Source, low, .. } if *low > 0 => {
            say([format!("至少引用{low}篇参考文献。")])
        }
        Portions::PartCount { unit: Unit::CodeLine, low, high } if *low > 0 && *high < NO_LIMIT => {
            say([format!("代码至少包含{low}行,不超过{high}行。")])
        }
        Portions::PartCount { unit: Unit::Question, high, low: 0 } => {
            say([format!("问卷控制在{high}个问题以内。")])
        }
        Portions::PartCount { unit: Unit::Point, low: 2, high: NO_LIMIT } => {
            say(["使用编号列表。".to_owned()])
        }
        Portions::PartCount {
            unit:
                Unit::Point
                | Unit::CodeBlock
                | Unit::Entry
                | Unit::Title
                | Unit::Source
                | Unit::Question
                | Unit::CodeLine,
            ..
        } => Vec::new(),
    }
}

/// "不超过5字".
fn limited(low: usize, high: usize, word: &str) -> String {
    match (low, high) {
        (0, high) => format!("不超过{high}{word}"),
        (low, NO_LIMIT) => format!("不少于{low}{word}"),
        (low, high) if low == high => format!("为{low}{word}"),
        (low, high) => format!("应在{low}至{high}{word}之间"),
    }
}

fn measure_word(size: Size) -> &'static str {
    match size {
        Size::Characters => "字",
        Size::Words => "个单词",
        Size::Sentences => "句",
        Size::Lines => "行",
    }
}

fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Paragraph => "段",
        Unit::Entry => "条",
        Unit::Step => "个步骤",
        Unit::Title => "个标题",
        Unit::Stanza => "个诗节",
        Unit::Verse => "行",
        Unit::Row => "行表格",
        Unit::Reference => "条参考文献",
        Unit::Source => "个来源",
        Unit::Question => "个问题",
        Unit::CodeLine => "行代码",
        Unit::CodeBlock => "段代码",
        Unit::Point => "个编号",
        Unit::Section => "个部分",
    }
}
