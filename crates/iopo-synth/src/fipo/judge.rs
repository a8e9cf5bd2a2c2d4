//! The discriminator: which rewrite the response answers better, asked in both orders.

use iopo_judge::fence;
use iopo_llm::ResponseSchema;
use iopo_schema::{Method, VerdictRow};
use serde_json::json;

use super::flow::Flow;
use super::refusal::FipoRefusal;
use super::seed::Item;
use super::step::FipoStep;
use super::templates::FipoPrompt;
use crate::SynthError;
use crate::trace::ask::Question;
use crate::trace::read::{Fault, object, string};
use crate::trace::schema;
use crate::trace::text::shorten;

/// The largest number of characters of a judge's evidence.
pub(super) const MAX_EVIDENCE: usize = 300;

impl Flow<'_> {
    /// Asks which rewrite is better, in the order of the stage. Items for which the judge names the worse one are dropped.
    pub(super) fn compare(
        &mut self,
        items: &mut [Item<'_>],
        step: FipoStep,
    ) -> Result<(), SynthError> {
        let open = self.enter(step, items);
        let better_is_first = step == FipoStep::BetterFirst;
        let questions: Vec<Question> =
            open.iter().map(|&at| self.asks_judge(&items[at], better_is_first)).collect();
        let replies = self.ask(step, &questions, |_, answer| Ok(choice(answer.text)?))?;
        for (&at, reply) in open.iter().zip(replies) {
            let result = match reply.result {
                Ok((is_first, evidence)) if is_first == better_is_first => {
                    Ok(VerdictRow::new(true, Method::Judge, evidence))
                }
                Ok(_) => Err(FipoRefusal::Undecided),
                Err(refusal) => Err(refusal.into()),
            };
            let verdict = self.settle(step, &mut items[at], Some(&reply.mark), result);
            items[at].decisions[usize::from(!better_is_first)] = verdict;
        }
        Ok(())
    }

    fn asks_judge(&self, item: &Item<'_>, better_is_first: bool) -> Question {
        let text = |rewrite: &Option<super::seed::Rewrite>| {
            fence(rewrite.as_ref().map_or("", |rewrite| rewrite.instruction.as_str()))
        };
        let (better, worse) = (text(&item.better), text(&item.worse));
        let (first, second) = if better_is_first { (better, worse) } else { (worse, better) };
        let seed = item.seed;
        let values = [
            ("task", fence(&seed.task)),
            ("input", fence(seed.input.as_deref().unwrap_or("NULL"))),
            ("response", fence(&seed.y)),
            ("first", first),
            ("second", second),
        ];
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Question {
            messages: self.templates.fill(FipoPrompt::Judge, item.language, &values),
            templates: self.templates.hashes_of(&[FipoPrompt::Judge], item.language),
            language: item.language,
            key: item.id.clone(),
            sample: 0,
            schema: Some(choice_schema()),
        }
    }
}

/// The form of a choice: an explanation, then the letter.
fn choice_schema() -> ResponseSchema {
    let parts = [
        ("explanation", json!({"type": "string"})),
        ("better", json!({"type": "string", "enum": ["A", "B"]})),
    ];
    schema::named("fipo_judge", schema::object(&parts))
}

/// Reads whether the first instruction is the better one, and why.
fn choice(text: &str) -> Result<(bool, String), Fault> {
    let found = object(text, "better")?;
    let is_first = match string(&found, "better")? {
        "A" | "a" => true,
        "B" | "b" => false,
        _ => return Err(Fault::Field("better")),
    };
    let explanation = string(&found, "explanation").unwrap_or_default();
    let evidence = match explanation {
        "" => format!("named {}", if is_first { "the first" } else { "the second" }),
        text => shorten(text, MAX_EVIDENCE),
    };
    Ok((is_first, evidence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_letter_is_a_choice() {
        assert_eq!(choice(r#"{"better": "A"}"#), Ok((true, "named the first".into())));
        let text = r#"Hm. {"explanation": "B it is", "better": "b"}"#;
        assert_eq!(choice(text), Ok((false, "B it is".into())));
        for other in [r#"{"better": "both"}"#, r#"{"better": ""}"#, r#"{"better": true}"#, "A"] {
            choice(other).expect_err(other);
        }
    }
}
