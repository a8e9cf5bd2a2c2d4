//! The checks by the wording of the instruction. They use the measures of the constraints where both measure the same
//! thing.
//!
//! `docs/ifeval.md` lists the differences from the published checks, each with an example.

mod emphasis;
mod layout;
mod whole;
pub(crate) mod words;

use super::{
    instruction::Instruction,
    json::{Dialect, is_json},
    language,
    python::lower,
    relation::Relation,
};
use crate::measure::Measure;

/// An instruction that is decided by its wording.
#[derive(Debug, Clone)]
pub(super) struct Repaired {
    instruction: Instruction,
}

impl Repaired {
    pub(super) fn new(instruction: &Instruction) -> Self {
        Self { instruction: instruction.clone() }
    }

    /// Whether the check counts asterisks or passages between them.
    pub(super) fn reads_asterisks(&self) -> bool {
        use Instruction as I;
        match self.instruction {
            I::TwoResponses
            | I::NumberBulletLists { .. }
            | I::NumberHighlightedSections { .. }
            | I::NumberParagraphs { .. } => true,
            I::CapitalWordFrequency { .. }
            | I::EnglishCapital
            | I::EnglishLowercase
            | I::RepeatPrompt { .. }
            | I::NumberPlaceholders { .. }
            | I::Postscript { .. }
            | I::ConstrainedResponse
            | I::JsonFormat
            | I::MultipleSections { .. }
            | I::Title
            | I::KeywordsExistence { .. }
            | I::ForbiddenWords { .. }
            | I::KeywordFrequency { .. }
            | I::LetterFrequency { .. }
            | I::ResponseLanguage { .. }
            | I::NthParagraphFirstWord { .. }
            | I::NumberSentences { .. }
            | I::NumberWords { .. }
            | I::NoComma
            | I::EndChecker { .. }
            | I::Quotation => false,
        }
    }

    /// Whether a text follows the instruction. The text is not blank.
    pub(super) fn follows(&self, text: &str) -> bool {
        use Instruction as I;
        let none = |measure: Measure| measure.count(text) == 0;
        let held = |relation: &Relation, found: usize, count: &usize| relation.holds(found, *count);
        match &self.instruction {
            I::CapitalWordFrequency { relation, count } => {
                held(relation, Measure::CapitalWords.count(text), count)
            }
            I::EnglishCapital => {
                none(Measure::SmallLetters) && !none(Measure::Capitals) && is_english(text)
            }
            I::EnglishLowercase => {
                none(Measure::Capitals) && !none(Measure::SmallLetters) && is_english(text)
            }
            I::RepeatPrompt { prompt } => whole::repeats_and_answers(text, prompt),
            I::TwoResponses => layout::two_responses(text),
            I::NumberPlaceholders { count } => words::placeholders(text) >= *count,
            I::Postscript { marker } => layout::postscript(text, marker),
            I::ConstrainedResponse => whole::one_answer(text),
            I::JsonFormat => is_json(whole::unfenced(text), Dialect::Standard),
            I::MultipleSections { splitter, count } => layout::sections(text, splitter) >= *count,
            I::NumberBulletLists { count } => Measure::Bullets.count(text) == *count,
            I::NumberHighlightedSections { count } => emphasis::passages(text) >= *count,
            I::Title => layout::title(text),
            I::KeywordsExistence { keywords } => {
                keywords.iter().all(|keyword| words::occurrences(text, keyword) > 0)
            }
            I::ForbiddenWords { words } => {
                words.iter().all(|word| words::occurrences(text, word) == 0)
            }
            I::KeywordFrequency { keyword, relation, count } => {
                held(relation, words::occurrences(text, keyword), count)
            }
            I::LetterFrequency { letter, relation, count } => {
                held(relation, lower(text).matches(*letter).count(), count)
            }
            I::ResponseLanguage { language } => {
                language::detect(text).is_some_and(|found| found == *language)
            }
            I::NthParagraphFirstWord { paragraphs, nth, first_word } => {
                layout::nth_paragraph(text, *paragraphs, *nth, first_word)
            }
            I::NumberParagraphs { count } => layout::parts(text) == *count,
            I::NumberSentences { relation, count } => {
                held(relation, Measure::Sentences.count(text), count)
            }
            I::NumberWords { relation, count } => held(relation, words::count(text), count),
            I::NoComma => !text.contains([',', '，', '﹐', '、', '،']),
            I::EndChecker { phrase } => whole::ends(text, phrase),
            I::Quotation => whole::quoted(text),
        }
    }
}

/// Whether a text is English, unchanged or in lower case. The detector ignores most words in capitals.
fn is_english(text: &str) -> bool {
    let is = |text: &str| language::detect(text).is_some_and(|found| found == "en");
    is(text) || is(&lower(text))
}
