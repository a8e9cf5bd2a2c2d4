//! The counts that checks use.

use serde::de::IgnoredAny;

use crate::{
    blocks::{self, Around},
    citation,
    edit::prose,
    families::{CitationStyle, Element, MarkupFormat, Style},
    han,
    lexicon::{FIRST_PERSON, S_CONTRACTIONS, SECOND_PERSON},
    lines::{self, Marker},
    markup, natural,
    portion::Portion,
    readable::readable,
    structure, text,
};

/// A count of something in a text, taken in time linear in the length of the text.
///
/// Words and phrases are in lower case ([`text::fold`]), so that equal measures compare equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Measure {
    Words,
    Sentences,
    LongestSentence,
    Paragraphs,
    Lines,
    Word(String),
    OpeningWord(String),
    Digits,
    /// Numbers in digits, without the numbers of list items.
    Figures,
    Commas,
    Exclamations,
    Questions,
    FinalQuestion,
    Parentheses,
    QuoteMarks,
    Capitals,
    SmallLetters,
    CapitalWords,
    FirstPerson,
    SecondPerson,
    Contractions,
    Bullets,
    Numbered,
    Items,
    /// Items with this marker.
    Marked(Marker),
    /// Items with another marker.
    MarkedElse(Marker),
    Steps,
    Headings,
    AngleTitle,
    Bold,
    Markdown,
    Tables,
    Parts,
    Sections,
    Json,
    Opening(String),
    Closing(String),
    Quoted,
    Postscript,
    Signature(String),
    /// Words with more letters than this.
    WordsOver(usize),
    Placeholders,
    KeyValues,
    FirstKey(String),
    /// Characters as Chinese readers count them.
    Characters,
    /// The share of Chinese characters among the letters, in percent.
    HanShare,
    /// 1 if the text reads like English.
    English,
    Markup(MarkupFormat),
    CodeLines,
    /// Code blocks that are marked with this language in lower case.
    CodeBlock(String),
    /// Occurrences of a name in lower case in the code.
    CodeName(String),
    /// Occurrences of a name in its case.
    ExactName(String),
    /// Uses of an element of the layout, written in Markdown.
    InMarkdown(Element),
    /// Occurrences of a phrase in lower case.
    Phrase(String),
    /// 1 if the response is a JSON object with this key.
    JsonKey(String),
    JsonArray,
    /// 1 if the response has one JSON object or array (an array only, if so marked) with at most this around it.
    JsonBlock {
        array: bool,
        around: Around,
    },
    /// 1 if the JSON object or array of the response has this key.
    JsonBlockKey {
        key: String,
        around: Around,
    },
    /// 1 if the response is a JSON object or array.
    JsonValue,
    /// Kinds of lines that head parts.
    HeadingLevels,
    /// Lines that consist of this title in lower case.
    TitleLine(String),
    /// Header cells of tables that contain this name in lower case.
    Column(String),
    /// Lines that head a part with this name in lower case.
    NamedPart(String),
    /// Numbers with exactly this many decimal places.
    Decimals(usize),
    /// 1 if this word in lower case is the first one.
    FirstWord(String),
    /// 1 if this word in lower case is the last one.
    LastWord(String),
    /// 1 if every sentence starts with this word in lower case.
    SentenceStarts(String),
    /// 1 if every sentence ends with this word in lower case.
    SentenceEnds(String),
    /// 1 if the first and the last word are the same.
    SameEnds,
    /// 1 if this word in lower case stands at this position of this sentence, both counted from 1.
    WordAt {
        word: String,
        sentence: usize,
        position: usize,
    },
    Periods,
    Letters,
    LowercaseWords,
    /// Words that start with the letter after the initial of the word before.
    InitialSteps,
    /// 1 if every word stands in square brackets.
    Bracketed,
    /// 1 if every two words stand in double angle brackets.
    WrappedPairs,
    /// Parts, if each has this number of sentences with this number of words.
    EvenParts {
        sentences: usize,
        words: usize,
    },
    /// Words in this style inside of lines.
    Emphasized(Style),
    /// Citations in this style.
    Citations(CitationStyle),
    /// Citations in this style in the text, beside the list of references.
    InTextCitations(CitationStyle),
    /// References of lists in another style.
    ForeignReferences(CitationStyle),
    /// Parts, or the size of one of them.
    Portion(Portion),
}

