//! Marks an edit word by word.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Whether the other version of the text lacks it.
    pub(crate) changed: bool,
}

/// Returns the edited text and the original in pieces; the pieces that only one of them has are marked.
pub(crate) fn marked(original: &str, edited: &str) -> (Vec<Piece>, Vec<Piece>) {
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for change in TextDiff::from_words(original, edited).iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut new, text, false);
                push(&mut old, text, false);
            }
            ChangeTag::Insert => push(&mut new, text, true),
            ChangeTag::Delete => push(&mut old, text, true),
        }
    }
    (new, old)
}

/// Appends a text to the last piece if both are marked alike.
fn push(pieces: &mut Vec<Piece>, text: &str, changed: bool) {
    match pieces.last_mut() {
        Some(last) if last.changed == changed => last.text.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), changed }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, marked};

    fn shown(pieces: &[Piece]) -> String {
        let one = |piece: &Piece| {
            if piece.changed { format!("[{}]", piece.text) } else { piece.text.clone() }
        };
        pieces.iter().map(one).collect()
    }

    #[test]
    fn only_the_changed_words_are_marked() {
        let (new, old) = marked("Warm the pot and pour.", "Warm the POT and then pour.");
        assert_eq!(shown(&new), "Warm the [POT] and [then ]pour.");
        assert_eq!(shown(&old), "Warm the [pot] and pour.");
        let (new, old) = marked("Warm the pot.", "Warm the pot.");
        assert_eq!((shown(&new), shown(&old)), ("Warm the pot.".into(), "Warm the pot.".into()));
    }
}
