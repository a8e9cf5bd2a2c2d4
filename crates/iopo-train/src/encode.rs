//! Groups as tokens. By default nothing is truncated: groups that do not fit are dropped and counted.

mod drop_reason;
mod official;

use std::collections::BTreeMap;

use iopo_core::{FalseCells, PerSequence, Sequence, SettingError};
use iopo_llm::{Message, Role};
use iopo_model::{ChatTemplate, EndOfTurn, ModelError, Tokenizer};
use iopo_schema::{PreferenceRow, TurnRole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use drop_reason::DropReason;
pub use official::infer_seqlen;

/// Treatment of a group that is longer than `max_length`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TruncationMode {
    /// Drops the whole group, as well as groups with an empty response or with an instruction that contains a special
    /// token.
    #[default]
    Drop,
    /// Cuts prompts and responses at their ends as the authors' released code does ([`infer_seqlen`]), which may remove
    /// constraints and end-of-turn tokens. As there, an empty response becomes its end-of-turn token, and special tokens
    /// in the text become tokens. For comparison only.
    Official,
}

/// The tokens of a preference group, of a pair without a second instruction, of an input preference without a second response,
/// or of two SFT rows as the sequences `x1y1` and `x2y2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedGroup {
    /// The row's id.
    pub id: String,
    /// Tokens of the chat with x1, up to the start of the response.
    pub x1: Vec<u32>,
    /// Tokens of the chat with x2, up to the start of the response; empty if there is no second instruction.
    pub x2: Vec<u32>,
    /// Tokens of y1, including its end-of-turn token.
    pub y1: Vec<u32>,
    /// Tokens of y2, including its end-of-turn token; the rejected response of a pair. Empty in an input preference.
    pub y2: Vec<u32>,
    /// False cells of the truth table: both in a full group, one in a sided group, `x1y2` in a pair.
    pub false_cells: FalseCells,
}

impl EncodedGroup {
    /// Returns the prompt tokens of a sequence.
    pub fn prompt(&self, sequence: Sequence) -> &[u32] {
        match sequence {
            Sequence::X1Y1 | Sequence::X1Y2 => &self.x1,
            Sequence::X2Y1 | Sequence::X2Y2 => &self.x2,
        }
    }

    /// Returns the response tokens of a sequence.
    pub fn response(&self, sequence: Sequence) -> &[u32] {
        match sequence {
            Sequence::X1Y1 | Sequence::X2Y1 => &self.y1,
            Sequence::X1Y2 | Sequence::X2Y2 => &self.y2,
        }
    }

    /// Counts the tokens of a sequence, prompt and response together.
    pub fn sequence_tokens(&self, sequence: Sequence) -> usize {
        self.prompt(sequence).len() + self.response(sequence).len()
    }

    /// Returns whether there is a second instruction, which a pair lacks.
    pub fn has_second_instruction(&self) -> bool {
        !self.x2.is_empty()
    }

    /// Returns whether there are two instructions and one response, which follows x1 better than x2.
    pub fn is_input_preference(&self) -> bool {
        self.has_second_instruction() && self.y2.is_empty()
    }

    /// Counts the response tokens of the four sequences; 0 for those that do not exist.
    pub fn response_tokens(&self) -> PerSequence<u32> {
        let exists = all_sequences(self);
        PerSequence::from_fn(|sequence| {
            if *exists.get(sequence) { self.response(sequence).len() as u32 } else { 0 }
        })
    }

    /// Counts the tokens of the chosen responses: y1 and, if there is a second instruction, y2.
    pub fn chosen_tokens(&self) -> usize {
        let second = if self.has_second_instruction() { self.y2.len() } else { 0 };
        self.y1.len() + second
    }

    /// Returns the margin of values per sequence: `x1y1 + x2y2` minus twice the mean over the false cells, or `x1y1 − x1y2`
    /// for a pair and `x1y1 − x2y1` for an input preference.
    pub fn margin(&self, values: PerSequence<f64>) -> f64 {
        if self.is_input_preference() {
            values.x1y1 - values.x2y1
        } else if self.has_second_instruction() {
            values.margin_over(self.false_cells.weights())
        } else {
            values.x1y1 - values.x1y2
        }
    }

    /// Counts the tokens of the longest of the four sequences.
    pub fn longest(&self) -> usize {
        Sequence::ALL.into_iter().map(|s| self.sequence_tokens(s)).max().unwrap_or(0)
    }
}

/// Selects all sequences of a group: four, or the two of a pair or of an input preference.
pub fn all_sequences(group: &EncodedGroup) -> PerSequence<bool> {
    let second = group.has_second_instruction();
    let has_y2 = !group.y2.is_empty();
    PerSequence { x1y1: true, x1y2: has_y2, x2y1: second, x2y2: second && has_y2 }
}

