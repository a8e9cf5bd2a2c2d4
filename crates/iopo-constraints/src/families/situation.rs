//! Speaker, audience and privacy.

use rand::Rng;

use super::{Example, Family, Framing, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{
        self,
        outline::is_letter,
        person,
        prose::{is_english, varied},
        swap,
    },
    lexicon::{READERS, ROLES, SIGN_OFFS, SIGNERS},
    lines,
    measure::Measure,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Speaker, audience and privacy.
    Situation, SituationKind, situation_kinds {
        /// Requires the opening "As a …,".
        AsRole {
            /// The role, without an article.
            role: String,
        } = "as_role", RolePlaying, weight 0.6, slots [Opening], ifeval [], styles [];
        /// Requires a name as the last line.
        SignedAs {
            /// The name.
            name: String,
        } = "signed_as", RolePlaying, weight 0.6, slots [Closing], ifeval [], styles [ToAFriend];
        /// Requires the opening "Dear …,".
        DearReader {
            /// The name or a word such as "friend".
            name: String,
        } = "dear_reader", TargetAudience, weight 0.7,
            slots [Opening], ifeval [], styles [ToAFriend];
        /// Limits the number of letters in every word, for readers who need short words.
        ShortWords {
            /// The limit.
            letters: usize,
        } = "short_words", TargetAudience, weight 0.8,
            slots [WordLength], ifeval [], styles [ForAChild];
        /// Requires a minimum number of long words, for expert readers.
        LongWords {
            /// The minimum number of letters of a long word.
            letters: usize,
            /// The minimum number of long words.
            n: usize,
        } = "long_words", TargetAudience, weight 0.7,
            slots [WordLength], ifeval [], styles [Formal SeveralParagraphs];
        /// Requires a minimum number of placeholders such as `[name]`.
        Placeholders {
            /// The limit.
            n: usize,
        } = "placeholders", Privacy, weight 0.8,
            slots [Placeholders], ifeval [NumberPlaceholders], styles [];
        /// Forbids placeholders such as `[name]`.
        NoPlaceholders = "no_placeholders", Exclusion, weight 0.7,
            slots [Placeholders], ifeval [], styles [];
    }
}

impl Situation {
    /// The required opening, if there is one.
    fn opening(&self) -> Option<String> {
        match self {
            Self::AsRole { role } => {
                let vowel = text::fold(role).starts_with(['a', 'e', 'i', 'o', 'u']);
                Some(format!("As {} {role},", if vowel { "an" } else { "a" }))
            }
            Self::DearReader { name } => Some(format!("Dear {name},")),
            Self::SignedAs { .. }
            | Self::ShortWords { .. }
            | Self::LongWords { .. }
            | Self::Placeholders { .. }
            | Self::NoPlaceholders => None,
        }
    }
}

