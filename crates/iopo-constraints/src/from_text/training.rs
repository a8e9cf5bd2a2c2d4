//! Words at certain places or an exact number of times, letters, periods, brackets: the kinds of IFTrain.

use super::rule::Rule;

/// The rules for English texts, tried after the others.
pub(super) const ENGLISH: &[Rule] = &[
    Rule::new(
        "word_once",
        "{}",
        r"{sure}(?:use|mention|include)(?: the (?:word|keyword))? (?<word>{quote}) (?:exactly|only) (?:once|one time){in}",
    ),
    Rule::new(
        "word_once",
        "{}",
        r"{sure}the (?:word|keyword) (?<word>{quote}) {must} (?:appear|occur|be used) (?:exactly|only) (?:once|one time){in}",
    ),
    Rule::new(
        "exact_frequency",
        "{}",
        r"{sure}(?:use|mention|include)(?: the (?:word|keyword))? (?<word>{quote}) exactly (?<n>{num}) times{in}",
    ),
    Rule::new(
        "exact_frequency",
        "{}",
        r"{sure}(?:use|mention|include)(?: the (?:word|keyword))? (?<word>{quote}) (?<n>{num}) times, no more and no fewer",
    ),
    Rule::new(
        "exact_frequency",
        "{}",
        r"{sure}the (?:word|keyword) (?<word>{quote}) {must} (?:appear|occur|be used) exactly (?<n>{num}) times{in}",
    ),
    Rule::new(
        "once_and_twice",
        "{}",
        r"{sure}(?:use|mention|include)(?: the (?:word|keyword))? (?<first>{quote}) exactly (?:once|one time),? and(?: the (?:word|keyword))? (?<second>{quote}) exactly (?:twice|two times){in}",
    ),
    Rule::new(
        "once_and_twice",
        "{}",
        r"{sure}the (?:word|keyword) (?<first>{quote}) {must} (?:appear|occur) (?:exactly )?once,? and the (?:word|keyword) (?<second>{quote}) {must} (?:appear|occur) (?:exactly )?twice{in}",
    ),
    Rule::new(
        "word_at_position",
        "{}",
        r"{sure}the word (?<word>{quote}) {must} be word (?:number )?(?<position>{num}) of sentence (?:number )?(?<sentence>{num})",
    ),
    Rule::new(
        "word_at_position",
        "{}",
        r"{sure}use the word (?<word>{quote}) as the (?<position>\d+)(?:st|nd|rd|th) word of the (?<sentence>\d+)(?:st|nd|rd|th) sentence",
    ),
    Rule::new(
        "word_at_position",
        "{}",
        r"{sure}(?:place|put) the word (?<word>{quote}) at position (?<position>{num}) of sentence (?<sentence>{num})",
    ),
    // The first and the last word.
    Rule::new("first_word", "{}", r"{sure}the first word of {whole} {must} be (?<word>{quote})"),
    Rule::new("first_word", "{}", r"{sure}make (?<word>{quote}) the first word of {whole}"),
    Rule::new("first_word", "{}", r"{sure}{whole} {must} have (?<word>{quote}) as its first word"),
    Rule::new("last_word", "{}", r"{sure}the last word of {whole} {must} be (?<word>{quote})"),
    Rule::new("last_word", "{}", r"{sure}make (?<word>{quote}) the last word of {whole}"),
    Rule::new("last_word", "{}", r"{sure}{whole} {must} have (?<word>{quote}) as its last word"),
    Rule::new(
        "sentence_starts",
        "{}",
        r"{sure}(?:start|begin) (?:every|each) sentence with the word (?<word>{quote})",
    ),
    Rule::new(
        "sentence_starts",
        "{}",
        r"{sure}the first word of (?:every|each) sentence {must} be (?<word>{quote})",
    ),
    Rule::new(
        "sentence_starts",
        "{}",
        r"{sure}(?:every|each) sentence {must} (?:start|begin) with the word (?<word>{quote})",
    ),
    Rule::new(
        "sentence_ends",
        "{}",
        r"{sure}end (?:every|each) sentence with the word (?<word>{quote})",
    ),
    Rule::new(
        "sentence_ends",
        "{}",
        r"{sure}the last word of (?:every|each) sentence {must} be (?<word>{quote})",
    ),
    Rule::new(
        "sentence_ends",
        "{}",
        r"{sure}(?:every|each) sentence {must} end with the word (?<word>{quote})",
    ),
    Rule::new(
        "same_ends",
        "{}",
        r"{sure}the first and the last word of {whole} {must} be the same",
    ),
    Rule::new("same_ends", "{}", r"{sure}end {whole} with the word that it (?:starts|begins) with"),
    Rule::new(
        "same_ends",
        "{}",
        r"{sure}{whole} {must} (?:start|begin) and end with the same word",
    ),
    Rule::new(
        "no_same_ends",
        "{}",
        r"{sure}the first and the last word of {whole} {must} not be the same",
    ),
    Rule::new(
        "no_same_ends",
        "{}",
        r"{sure}do not end {whole} with the word that it (?:starts|begins) with",
    ),
    Rule::new(
        "no_same_ends",
        "{}",
        r"{sure}{whole} {must} not (?:start|begin) and end with the same word",
    ),
    // Letters and case.
    Rule::new(
        "min_letters",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{least} (?<n>{num}) letters{in}",
    ),
    Rule::new(
        "max_letters",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{most} (?<n>{num}) letters{in}",
    ),
    Rule::new("max_letters", "{}", r"{sure}keep {whole} to (?<n>{num}) letters or fewer"),
    Rule::new(
        "min_lowercase_words",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{least} (?<n>{num}) (?:lower-case|lowercase) words?{in}",
    ),
    Rule::new(
        "max_lowercase_words",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{most} (?<n>{num}) (?:lower-case|lowercase) words?{in}",
    ),
    Rule::new(
        "max_lowercase_words",
        "{}",
        r"{sure}keep {whole} to (?<n>{num}) (?:lower-case|lowercase) words? or fewer",
    ),
    Rule::new(
        "no_consecutive_initials",
        "{}",
        r"{sure}avoid (?:neighboring|adjacent) words that start with consecutive letters of the alphabet",
    ),
    Rule::new(
        "no_consecutive_initials",
        "{}",
        r"{sure}(?:neighboring|adjacent) words must not start with consecutive letters of the alphabet",
    ),
    Rule::new(
        "no_consecutive_initials",
        "{}",
        r"{sure}do not put two words side by side that start with consecutive letters of the alphabet",
    ),
    // Periods and brackets.
    Rule::new(
        "no_periods",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |contain |include )?(?:any )?(?:periods|dots)(?: in {whole})?",
    ),
    Rule::new("no_periods", "{}", r"{sure}write {whole} without a single period"),
    Rule::new(
        "bracketed_words",
        "{}",
        r"{sure}(?:put|enclose|wrap) (?:every|each) word(?: of {whole})? in square brackets(?:, such as \[this\])?",
    ),
    Rule::new(
        "bracketed_words",
        "{}",
        r"{sure}(?:every|each) word {must} (?:stand|be) in square brackets(?:, such as \[this\])?",
    ),
    Rule::new(
        "wrapped_pairs",
        "{}",
        r"{sure}(?:put|enclose|wrap) (?:every two words|(?:every|each) pair of words)(?: of {whole})? in double angle brackets(?:, such as <<like this>>|: <<i am>> <<here now>>)?",
    ),
    Rule::new(
        "even_parts",
        "{}",
        r"{sure}write (?<parts>{num}) parts with \*\*\* on a line between them, each with exactly (?<sentences>{num}) sentences? of exactly (?<words>{num}) words",
    ),
    Rule::new(
        "even_parts",
        "{}",
        r"{sure}{whole} {must} have (?<parts>{num}) parts, separated by lines of \*\*\*; every part must have (?<sentences>{num}) sentences? of (?<words>{num}) words",
    ),
    Rule::new(
        "even_parts",
        "{}",
        r"{sure}divide {whole} into (?<parts>{num}) parts with a line of \*\*\* between them\. each part must consist of (?<sentences>{num}) sentences?, and each sentence of (?<words>{num}) words",
    ),
];