/// The encoded groups of some rows, and the rows that were dropped.
#[derive(Debug, Clone, Default)]
pub struct EncodedGroups {
    /// The groups that fit, in the order of the rows.
    pub groups: Vec<EncodedGroup>,
    /// Number of dropped rows, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
}

impl EncodedGroups {
    /// Describes the dropped rows, for instance `too_long: 3, special_token: 1`, or `none were dropped`.
    pub fn describe_dropped(&self) -> String {
        describe(&self.dropped)
    }
}

/// Describes dropped rows by their counts.
pub(crate) fn describe(dropped: &BTreeMap<DropReason, u64>) -> String {
    if dropped.is_empty() {
        return "none were dropped".to_owned();
    }
    let parts: Vec<String> =
        dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    parts.join(", ")
}

/// The result of encoding one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded {
    /// Its tokens.
    Group(EncodedGroup),
    /// No tokens: the group was dropped for this reason.
    Dropped(DropReason),
}

/// Encodes chats and responses as tokens.
///
/// The chat template adds every special token, so the tokenizer adds none. Prompt and response are tokenized separately, and
/// the end-of-turn token is part of the response.
#[derive(Debug, Clone, Copy)]
pub struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    template: &'a ChatTemplate,
    /// The token that ends an answer.
    end: u32,
    max_length: usize,
    policy: TruncationMode,
}

impl<'a> Encoder<'a> {
    /// Makes an encoder whose sequences have at most `max_length` tokens.
    ///
    /// # Errors
    /// Returns an error if neither the template nor the tokenizer has a token that ends an answer.
    pub fn new(
        tokenizer: &'a Tokenizer,
        template: &'a ChatTemplate,
        max_length: usize,
        policy: TruncationMode,
    ) -> Result<Self, ModelError> {
        let end = EndOfTurn::find(tokenizer, template)?.ok_or_else(|| {
            let expected = "a token that ends an answer, because the chat template writes none and the tokenizer \
                            has no end-of-text token";
            ModelError::from(SettingError::new("eos_token", "none", expected))
        })?;
        Ok(Self { tokenizer, template, end: end.id(), max_length, policy })
    }

    /// Encodes two chats, up to the start of the response, and two responses.
    ///
    /// It drops the group if its longest sequence exceeds the limit (`too_long`), a response is empty (`empty_response`), a
    /// chat contains a special token (`special_token`) or a text contains a token for which the model's embedding has no row
    /// (`token_without_row`); under [`TruncationMode::Official`] if the cut leaves no token (`no_prompt_left`,
    /// `no_response_left`).
    ///
    /// # Errors
    /// Returns an error if the template rejects a chat or the tokenizer rejects a text.
    pub fn group(
        &self,
        id: &str,
        chats: [&[Message]; 2],
        responses: [&str; 2],
        false_cells: FalseCells,
    ) -> Result<Encoded, ModelError> {
        if let Some(reason) = self.refused(&chats, &responses) {
            return Ok(Encoded::Dropped(reason));
        }
        let encoded = || -> Result<EncodedGroup, ModelError> {
            Ok(EncodedGroup {
                id: id.to_owned(),
                x1: self.prompt(chats[0])?,
                x2: self.prompt(chats[1])?,
                y1: self.response(responses[0])?,
                y2: self.response(responses[1])?,
                false_cells,
            })
        };
        self.fitted(encoded())
    }

    /// Encodes a chat, up to the start of the response, with a chosen and a rejected response.
    ///
    /// Drops the pair for the same reasons as [`Encoder::group`].
    ///
    /// # Errors
    /// Returns an error if the template rejects the chat or the tokenizer rejects a text.
    pub fn pair(
        &self,
        id: &str,
        chat: &[Message],
        [chosen, rejected]: [&str; 2],
    ) -> Result<Encoded, ModelError> {
        if let Some(reason) = self.refused(&[chat], &[chosen, rejected]) {
            return Ok(Encoded::Dropped(reason));
        }
        let encoded = || -> Result<EncodedGroup, ModelError> {
            Ok(EncodedGroup {
                id: id.to_owned(),
                x1: self.prompt(chat)?,
                x2: Vec::new(),
                y1: self.response(chosen)?,
                y2: self.response(rejected)?,
                false_cells: FalseCells { x1y2: true, x2y1: false },
            })
        };
        self.fitted(encoded())
    }

    /// Encodes a response with the instruction that it follows better, and another one.
    ///
    /// Drops the row for the same reasons as [`Encoder::group`].
    ///
    /// # Errors
    /// Returns an error if the template rejects a chat or the tokenizer rejects a text.
    pub fn input_preference(
        &self,
        id: &str,
        [better, worse]: [&str; 2],
        response: &str,
    ) -> Result<Encoded, ModelError> {
        let chats = [[Message::user(better)], [Message::user(worse)]];
        if let Some(reason) = self.refused(&[&chats[0], &chats[1]], &[response]) {
            return Ok(Encoded::Dropped(reason));
        }
        let encoded = || -> Result<EncodedGroup, ModelError> {
            Ok(EncodedGroup {
                id: id.to_owned(),
                x1: self.prompt(&chats[0])?,
                x2: self.prompt(&chats[1])?,
                y1: self.response(response)?,
                y2: Vec::new(),
                false_cells: FalseCells { x1y2: false, x2y1: true },
            })
        };
        self.fitted(encoded())
    }

