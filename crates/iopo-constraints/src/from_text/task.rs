//! What a task asks for: a program or a text, and which text.

use std::sync::LazyLock;

use regex::Regex;

/// The most characters of a task that are read.
const MOST_CHARS: usize = 2_000;

/// The task that a constraint belongs to.
#[derive(Debug)]
pub(super) struct Task {
    text: String,
    /// The other constraints of the instruction, one on each line.
    others: String,
}

/// The most other constraints that are read.
const MOST_OTHERS: usize = 40;

/// A request for a program, a page or another artifact that has an output of its own.
static PROGRAM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:编写|写|实现|开发|构建|创建|设计|定义|制作|生成|构造|给出|给我|提供|优化|修正|训练|添加|完成|制定)",
        r"[^,，。；;：:篇份封]{0,40}?(?:程序|程式|代码|函数|脚本|算法|接口|应用程序|应用程式|网站|网页|页面|主页|系统|模型|sql|表达式|组件|模块|数据库|数据表|游戏|",
        r"分类器|生成器|定时器|计时器|工具|插件|平台|闭包|表单|仪表板|仪表盘|计算器|爬虫|枚举|流程图|幻灯片|ppt|问卷)",
        r"|\b(?:write|implement|create|develop|build|design|code)\b[^,.;:]{0,60}?",
        r"\b(?:program|function|script|code|class|api|query|algorithm|app|application|website|page|system|module|bot|game|model)\b",
    ))
    .ok()
});

/// Verbs that ask for a text, at the start of a clause.
static REQUEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:请|帮我|请你|需要|并)*(?:撰写|编写|写|创作|编辑|修改|提供|给出|生成|制作|创建|创造|设计|完成|为|对|使用|根据)",
    )
    .ok()
});

/// The most characters between a number and its noun, with the number.
const MOST_BETWEEN: usize = 8;

/// Texts that a response can consist of, beside others.
const PRODUCTS: &str =
    "标题|题目|摘要|简介|评论|描述|列表|表格|图表|代码|报告|文章|海报|大纲|目录|邮件|问卷|程序";

/// A request for two texts.
static TWO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?:{PRODUCTS})(?:和|与|及|以及|、|并)(?:一个|一份|一篇|一张|一段)?[^,，。；和与及、]{{0,8}}(?:{PRODUCTS}|报道)"
    ))
    .ok()
});

/// Headings of one text, which are no two texts.
const HEADINGS: &[&str] = &["标题、子标题", "标题和子标题", "标题与子标题", "标题和小标题"];

/// Nouns that can mean the response to a task that does not name them.
const GENERAL: &[&str] = &["文章", "短文", "报告", "文档", "计划", "方案", "清单"];

/// Words that name nothing that a task asks for.
const ANY: &[&str] = &[
    "信息",
    "内容",
    "结果",
    "要点",
    "可能",
    "相应",
    "具体",
    "详细",
    "主要",
    "所有",
    "这些",
    "以及",
    "并",
    "关键点",
];

/// Texts with parts that have headings.
const REPORTS: &[&str] = &[
    "报告",
    "论文",
    "文章",
    "简历",
    "方案",
    "计划",
    "指南",
    "手册",
    "提案",
    "白皮书",
    "综述",
    "推荐",
];

/// Nouns for the same text.
const SAME: &[&[&str]] = &[
    &["故事", "小说"],
    &["推荐信", "推荐"],
    &["段落", "文本"],
    &["辩论稿", "辩论"],
    &["行程表", "路线"],
    &["摘要", "总结", "概述", "概括", "简介"],
    &["描述", "介绍", "说明", "解释", "讲解"],
];

/// Formats with marks of their own.
const MARKS: &[&str] = &["json", "latex", "html", "xml", "yaml", "csv"];

/// A demand for the whole response in a format with marks of its own.
static FORMAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:以|采用|使用|按|用)(?:有效的|标准的)?(?:json|latex|html|xml|yaml)(?:格式)?(?:来|进行)?(?:输出|返回|提交|呈现|展示)",
        r"|格式[^,，。；]{0,6}(?:json|latex|html|xml|yaml)",
    ))
    .ok()
});

/// A request for JSON and a text beside it.
static BESIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"json[^。；;]{0,12}[,，](?:同时|另外|此外|并)(?:包含|附|提供|给出)|查询.{0,6}sql.{0,8}并",
    )
    .ok()
});

/// A further request behind the first one.
static FURTHER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[,，。；;](?:并|同时|另外|此外|以及|其中)|json|表格").ok());

impl Task {
    pub(super) fn new(text: &str) -> Self {
        Self::within(text, &[])
    }

    /// The task of an instruction with further constraints.
    pub(super) fn within(text: &str, others: &[&str]) -> Self {
        let mut joined = String::new();
        for other in others.iter().take(MOST_OTHERS) {
            joined.extend(other.trim().chars().take(MOST_CHARS).flat_map(char::to_lowercase));
            joined.push('\n');
        }
        let text = text.trim().chars().take(MOST_CHARS).flat_map(char::to_lowercase).collect();
        Self { text, others: joined }
    }

