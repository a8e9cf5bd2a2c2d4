//! The rules for English texts. Patterns list every word that they accept.

use super::rule::Rule;

/// Parts of patterns, by name. A part may name earlier ones.
pub(super) const PARTS: &[(&str, &str)] = &[
    (
        "num",
        r"(?:\d[\d,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty)",
    ),
    ("the", r"(?:(?:the|your|this|a|an|my|its) )"),
    // Nouns for the whole response. A text about another noun maps to nothing.
    (
        "noun",
        r"(?:(?:entire |whole |full |final |overall |complete )?(?:answer|response|reply|output|text|essay|article|story|report|email|letter|speech|blog post|message|content|poem|solution)(?: as a whole)?)",
    ),
    ("whole", r"(?:{the}?{noun}|everything)"),
    ("must", r"(?:must|should|shall|has to|have to|needs to|need to|is to|will|ought to)"),
    ("sure", r"(?:(?:please |make sure (?:that )?|ensure (?:that )?|be sure to )*)"),
    (
        "total",
        r"(?:(?:{the}?(?:total )?(?:length|word count|number of words)(?: of {whole})?)|{whole}(?:'s length)?)",
    ),
    (
        "most",
        r"(?:at most|no more than|not more than|no longer than|a maximum of|a max of|up to|not over|within|under)",
    ),
    (
        "least",
        r"(?:at least|no fewer than|no less than|not less than|not fewer than|a minimum of|more than or equal to)",
    ),
    ("words", r"(?:words?)"),
    ("long", r"(?: long| in length| in total| overall)?"),
    (
        "have",
        r"(?:use|write|contain|contains|have|has|be|is|include|includes|consist of|consists of|answer in|respond in|reply in|span|run to|keep it to|keep {whole} to|keep {whole}|limit {whole} to|be limited to|stay|remain|give|provide|produce|be written in|written in|make it|make {whole})",
    ),
    ("in", r"(?: in {whole}| to {whole})?"),
    ("quote", r"[\x{E000}-\x{F8FF}]"),
    ("quotes", r"(?:{quote}(?:(?:, and |, | and ){quote})*)"),
    // The purpose of the demand.
    (
        "aim",
        r"(?:,? (?:so that it is easy to read|to make it easy to read|to make it easier to read|for readability|for better readability|for easy reading|to improve readability|for clarity))?",
    ),
    ("element", r"(?:headings|subheadings|lists|numbered lists|bullet points|tables)"),
    ("never", r"(?:do not|don't|never|must not|should not|may not|avoid|refrain from)"),
];