    /// Encodes a row of SFT, whose prompt is the user's only turn, as the sequence `x1y1` of a group without x2 and y2.
    ///
    /// It drops the row for the reasons of [`Encoder::group`].
    ///
    /// # Errors
    /// Returns an error if the template rejects the chat or the tokenizer rejects a text.
    pub fn row(&self, id: &str, prompt: &str, response: &str) -> Result<Encoded, ModelError> {
        let chat = [Message::user(prompt)];
        if let Some(reason) = self.refused(&[&chat], &[response]) {
            return Ok(Encoded::Dropped(reason));
        }
        let encoded = || -> Result<EncodedGroup, ModelError> {
            Ok(EncodedGroup {
                id: id.to_owned(),
                x1: self.prompt(&chat)?,
                x2: Vec::new(),
                y1: self.response(response)?,
                y2: Vec::new(),
                false_cells: FalseCells::BOTH,
            })
        };
        self.fitted(encoded())
    }

    /// Drops or cuts a group that is too long, and drops one with a token that the model does not know.
    fn fitted(&self, encoded: Result<EncodedGroup, ModelError>) -> Result<Encoded, ModelError> {
        let mut group = match encoded {
            Ok(group) => group,
            Err(ModelError::TokenWithoutRow { .. }) => {
                return Ok(Encoded::Dropped(DropReason::TokenWithoutRow));
            }
            Err(error) => return Err(error),
        };
        let reason = match self.policy {
            TruncationMode::Drop => {
                (group.longest() > self.max_length).then_some(DropReason::TooLong)
            }
            TruncationMode::Official => official::cut(&mut group, self.max_length),
        };
        Ok(reason.map_or(Encoded::Group(group), Encoded::Dropped))
    }

    /// Returns the reason to drop texts before they are encoded.
    fn refused(&self, chats: &[&[Message]], responses: &[&str]) -> Option<DropReason> {
        if self.policy == TruncationMode::Official {
            return None;
        }
        let special = |turn: &Message| self.tokenizer.special_in(&turn.content).is_some();
        if chats.iter().copied().flatten().any(special) {
            Some(DropReason::SpecialToken)
        } else if responses.iter().any(|response| response.is_empty()) {
            Some(DropReason::EmptyResponse)
        } else {
            None
        }
    }

    fn prompt(&self, chat: &[Message]) -> Result<Vec<u32>, ModelError> {
        self.tokenizer.encode(&self.template.render(chat, true)?)
    }

    fn response(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let mut tokens = match self.policy {
            TruncationMode::Drop => self.tokenizer.encode_content(text)?,
            TruncationMode::Official => self.tokenizer.encode(text)?,
        };
        tokens.push(self.end);
        Ok(tokens)
    }
}

/// Encodes rows for training; an instruction is the user's last turn, after those of the row's context.
///
/// It drops and counts rows for the reasons of [`Encoder::group`], and rows whose truth table holds no preference
/// (`no_preference`).
///
/// # Errors
/// Returns an error if the template rejects a chat or the tokenizer rejects a text.
pub fn encode<'a>(
    rows: impl IntoIterator<Item = &'a PreferenceRow>,
    encoder: &Encoder<'_>,
) -> Result<EncodedGroups, ModelError> {
    let mut made = EncodedGroups::default();
    for row in rows {
        let follows = row.truth_table();
        let encoded = if !follows.x1y1 || !follows.x2y2 || (follows.x1y2 && follows.x2y1) {
            Encoded::Dropped(DropReason::NoPreference)
        } else {
            let (x1, responses) = (chat(row, &row.x1), [row.y1.as_str(), row.y2.as_str()]);
            match &row.x2 {
                Some(x2) => {
                    let false_cells = FalseCells::of(follows);
                    encoder.group(&row.id, [&x1, &chat(row, x2)], responses, false_cells)?
                }
                None => encoder.pair(&row.id, &x1, responses)?,
            }
        };
        match encoded {
            Encoded::Group(group) => made.groups.push(group),
            Encoded::Dropped(reason) => *made.dropped.entry(reason).or_default() += 1,
        }
    }
    Ok(made)
}

/// Returns the chat of an instruction: the turns of the row's context and the user's turn.
fn chat(row: &PreferenceRow, instruction: &str) -> Vec<Message> {
    let before = row.context.iter().map(|turn| Message {
        role: match turn.role {
            TurnRole::System => Role::System,
            TurnRole::User => Role::User,
            TurnRole::Assistant => Role::Assistant,
        },
        content: turn.content.clone(),
    });
    before.chain([Message::user(instruction)]).collect()
}
