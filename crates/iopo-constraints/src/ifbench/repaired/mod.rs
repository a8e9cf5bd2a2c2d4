//! The checks by the wording of the instruction.
//!
//! `docs/ifbench.md` lists the differences from the published checks, each with an example.

mod count;
mod custom;
mod layout;
mod marks;
mod sentences;
mod words;

use std::collections::HashSet;

use super::{
    instruction::Instruction,
    lists::ONLY_SENTENCE,
    paper::{self, ratio},
    tagger::Tagger,
};

/// An instruction that is checked by its wording.
#[derive(Debug, Clone)]
pub(super) struct Repaired {
    instruction: Instruction,
    trigrams: HashSet<[char; 3]>,
    tagger: Option<Tagger>,
}

impl Repaired {
    pub(super) fn new(instruction: &Instruction, tagger: Option<&Tagger>) -> Self {
        let trigrams = match instruction {
            Instruction::Overlap { reference, .. } => ratio::trigrams(reference),
            _ => HashSet::new(),
        };
        Self { instruction: instruction.clone(), trigrams, tagger: tagger.cloned() }
    }

    /// Whether the instruction asks for asterisks.
    pub(super) fn reads_asterisks(&self) -> bool {
        match &self.instruction {
            Instruction::SubBullets | Instruction::SentencesThenBullets => true,
            Instruction::List { separator } => separator.contains('*'),
            _ => false,
        }
    }

    /// Whether a text follows the instruction. The text is not blank.
    pub(super) fn follows(&self, text: &str) -> bool {
        use Instruction as I;
        match &self.instruction {
            I::Conjunctions { count } => count::conjunctions(text) >= *count,
            I::KeywordsMultiple { once, twice, three, five, seven } => {
                count::has_all_counts(text, [once, twice, three, five, seven])
            }
            I::Numbers { count } => count::all_numbers(text) == *count,
            I::PersonNames { count } => paper::count::person_names(text) >= *count,
            I::Pronouns { count } => paper::count::pronouns(text) >= *count,
            I::Punctuation => paper::count::all_marks(text),
            I::UniqueWords { count } => count::unique_words(text) >= *count,
            I::WordRange { least, most } => (*least..=*most).contains(&count::words(text)),
            I::JapaneseWords { every } => count::every_nth_japanese(text, *every),
            I::CharacterReverse => paper::custom::reversed_letters(text),
            I::CsvCity => custom::cities(text),
            I::CsvQuotes => custom::grades(text),
            I::CsvSpecialCharacter => custom::products(text),
            I::DateList => custom::dates(text),
            I::CapitalsSort => custom::capitals(text),
            I::MultipleChoice => custom::multiple_choice(text),
            I::Multiples => custom::multiples(text),
            I::ReverseLines => custom::countries_descend(text),
            I::SentenceAlphabet => sentences::spell_alphabet(text),
            I::WordReverse => custom::reversed_words(text),
            I::Emoji => sentences::emoji(text),
            I::LineIndent => layout::indents_grow(text),
            I::List { separator } => layout::is_list(text, separator),
            I::WordPerLine => layout::word_per_line(text),
            I::SentencesThenBullets => layout::sentences_then_bullets(text),
            I::NoWhitespace => paper::format::no_space(text),
            I::Options { options } => marks::is_option(text, options),
            I::OutputTemplate => layout::has_headings(text),
            I::Parentheses => marks::brackets(text),
            I::QuoteUnquote => marks::quotes_are_explained(text),
            I::Quotes => marks::quotes(text),
            I::SubBullets => layout::sub_bullets(text),
            I::Thesis => layout::thesis(text),
            I::TitleCase => layout::title_case(text),
            I::Overlap { share, .. } => ratio::overlaps(text, &self.trigrams, *share),
            I::SentenceBalance => sentences::balanced(text),
            I::SentenceType => sentences::two_statements_per_question(text),
            I::SentenceLengths => sentences::three_of_a_length(text),
            I::StopWords { most } => words::few_stop_words(text, *most),
            I::RepeatChange { prompt } => marks::changes_first_word(text, prompt),
            I::RepeatSimple => paper::repeat::equal(text, ONLY_SENTENCE),
            I::RepeatSpan { prompt, first, last } => marks::is_span(text, prompt, *first, *last),
            I::AlliterationIncrement => sentences::alliteration_grows(text),
            I::SentenceIncrement { step } => sentences::grows_by(text, *step),
            I::SentenceKeyword { word, sentence } => sentences::has_keyword(text, word, *sentence),
            I::Alphabet => words::alphabetical(text),
            I::Consonants => words::consonants(text),
            I::KeywordPosition { keyword, sentence, word } => {
                sentences::is_at(text, keyword, *sentence, *word)
            }
            I::LastFirst => sentences::last_is_first(text),
            I::NoConsecutive => words::no_repeated_start(text),
            I::OddEvenSyllables => words::alternates_syllables(text),
            I::Palindromes => count::palindromes(text) >= 10,
            I::ParagraphLastFirst => words::lines_end_as_they_start(text),
            I::PrimeLengths => words::prime_lengths(text),
            I::Repeats { most } => words::few_repeats(text, *most),
            I::StartVerb => {
                self.tagger.as_ref().is_some_and(|tagger| words::starts_with_verb(text, tagger))
            }
            I::Vowels => words::few_vowels(text),
            I::WordsPosition { keyword } => words::second_and_second_to_last(text, keyword),
        }
    }
}