impl Measure {
    pub(crate) fn count(&self, response: &str) -> usize {
        let marks = |wanted: &[char]| response.chars().filter(|c| wanted.contains(c)).count();
        let keys =
            |known: &[&str]| bare_keys(response).filter(|k| known.contains(&k.as_str())).count();
        let items = |good: &dyn Fn(Marker) -> bool| {
            lines::filled(response).filter_map(lines::item).filter(|&(mark, _)| good(mark)).count()
        };
        match self {
            Self::Words => text::word_count(response),
            Self::Sentences => han::sentences(response),
            Self::LongestSentence => longest_sentence(response),
            Self::Paragraphs => text::paragraphs(response).len(),
            Self::Lines => lines::filled(response).count(),
            Self::Word(word) => occurrences(response, word),
            Self::OpeningWord(word) => occurrences(first_sentence(response, word), word),
            // 一、 numbers an item too.
            Self::Digits => runs_of_digits(response) + han::list_numerals(response),
            Self::Figures => response
                .split('\n')
                .map(|line| runs_of_digits(lines::item(line).map_or(line, |(_, body)| body)))
                .sum(),
            Self::Commas => marks(&[',']),
            Self::Exclamations => marks(&['!', '！']),
            Self::Questions => marks(&['?', '？']),
            Self::FinalQuestion => usize::from(response.trim_end().ends_with(['?', '？'])),
            Self::Parentheses => marks(&['(', '（']),
            Self::QuoteMarks => marks(&['"', '“', '”', '„', '«', '»']),
            Self::Capitals => response.chars().filter(|&c| is_capital(c)).count(),
            Self::SmallLetters => response.chars().filter(|c| c.is_lowercase()).count(),
            Self::CapitalWords => {
                text::bare_words(response).filter(|(_, word)| is_capital_word(word)).count()
            }
            Self::FirstPerson => keys(FIRST_PERSON) + han::first_person(response),
            Self::SecondPerson => keys(SECOND_PERSON) + han::second_person(response),
            Self::Contractions => bare_keys(response).filter(|key| is_contraction(key)).count(),
            Self::Bullets => items(&Marker::is_bullet),
            Self::Numbered => items(&|mark| !mark.is_bullet()) + han::list_items(response),
            Self::Items => items(&|_| true) + han::list_items(response),
            Self::Marked(wanted) => items(&|mark| mark == *wanted),
            Self::MarkedElse(wanted) => items(&|mark| mark != *wanted),
            Self::Steps => labels_in_order(response, "step", true),
            Self::Headings => {
                lines::filled(response).filter(|l| lines::heading(l).is_some()).count()
            }
            Self::AngleTitle => {
                usize::from(lines::filled(response).next().is_some_and(is_angle_title))
            }
            Self::Bold => lines::bold(response),
            Self::Markdown => markdown(response),
            Self::Tables => tables(response),
            Self::Parts => parts(response),
            Self::Sections => labels_in_order(response, "section", false),
            Self::Json => usize::from(is_json_object(response)),
            Self::Opening(phrase) => usize::from(text::opens_with(response, phrase)),
            Self::Closing(phrase) => usize::from(text::closes_with(response, phrase)),
            Self::Quoted => usize::from(is_quoted(response)),
            Self::Postscript => usize::from(has_postscript(response)),
            Self::Signature(name) => usize::from(is_signed(response, name)),
            Self::WordsOver(letters) => text::bare_words(response)
                .filter(|(_, word)| text::letters(word) > *letters)
                .count(),
            Self::Placeholders => lines::placeholders(response),
            Self::KeyValues => key_values(response),
            Self::Characters => han::characters(&readable(response)),
            Self::HanShare => han::share(response),
            Self::English => usize::from(is_english(response)),
            Self::Markup(format) => markup::count(*format, response),
            Self::CodeLines => markup::code_lines(response),
            Self::CodeBlock(language) => markup::code_blocks(response, language),
            Self::CodeName(name) => markup::named_in_code(response, name),
            Self::InMarkdown(element) => structure::in_markdown(*element, response),
            Self::JsonKey(key) => usize::from(structure::has_json_key(response, key)),
            Self::JsonArray => usize::from(structure::is_json_array(response)),
            Self::JsonBlock { .. } | Self::JsonBlockKey { .. } => self.count_blocks(response),
            Self::ExactName(name) => markup::names(response, name),
            Self::JsonValue => usize::from(structure::is_json(response)),
            Self::HeadingLevels => structure::heading_levels(response),
            Self::TitleLine(title) => structure::title_lines(response, title),
            Self::Column(name) => structure::column(response, name),
            Self::NamedPart(name) => structure::named_parts(response, name),
            Self::Decimals(places) => structure::decimals(response, *places),
            Self::Emphasized(style) => markup::emphasized(*style, response),
            Self::Citations(style) => citation::citations(*style, response),
            Self::InTextCitations(style) => citation::in_text(*style, response),
            Self::ForeignReferences(style) => citation::foreign(*style, response),
            Self::Portion(portion) => portion.count(response),
            Self::Phrase(phrase) => text::fold(response).matches(phrase.as_str()).count(),
            Self::FirstWord(_)
            | Self::LastWord(_)
            | Self::SentenceStarts(_)
            | Self::SentenceEnds(_)
            | Self::SameEnds
            | Self::WordAt { .. }
            | Self::LowercaseWords
            | Self::InitialSteps
            | Self::Bracketed
            | Self::WrappedPairs
            | Self::EvenParts { .. } => self.count_words(response),
            Self::Periods => marks(&['.', '。', '．']),
            Self::Letters => response.chars().filter(|c| c.is_alphabetic()).count(),
            Self::FirstKey(key) => usize::from(has_first_key(response, key)),
        }
    }

