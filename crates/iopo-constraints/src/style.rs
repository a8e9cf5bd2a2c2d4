//! Style prompts: sentences that make the responses to one task differ in ways that code can check.
//!
//! A style prompt asks for a behavior, and some behaviors are constraint kinds. The declaration of each [`Kind`] lists
//! the style prompts that elicit it, so that synthesis can skip those that elicit a held-out kind.

use std::fmt;

use crate::kind::Kind;

macro_rules! style_prompts {
    ($($name:ident $text:literal)*) => {
        /// A sentence that is added to a task so that the response follows some constraint kinds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StylePrompt { $(#[doc = concat!("\"", $text, "\"")] $name,)* }

        impl StylePrompt {
            /// Every style prompt, in a stable order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The sentence.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

style_prompts! {
    ShortParagraph "Answer in one short paragraph."
    BulletPoints "Use bullet points."
    LivelyWithQuestion "Answer in a lively tone with a question at the end."
    Title "Start with a title."
    Brief "Be brief."
    NumberedSteps "Write numbered steps."
    Formal "Write in a formal tone."
    SeveralParagraphs "Explain it in detail, in several paragraphs."
    FewSentences "Answer in two or three plain sentences."
    Headings "Use headings for the parts of the answer."
    BoldKeyWords "Highlight the key words in bold."
    ExamplesAndNumbers "Give concrete examples and numbers."
    ToAFriend "Write as if to a friend, with exclamation marks."
    SummaryAtEnd "End with a one-line summary."
    ForAChild "Answer in simple words for a child."
    Table "Put the answer into a small table."
    ClosingNote "Add a short note, beginning with P.S., at the end."
    AddressReader "Speak directly to the reader as \"you\"."
}

impl StylePrompt {
    /// The constraint kinds that the sentence asks for, directly or in passing, as declared in [`Kind::style_prompts`].
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| kind.style_prompts().contains(&self))
    }
}

impl fmt::Display for StylePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_prompt_elicits_the_kinds_that_list_it() {
        for &style_prompt in StylePrompt::ALL {
            let kinds: Vec<Kind> = style_prompt.kinds().collect();
            assert!(!kinds.is_empty(), "{style_prompt}");
            for kind in Kind::ALL {
                let listed = kind.style_prompts().contains(&style_prompt);
                assert_eq!(kinds.contains(kind), listed, "{kind}: {style_prompt}");
            }
        }
        let postscript: Vec<Kind> = StylePrompt::ClosingNote.kinds().collect();
        assert_eq!(postscript, [Kind::Postscript]);
    }
}
