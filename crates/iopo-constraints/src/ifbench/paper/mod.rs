//! The checks of the published implementation, including its errors.

pub(super) mod count;
pub(super) mod custom;
pub(super) mod format;
mod nesting;
pub(super) mod ratio;
pub(super) mod repeat;
mod sentence;
mod tables;
pub(super) mod words;

use std::collections::HashSet;

use super::{instruction::Instruction, lists::ONLY_SENTENCE, tagger::Tagger};
use crate::ifeval::{
    python::{fold, lower, word_runs},
    search::Needle,
};

/// An instruction with the texts that it searches for.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    instruction: Instruction,
    needles: Vec<Needle>,
    trigrams: HashSet<[char; 3]>,
    tagger: Option<Tagger>,
}

impl Paper {
    pub(super) fn new(instruction: &Instruction, tagger: Option<&Tagger>) -> Self {
        let trigrams = match instruction {
            Instruction::Overlap { reference, .. } => ratio::trigrams(reference),
            _ => HashSet::new(),
        };
        Self {
            instruction: instruction.clone(),
            needles: needles(instruction),
            trigrams,
            tagger: tagger.cloned(),
        }
    }

    /// Whether a text follows the instruction. The text is not blank.
    pub(super) fn follows(&self, text: &str) -> bool {
        use Instruction as I;
        match &self.instruction {
            I::Conjunctions { count } => count::conjunctions(text) >= *count,
            I::KeywordsMultiple { .. } => self.has_all_counts(text),
            I::Numbers { count } => count::digit_runs(text) == *count,
            I::PersonNames { count } => count::person_names(text) >= *count,
            I::Pronouns { count } => count::pronouns(text) >= *count,
            I::Punctuation => count::all_marks(text),
            I::UniqueWords { count } => count::unique_words(text) >= *count,
            I::WordRange { least, most } => (*least..=*most).contains(&word_runs(text)),
            I::JapaneseWords { every } => count::every_nth_japanese(text, *every),
            I::CharacterReverse => custom::reversed_letters(text),
            I::CsvCity => tables::cities(text),
            I::CsvQuotes => tables::grades(text),
            I::CsvSpecialCharacter => tables::products(text),
            I::DateList => custom::dates(text),
            I::CapitalsSort => custom::capitals(text),
            I::MultipleChoice => custom::multiple_choice(text),
            I::Multiples => custom::multiples(text),
            I::ReverseLines => custom::countries_descend(text),
            I::SentenceAlphabet => custom::sentences_spell_alphabet(text),
            I::WordReverse => custom::reversed_words(text),
            I::Emoji => format::emoji(text),
            I::LineIndent => format::indents_grow(text),
            I::List { .. } => self.needles.iter().all(|separator| separator.count(text) >= 2),
            I::WordPerLine => format::word_per_line(text),
            I::SentencesThenBullets => format::sentences_then_bullets(text),
            I::NoWhitespace => format::no_space(text),
            I::Options { options } => nesting::is_option(text, options),
            I::OutputTemplate => format::has_headings(text),
            I::Parentheses => nesting::brackets(text),
            I::QuoteUnquote => format::quotes_are_explained(text),
            I::Quotes => nesting::quotes(text),
            I::SubBullets => format::sub_bullets(text),
            I::Thesis => format::thesis(text),
            I::TitleCase => format::title_case(text),
            I::Overlap { share, .. } => ratio::overlaps(text, &self.trigrams, *share),
            I::SentenceBalance => ratio::balanced(text),
            I::SentenceType => ratio::two_statements_per_question(text),
            I::SentenceLengths => ratio::three_of_a_length(text),
            I::StopWords { most } => ratio::few_stop_words(text, *most),
            I::RepeatChange { prompt } => repeat::changes_first_word(text, prompt),
            I::RepeatSimple => repeat::equal(text, ONLY_SENTENCE),
            I::RepeatSpan { prompt, first, last } => repeat::is_span(text, prompt, *first, *last),
            I::AlliterationIncrement => sentence::alliteration_grows(text),
            I::SentenceIncrement { step } => sentence::grows_by(text, *step),
            I::SentenceKeyword { sentence, .. } => {
                self.needles.iter().all(|word| sentence::has_keyword(text, word, *sentence))
            }
            I::Alphabet => words::alphabetical(text),
            I::Consonants => words::consonants(text),
            I::KeywordPosition { keyword, sentence, word } => {
                words::is_at(text, keyword, *sentence, *word)
            }
            I::LastFirst => words::last_is_first(text),
            I::NoConsecutive => words::no_repeated_start(text),
            I::OddEvenSyllables => words::alternates_syllables(text),
            I::Palindromes => words::palindromes(text),
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

    /// Whether the keywords occur once, twice, three, five and seven times, within words too.
    fn has_all_counts(&self, text: &str) -> bool {
        let text = lower(text);
        self.needles.iter().zip([1, 2, 3, 5, 7]).all(|(word, count)| word.count(&text) == count)
    }
}

/// The texts that an instruction searches for.
fn needles(instruction: &Instruction) -> Vec<Needle> {
    match instruction {
        Instruction::KeywordsMultiple { once, twice, three, five, seven } => {
            [once, twice, three, five, seven].map(|word| Needle::new(&lower(word))).into()
        }
        Instruction::List { separator } => vec![Needle::new(separator)],
        Instruction::SentenceKeyword { word, .. } => vec![Needle::new(&fold(word))],
        _ => Vec::new(),
    }
}
