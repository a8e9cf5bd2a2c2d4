//! Language, person, phrases, titles, parts, decimals and code.

use crate::from_text::rule::Rule;

/// The rules, tried in order.
pub(super) const RULES: &[Rule] = &[
    // Language.
    Rule::new(
        "language",
        r#"{"language":"chinese"}"#,
        r"{head}{whole}?{must}(?:完全|全部|统一|只)?{write}(?:简体)?(?:中文|汉语)(?:进行)?(?:{show}|写|写成)?(?:回答|全文)?{tail}",
    ),
    Rule::new(
        "language",
        r#"{"language":"english"}"#,
        r"{head}{whole}?{must}(?:完全|全部|统一|只)?{write}(?:英文|英语)(?:进行)?(?:{show}|写|写成)?(?:回答|全文)?{tail}",
    ),
    // Person.
    Rule::new(
        "first_person",
        "{}",
        r"{head}{whole}?{must}{write}第一人称(?:的?(?:视角|角度|口吻|方式))?(?:来)?(?:进行)?(?:叙述|描述|讲述|书写|写作|撰写|表达|写)?{aim}{tail}",
    ),
    Rule::new(
        "no_first_person",
        "{}",
        r"{head}{whole}?(?:中)?{must}(?:避免|不要|不得|不|请勿|禁止)(?:使用|出现)第一人称(?:代词)?{tail}",
    ),
    // Words and phrases.
    Rule::new(
        "include_phrase",
        "{}",
        r"{head}(?:在)?(?:{whole}(?:中|里)?)?{must}(?:包含|包括|出现|提及|提到|使用|含有)(?:关键词|短语|词语|词|这句话|语句)?(?<phrase>{quote})(?:一词|这个词|这一词|字样|这句话|这一短语|这一关键词|的字样)?{tail}",
    ),
    Rule::new(
        "include_phrases",
        "{}",
        r"{head}(?:在)?(?:{whole}(?:中|里)?)?{must}(?:包含|包括|出现|提及|提到|使用|含有)(?:以下)?(?:(?<count>{num})个)?(?:关键词|短语|词语|词汇|词)?:?(?<phrases>{quote}(?:(?:和|与|、|及|以及|,){quote})+)(?:这?(?<count2>{num})个)?(?:这些)?等?(?:关键词和短语|关键词|短语|词语|词汇|词)?{tail}",
    ),
    Rule::new(
        "include_phrases",
        "{}",
        r"{head}(?:在)?(?:{whole}(?:中|里)?)?{must}(?:包含|包括|出现|使用)(?:以下|给定的|下列)(?:的?(?<count>{num})个)?(?:词汇|单词|关键词|词语|词):(?<phrases>{names}){tail}",
    ),
    Rule::new(
        "exclude_phrase",
        "{}",
        r"{head}(?:在)?(?:{whole}(?:中|里)?)?{must}(?:不得|不能|不要|不应|避免|禁止|不可|请勿|不)(?:包含|出现|使用|提及|提到)(?:词语|短语|词)?(?<phrase>{quote})(?:一词|这个词|字样|这句话)?{tail}",
    ),
    Rule::new(
        "starts_with",
        "{}",
        r"{head}{whole}?(?:的)?{must}以(?<phrase>{quote})(?:作为)?(?:开头|开始){tail}",
    ),
    Rule::new(
        "starts_with",
        "{}",
        r"{head}{whole}?(?:的)?开头{must}(?:是|为)(?<phrase>{quote}){tail}",
    ),
    Rule::new(
        "ends_with",
        "{}",
        r"{head}{whole}?(?:的)?{must}以(?<phrase>{quote})(?:作为)?(?:结尾|结束|结束语|收尾){tail}",
    ),
    Rule::new(
        "ends_with",
        "{}",
        r"{head}{whole}?(?:的)?结尾{must}(?:是|为)(?<phrase>{quote}){tail}",
    ),
    // Titles and parts.
    Rule::new(
        "titled",
        "{}",
        r"{head}{whole}?(?:的)?(?:引言|结论)?标题(?:格式)?(?:{must}(?:是|为)|:)(?<title>{quote}){tail}",
    ),
    Rule::new(
        "titled",
        "{}",
        r"{head}{whole}?(?:中)?{must}(?:包含|包括|有)标题(?<title>{quote}){tail}",
    ),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}{reports}(?:的?(?:结构|内容|格式))?(?:上)?(?:{must}完整,)?{must}(?:包含但不限于|包括但不限于|包含|包括|分为|由|涵盖)(?:以下)?(?:(?<count>{num})个)?(?:主要)?(?:部分:)?(?<names>{names}(?:与{name})?)(?:等|(?<count2>{num})个)?(?:主要|关键)?(?:部分|章节)(?:组成)?{tail}",
    ),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}{reports}(?:的?(?:结构|内容|格式))?{must}(?:包含|包括|分为)以下(?:(?<count>{num})个)?(?:主要)?(?:部分|章节):(?<names>{names})等?{tail}",
    ),
    Rule::new(
        "named_parts",
        "{}",
        r"{head}{reports}{must}(?:包含但不限于|包括但不限于)(?<names>{names}){tail}",
    ),
    // Numbers.
    Rule::new(
        "decimals",
        "{}",
        r"{head}(?:最终|计算)?(?:结果|答案)(?:的精度)?{must}(?:保留|精确|保持)(?:到|至|为|在)?(?:小数点后)?(?<n>{num})位(?:小数)?{tail}",
    ),
    Rule::new(
        "decimals",
        "{}",
        r"{head}{must}以小数点后(?<n>{num})位的精度(?:返回|给出|输出)(?:结果|答案){tail}",
    ),
    // Case.
    Rule::new(
        "all_uppercase",
        "{}",
        r"{head}{whole}?{must}(?:全部|完全)(?:使用|采用|用|以)大写(?:字母)?(?:书写|输出|呈现)?{tail}",
    ),
    // Code.
    Rule::new(
        "markup",
        r#"{"format":"code_block"}"#,
        r"{head}(?:{whole}(?:中|里)?)?{must}(?:包含|包括|提供|给出|附上|附有|有)(?:一个|一段|一份)?(?:代码示例|示例代码|代码块|代码片段|代码){tail}",
    ),
    Rule::new(
        "markup",
        r#"{"format":"comments"}"#,
        r"{head}(?:在)?代码(?:中|里)?{must}(?:包含|包括|添加|有|加入|附有)(?:必要的|相应的)?(?:代码)?注释{tail}",
    ),
    Rule::new(
        "code_language",
        "{}",
        r"{head}(?:代码|程序|程序代码|示例代码|算法|函数|脚本)?{must}{write}(?<name>python|java|javascript|typescript|c\+\+|sql|go|rust|ruby|php|c)(?:编程)?(?:语言|代码)?(?:来)?(?:进行)?(?:编写|实现|完成|开发|撰写)(?:代码|程序|算法|函数|脚本)?{tail}",
    ),
    Rule::new(
        "code_language",
        "{}",
        r"{head}输出格式{must}(?:是|为)(?:标准的?)?(?<name>python|java|javascript|typescript|c\+\+|sql|go|rust|ruby|php|c)(?:语句)?代码(?:形式|格式)?{tail}",
    ),
];