/// The rules for Chinese texts, tried after the others.
pub(super) const CHINESE: &[Rule] = &[
    Rule::new(
        "word_once",
        "{}",
        r"{head}(?:{whole}(?:中|里)?)?(?:词语|单词|关键词)?(?<word>{quote}){must}恰好(?:出现|使用)一次",
    ),
    Rule::new(
        "exact_frequency",
        "{}",
        r"{head}(?:{whole}(?:中|里)?)?(?:词语|单词|关键词)?(?<word>{quote}){must}恰好(?:出现|使用)(?<n>{num})次",
    ),
    Rule::new(
        "once_and_twice",
        "{}",
        r"{head}(?:词语|单词|关键词)?(?<first>{quote}){must}恰好出现一次,(?:词语|单词|关键词)?(?<second>{quote}){must}恰好出现两次",
    ),
    Rule::new(
        "word_at_position",
        "{}",
        r"{head}第(?<sentence>{num})句的第(?<position>{num})个(?:词|单词){must}是(?<word>{quote})",
    ),
    Rule::new("first_word", "{}", r"{head}{whole}的第一个(?:词|单词){must}是(?<word>{quote})"),
    Rule::new("last_word", "{}", r"{head}{whole}的最后一个(?:词|单词){must}是(?<word>{quote})"),
    Rule::new(
        "sentence_starts",
        "{}",
        r"{head}(?:每句话|每个句子|每句)都?{must}以(?:词语|单词)?(?<word>{quote})(?:开头|开始)",
    ),
    Rule::new(
        "sentence_starts",
        "{}",
        r"{head}(?:每句话|每个句子|每句)的第一个(?:词|单词){must}是(?<word>{quote})",
    ),
    Rule::new(
        "sentence_ends",
        "{}",
        r"{head}(?:每句话|每个句子|每句)都?{must}以(?:词语|单词)?(?<word>{quote})(?:结尾|结束)",
    ),
    Rule::new(
        "sentence_ends",
        "{}",
        r"{head}(?:每句话|每个句子|每句)的最后一个(?:词|单词){must}是(?<word>{quote})",
    ),
    Rule::new("same_ends", "{}", r"{head}{whole}的第一个词和最后一个词{must}相同"),
    Rule::new("no_same_ends", "{}", r"{head}{whole}的第一个词和最后一个词(?:不得|不能|不应)相同"),
    Rule::new(
        "min_letters",
        "{}",
        r"{head}{whole}{must}(?:包含)?{least}(?:包含)?(?<n>{num})个字母",
    ),
    Rule::new("max_letters", "{}", r"{head}{whole}{must}(?:包含)?{most}(?:包含)?(?<n>{num})个字母"),
    Rule::new(
        "min_lowercase_words",
        "{}",
        r"{head}{whole}{must}(?:包含)?{least}(?:包含)?(?<n>{num})个小写单词",
    ),
    Rule::new(
        "max_lowercase_words",
        "{}",
        r"{head}{whole}{must}(?:包含)?{most}(?:包含)?(?<n>{num})个小写单词",
    ),
    Rule::new(
        "no_consecutive_initials",
        "{}",
        r"{head}相邻两个单词的首字母(?:不得|不能|不应)是字母表中相邻的字母",
    ),
    Rule::new(
        "no_periods",
        "{}",
        r"{head}(?:{whole}(?:中|里)?)?(?:不使用|不得使用|不要使用|避免使用|不得出现|不要出现)(?:任何)?句号",
    ),
    Rule::new("bracketed_words", "{}", r"{head}每个(?:词|单词)都?{must}放在方括号(?:中|里)"),
    Rule::new("wrapped_pairs", "{}", r"{head}每两个(?:词|单词){must}放在一对双尖括号(?:中|里)"),
    Rule::new(
        "even_parts",
        "{}",
        r"{head}{whole}{must}分为(?<parts>{num})部分,用单独一行的\*\*\*隔开,每部分(?<sentences>{num})句,每句(?<words>{num})个单词",
    ),
];
