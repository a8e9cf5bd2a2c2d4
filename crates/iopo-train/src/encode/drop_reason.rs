//! Reasons to drop a group.

use crate::named::named;

named! {
    /// Why a group has no tokens to train on.
    pub enum DropReason {
        /// A response is empty.
        EmptyResponse = "empty_response",
        /// The truth table holds no preference.
        NoPreference = "no_preference",
        /// The truncation of the authors' released code leaves no token of the prompts.
        NoPromptLeft = "no_prompt_left",
        /// The truncation of the authors' released code leaves no token of the responses.
        NoResponseLeft = "no_response_left",
        /// A chat contains a special token.
        SpecialToken = "special_token",
        /// A text contains a token for which the model's embedding has no row.
        TokenWithoutRow = "token_without_row",
        /// The longest sequence exceeds the limit.
        TooLong = "too_long",
    }
}
