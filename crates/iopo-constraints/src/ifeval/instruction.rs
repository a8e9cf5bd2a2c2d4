//! The closed list of instruction types, each with its id, its parameters and how they are read.

use super::{declare::instructions, relation::Relation};

instructions! {
    "IFEval":
    /// Limits the number of words in capitals.
    "change_case:capital_word_frequency" CapitalWordFrequency {
        /// How the number of words is compared.
        relation: Relation = relation("capital_relation"),
        /// The number to compare with.
        count: usize = count("capital_frequency", 0),
    };
    /// Requires English, all in capitals.
    "change_case:english_capital" EnglishCapital;
    /// Requires English, all in lower case.
    "change_case:english_lowercase" EnglishLowercase;
    /// Requires the request to be repeated word for word before the answer.
    "combination:repeat_prompt" RepeatPrompt {
        /// The text that must come first.
        prompt: String = text("prompt_to_repeat"),
    };
    /// Requires two different answers separated by six asterisks.
    "combination:two_responses" TwoResponses;
    /// Requires placeholders in square brackets.
    "detectable_content:number_placeholders" NumberPlaceholders {
        /// The minimum number.
        count: usize = count("num_placeholders", 0),
    };
    /// Requires a postscript.
    "detectable_content:postscript" Postscript {
        /// How the postscript starts: `P.S.` or `P.P.S`. In paper mode, anything else is a regular expression.
        marker: String = trimmed("postscript_marker"),
    };
    /// Requires one of three fixed answers.
    "detectable_format:constrained_response" ConstrainedResponse;
    /// Requires JSON and nothing else.
    "detectable_format:json_format" JsonFormat;
    /// Requires sections with a given heading.
    "detectable_format:multiple_sections" MultipleSections {
        /// The text before the number of each section.
        splitter: String = trimmed("section_spliter"),
        /// The minimum number.
        count: usize = count("num_sections", 0),
    };
    /// Requires an exact number of bullet points.
    "detectable_format:number_bullet_lists" NumberBulletLists {
        /// The number.
        count: usize = count("num_bullets", 0),
    };
    /// Requires highlighted passages.
    "detectable_format:number_highlighted_sections" NumberHighlightedSections {
        /// The minimum number.
        count: usize = count("num_highlights", 0),
    };
    /// Requires a title in double angle brackets.
    "detectable_format:title" Title;
    /// Requires all of some keywords.
    "keywords:existence" KeywordsExistence {
        /// The keywords.
        keywords: Vec<String> = texts("keywords"),
    };
    /// Forbids some words.
    "keywords:forbidden_words" ForbiddenWords {
        /// The words.
        words: Vec<String> = texts("forbidden_words"),
    };
    /// Limits how often a keyword occurs.
    "keywords:frequency" KeywordFrequency {
        /// The keyword.
        keyword: String = trimmed("keyword"),
        /// How the number of occurrences is compared.
        relation: Relation = relation("relation"),
        /// The number to compare with.
        count: usize = count("frequency", 0),
    };
    /// Limits how often a letter occurs.
    "keywords:letter_frequency" LetterFrequency {
        /// The letter, in lower case. The published code replaces anything except `a` to `z` with a random letter;
        /// this implementation counts the character itself.
        letter: char = letter("letter"),
        /// How the number of occurrences is compared.
        relation: Relation = relation("let_relation"),
        /// The number to compare with.
        count: usize = count("let_frequency", 0),
    };
    /// Requires a given language.
    "language:response_language" ResponseLanguage {
        /// The code of the language, such as `de`.
        language: String = language("language"),
    };
    /// Requires an exact number of paragraphs, one of them with a given first word.
    "length_constraints:nth_paragraph_first_word" NthParagraphFirstWord {
        /// The number of paragraphs.
        paragraphs: usize = count("num_paragraphs", 1),
        /// The number of the paragraph with the given first word, from 1.
        nth: usize = count_up_to("nth_paragraph", "num_paragraphs"),
        /// The first word, in lower case.
        first_word: String = lowered("first_word"),
    };
    /// Requires an exact number of paragraphs separated by three asterisks.
    "length_constraints:number_paragraphs" NumberParagraphs {
        /// The number.
        count: usize = count("num_paragraphs", 0),
    };
    /// Limits the number of sentences.
    "length_constraints:number_sentences" NumberSentences {
        /// How the number of sentences is compared.
        relation: Relation = relation("relation"),
        /// The number to compare with.
        count: usize = count("num_sentences", 0),
    };
    /// Limits the number of words.
    "length_constraints:number_words" NumberWords {
        /// How the number of words is compared.
        relation: Relation = relation("relation"),
        /// The number to compare with.
        count: usize = count("num_words", 0),
    };
    /// Forbids commas.
    "punctuation:no_comma" NoComma;
    /// Requires a given last phrase.
    "startend:end_checker" EndChecker {
        /// The phrase.
        phrase: String = text("end_phrase"),
    };
    /// Requires double quotation marks around the whole response.
    "startend:quotation" Quotation;
}