impl Family for Situation {
    type Kind = SituationKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::AsRole { role } => params::name("role", role),
            Self::SignedAs { name } | Self::DearReader { name } => params::name("name", name),
            Self::ShortWords { letters } => params::number("letters", *letters, 4, 30),
            Self::LongWords { letters, n } => {
                params::number("letters", *letters, 5, 30)?;
                params::number("n", *n, 1, 50)
            }
            Self::Placeholders { n } => params::number("n", *n, 1, 30),
            Self::NoPlaceholders => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        let opening = self.opening().unwrap_or_default();
        match self {
            Self::AsRole { role } => {
                let article = opening.split(' ').nth(1).unwrap_or("a");
                vec![
                    format!("You are {article} {role}: begin with the words \"{opening}\"."),
                    format!("Answer in the role of {article} {role} and open with \"{opening}\"."),
                    format!("Speak as {article} {role} would, starting with \"{opening}\"."),
                ]
            }
            Self::SignedAs { name } => vec![
                format!("You are {name}: sign with your name on the last line."),
                format!("Sign the response as {name}, with only the name on the last line."),
                format!("The last line must be just the name {name}."),
            ],
            Self::DearReader { name } => vec![
                format!("Address it to \"{name}\": begin with \"{opening}\"."),
                format!("Open with the salutation \"{opening}\"."),
                format!("Your response must start with \"{opening}\" as a letter does."),
            ],
            Self::ShortWords { letters } => vec![
                format!("Write for young readers: no word may have more than {letters} letters."),
                format!("Use only simple words of at most {letters} letters."),
                format!(
                    "The readers are beginners, so avoid every word longer than {letters} letters."
                ),
            ],
            Self::LongWords { letters, n } => {
                let words = quantity(*n, "word");
                vec![
                    format!(
                        "Write for experts: use at least {words} of {letters} or more letters."
                    ),
                    format!("Include at least {words} with {letters} letters or more."),
                    format!(
                        "The readers are specialists, so use {words} or more of at least {letters} letters."
                    ),
                ]
            }
            Self::Placeholders { n } => {
                let blanks = quantity(*n, "placeholder");
                vec![
                    format!(
                        "Leave personal details blank: use at least {blanks} in square brackets, such as [name]."
                    ),
                    format!("Use at least {blanks} in square brackets, such as [address]."),
                    format!(
                        "Instead of private data, put {blanks} or more in square brackets, like [name]."
                    ),
                ]
            }
            Self::NoPlaceholders => say([
                "Do not use placeholders in square brackets such as [name].",
                "Write a finished text, without any placeholders in square brackets.",
                "Leave no blanks like [name] for the reader to fill in.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::AsRole { .. } | Self::DearReader { .. } => {
                let opening = self.opening().unwrap_or_default();
                Bound::some(Measure::Opening(text::fold(&opening)))
            }
            Self::SignedAs { name } => Bound::some(Measure::Signature(text::fold(name))),
            Self::ShortWords { letters } => Bound::none(Measure::WordsOver(*letters)),
            Self::LongWords { letters, n } => {
                Bound::at_least(Measure::WordsOver(letters.saturating_sub(1)), *n)
            }
            Self::Placeholders { n } => Bound::at_least(Measure::Placeholders, *n),
            Self::NoPlaceholders => Bound::none(Measure::Placeholders),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::AsRole { role } => {
                let others = ROLES.iter().filter(|other| **other != role).take(2);
                let mut found = all(others.map(|role| Self::AsRole { role: (*role).to_owned() }));
                found.push(Example::NotOpening { phrase: "As".to_owned() }.into());
                found
            }
            Self::SignedAs { name } => {
                let others = SIGNERS.iter().filter(|other| **other != name).take(2);
                let mut found = all(others.map(|name| Self::SignedAs { name: (*name).to_owned() }));
                found.push(Framing::EndsWith { phrase: "I hope this helps.".to_owned() }.into());
                found
            }
            Self::DearReader { name } => {
                let others = READERS.iter().filter(|other| **other != name).take(2);
                let mut found =
                    all(others.map(|name| Self::DearReader { name: (*name).to_owned() }));
                found.push(Example::NotOpening { phrase: "Dear".to_owned() }.into());
                found
            }
            Self::ShortWords { letters } => {
                all([1, 2].map(|n| Self::LongWords { letters: letters.saturating_add(1), n }))
            }
            Self::LongWords { letters, .. } => {
                all([1, 2].map(|less| Self::ShortWords { letters: letters.saturating_sub(less) }))
            }
            Self::Placeholders { .. } => all([Self::NoPlaceholders]),
            Self::NoPlaceholders => all([1, 2].map(|n| Self::Placeholders { n })),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        let body = response.trim();
        match self {
            Self::AsRole { .. } => person::in_role(&self.opening()?, body),
            Self::DearReader { .. } => {
                let opening = self.opening()?;
                // Replace an existing salutation.
                let greeted = text::opens_with(body, "dear") || text::opens_with(body, "hi");
                let rest = if greeted { body.split_once('\n')?.1.trim_start() } else { body };
                let again = ["hello", "hey"].iter().any(|hello| text::opens_with(rest, hello));
                if again || rest.starts_with(['#', '{', '[', '<', '|', '`']) {
                    return None;
                }
                Some(format!("{opening}\n\n{rest}"))
            }
            Self::SignedAs { name } => {
                let (before, last) = body.rsplit_once('\n').unwrap_or((body, ""));
                let blank = last.starts_with('[') && last.ends_with(']');
                let rest = if blank { before } else { body };
                let rest = rest.trim_end();
                if rest.ends_with(',') {
                    return Some(format!("{rest}\n{name}"));
                }
                // Another name below a closing such as "Best regards," makes room.
                let closing = rest.rsplit_once('\n').filter(|(before, last)| {
                    before.trim_end().ends_with(',') && text::word_count(last) <= 3
                });
                if let Some((before, _)) = closing {
                    return Some(format!("{before}\n{name}"));
                }
                let farewell = if is_english(rest) { varied(FAREWELLS, rest) } else { "" };
                Some(format!("{rest}\n\n{farewell}{name}"))
            }
            Self::ShortWords { letters } => {
                let plain = swap::shorter(body, *letters)?;
                let long = Measure::WordsOver(*letters);
                if long.count(&plain) == 0 {
                    return Some(plain);
                }
                edit::drop_sentences(&plain, |sentence| long.count(sentence) > 0)
            }
            Self::LongWords { letters, n } => {
                let have = Measure::WordsOver(letters.saturating_sub(1)).count(body);
                swap::longer(body, *letters, n.saturating_sub(have))
            }
            Self::Placeholders { n } => with_placeholders(body, *n),
            Self::NoPlaceholders => without_placeholders(body),
        }
    }

    fn back_translate(kind: SituationKind, response: &str) -> Vec<Constraint> {
        let words = text::word_count(response);
        let longest = text::bare_words(response).map(|(_, word)| text::letters(word)).max();
        let longest = longest.unwrap_or(0);
        match kind {
            SituationKind::AsRole => {
                let line = response.trim_start();
                let rest = line.strip_prefix("As an ").or_else(|| line.strip_prefix("As a "));
                let role = rest.and_then(|rest| rest.split_once(',')).map(|(role, _)| role);
                // Nobody asks for "As an AI language model,".
                let role = role.filter(|r| text::word_count(r) <= 3 && !r.starts_with("AI"));
                all(role.map(|role| Self::AsRole { role: role.to_owned() }))
            }
            SituationKind::SignedAs => {
                let mut filled = lines::filled(response);
                let name = filled.next_back().map(str::trim).filter(|line| {
                    let capital = line.starts_with(char::is_uppercase);
                    capital && text::word_count(line) <= 3 && !line.ends_with('.')
                });
                let signed = filled.next_back().is_some_and(|line| {
                    let known = |key: String| SIGN_OFFS.contains(&key.as_str());
                    line.trim_end().ends_with(',') && text::keys(line).any(known)
                });
                all(name.filter(|_| signed).map(|name| Self::SignedAs { name: name.to_owned() }))
            }
            SituationKind::DearReader => {
                let rest = response.trim_start().strip_prefix("Dear ");
                let name = rest.and_then(|rest| rest.split_once(',')).map(|(name, _)| name);
                all(name.map(|name| Self::DearReader { name: name.to_owned() }))
            }
            SituationKind::ShortWords if words >= 8 && longest <= 12 => {
                all([Self::ShortWords { letters: longest.max(6) }])
            }
            SituationKind::LongWords => {
                let count = |letters: usize| Measure::WordsOver(letters - 1).count(response);
                let telling = [12, 10].into_iter().map(|letters| (letters, count(letters)));
                all(telling
                    .filter(|&(_, n)| n > 0)
                    .map(|(letters, n)| Self::LongWords { letters, n: n.min(5) }))
            }
            SituationKind::Placeholders => {
                all([Self::Placeholders { n: lines::placeholders(response).min(5) }])
            }
            SituationKind::NoPlaceholders if words >= 8 => all([Self::NoPlaceholders]),
            SituationKind::ShortWords | SituationKind::NoPlaceholders => Vec::new(),
        }
    }

    fn draw(kind: SituationKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let n = params::between(1, 3, rng);
        match kind {
            SituationKind::AsRole => {
                Self::AsRole { role: params::one_of(ROLES, "teacher", rng).to_owned() }
            }
            SituationKind::SignedAs => {
                Self::SignedAs { name: params::one_of(SIGNERS, "Sam", rng).to_owned() }
            }
            SituationKind::ShortWords => Self::ShortWords { letters: params::between(8, 12, rng) },
            SituationKind::LongWords => {
                Self::LongWords { letters: params::one_of(&[10, 12], 10, rng), n }
            }
            SituationKind::Placeholders => Self::Placeholders { n },
            SituationKind::NoPlaceholders => Self::NoPlaceholders,
            SituationKind::DearReader => {
                Self::DearReader { name: params::one_of(READERS, "friend", rng).to_owned() }
            }
        }
    }
}

/// Closings of a letter; an empty one leaves the name alone.
const FAREWELLS: &[&str] = &["Best regards,\n", "", "Best wishes,\n", "Kind regards,\n"];

/// Whether a text is a letter or a message: it greets a reader or ends with a sign-off.
fn is_addressed(body: &str) -> bool {
    let signed = lines::filled(body).rev().take(2).any(|line| {
        let line = line.trim_end();
        let known = |key: String| SIGN_OFFS.contains(&key.as_str());
        line.ends_with(',') && text::word_count(line) <= 4 && text::keys(line).any(known)
    });
    let greets = ["dear", "hi", "hello", "hey"].iter().any(|hello| text::opens_with(body, hello));
    signed || (greets && is_letter(body))
}

/// Writes blanks for the personal details into a letter.
fn with_placeholders(body: &str, n: usize) -> Option<String> {
    const BLANKS: &[&str] = &["[your name]", "[phone number]", "[email address]"];
    let greeted = text::opens_with(body, "dear") || text::opens_with(body, "hi");
    let line = body.lines().next()?;
    let opening = match (greeted, body.split_once('\n')) {
        (true, _) if lines::placeholders(line) > 0 => body.to_owned(),
        (true, Some((_, rest))) if line.ends_with(',') => format!("Dear [name],\n{rest}"),
        (true, _) => return None,
        (false, _) if is_letter(body) => return None,
        (false, _) => format!("Dear [name],\n\n{body}"),
    };
    let missing = n.saturating_sub(lines::placeholders(&opening));
    let blanks = BLANKS.get(..missing)?.join("\n");
    if !is_english(body) || !is_addressed(body) {
        return None;
    }
    if missing == 0 {
        return Some(opening);
    }
    // The blanks take the place of a name below "Best regards,".
    let closing = opening.rsplit_once('\n').filter(|(before, last)| {
        before.trim_end().ends_with(',') && !before.ends_with("],") && text::word_count(last) <= 3
    });
    Some(closing.map_or_else(
        || format!("{opening}\n\nBest regards,\n{blanks}"),
        |(before, _)| format!("{before}\n{blanks}"),
    ))
}

/// Removes lines that are a blank, and blanks in salutations.
fn without_placeholders(body: &str) -> Option<String> {
    let plain = edit::map_lines(body, |line| {
        let greeting = line.trim_end().ends_with(',') && text::opens_with(line, "dear");
        if greeting && lines::placeholders(line) > 0 {
            "Hello,".to_owned()
        } else {
            line.to_owned()
        }
    });
    let alone = |line: &str| line.trim().starts_with('[') && line.trim().ends_with(']');
    let kept = edit::keep_lines(&plain, |line| !(alone(line) && lines::placeholders(line) == 1));
    if lines::placeholders(&kept) == 0 {
        return Some(kept);
    }
    edit::drop_sentences(&kept, |sentence| lines::placeholders(sentence) > 0)
}
