//! Citations of sources.

use rand::Rng;

use super::{Family, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    params::{self, OutOfRange},
    portion::Portion,
};

use super::Unit;
pub use crate::citation::CitationStyle;

family! {
    /// Citations of sources.
    Citations, CitationsKind, citations_kinds {
        /// Requires citations, all in this style.
        Cited {
            /// The style.
            style: CitationStyle,
            /// Whether the response needs a list of references.
            listed: bool,
            /// Whether the text itself needs citations, beside the list of references. `false` by default.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            in_text: bool,
        } = "citation_style", Citation, weight 0.0, slots [], ifeval [], styles [];
        /// Forbids citations and lists of references.
        NoCitations = "no_citations", Citation, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Citations {
    type Kind = CitationsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        Ok(())
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::Cited { style, listed: true, in_text: true } => {
                let style = style.name();
                vec![
                    format!(
                        "Cite your sources in the text and list all references, both in {style} style."
                    ),
                    format!(
                        "Use {style} style for the citations in the text and for the list of references."
                    ),
                    format!(
                        "Your response needs citations in the text and a reference list in {style} style."
                    ),
                ]
            }
            Self::Cited { style, listed: false, in_text: true } => {
                let style = style.name();
                vec![
                    format!("Cite your sources in the text in {style} style."),
                    format!("Use {style} style for the citations in the text."),
                    format!("Your response needs citations in the text in {style} style."),
                ]
            }
            Self::Cited { style, listed: true, .. } => {
                let style = style.name();
                vec![
                    format!("Cite your sources and list all references in {style} style."),
                    format!("Include a list of references in {style} style."),
                    format!("Add a reference list in {style} style to your response."),
                ]
            }
            Self::Cited { style: CitationStyle::Apa, .. } => say([
                "Cite your sources in APA style.",
                "Use the APA format for citations and references.",
                "All citations must follow APA style.",
            ]),
            Self::Cited { style: CitationStyle::Numbered, .. } => say([
                "Cite your sources with numbers in square brackets, such as [1].",
                "Use numbered citations like [1] for your sources.",
                "All citations must be numbers in square brackets.",
            ]),
            Self::NoCitations => say([
                "Do not cite any sources.",
                "Write your response without citations.",
                "The response must not contain citations or references.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::Cited { style, listed, in_text } => {
                let in_text = in_text.then_some(Measure::InTextCitations(*style));
                let listed = listed.then(|| Measure::Portion(Portion::Count(Unit::Reference)));
                [
                    Bound::some(Measure::Citations(*style)),
                    Bound::none(Measure::ForeignReferences(*style)),
                ]
                .into_iter()
                .chain(listed.into_iter().chain(in_text).map(Bound::some))
                .collect()
            }
            Self::NoCitations => {
                let styles = CitationStyle::ALL.map(Measure::Citations);
                let references = Measure::Portion(Portion::Count(Unit::Reference));
                styles.into_iter().chain([references]).map(Bound::none).collect()
            }
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::Cited { .. } => all([Self::NoCitations]),
            Self::NoCitations => all(CitationStyle::ALL.map(|style| Self::Cited {
                style,
                listed: false,
                in_text: false,
            })),
        }
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // Sources would be invented.
        None
    }

    fn back_translate(kind: CitationsKind, _response: &str) -> Vec<Constraint> {
        match kind {
            CitationsKind::Cited => all(CitationStyle::ALL.map(|style| Self::Cited {
                style,
                listed: false,
                in_text: false,
            })),
            // Most responses cite nothing, and nobody asks for that.
            CitationsKind::NoCitations => Vec::new(),
        }
    }

    fn draw(kind: CitationsKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            CitationsKind::Cited => Self::Cited {
                style: params::one_of(&CitationStyle::ALL, CitationStyle::Apa, rng),
                listed: params::one_of(&[false, true], false, rng),
                in_text: false,
            },
            CitationsKind::NoCitations => Self::NoCitations,
        }
    }
}
