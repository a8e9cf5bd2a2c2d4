//! The closed list of instruction types, each with its id, its parameters and how they are read.

use super::params::Percentage;
use crate::ifeval::declare::instructions;

instructions! {
    "IFBench":
    /// Requires different coordinating conjunctions.
    "count:conjunctions" Conjunctions {
        /// The minimum number.
        count: usize = count("small_n", 0),
    };
    /// Requires five keywords to occur 1, 2, 3, 5 and 7 times.
    "count:keywords_multiple" KeywordsMultiple {
        /// The keyword that occurs once.
        once: String = trimmed("keyword1"),
        /// The keyword that occurs twice.
        twice: String = trimmed("keyword2"),
        /// The keyword that occurs three times.
        three: String = trimmed("keyword3"),
        /// The keyword that occurs five times.
        five: String = trimmed("keyword4"),
        /// The keyword that occurs seven times.
        seven: String = trimmed("keyword5"),
    };
    /// Requires an exact number of numbers in digits.
    "count:numbers" Numbers {
        /// The number.
        count: usize = count("N", 0),
    };
    /// Requires different person names from a fixed list.
    "count:person_names" PersonNames {
        /// The minimum number.
        count: usize = count("N", 0),
    };
    /// Requires pronouns.
    "count:pronouns" Pronouns {
        /// The minimum number.
        count: usize = count("N", 0),
    };
    /// Requires every standard punctuation mark, and an interrobang.
    "count:punctuation" Punctuation;
    /// Requires different words.
    "count:unique_word_count" UniqueWords {
        /// The minimum number.
        count: usize = count("N", 0),
    };
    /// Requires a number of words within a range.
    "count:word_count_range" WordRange {
        /// The minimum.
        least: usize = count("min_words", 0),
        /// The maximum.
        most: usize = count("max_words", 0),
    };
    /// Requires every nth word to be Japanese.
    "count:words_japanese" JapaneseWords {
        /// The distance between two Japanese words. No response follows the instruction if it is 0.
        every: usize = count("N", 0),
    };
    /// Requires "bald eagle" spelled backwards.
    "custom:character_reverse" CharacterReverse;
    /// Requires a table of cities as comma-separated values.
    "custom:csv_city" CsvCity;
    /// Requires a table of grades as tab-separated values, all quoted.
    "custom:csv_quotes" CsvQuotes;
    /// Requires a table of products as comma-separated values, with a quoted special character.
    "custom:csv_special_character" CsvSpecialCharacter;
    /// Requires the dates of battles.
    "custom:date_format_list" DateList;
    /// Requires capitals of Europe, sorted by latitude.
    "custom:european_capitals_sort" CapitalsSort;
    /// Requires four questions with five options each, each question longer than the one before.
    "custom:mcq_count_length" MultipleChoice;
    /// Requires the multiples of 7 from 14 to 49.
    "custom:multiples" Multiples;
    /// Requires the countries of Africa in reverse alphabetical order, one per line.
    "custom:reverse_newline" ReverseLines;
    /// Requires 26 sentences that start with the letters of the alphabet.
    "custom:sentence_alphabet" SentenceAlphabet;
    /// Requires the words of an answer in reverse order.
    "custom:word_reverse" WordReverse;
    /// Requires an emoji at the end of each sentence.
    "format:emoji" Emoji;
    /// Requires each line to be indented more than the one before.
    "format:line_indent" LineIndent;
    /// Requires a list with a given separator.
    "format:list" List {
        /// The separator.
        separator: String = text("sep"),
    };
    /// Requires each word on a line of its own.
    "format:newline" WordPerLine;
    /// Requires two sentences followed by bullet points.
    "format:no_bullets_bullets" SentencesThenBullets;
    /// Forbids white space.
    "format:no_whitespace" NoWhitespace;
    /// Requires one of some given answers.
    "format:options" Options {
        /// The answers with their separator.
        options: String = text("options"),
    };
    /// Requires three given headings.
    "format:output_template" OutputTemplate;
    /// Requires brackets nested five levels deep.
    "format:parentheses" Parentheses;
    /// Requires an explanation after each quotation.
    "format:quote_unquote" QuoteUnquote;
    /// Requires quotations nested three levels deep.
    "format:quotes" Quotes;
    /// Requires bullet points, each with a point below it.
    "format:sub-bullets" SubBullets;
    /// Requires a thesis statement in HTML italics.
    "format:thesis" Thesis;
    /// Requires title case.
    "format:title_case" TitleCase;
    /// Limits how far the trigrams of characters overlap with those of a text.
    "ratio:overlap" Overlap {
        /// The text to compare with.
        reference: String = text("reference_text"),
        /// The share of the response's trigrams that the text contains, give or take two points.
        share: Percentage = percentage("percentage"),
    };
    /// Requires as many questions as statements and exclamations.
    "ratio:sentence_balance" SentenceBalance;
    /// Requires twice as many statements as questions.
    "ratio:sentence_type" SentenceType;
    /// Requires three sentences of the same length.
    "ratio:sentence_words" SentenceLengths;
    /// Limits the share of stop words.
    "ratio:stop_words" StopWords {
        /// The maximum share.
        most: Percentage = percentage("percentage"),
    };
    /// Requires the request to be repeated with a different first word.
    "repeat:repeat_change" RepeatChange {
        /// The request.
        prompt: String = text("prompt_to_repeat"),
    };
    /// Requires a fixed sentence and nothing else.
    "repeat:repeat_simple" RepeatSimple;
    /// Requires a part of the request to be repeated.
    "repeat:repeat_span" RepeatSpan {
        /// The request.
        prompt: String = text("prompt_to_repeat"),
        /// The first index of the part.
        first: usize = count("n_start", 0),
        /// The last index of the part.
        last: usize = count("n_end", 0),
    };
    /// Requires more alliteration in each sentence than in the one before.
    "sentence:alliteration_increment" AlliterationIncrement;
    /// Requires each sentence to have a fixed number of words more than the previous one.
    "sentence:increment" SentenceIncrement {
        /// The number of additional words.
        step: usize = count("small_n", 0),
    };
    /// Requires a keyword in a given sentence.
    "sentence:keyword" SentenceKeyword {
        /// The keyword.
        word: String = text("word"),
        /// The number of the sentence, from 1.
        sentence: usize = count("N", 1),
    };
    /// Requires each word to start with the next letter of the alphabet.
    "words:alphabet" Alphabet;
    /// Requires two adjacent consonants in each word.
    "words:consonants" Consonants;
    /// Requires a keyword at a given position of a given sentence.
    "words:keywords_specific_position" KeywordPosition {
        /// The keyword.
        keyword: String = trimmed("keyword"),
        /// The number of the sentence, from 1.
        sentence: usize = count("n", 1),
        /// The number of the word in the sentence, from 1.
        word: usize = count("m", 1),
    };
    /// Requires each sentence to start with the last word of the one before.
    "words:last_first" LastFirst;
    /// Forbids two consecutive words with the same first letter.
    "words:no_consecutive" NoConsecutive;
    /// Requires words with even and odd numbers of syllables to alternate.
    "words:odd_even_syllables" OddEvenSyllables;
    /// Requires ten palindromes of at least five letters.
    "words:palindrome" Palindromes;
    /// Requires each paragraph to end with its first word.
    "words:paragraph_last_first" ParagraphLastFirst;
    /// Requires the length of every word to be a prime number.
    "words:prime_lengths" PrimeLengths;
    /// Limits how often a word is repeated.
    "words:repeats" Repeats {
        /// The maximum number of occurrences of a word.
        most: usize = count("small_n", 0),
    };
    /// Requires a verb as the first word.
    "words:start_verb" StartVerb;
    /// Limits the number of different vowels to three.
    "words:vowel" Vowels;
    /// Requires a keyword as the second and the second to last word.
    "words:words_position" WordsPosition {
        /// The keyword.
        keyword: String = trimmed("keyword"),
    };
}

impl InstructionKind {
    /// The group of the type: the part of the id before the colon.
    pub fn group(self) -> &'static str {
        self.id().split(':').next().unwrap_or_default()
    }
}