    /// The same task with one more constraint.
    pub(super) fn beside(&self, other: &str) -> Self {
        Self { text: self.text.clone(), others: format!("{}{other}\n", self.others) }
    }

    /// Whether the task asks for a program or another artifact with an output of its own.
    pub(super) fn is_program(&self) -> bool {
        // A price on a platform is no platform.
        let text = self.text.replace("平台上", "");
        PROGRAM.as_ref().is_none_or(|program| program.is_match(&text))
    }

    /// Whether a document can be the whole response: the task names it, or asks for a text that a general noun such as 文章
    /// can mean, and it does not ask for two texts.
    pub(super) fn may_be(&self, document: &str) -> bool {
        let is_general = GENERAL.contains(&document) && !self.sets_a_question();
        let same = SAME.iter().find(|words| words.contains(&document)).copied().unwrap_or_default();
        let is_named =
            self.text.contains(document) || same.iter().any(|word| self.text.contains(word));
        self.is_one() && (is_general || is_named)
    }

    /// Whether the response is the question of an exam or a topic: 作文题.
    pub(super) fn sets_a_question(&self) -> bool {
        let first = self.clauses().next();
        first.is_some_and(|clause| clause.ends_with('题') && !clause.ends_with("问题"))
    }

    /// Whether another constraint asks for marks at the start and the end of each part.
    pub(super) fn marks_parts(&self) -> bool {
        let marks = |line: &str| line.contains("标记") && line.contains("结束");
        self.others.lines().any(marks)
    }

    fn is_one(&self) -> bool {
        let text = HEADINGS.iter().fold(self.text.clone(), |text, words| text.replace(words, ""));
        TWO.as_ref().is_some_and(|two| !two.is_match(&text))
    }

    /// Whether the response has marks of its own, which are no part of the text, in other formats than these: `\\end{document}`,
    /// or the keys of JSON.
    pub(super) fn has_marks(&self, except: &[&str]) -> bool {
        MARKS.iter().any(|format| !except.contains(format) && self.text.contains(format))
    }

    /// Whether another constraint asks for the response in a format with marks of its own, other than these.
    pub(super) fn is_marked_up(&self, except: &[&str]) -> bool {
        let whole = |line: &str| {
            FORMAT.as_ref().is_none_or(|format| {
                let mut found = format.find_iter(line);
                found.any(|words| !except.iter().any(|format| words.as_str().contains(format)))
            })
        };
        self.others.lines().any(whole)
    }

    /// Whether the task or another constraint contains a word.
    pub(super) fn mentions(&self, word: &str) -> bool {
        self.text.contains(word) || self.others.contains(word)
    }

    /// Whether the task asks for an outline or a table of contents.
    pub(super) fn asks_for_contents(&self) -> bool {
        ["目录", "大纲", "提纲"]
            .iter()
            .any(|noun| self.clauses().any(|clause| clause.contains(noun)))
    }

    /// Whether the task asks for JSON.
    pub(super) fn wants_json(&self) -> bool {
        self.text.contains("json")
    }

    /// Whether the response consists of several texts, or of texts that others wrote: a limit holds for each of them.
    pub(super) fn is_about_texts(&self) -> bool {
        let seeks = ["寻找", "查找", "搜索", "搜集", "收集"];
        let texts = ["文章", "短文", "诗歌", "故事"];
        let is_search = self.clauses().next().is_some_and(|clause| {
            seeks.iter().any(|word| clause.starts_with(word))
                && texts.iter().any(|word| clause.ends_with(word))
        });
        is_search || self.others.contains("每篇文章都")
    }

    /// Whether the task asks to choose an option and to shorten it: a limit holds for the option.
    pub(super) fn shortens_a_choice(&self) -> bool {
        let shortens = ["精简", "缩短", "简化", "压缩"];
        self.text.contains("选项") && shortens.iter().any(|word| self.text.contains(word))
    }

    /// Whether another constraint asks for marks of parts or a place that tells a part without a heading.
    pub(super) fn places_parts(&self) -> bool {
        ["结束标记", "简历顶部", "简历的顶部"].iter().any(|words| self.others.contains(words))
    }

    /// Whether the task asks for English text.
    pub(super) fn wants_english(&self) -> bool {
        ["英文", "英语"].iter().any(|word| self.text.contains(word))
    }

    /// Whether the task asks for JSON and for a text beside it, or for a query of SQL beside what is read from it.
    pub(super) fn wants_text_beside_json(&self) -> bool {
        BESIDE.as_ref().is_none_or(|beside| beside.is_match(&self.text))
    }