    /// The measures of JSON with text around it, 0 for others.
    fn count_blocks(&self, response: &str) -> usize {
        match self {
            Self::JsonBlock { array, around } => {
                let value = blocks::value(response, *around);
                usize::from(value.is_some_and(|value| !array || value.is_array()))
            }
            Self::JsonBlockKey { key, around } => {
                usize::from(blocks::has_key(response, key, *around))
            }
            _ => 0,
        }
    }

    /// The measures of words as readers see them, 0 for others.
    fn count_words(&self, response: &str) -> usize {
        match self {
            Self::FirstWord(word) => usize::from(natural::opens_with_word(response, word)),
            Self::LastWord(word) => usize::from(natural::closes_with_word(response, word)),
            Self::SentenceStarts(word) => usize::from(natural::all_start_with(response, word)),
            Self::SentenceEnds(word) => usize::from(natural::all_end_with(response, word)),
            Self::SameEnds => usize::from(natural::has_same_ends(response)),
            Self::WordAt { word, sentence, position } => {
                usize::from(natural::has_word_at(response, word, *sentence, *position))
            }
            Self::LowercaseWords => natural::lowercase_words(response),
            Self::InitialSteps => natural::initial_steps(response),
            Self::Bracketed => usize::from(natural::is_bracketed(response)),
            Self::WrappedPairs => usize::from(natural::is_wrapped_in_pairs(response)),
            Self::EvenParts { sentences, words } => {
                natural::even_parts(response, *sentences, *words)
            }
            _ => 0,
        }
    }

