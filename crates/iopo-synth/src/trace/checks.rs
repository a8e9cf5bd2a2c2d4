//! The kinds that a writer may propose as the check of a constraint.

use iopo_constraints::Kind;
use iopo_core::random::keyed;
use iopo_judge::Language;

/// Lists the kinds that are `offered`, one a line: the id, parameters as an example, and what they say.
///
/// A kind without a Chinese sentence is left out of a Chinese list.
pub(crate) fn kinds(language: Language, offered: impl Fn(Kind) -> bool) -> String {
    let line = |kind: &Kind| {
        let example = kind.draw("", &mut keyed(0, &["trace", "check", kind.id()]));
        let said = match language {
            Language::English => Some(example.render(0)).filter(|text| !text.is_empty()),
            Language::Chinese => example.render_chinese(0),
        };
        let said = said?.replace('\n', " ");
        Some(format!("- {} {} {said}", kind.id(), example.params_json()))
    };
    let kinds = Kind::ALL.iter().filter(|kind| offered(**kind));
    kinds.filter_map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Constraint;

    use super::{Kind, Language, kinds};

    #[test]
    fn every_line_is_a_constraint_that_can_be_proposed() {
        for language in [Language::English, Language::Chinese] {
            let list = kinds(language, |kind| kind != Kind::MaxWords);
            assert!(!list.contains("- max_words "), "{list}");
            let mut count = 0;
            for line in list.lines() {
                let mut parts = line.splitn(3, ' ');
                let id = parts.nth(1).expect("an id");
                let rest = parts.next().expect("parameters");
                let params = serde_json::Deserializer::from_str(rest)
                    .into_iter::<serde_json::Value>()
                    .next()
                    .expect("parameters")
                    .expect("JSON");
                assert!(Constraint::from_parts(id, &params.to_string()).is_ok(), "{line}");
                count += 1;
            }
            assert!(count > 10, "{list}");
        }
    }
}