    /// Whether the task asks for a text such as a 摘要 and nothing else.
    pub(super) fn asks_only_for(&self, noun: &str) -> bool {
        let alone = FURTHER.as_ref().is_some_and(|further| !further.is_match(&self.text));
        let same = SAME.iter().find(|words| words.contains(&noun)).copied().unwrap_or_default();
        let asks =
            |clause| asks_for(clause, noun) || same.iter().any(|noun| asks_for(clause, noun));
        alone && self.is_one() && self.clauses().any(asks)
    }

    /// Whether the task asks for several of something, at its start.
    pub(super) fn lists(&self, noun: &str) -> bool {
        self.clauses().any(|clause| clause.contains(noun)) || self.asks_for_several(noun)
    }

    /// Whether the task asks for a number of something: 举出三个例子 for 例子.
    fn asks_for_several(&self, noun: &str) -> bool {
        self.text.match_indices(noun).any(|(at, _)| {
            let before: Vec<char> = self.text[..at].chars().rev().take(MOST_BETWEEN).collect();
            let measured = |pair: &[char]| {
                "个种条项位本家部类".contains(pair[0])
                    && ("两三四五六七八九十".contains(pair[1]) || pair[1].is_ascii_digit())
            };
            before.windows(2).any(measured)
        })
    }

    /// Whether the task contains all the words for something, beside words that any text can have.
    pub(super) fn asks_for_all(&self, words: &str) -> bool {
        let mut text = words.to_owned();
        for word in ANY {
            text = text.replace(word, "|");
        }
        let mut nouns =
            text.split(['|', '和', '与', '及', '的', '之', '其']).filter(|noun| !noun.is_empty());
        nouns.all(|noun| self.text.contains(noun) || self.others.contains(noun))
    }

    /// Whether the instruction asks for a list of references, or for a style of citations that has one.
    pub(super) fn lists_references(&self) -> bool {
        let style = |text: &str| text.contains("apa") && !text.contains("mla");
        let lists = |text: &str| text.contains("参考文献") || style(text);
        lists(&self.text) || self.others.lines().any(lists)
    }

    /// Whether the task asks for a longer text, of which something is a part.
    pub(super) fn has_section(&self, name: &str) -> bool {
        let is_long = REPORTS.iter().any(|report| self.text.contains(report));
        let listed = [format!("、{name}"), format!("{name}、"), format!("包括{name}")];
        let is_listed = listed.iter().any(|words| self.text.contains(words));
        let is_asked = self.clauses().any(|clause| clause.contains(name));
        (is_long && (is_listed || !is_asked)) || (!self.is_one() && is_asked)
    }

    /// The clauses of the task: the first one, and the second one behind a role, a place or a condition.
    fn clauses(&self) -> impl Iterator<Item = &str> {
        self.text.split([',', '，', '。', '；', ';', '：', ':', '\n']).map(str::trim).take(2)
    }
}

/// Whether a clause asks for a text: 写一篇摘要 for 摘要, 为段落添加评价 for 段落, 解释什么是黑洞 for 解释.
fn asks_for(clause: &str, noun: &str) -> bool {
    let request = REQUEST.as_ref().is_some_and(|request| request.is_match(clause));
    let edits = clause.contains(&format!("{noun}添加"));
    let names = (clause.ends_with(noun) || edits) && request;
    let bare = ["请", "详细", "简要", "找到并", "以正式语气"]
        .iter()
        .fold(clause, |clause, start| clause.strip_prefix(start).unwrap_or(clause));
    names || bare.starts_with(noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_texts_are_told_apart() {
        for text in [
            "编写一个函数，计算平均值",
            "设计并编写一个API RESTful接口",
            "请帮忙撰写一段Java代码",
            "Write a Python function that sorts a list.",
        ] {
            assert!(Task::new(text).is_program(), "{text}");
        }
        for text in [
            "撰写一篇关于人工智能的文章",
            "解释如何在Python中使用Pandas",
            "Write an essay about tea.",
            "设计一份健康饮食计划，使用应用程序记录",
        ] {
            assert!(!Task::new(text).is_program(), "{text}");
        }
    }

    #[test]
    fn a_text_is_the_response_if_nothing_else_is_asked_for() {
        let asks = |task: &str, noun: &str| Task::new(task).asks_only_for(noun);
        assert!(asks("写一篇论文摘要，主题为数据增强", "摘要"));
        assert!(asks("以一位历史教师的角色，解释观念主义", "解释"));
        assert!(!asks("为文章添加一个标题和一个精炼的摘要", "摘要"));
        assert!(!asks("判断是哪个星座，并列出特征", "描述"));
        assert!(!asks("给出文本的摘要，并以JSON格式返回", "摘要"));
        assert!(!Task::new("给出一篇新闻标题和一段简短的新闻报道").may_be("报道"));
        assert!(Task::new("撰写一篇关于观影的文章").may_be("文章"));
        assert!(Task::new("撰写一篇新闻报道").may_be("文章"));
        assert!(!Task::new("给出一篇英文作文题，问题涉及文化").may_be("文章"));
        assert!(!Task::new("编写一篇社论").may_be("对话"));
    }
}