    /// Whether a phrase adds its own words and marks to the count, wherever the phrase stands.
    pub(crate) fn counts_words_of_a_phrase(&self) -> bool {
        match self {
            Self::Word(_)
            | Self::Digits
            | Self::Figures
            | Self::Commas
            | Self::Exclamations
            | Self::Questions
            | Self::FirstPerson
            | Self::SecondPerson
            | Self::Contractions
            | Self::WordsOver(_)
            | Self::Phrase(_)
            | Self::Decimals(_)
            | Self::Periods
            | Self::InitialSteps => true,
            Self::Words
            | Self::Sentences
            | Self::LongestSentence
            | Self::Paragraphs
            | Self::Lines
            | Self::OpeningWord(_)
            | Self::FinalQuestion
            | Self::Parentheses
            | Self::QuoteMarks
            | Self::Capitals
            | Self::SmallLetters
            | Self::CapitalWords
            | Self::Bullets
            | Self::Numbered
            | Self::Items
            | Self::Marked(_)
            | Self::MarkedElse(_)
            | Self::Steps
            | Self::Headings
            | Self::AngleTitle
            | Self::Bold
            | Self::Markdown
            | Self::Tables
            | Self::Parts
            | Self::Sections
            | Self::Json
            | Self::Opening(_)
            | Self::Closing(_)
            | Self::Quoted
            | Self::Postscript
            | Self::Signature(_)
            | Self::Placeholders
            | Self::KeyValues
            | Self::FirstKey(_)
            | Self::Characters
            | Self::HanShare
            | Self::English
            | Self::Markup(_)
            | Self::CodeLines
            | Self::CodeBlock(_)
            | Self::CodeName(_)
            | Self::InMarkdown(_)
            | Self::JsonKey(_)
            | Self::JsonArray
            | Self::JsonBlock { .. }
            | Self::JsonBlockKey { .. }
            | Self::ExactName(_)
            | Self::JsonValue
            | Self::HeadingLevels
            | Self::TitleLine(_)
            | Self::Column(_)
            | Self::NamedPart(_)
            | Self::FirstWord(_)
            | Self::LastWord(_)
            | Self::SentenceStarts(_)
            | Self::SentenceEnds(_)
            | Self::SameEnds
            | Self::WordAt { .. }
            | Self::Letters
            | Self::LowercaseWords
            | Self::Bracketed
            | Self::WrappedPairs
            | Self::EvenParts { .. }
            | Self::Emphasized(_)
            | Self::Citations(_)
            | Self::InTextCitations(_)
            | Self::ForeignReferences(_)
            | Self::Portion(_) => false,
        }
    }

