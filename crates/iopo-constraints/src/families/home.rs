//! Dispatch from a kind to the family that implements it.

use super::{
    CaseKind, ExampleKind, FiguresKind, FramingKind, LayoutKind, LengthKind, ListsKind, MarksKind,
    SituationKind, VoiceKind, WordsKind,
};

/// The family that implements a kind, with the kind as that family sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Length(LengthKind),
    Words(WordsKind),
    Figures(FiguresKind),
    Marks(MarksKind),
    Case(CaseKind),
    Voice(VoiceKind),
    Lists(ListsKind),
    Layout(LayoutKind),
    Framing(FramingKind),
    Situation(SituationKind),
    Example(ExampleKind),
}

/// Evaluates an expression with `$family` as the type of the family and `$kind` as the family's own kind.
macro_rules! dispatch {
    ($home:expr, $family:ident, $kind:ident => $body:expr) => {
        $crate::families::dispatch!(
            @ $home, $family, $kind => $body;
            Length Words Figures Marks Case Voice Lists Layout Framing Situation Example
        )
    };
    (@ $home:expr, $family:ident, $kind:ident => $body:expr; $($name:ident)*) => {
        match $home {
            $($crate::families::Home::$name($kind) => {
                type $family = $crate::families::$name;
                $body
            })*
        }
    };
}

pub(crate) use dispatch;
