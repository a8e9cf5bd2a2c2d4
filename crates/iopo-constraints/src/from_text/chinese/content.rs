//! Language, sentences, words, phrases, parts, numbers and code.

use crate::from_text::rule::Rule;

/// The rules, tried in order.
pub(super) const RULES: &[Rule] = &[
    // Language.
    Rule::new(
        "language",
        r#"{"language":"chinese"}"#,
        r"(?:请)?{whole}?{must}?(?:完全|全部|统一|只)?(?:{write})(?:简体)?(?:中文|汉语)(?:语言)?(?:进行)?(?:{show}|写)?{whole}?",
    ),
    Rule::new(
        "language",
        r#"{"language":"english"}"#,
        r"(?:请)?(?:{whole}|销售页面)?{must}?(?:完全|全部|统一|只)?(?:{write})(?:澳大利亚|美式|英式)?(?:英文|英语)(?:语言)?(?:进行)?(?:{show}|写)?{whole}?",
    ),
    // Person.
    Rule::new(
        "first_person",
        "{}",
        r"{whole}?{must}?{must}?(?:{write})(?:{any}的)?第一人称(?:的?(?:视角|角度|口吻|方式))?(?:来)?(?:进行)?(?:{show}|书写|写)?",
    ),
    Rule::new(
        "no_first_person",
        "{}",
        r"{whole}?(?:中)?{must}?(?:避免|不要|不得|不|请勿|禁止)(?:使用|出现)第一人称(?:代词)?",
    ),
    // Words and phrases.
    Rule::new(
        "include_phrase",
        "{}",
        r"(?:{whole}|文中|标题|文章|最后)?(?:中|里)?(?:的)?{must}?{must}?(?:包含|包括|出现|提及|提到|使用|含有)(?:标题|关键词|短语|词语|词|字样|这句话|语句)?(?<phrase>{quote})(?:一词|这个词|这一词|字样|这句话|这一短语|这一关键词|的字样)?",
    ),
    Rule::new(
        "include_phrase",
        "{}",
        r"(?:{whole}|论文|引言|结论|副|活动简讯的?)?(?:的)?标题(?:格式)?{must}?(?:是|为)(?<phrase>{quote})",
    ),
    Rule::new(
        "exclude_phrase",
        "{}",
        r"(?:{whole})?(?:中|里)?{must}?(?:不得|不能|不要|不应|避免|禁止|不可|请勿|不)(?:包含|出现|使用|提及|提到)(?:词语|短语|词|字样)?(?<phrase>{quote})(?:一词|这个词|字样|这句话)?",
    ),
    Rule::new(
        "starts_with",
        "{}",
        r"{whole}?(?:的)?{must}?以(?<phrase>{quote})(?:作为)?(?:开头|开始)",
    ),
    Rule::new("starts_with", "{}", r"{whole}?(?:的)?开头{must}?(?:是|为)(?<phrase>{quote})"),
    Rule::new(
        "ends_with",
        "{}",
        r"{whole}?(?:的)?{must}?以(?<phrase>{quote})(?:作为)?(?:结尾|结束|结束语|收尾)",
    ),
    Rule::new("ends_with", "{}", r"{whole}?(?:的)?结尾{must}?(?:是|为)(?<phrase>{quote})"),
    Rule::new(
        "include_phrase",
        "{}",
        r"(?:{whole}|函数|函数名|对象|对象名|对象名称|类名|文件名|变量名|论文标题|报告标题|文章标题|标题)(?:的)?(?:名称?)?{must}?(?:是|为|:)(?<phrase>{quote})",
    ),
    Rule::new(
        "include_phrase",
        "{}",
        r"(?:在\w{1,8}时)?{must}?(?:使用|运行|输入|检查|引用|实现|{any}方法|导入|提及|明确提及|通过)(?<phrase>{quote})(?:命令|标签|方法|函数|关键字|模块|库|文件|语句|操作符|属性|指令|类|接口|协议|语法){object}",
    ),
    Rule::new("include_phrase", "{}", r"{must}?实现{any}方法(?<phrase>{quote})"),
    Rule::new(
        "include_phrases",
        "{}",
        r"{must}?(?:使用|导入|明确提及|提及|引用)(?<phrases>{quote}(?:(?:和|与|、|及|以及|,){quote})+)(?:这两个)?(?:命令|标签|方法|函数|关键字|模块|库|的概念){object}",
    ),
    Rule::new(
        "include_phrase",
        "{}",
        r"{any}(?:显示|备注|标注|命名为|名为|回复|标题|突出:|存在)(?:姓名|年龄|一个)?(?<phrase>{quote})(?:开始|的表|按钮|的文件|的函数|的类|的变量|的字段|的方法)?",
    ),
    Rule::new(
        "include_phrase",
        "{}",
        r"{any}(?:包含|包括|提供)一个(?:名为)?(?<phrase>{quote})的?(?:按钮|表|链接|函数|类|方法|字段|选项)",
    ),
    Rule::new("include_phrase", "{}", r"{any}以(?<phrase>{quote})为(?:标题|题目|函数名|类名)"),
    Rule::new(
        "include_phrases",
        "{}",
        r"{any}(?:包含|使用|包括|出现)(?:以下|给定的|下列)(?:的?(?<count>{num})个)?(?:词汇|单词|关键词|词语|词):(?<phrases>{names})",
    ),
    Rule::new("include_phrases", "{}", r"用h2标题(?<phrases>{quote}(?:以及|和|与){quote})分段"),
    Rule::new(
        "include_phrase",
        "{}",
        r"[^,:;\d\x{E000}-\x{F8FF}]{0,8}(?:使用|采用|通过|引入)(?:(?:python|java|javascript)的? ?)?(?<word>[a-z][a-z0-9_.\-]+)(?:库|模块|框架|命令|函数){object}",
    ),
    Rule::new(
        "code_language",
        "{}",
        r"{any}以(?<name>python|java|sql|javascript)(?:语句|代码)的?形式{show}{object}",
    ),
    Rule::new(
        "code_language",
        "{}",
        r"{any}格式{must}?(?:是|为)(?:标准的?)?(?<name>python|java|javascript|c\+\+|sql|go|rust|ruby|php|c|r)(?:语句)?代码(?:形式|格式)?",
    ),
    Rule::new("table", "{}", r"(?:确保)?表格{must}?包含标题行"),
    Rule::new("json_keys", "{}", r"{any}置于(?<keys>{quote})键之下"),
    Rule::new(
        "decimals",
        "{}",
        r"{any}(?:保留|精确|保持|精度要求)(?:到|至|为|在)?(?:小数点后)?(?<n>{num})位(?:小数)?(?:的精度)?",
    ),
    Rule::new("decimals", "{}", r"以小数点后(?<n>{num})位的精度返回结果"),
    Rule::new(
        "markup",
        r#"{"format":"link"}"#,
        r"{any}(?:附上|提供|包含|包括|列出){any}链接{object}",
    ),
    Rule::new(
        "all_uppercase",
        "{}",
        r"(?:{whole}|宣传语)?{must}?(?:全部|完全)?(?:使用|采用|用|以)大写(?:字母)?(?:书写|输出|呈现|形式呈现)?",
    ),
    // Parts with names.
    Rule::new(
        "named_parts",
        "{}",
        r"(?:{paper}|{essay}|输出格式{must}?为(?:结构化的?|一份)?报告,?|回答{must}?以[^,:;]{0,6}报告的形式呈现,)(?:的?(?:结构|内容|格式))?(?:应完整,)?(?:上)?{must}?{must}?(?:包含|包括|分为|由|涵盖)(?:以下)?(?:(?<count>{num})个)?(?:主要)?(?:部分:)?(?<names>{names})(?:等?(?:主要|关键)?(?:部分|章节)|等)(?:组成)?",
    ),
    Rule::new(
        "named_parts",
        "{}",
        r"(?:{paper}|{essay})(?:的?(?:结构|内容|格式))?{must}?{must}?(?:包含|包括|分为)以下(?:(?<count>{num})个)?(?:主要)?(?:部分|章节):(?<names>{names})等?",
    ),
    // Code.
    Rule::new(
        "markup",
        r#"{"format":"code"}"#,
        r"{any}(?:包含|包括|提供|给出|附上|附|有|插入|使用|展示|需要)(?:一个|一段|相关的?|完整的|具体的|详细的|必要的|正确的|实际的)*(?:可运行的)?(?:[a-z]*)?(?:代码示例|示例代码|代码块|代码片段|代码片段示例|代码实例|实例代码|代码案例|代码){object}",
    ),
    Rule::new(
        "markup",
        r#"{"format":"code"}"#,
        r"{any}{write}(?:markdown)?(?:代码块|代码片段|代码)(?:的?形式|的?格式)(?:来|进行)?{show}{object}",
    ),
    Rule::new(
        "markup",
        r#"{"format":"comments"}"#,
        r"{any}(?:包含|包括|添加|提供|有|附有|加入|附上|附带|加上)(?:必要的|详细的|清晰的|适当的|充分的|足够的|相应的|完整的)?(?:代码)?注释(?:说明)?{object}",
    ),
    Rule::new(
        "code_language",
        "{}",
        r"{any}{write}(?<name>python|java|javascript|c\+\+|sql|go|rust|ruby|php|c|r)(?:编程)?(?:语言|代码)?(?:来)?(?:进行)?(?:编写|实现|完成|开发|撰写){object}",
    ),
    Rule::new(
        "max_code_lines",
        "{}",
        r"{code}{must}?{keep}{at}{most}(?<n>{num})行(?:以内)?(?:代码)?{comments}",
    ),
    Rule::new(
        "max_code_lines",
        "{}",
        r"{code}{must}?{keep}{at}(?<n>{num})行(?:代码)?(?:以内|之内){comments}",
    ),
    Rule::new(
        "min_code_lines",
        "{}",
        r"{code}{must}?{keep}{at}(?:包含)?{least}(?:包含)?(?<n>{num})行(?:代码)?",
    ),
    // Sentences, paragraphs and lines.
    Rule::new(
        "max_sentences",
        "{}",
        r"(?:概括性)?{whole}?{size}?{must}?{keep}{at}{most}(?<n>{num})(?:句|句话|个句子)(?:以内)?",
    ),
    Rule::new(
        "max_sentences",
        "{}",
        r"(?:输出的)?句子(?:的)?数量?{must}?{keep}{at}{most}为?(?<n>{num})句",
    ),
    Rule::new(
        "max_sentences",
        "{}",
        r"{whole}?{size}?{must}?{keep}{at}(?<n>{num})(?:句|句话)(?:以内|之内)",
    ),
    Rule::new(
        "min_sentences",
        "{}",
        r"{whole}?{size}?{must}?{keep}{at}(?:包含)?{least}(?:包含|有)?(?<n>{num})(?:句|句话|个句子)",
    ),
    Rule::new(
        "exact_sentences",
        "{}",
        r"{whole}?{must}?{write}(?<n>{num})句话(?:来)?(?:回答|概括|总结|描述|说明|完成|写成)?{whole}?",
    ),
    Rule::new(
        "exact_paragraphs",
        "{}",
        r"{whole}?{must}?(?:分为|分成|由|共|包含|写)(?<n>{num})(?:个段落|段)(?:组成|构成)?",
    ),
    Rule::new(
        "max_words",
        "{}",
        r"{whole}?(?:的)?(?:字数|单词数|词数|长度)?{must}?{keep}{at}{most}(?<n>{num})(?:个单词|单词|个词|词)",
    ),
    Rule::new(
        "max_words",
        "{}",
        r"{whole}?(?:的)?(?:字数|单词数|词数|长度)?{must}?{keep}{at}(?<n>{num})(?:个单词|单词|个词|词)(?:以内|之内)",
    ),
    Rule::new(
        "min_words",
        "{}",
        r"{whole}?(?:的)?(?:字数|单词数|词数|长度)?{must}?{keep}{at}{least}为?(?<n>{num})(?:个单词|单词|个词|词)",
    ),
];
