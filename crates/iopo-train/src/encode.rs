//! Groups as tokens: by default nothing is truncated, what does not fit is left out and counted.

mod official;

use std::collections::BTreeMap;

use iopo_llm::Message;
use iopo_model::{ChatTemplate, ModelError, Tokenizer};
use iopo_schema::PreferenceRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use official::infer_seqlen;

/// What becomes of a group that is longer than `max_length`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TruncationMode {
    /// It is left out, whole. So are groups with an empty response, or with an instruction that spells
    /// a special token.
    #[default]
    Drop,
    /// Prompts and responses are cut at their ends as the IOPO authors' released code does
    /// ([`infer_seqlen`]), constraints and end-of-turn tokens with them; and as there, an empty
    /// response is its end-of-turn token and spelt special tokens become tokens. For comparison only.
    Official,
}

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

/// What encoding made of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded {
    /// Its tokens.
    Group(EncodedGroup),
    /// Nothing, for this reason.
    LeftOut(&'static str),
}

/// What turns chats and responses into tokens: the chat template is rendered once, special tokens are
/// not added a second time, prompt and response are tokenised apart, and the end-of-turn token is
/// part of the response with a live label.
#[derive(Debug, Clone, Copy)]
pub struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    template: &'a ChatTemplate,
    eos: u32,
    max_length: usize,
    policy: TruncationMode,
}

impl<'a> Encoder<'a> {
    /// An encoder whose longest sequence has `max_length` tokens.
    ///
    /// # Errors
    /// When the tokenizer has no end-of-turn token.
    pub fn new(
        tokenizer: &'a Tokenizer,
        template: &'a ChatTemplate,
        max_length: usize,
        policy: TruncationMode,
    ) -> Result<Self, ModelError> {
        let eos = tokenizer.eos_id().ok_or_else(|| ModelError::Other {
            reason: "the tokenizer names no end-of-text token, which every trained response must \
                     end with; set `eos_token` in tokenizer_config.json"
                .to_owned(),
        })?;
        Ok(Self { tokenizer, template, eos, max_length, policy })
    }

    /// Encodes the two chats that end where an answer is due, and the two answers.
    ///
    /// It is left out when its longest sequence exceeds the limit (`too_long`), a response is empty
    /// (`empty_response`) or a chat spells a special token (`special_token`); under
    /// [`TruncationMode::Official`] when the cut leaves no token (`no_prompt_left`, `no_response_left`).
    ///
    /// # Errors
    /// When the template refuses a chat or the tokenizer a text.
    pub fn group(
        &self,
        id: &str,
        chats: [&[Message]; 2],
        responses: [&str; 2],
        false_cells: [bool; 2],
    ) -> Result<Encoded, ModelError> {
        if self.policy == TruncationMode::Drop
            && let Some(reason) = self.refused(chats, responses)
        {
            return Ok(Encoded::LeftOut(reason));
        }
        let mut group = EncodedGroup {
            id: id.to_owned(),
            x1: self.prompt(chats[0])?,
            x2: self.prompt(chats[1])?,
            y1: self.response(responses[0])?,
            y2: self.response(responses[1])?,
            false_cells,
        };
        let reason = match self.policy {
            TruncationMode::Drop => (group.longest() > self.max_length).then_some("too_long"),
            TruncationMode::Official => official::cut(&mut group, self.max_length),
        };
        Ok(reason.map_or(Encoded::Group(group), Encoded::LeftOut))
    }

    /// Why a group's texts are not encoded at all.
    fn refused(&self, chats: [&[Message]; 2], responses: [&str; 2]) -> Option<&'static str> {
        let special = |turn: &Message| self.tokenizer.special_in(&turn.content).is_some();
        if chats.into_iter().flatten().any(special) {
            Some("special_token")
        } else if responses.into_iter().any(str::is_empty) {
            Some("empty_response")
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
        tokens.push(self.eos);
        Ok(tokens)
    }
}

/// Encodes rows for training: an instruction is the user's only turn.
///
/// A row is left out, with its reason counted, for what [`Encoder::group`] names, or when its truth
/// table holds no preference (`no_preference`).
///
/// # Errors
/// When the template refuses a chat or the tokenizer a text.
pub fn encode<'a>(
    rows: impl IntoIterator<Item = &'a PreferenceRow>,
    encoder: &Encoder<'_>,
) -> Result<EncodedGroups, ModelError> {
    let mut made = EncodedGroups::default();
    for row in rows {
        let follows = row.truth_table();
        let encoded = if !follows.x1y1 || !follows.x2y2 || (follows.x1y2 && follows.x2y1) {
            Encoded::LeftOut("no_preference")
        } else {
            let [x1, x2] = [&row.x1, &row.x2].map(|x| [Message::user(x.as_str())]);
            encoder.group(
                &row.id,
                [&x1, &x2],
                [&row.y1, &row.y2],
                [!follows.x1y2, !follows.x2y1],
            )?
        };
        match encoded {
            Encoded::Group(group) => made.groups.push(group),
            Encoded::LeftOut(reason) => *made.dropped.entry(reason).or_default() += 1,
        }
    }
    Ok(made)
}
