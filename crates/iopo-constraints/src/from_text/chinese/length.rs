//! The length of the response in characters.

use crate::from_text::rule::Rule;

/// The rules, tried in order.
pub(super) const RULES: &[Rule] = &[
    // Characters.
    Rule::new(
        "max_chars",
        "{}",
        r"{sure}?{whole}?{size}?{must}?{keep}{at}{most}(?<n>{num}){chars}(?:以内|之内)?",
    ),
    Rule::new(
        "max_chars",
        "{}",
        r"{sure}?{whole}?{size}?{must}?{keep}{at}(?<n>{num}){chars}(?:以内|之内|内|以下)(?:表达|完成)?",
    ),
    Rule::new(
        "min_chars",
        "{}",
        r"{sure}?{whole}?{size}?{must}?{keep}{at}(?:包含)?{least}(?:包含|写|有|为)?(?<n>{num}){chars}(?:以上|的范围内)?",
    ),
    Rule::new(
        "min_chars",
        "{}",
        r"{sure}?{whole}?{size}?{must}?{keep}{at}(?<n>{num}){chars}(?:以上|及以上)",
    ),
    Rule::new(
        "max_chars",
        "{}",
        r"{sure}?{whole}?{size}?{must}?(?:严格)?限制[在为](?<n>{num}){chars}",
    ),
    Rule::new(
        "min_chars",
        "{}",
        r"{whole}?{size}?{must}?{keep}(?:超过|大于|多于|高于)(?<over>{num}){chars}",
    ),
    Rule::new(
        "max_chars",
        "{}",
        r"{whole}?{size}?{must}?{keep}(?:少于|小于|低于)(?<under>{num}){chars}",
    ),
    Rule::new(
        "char_range",
        "{}",
        r"{sure}?{whole}?{size}?{must}?{keep}{at}(?<low>{num}){chars}?{dash}(?<high>{num}){chars}(?:之间|之間|以内|范围内|的范围内)?",
    ),
    Rule::new(
        "char_range",
        "{}",
        r"{sure}?{whole}?{size}?{must}?{keep}{at}{least}(?<low>{num}){chars},?(?:但|且|并且|同时|而)?(?:控制在|{most})(?<high>{num}){chars}(?:以内)?",
    ),
    Rule::new(
        "char_range",
        "{}",
        r"{whole}?{size}?{must}?{keep}{at}(?<about>{num}){chars}(?:左右|上下)",
    ),
    Rule::new(
        "char_range",
        "{}",
        r"{whole}?{size}?{must}?{keep}{at}(?:大约|约|约为|大概|大约为|大致)(?<about>{num}){chars}(?:左右)?",
    ),
    Rule::new(
        "char_range",
        "{}",
        r"{whole}?{size}?{must}?{keep}约?{at}(?<low>{num}){dash}(?<high>{num}){chars}(?:之间)?",
    ),
];