/// The rules, tried in order.
pub(super) const RULES: &[&[Rule]] = &[&[
    // Words.
    Rule::new(
        "word_range",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?between (?<low>{num}) and (?<high>{num}) words{long}{in}",
    ),
    Rule::new(
        "word_range",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?(?:from )?(?<low>{num})(?: to |-| - )(?<high>{num}) words{long}{in}",
    ),
    Rule::new(
        "word_range",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?{least} (?<low>{num})(?: words)? (?:but|and) (?:at most|no more than|not more than) (?<high>{num}) words{long}{in}",
    ),
    Rule::new(
        "word_range",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?(?:about|around|approximately|roughly) (?<about>{num}) words{long}{in}",
    ),
    Rule::new(
        "max_words",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?{most} (?<n>{num}) {words}{long}{in}",
    ),
    Rule::new(
        "max_words",
        "{}",
        r"{sure}(?:{total} )?(?:(?:{must}|may|can) not|cannot|does not|should not|may not|do not|don't) (?:exceed|be longer than|be more than|write more than|use more than|contain more than|go over) (?<n>{num}) {words}{long}{in}",
    ),
    Rule::new(
        "max_words",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?(?<n>{num}) {words} or (?:fewer|less)(?:{in})",
    ),
    Rule::new(
        "max_words",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?(?:fewer than|less than) (?<under>{num}) {words}{long}{in}",
    ),
    Rule::new("max_words", "{}", r"{sure}limit {whole} to (?<n>{num}) {words}"),
    Rule::new(
        "min_words",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?{least} (?<n>{num}) {words}{long}{in}",
    ),
    Rule::new(
        "min_words",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?(?<n>{num}) {words}(?: long)? or (?:more|longer)",
    ),
    Rule::new(
        "min_words",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?more than (?<over>{num}) {words}{long}{in}",
    ),
    // Chinese characters.
    Rule::new(
        "max_chars",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?{most} (?<n>{num}) chinese characters{long}",
    ),
    Rule::new(
        "max_chars",
        "{}",
        r"{sure}(?:{total} )?(?:(?:{must}|may|can) not|do not) (?:exceed|be longer than|write more than) (?<n>{num}) chinese characters{long}",
    ),
    Rule::new(
        "min_chars",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?{least} (?<n>{num}) chinese characters{long}",
    ),
    Rule::new(
        "char_range",
        "{}",
        r"{sure}(?:{total} )?(?:{must} )?(?:{have} )?(?:between )?(?<low>{num})(?: and | to |-)(?<high>{num}) chinese characters{long}",
    ),
    // Sentences and paragraphs.
    Rule::new(
        "exact_sentences",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?(?:exactly|precisely) (?<n>{num}) sentences?{long}(?:, no more and no fewer)?",
    ),
    Rule::new(
        "max_sentences",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{most} (?<n>{num}) sentences?{long}",
    ),
    Rule::new(
        "max_sentences",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?(?<n>{num}) sentences or (?:fewer|less)",
    ),
    Rule::new(
        "max_sentences",
        "{}",
        r"{sure}(?:{whole} )?(?:(?:{must}|may|can) not|do not|cannot) (?:exceed|be longer than|use more than|write more than) (?<n>{num}) sentences?",
    ),
    Rule::new(
        "min_sentences",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{least} (?<n>{num}) sentences?{long}",
    ),
    Rule::new(
        "min_sentences",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?(?<n>{num}) sentences or more",
    ),
    Rule::new(
        "exact_paragraphs",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?exactly (?<n>{num}) paragraphs?{long}(?:, separated by blank lines)?",
    ),
    // Words and phrases.
    Rule::new(
        "include_word",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:include|use|mention|contain|make sure to mention) the (?:word|keyword|term) (?<word>{quote}){in}(?: at least once)?",
    ),
    Rule::new(
        "include_word",
        "{}",
        r"{sure}the (?:word|keyword|term) (?<word>{quote}) (?:{must}) (?:appear|occur|be used|be mentioned)(?: in {whole})?",
    ),
    Rule::new(
        "include_words",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:include|use|mention|contain)(?: both)?(?: the words)? (?<first>{quote}) and (?<second>{quote}){in}",
    ),
    Rule::new(
        "word_frequency",
        "{}",
        r"{sure}(?:use|mention|include)(?: the word)? (?<word>{quote}) at least (?<n>{num}) times",
    ),
    Rule::new(
        "word_frequency",
        "{}",
        r"{sure}the word (?<word>{quote}) {must} (?:appear|occur) at least (?<n>{num}) times",
    ),
    Rule::new(
        "exclude_word",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |include |including |mention |mentioning |contain )?(?:the )?(?:word|term) (?<word>{quote}){in}",
    ),
    Rule::new(
        "exclude_word",
        "{}",
        r"{sure}the (?:word|term) (?<word>{quote}) (?:must|should|may) (?:not|never) (?:appear|occur|be used)(?: in {whole})?",
    ),
    Rule::new("exclude_word", "{}", r"{sure}write {whole} without the word (?<word>{quote})"),
    Rule::new(
        "include_phrase",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:include|use|contain|mention) the (?:exact )?(?:phrase|title|expression|sentence) (?<phrase>{quote}){in}",
    ),
    Rule::new(
        "include_phrase",
        "{}",
        r"{sure}the (?:exact )?(?:phrase|expression|sentence) (?<phrase>{quote}) {must} (?:appear|occur|be used)(?: in {whole})?",
    ),
    Rule::new(
        "include_phrases",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:include|use|contain|mention) the (?:(?<count>{num}) )?(?:phrases|words|keywords|terms|expressions):? (?<phrases>{quotes}){in}",
    ),
    Rule::new(
        "exclude_phrase",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |include |including )?(?:the )?(?:phrase|expression) (?<phrase>{quote}){in}",
    ),
    Rule::new(
        "exclude_phrase",
        "{}",
        r"{sure}the phrase (?<phrase>{quote}) (?:must|should|may) (?:not|never) (?:appear|occur|be used)(?: in {whole})?",
    ),
    Rule::new(
        "starts_with",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:start|begin|open)(?: {whole})? with(?: the (?:phrase|words?|sentence))? (?<phrase>{quote})",
    ),
    Rule::new(
        "ends_with",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:end|finish|close|conclude)(?: {whole})? with(?: the (?:phrase|words?|sentence))? (?<phrase>{quote})",
    ),
    // Lists.
    Rule::new(
        "exact_bullets",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?(?:{whole} as )?(?:a bulleted list (?:with|of) )?exactly (?<n>{num}) (?:bullet points?|bullets)",
    ),
    Rule::new(
        "min_bullets",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?{least} (?<n>{num}) (?:bullet points?|bullets)",
    ),
    Rule::new(
        "exact_numbered",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?(?:{whole} as )?a numbered list (?:of|with)(?: exactly)? (?<n>{num}) items?",
    ),
    Rule::new(
        "min_numbered",
        "{}",
        r"{sure}(?:{whole} )?(?:{must} )?(?:{have} )?a numbered list (?:of|with) {least} (?<n>{num}) items?",
    ),
    Rule::new(
        "min_bullets",
        r#"{"n":2}"#,
        r"{sure}(?:{whole} {must} )?(?:use|be in|be formatted with|be written in|format {whole} with|format {whole} as|present {whole} as|present {whole} in)(?: a)? (?:bullet points|bulleted list|bullet list)",
    ),
    Rule::new(
        "min_numbered",
        r#"{"n":2}"#,
        r"{sure}(?:{whole} {must} )?(?:use|be|include|contain|be formatted as|be presented as|format {whole} as|present {whole} as|give {whole} as) a numbered list",
    ),
    Rule::new(
        "no_lists",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |include |including )?(?:any )?(?:bullet points (?:or|and|nor) numbered lists|lists)",
    ),
    // Layout.
    Rule::new(
        "json_object",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:be|use|answer|respond|reply|be given|be returned|be provided|be formatted|return {whole}|give {whole}|format {whole}|provide {whole}|present {whole}|output {whole}|wrap {whole})(?: in| as| with)?(?: a| an| one)?(?: single)?(?: valid)? json object(?: and nothing else)?",
    ),
    Rule::new(
        "json",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:be|use|answer|respond|reply|be given|be returned|be provided|be formatted|return {whole}|give {whole}|format {whole}|provide {whole}|present {whole}|output {whole})(?: in| as| with)?(?: valid)? json(?: format)?(?: and nothing else)?",
    ),
    Rule::new(
        "json_array",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:be|answer|respond|be given|return {whole}|give {whole}|format {whole}|output {whole})(?: in| as| with)?(?: a| an)?(?: single)?(?: valid)? json array(?: and nothing else)?",
    ),
    Rule::new(
        "json_keys",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:be|answer|respond|return|return {whole}|give {whole}|output)(?: in| as| with)?(?: a| an)?(?: valid)? json object with the (?:keys?|fields?) (?<keys>{quotes})",
    ),
    Rule::new(
        "table_columns",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:include|use|contain|present {whole} in|be)(?: a)?(?: markdown)? table with the (?:(?<count>{num}) )?columns (?<columns>{quotes})",
    ),
    Rule::new(
        "table",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:include|use|contain|be|present {whole} (?:as|in)|present the information (?:as|in)|be presented (?:as|in)|organize {whole} in)(?: a)?(?: markdown)? table(?: format)?",
    ),
    Rule::new(
        "markup",
        r#"{"format":"markdown"}"#,
        r"{sure}(?:{whole} {must} )?(?:use|be in|be written in|be formatted in|be formatted with|format {whole} (?:in|with|as|using)|write {whole} in|present {whole} in|output {whole} in) markdown(?: format| formatting| syntax)?{aim}",
    ),
    Rule::new(
        "markup",
        r#"{"format":"latex"}"#,
        r"{sure}(?:(?:the|your) (?:final )?(?:answer|solution) (?:{must} (?:be in|be written in|be presented in)|is (?:presented|written) in)|(?:present|write) (?:the|your) (?:final )?(?:answer|solution) in) latex(?: format| notation)?:?",
    ),
    Rule::new(
        "markup",
        r#"{"format":"html"}"#,
        r"{sure}(?:{whole} {must} )?(?:use|be in|be written in|be formatted in|format {whole} (?:in|with|as|using)|write {whole} in|output {whole} in) html(?: format)?",
    ),
    Rule::new(
        "elements",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:use|include|contain|have) (?<elements>{element}(?:, {element})*,? and {element})(?: to (?:organize|structure) {whole})?{aim}",
    ),
    Rule::new(
        "titled",
        "{}",
        r"{sure}(?:(?:the|your) title(?: of {whole})? {must} be|give {whole} the title|{whole} {must} have the title) (?<title>{quote})",
    ),
    Rule::new(
        "headings",
        "{}",
        r"{sure}(?:{whole} {must} )?(?:use|include|contain|have) at least (?<n>{num})(?: markdown)? headings?",
    ),
    Rule::new(
        "bold",
        "{}",
        r"{sure}(?:highlight|put|format|mark|set) at least (?<n>{num}) (?:words or phrases|words|phrases|key phrases|key terms) in bold",
    ),
    Rule::new(
        "plain_text",
        "{}",
        r"{sure}(?:do not|don't|never) use (?:any )?markdown(?: formatting)?",
    ),
    Rule::new(
        "single_line",
        "{}",
        r"{sure}(?:write everything on a single line|{never} (?:use|using) line breaks|{whole} {must} be (?:one|a single) line(?: of text)?)",
    ),
    // Marks, case, person.
    Rule::new(
        "no_commas",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |contain |include )?(?:any )?commas(?: in {whole})?",
    ),
    Rule::new(
        "no_exclamations",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |contain )?(?:any )?exclamation (?:marks|points)",
    ),
    Rule::new(
        "no_questions",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |contain )?(?:any )?question marks",
    ),
    Rule::new(
        "ends_with_question",
        "{}",
        r"{sure}(?:{whole} {must} )?end(?: {whole})? with a question",
    ),
    Rule::new(
        "no_digits",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |contain )?(?:any )?digits",
    ),
    Rule::new(
        "all_lowercase",
        "{}",
        r"{sure}(?:{whole} {must} be(?: written)?|write {whole}|use|answer|respond) (?:entirely |only )?(?:in )?(?:all )?(?:lowercase|lower case)(?: letters)?(?: only)?",
    ),
    Rule::new(
        "all_uppercase",
        "{}",
        r"{sure}(?:{whole} {must} be(?: written)?|write {whole}|use|answer|respond) (?:entirely |only )?(?:in )?(?:all )?(?:uppercase|upper case|capital letters|capitals)(?: letters)?(?: only)?",
    ),
    Rule::new(
        "first_person",
        "{}",
        r"{sure}(?:write(?: {whole})?|{whole} {must} be(?: written)?|use|narrate {whole}) (?:in |from )?the first[- ]person(?: perspective| point of view)?",
    ),
    Rule::new(
        "no_first_person",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using |write in |writing in )?the first person",
    ),
    Rule::new(
        "no_contractions",
        "{}",
        r"{sure}(?:{whole} )?{never} (?:use |using )?(?:any )?contractions",
    ),
    Rule::new("wrapped_in_quotes", "{}", r"{sure}wrap {whole} in double quotation marks"),
    // Language.
    Rule::new(
        "language",
        r#"{"language":"english"}"#,
        r"{sure}(?:{whole} {must} be(?: written)?|answer|respond|reply|write(?: {whole})?) (?:entirely |only )?in english(?: only)?",
    ),
    Rule::new(
        "language",
        r#"{"language":"chinese"}"#,
        r"{sure}(?:{whole} {must} be(?: written)?|answer|respond|reply|write(?: {whole})?) (?:entirely |only )?in (?:simplified )?chinese(?: only)?",
    ),
    // Code and numbers.
    Rule::new(
        "max_code_lines",
        "{}",
        r"{sure}(?:the code {must} (?:have|be)|write|keep the code to) {most} (?<n>{num}) lines(?: of code| long)?",
    ),
    Rule::new(
        "min_code_lines",
        "{}",
        r"{sure}(?:the code {must} (?:have|be)|write) {least} (?<n>{num}) lines(?: of code| long)?",
    ),
    Rule::new(
        "code_language",
        "{}",
        r"{sure}(?:write the code|the code {must} be written|implement (?:it|the (?:function|algorithm|program|solution))) in (?<name>python|java|javascript|c\+\+|sql|go|rust|ruby|php|c|r)",
    ),
    Rule::new(
        "decimals",
        "{}",
        r"{sure}(?:round|give|state|express) (?:the|your) (?:result|answer|final answer|value) (?:to|with)(?: exactly)? (?<n>{num}) (?:decimal places|decimals|digits after the decimal point)",
    ),
]];