    /// The name of the count, for a reader.
    pub(crate) fn noun(&self) -> String {
        let noun = match self {
            Self::Words => "words",
            Self::Sentences => "sentences",
            Self::LongestSentence => "words in the longest sentence",
            Self::Paragraphs => "paragraphs",
            Self::Lines => "lines",
            Self::Word(word) => return format!("times the word “{word}”"),
            Self::OpeningWord(word) => {
                return format!("times the word “{word}” in the first sentence");
            }
            Self::Digits => "numbers in digits",
            Self::Figures => "numbers in digits beside list numbers",
            Self::Commas => "commas",
            Self::Exclamations => "exclamation marks",
            Self::Questions => "question marks",
            Self::FinalQuestion => "question marks at the end",
            Self::Parentheses => "opening parentheses",
            Self::QuoteMarks => "double quotation marks",
            Self::Capitals => "capital letters",
            Self::SmallLetters => "lower-case letters",
            Self::CapitalWords => "words in capitals",
            Self::FirstPerson => "first-person words",
            Self::SecondPerson => "second-person words",
            Self::Contractions => "contractions",
            Self::Bullets => "bullet points",
            Self::Numbered => "numbered items",
            Self::Items => "list items",
            Self::Marked(_) => "list items with the asked marker",
            Self::MarkedElse(_) => "list items with another marker",
            Self::Steps => "steps in order",
            Self::Headings => "headings",
            Self::AngleTitle => "titles in double angle brackets on the first line",
            Self::Bold => "bold phrases",
            Self::Markdown => "uses of Markdown",
            Self::Tables => "tables",
            Self::Parts => "parts",
            Self::Sections => "sections in order",
            Self::Json => "JSON objects as the whole response",
            Self::Opening(phrase) => return format!("openings with “{phrase}”"),
            Self::Closing(phrase) => return format!("endings with “{phrase}”"),
            Self::Quoted => "pairs of double quotation marks around the whole",
            Self::Postscript => "postscripts as the last paragraph",
            Self::Signature(name) => return format!("last lines that read “{name}”"),
            Self::WordsOver(letters) => return format!("words of more than {letters} letters"),
            Self::Placeholders => "placeholders in square brackets",
            Self::Characters => "characters",
            Self::HanShare => "percent of the letters are Chinese characters",
            Self::English => "English texts",
            Self::Markup(format) => return format!("uses of {}", format.name()),
            Self::CodeLines => "lines of code",
            Self::CodeBlock(language) => return format!("code blocks in {language}"),
            Self::CodeName(name) => return format!("times “{name}” in the code"),
            Self::InMarkdown(element) => return format!("{} in Markdown", element.english()),
            Self::JsonKey(key) => return format!("JSON objects with the key “{key}”"),
            Self::JsonArray => "JSON arrays as the whole response",
            Self::JsonBlock { .. } | Self::JsonBlockKey { .. } => "JSON values with text around",
            Self::ExactName(name) => return format!("times the name “{name}”"),
            Self::JsonValue => "JSON values as the whole response",
            Self::HeadingLevels => "levels of headings",
            Self::TitleLine(title) => return format!("titles “{title}”"),
            Self::Column(name) => return format!("table columns named “{name}”"),
            Self::NamedPart(name) => return format!("parts named “{name}”"),
            Self::Decimals(places) => return format!("numbers with {places} decimals"),
            Self::Emphasized(style) => {
                return format!("words in {} inside of lines", style.english());
            }
            Self::Citations(style) => return format!("{} citations", style.name()),
            Self::InTextCitations(style) => {
                return format!("{} citations in the text", style.name());
            }
            Self::ForeignReferences(style) => {
                return format!("references that are not {}", style.name());
            }
            Self::Portion(portion) => return portion.noun(),
            Self::Phrase(phrase) => return format!("times the phrase “{phrase}”"),
            Self::FirstWord(word) => return format!("texts with the first word “{word}”"),
            Self::LastWord(word) => return format!("texts with the last word “{word}”"),
            Self::SentenceStarts(word) => {
                return format!("texts whose sentences all start with “{word}”");
            }
            Self::SentenceEnds(word) => {
                return format!("texts whose sentences all end with “{word}”");
            }
            Self::SameEnds => "texts that end with their first word",
            Self::WordAt { word, sentence, position } => {
                return format!("times “{word}” as word {position} of sentence {sentence}");
            }
            Self::Periods => "periods",
            Self::Letters => "letters",
            Self::LowercaseWords => "words in lower case",
            Self::InitialSteps => "words that start with the letter after the one before",
            Self::Bracketed => "texts with every word in square brackets",
            Self::WrappedPairs => "texts with every two words in double angle brackets",
            Self::EvenParts { sentences, words } => {
                return format!("parts, all of {sentences} sentences with {words} words");
            }
            Self::KeyValues => "lines, all of the form “Key: value”",
            Self::FirstKey(key) => return format!("first lines with the key “{key}”"),
        };
        noun.to_owned()
    }
}

/// How often a word occurs. A word of ideographs can stand within others.
fn occurrences(text: &str, word: &str) -> usize {
    if han::has(word) {
        text::fold(text).matches(word).count()
    } else {
        text::occurrences(text, word)
    }
}

/// The first sentence of a response, as the script of a word ends sentences.
fn first_sentence<'a>(response: &'a str, word: &str) -> &'a str {
    if han::has(word) {
        han::first_sentence(response)
    } else {
        let first = text::sentences(response).into_iter().next();
        first.map_or("", |range| &response[range])
    }
}

/// Like [`text::keys`], but keeps "'s", which contractions need.
fn bare_keys(response: &str) -> impl Iterator<Item = String> {
    text::bare_words(response)
        .map(|(_, word)| text::fold(word).replace('’', "'").trim_matches('_').to_owned())
}

pub(crate) fn is_contraction(key: &str) -> bool {
    let long = |suffix: &str| key.len() > suffix.len() && key.ends_with(suffix);
    ["n't", "'re", "'ve", "'ll", "'m", "'d"].iter().any(|suffix| long(suffix))
        || S_CONTRACTIONS.contains(&key)
}

fn longest_sentence(response: &str) -> usize {
    let sentences = text::sentences(response).into_iter();
    sentences.map(|range| text::word_count(&response[range])).max().unwrap_or(0)
}

