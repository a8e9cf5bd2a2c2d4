//! The checks of the published implementation, including its errors.

mod detectable;
mod layout;
mod whole;

use super::{
    error::InstructionError,
    instruction::Instruction,
    json::{Dialect, is_json},
    language,
    pattern::{Pattern, Purpose, Searched, expression, is_literal},
    primitives,
    python::{is_lower, is_upper, lower, strip, word_runs},
};

/// An instruction with its compiled patterns.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    instruction: Instruction,
    patterns: Vec<Pattern>,
}

impl Paper {
    pub(super) fn new(instruction: &Instruction) -> Result<Self, InstructionError> {
        Ok(Self { instruction: instruction.clone(), patterns: patterns(instruction)? })
    }

    /// Whether a text follows the instruction. The text is not blank.
    pub(super) fn follows(&self, text: &str) -> bool {
        use Instruction as I;
        match &self.instruction {
            I::CapitalWordFrequency { relation, count } => {
                relation.holds(primitives::capital_word_count(text), *count)
            }
            I::EnglishCapital => is_upper(text) && language::is_or_unknown(text, "en"),
            I::EnglishLowercase => is_lower(text) && language::is_or_unknown(text, "en"),
            I::RepeatPrompt { prompt } => whole::repeats(text, prompt),
            I::TwoResponses => layout::two_responses(text),
            I::NumberPlaceholders { count } => detectable::placeholders(text) >= *count,
            I::Postscript { marker } => match marker.as_str() {
                "P.P.S" => detectable::postscript(text, &["p.", "p.", "s"]),
                "P.S." => detectable::postscript(text, &["p.", "s."]),
                _ => self.finds_all(&lower(text)),
            },
            I::ConstrainedResponse => whole::constrained(text),
            I::JsonFormat => is_json(whole::unfenced(text), Dialect::Python),
            I::MultipleSections { splitter, count } => {
                let sections = match self.patterns.first() {
                    Some(pattern) => pattern.count(&Searched::new(text)),
                    None => layout::sections(text, splitter),
                };
                sections >= *count
            }
            I::NumberBulletLists { count } => layout::bullets(text) == *count,
            I::NumberHighlightedSections { count } => detectable::highlights(text) >= *count,
            I::Title => detectable::title(text),
            I::KeywordsExistence { .. } => self.finds_all(text),
            I::ForbiddenWords { .. } => {
                let text = Searched::new(text);
                !self.patterns.iter().any(|word| word.occurs_as_word(&text))
            }
            I::KeywordFrequency { relation, count, .. } => {
                let text = Searched::new(text);
                let found = self.patterns.iter().map(|word| word.count(&text)).sum();
                relation.holds(found, *count)
            }
            I::LetterFrequency { letter, relation, count } => {
                relation.holds(lower(text).matches(*letter).count(), *count)
            }
            I::ResponseLanguage { language } => language::is_or_unknown(text, language),
            I::NthParagraphFirstWord { paragraphs, nth, first_word } => {
                layout::nth_paragraph(text, *paragraphs, *nth, first_word)
            }
            I::NumberParagraphs { count } => layout::paragraphs(text) == Some(*count),
            I::NumberSentences { relation, count } => {
                relation.holds(primitives::sentence_count(text), *count)
            }
            I::NumberWords { relation, count } => relation.holds(word_runs(text), *count),
            I::NoComma => !text.contains(','),
            I::EndChecker { phrase } => whole::ends(text, phrase),
            I::Quotation => whole::quoted(strip(text)),
        }
    }

    /// Whether a text matches all patterns of the instruction.
    fn finds_all(&self, text: &str) -> bool {
        let text = Searched::new(text);
        self.patterns.iter().all(|pattern| pattern.occurs(&text))
    }
}

/// The patterns that an instruction searches for.
fn patterns(instruction: &Instruction) -> Result<Vec<Pattern>, InstructionError> {
    let kind = instruction.kind();
    match instruction {
        Instruction::KeywordsExistence { keywords } => {
            keywords.iter().map(|word| Pattern::new(kind, word, Purpose::Find)).collect()
        }
        Instruction::ForbiddenWords { words } => {
            words.iter().map(|word| Pattern::new(kind, word, Purpose::FindWord)).collect()
        }
        Instruction::KeywordFrequency { keyword, .. } => {
            Ok(vec![Pattern::new(kind, keyword, Purpose::Count)?])
        }
        Instruction::Postscript { marker } if !matches!(marker.as_str(), "P.P.S" | "P.S.") => {
            Ok(vec![Pattern::new(kind, &lower(marker), Purpose::Find)?])
        }
        Instruction::MultipleSections { splitter, .. } if splitter.is_empty() => {
            Err(Pattern::unsupported(kind, splitter, "the text is empty"))
        }
        Instruction::MultipleSections { splitter, .. } if !is_literal(splitter) => {
            let regex = expression(splitter, Purpose::Count)
                .and_then(|_| layout::section_expression(splitter))
                .map_err(|reason| Pattern::unsupported(kind, splitter, reason))?;
            Ok(vec![Pattern::Expression(regex)])
        }
        Instruction::Postscript { .. }
        | Instruction::MultipleSections { .. }
        | Instruction::CapitalWordFrequency { .. }
        | Instruction::EnglishCapital
        | Instruction::EnglishLowercase
        | Instruction::RepeatPrompt { .. }
        | Instruction::TwoResponses
        | Instruction::NumberPlaceholders { .. }
        | Instruction::ConstrainedResponse
        | Instruction::JsonFormat
        | Instruction::NumberBulletLists { .. }
        | Instruction::NumberHighlightedSections { .. }
        | Instruction::Title
        | Instruction::LetterFrequency { .. }
        | Instruction::ResponseLanguage { .. }
        | Instruction::NthParagraphFirstWord { .. }
        | Instruction::NumberParagraphs { .. }
        | Instruction::NumberSentences { .. }
        | Instruction::NumberWords { .. }
        | Instruction::NoComma
        | Instruction::EndChecker { .. }
        | Instruction::Quotation => Ok(Vec::new()),
    }
}
