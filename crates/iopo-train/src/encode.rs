//! Groups as tokens. Nothing is truncated: what does not fit is left out and counted.

use std::collections::BTreeMap;

use iopo_llm::Message;
use iopo_model::{ChatTemplate, ModelError, Tokenizer};
use iopo_schema::PreferenceRow;

/// A preference group as tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedGroup {
    /// The row's id.
    pub id: String,
    /// The rendered chat that ends where the answer to x1 begins.
    pub x1: Vec<u32>,
    /// The same for x2.
    pub x2: Vec<u32>,
    /// y1, its end-of-turn token included.
    pub y1: Vec<u32>,
    /// y2, its end-of-turn token included.
    pub y2: Vec<u32>,
    /// Whether y2 fails x1, and whether y1 fails x2: both in a full group, one in a sided one.
    pub false_cells: [bool; 2],
}

impl EncodedGroup {
    /// Prompt of a sequence, in the order (x1,y1), (x1,y2), (x2,y2), (x2,y1).
    pub fn prompt(&self, sequence: usize) -> &[u32] {
        if sequence < 2 { &self.x1 } else { &self.x2 }
    }

    /// Response of a sequence, in the same order.
    pub fn response(&self, sequence: usize) -> &[u32] {
        if sequence == 0 || sequence == 3 { &self.y1 } else { &self.y2 }
    }

    /// Response tokens of the four sequences.
    pub fn response_tokens(&self) -> [u32; 4] {
        std::array::from_fn(|sequence| self.response(sequence).len() as u32)
    }

    /// Tokens of the longest of the four sequences.
    pub fn longest(&self) -> usize {
        (0..4).map(|s| self.prompt(s).len() + self.response(s).len()).max().unwrap_or(0)
    }
}

/// What encoding made of a list of rows.
#[derive(Debug, Clone, Default)]
pub struct EncodedGroups {
    /// The groups that fit, in the order of the rows.
    pub groups: Vec<EncodedGroup>,
    /// How many rows were left out, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl EncodedGroups {
    /// `too_long: 3, special_token: 1`, or `none were left out`.
    pub fn describe_dropped(&self) -> String {
        if self.dropped.is_empty() {
            return "none were left out".to_owned();
        }
        let parts: Vec<String> =
            self.dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        parts.join(", ")
    }
}

/// Encodes rows for training: the chat template is rendered once, special tokens are not added a
/// second time, prompt and response are tokenised apart, and the end-of-turn token is part of the
/// response with a live label.
///
/// A row is left out, with its reason counted, when its longest sequence exceeds `max_length`
/// tokens (`too_long`), a response is empty (`empty_response`), an instruction spells a special token
/// (`special_token`), or its truth table holds no preference (`no_preference`).
///
/// # Errors
/// When the template refuses a chat, or the tokenizer has no end-of-turn token.
pub fn encode<'a>(
    rows: impl IntoIterator<Item = &'a PreferenceRow>,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    max_length: usize,
) -> Result<EncodedGroups, ModelError> {
    let eos = tokenizer.eos_id().ok_or_else(|| ModelError::Other {
        reason: "the tokenizer names no end-of-text token, which every trained response must end \
                 with; set `eos_token` in tokenizer_config.json"
            .to_owned(),
    })?;
    let prompt = |user: &str| -> Result<Vec<u32>, ModelError> {
        tokenizer.encode(&template.render(&[Message::user(user)], true)?)
    };
    let response = |text: &str| -> Result<Vec<u32>, ModelError> {
        let mut tokens = tokenizer.encode_content(text)?;
        tokens.push(eos);
        Ok(tokens)
    };
    let mut made = EncodedGroups::default();
    for row in rows {
        let [y1_x1, y2_x1, y1_x2, y2_x2] = row.proof.cells();
        let reason = if !y1_x1 || !y2_x2 || (y2_x1 && y1_x2) {
            Some("no_preference")
        } else if [&row.x1, &row.x2].into_iter().any(|x| tokenizer.special_in(x).is_some()) {
            Some("special_token")
        } else if row.y1.is_empty() || row.y2.is_empty() {
            Some("empty_response")
        } else {
            let group = EncodedGroup {
                id: row.id.clone(),
                x1: prompt(&row.x1)?,
                x2: prompt(&row.x2)?,
                y1: response(&row.y1)?,
                y2: response(&row.y2)?,
                false_cells: [!y2_x1, !y1_x2],
            };
            if group.longest() <= max_length {
                made.groups.push(group);
                None
            } else {
                Some("too_long")
            }
        };
        if let Some(reason) = reason {
            *made.dropped.entry(reason).or_default() += 1;
        }
    }
    Ok(made)
}