fn runs_of_digits(text: &str) -> usize {
    let mut before = false;
    let mut runs = 0;
    for c in text.chars() {
        let digit = c.is_numeric();
        runs += usize::from(digit && !before);
        before = digit;
    }
    runs
}

/// Capital and title-case letters.
fn is_capital(c: char) -> bool {
    c.is_uppercase()
        || (c.is_alphabetic() && !c.is_lowercase() && c.to_lowercase().next() != Some(c))
}

pub(crate) fn is_capital_word(word: &str) -> bool {
    let mut capitals = 0;
    for c in word.chars().filter(|c| c.is_alphabetic()) {
        if !is_capital(c) {
            return false;
        }
        capitals += 1;
    }
    capitals >= 2
}

/// The number of lines labeled 1, 2, 3 … in this order, 0 if the order is broken.
fn labels_in_order(response: &str, label: &str, needs_colon: bool) -> usize {
    let mut count = 0;
    for line in lines::filled(response) {
        if let Some(number) = lines::labeled(line, label, needs_colon) {
            count += 1;
            if number != count {
                return 0;
            }
        }
    }
    count
}

pub(crate) fn is_angle_title(line: &str) -> bool {
    let inner = line.trim().strip_prefix("<<").and_then(|rest| rest.strip_suffix(">>"));
    inner.is_some_and(text::has_text)
}

fn markdown(response: &str) -> usize {
    let headings = Measure::Headings.count(response);
    headings + lines::bold(response) + tables(response) + response.matches('`').count()
}

fn tables(response: &str) -> usize {
    let mut found = 0;
    let mut before = "";
    for line in lines::filled(response) {
        let head = lines::is_row(before) && !lines::is_rule(before) && text::has_text(before);
        found += usize::from(lines::is_rule(line) && head);
        before = line;
    }
    found
}

/// The number of parts between divider lines, 0 if one of them is blank.
fn parts(response: &str) -> usize {
    let mut parts = 0;
    let mut filled = false;
    for line in response.split('\n') {
        if lines::is_divider(line) {
            if !filled {
                return 0;
            }
            parts += 1;
            filled = false;
        } else {
            filled |= !line.trim().is_empty();
        }
    }
    if filled { parts + 1 } else { 0 }
}

fn is_json_object(response: &str) -> bool {
    let body = structure::unfenced(response);
    body.starts_with('{') && serde_json::from_str::<IgnoredAny>(body).is_ok()
}

/// Whether the text outside code is English. A response that is nothing but code is taken as a whole.
fn is_english(response: &str) -> bool {
    let mut text = String::new();
    for line in lines::outside_code(response) {
        // Every second piece is code.
        text.extend(line.split('`').step_by(2));
        text.push('\n');
    }
    let text = if text::has_text(&text) { &text } else { response };
    prose::has_english_words(text)
}

fn is_quoted(response: &str) -> bool {
    let body = response.trim();
    let inner = body.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(text::has_text)
}

fn has_postscript(response: &str) -> bool {
    let paragraphs = text::paragraphs(response);
    let last = paragraphs.last().filter(|_| paragraphs.len() > 1);
    last.is_some_and(|range| {
        let start: String = response[range.clone()].trim_start().chars().take(4).collect();
        let start = text::fold(&start);
        start == "p.s." || start.starts_with("ps:")
    })
}

/// Whether the last line is this name in lower case.
fn is_signed(response: &str, name: &str) -> bool {
    let last = lines::filled(response).next_back();
    last.is_some_and(|line| text::fold(line.trim()) == name)
}

/// Whether the first line has the form "Key: value" with this key in lower case.
fn has_first_key(response: &str, key: &str) -> bool {
    let first = lines::filled(response).next().and_then(lines::key_value);
    first.is_some_and(|found| text::fold(found) == key)
}

/// The number of lines if all have the form "Key: value", else 0.
fn key_values(response: &str) -> usize {
    let mut count = 0;
    for line in lines::filled(response) {
        if lines::key_value(line).is_none() {
            return 0;
        }
        count += 1;
    }
    count
}
