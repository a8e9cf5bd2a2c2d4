//! Bulleted lists, numbered lists and steps.

use rand::Rng;

use super::{Family, Layout, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{
        self,
        outline::{self, Outline},
        prose,
    },
    lines::{self, Marker},
    measure::Measure,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Lists.
    Lists, ListsKind, lists_kinds {
        /// Requires an exact number of bullet points: lines that start with `-`, `*` or `•`.
        ExactBullets {
            /// The number.
            n: usize,
        } = "exact_bullets", NumberingAndList, weight 1.2,
            slots [List Blocks Sentences], ifeval [NumberBulletLists], styles [BulletPoints];
        /// Requires a minimum number of bullet points.
        MinBullets {
            /// The limit.
            n: usize,
        } = "min_bullets", NumberingAndList, weight 1.0,
            slots [List Blocks Sentences], ifeval [NumberBulletLists], styles [BulletPoints];
        /// Requires an exact number of numbered items: lines that start with `1.`, `1)` and so on.
        ExactNumbered {
            /// The number.
            n: usize,
        } = "exact_numbered", NumberingAndList, weight 1.2,
            slots [List Blocks Sentences], ifeval [], styles [NumberedSteps];
        /// Requires a minimum number of numbered items.
        MinNumbered {
            /// The limit.
            n: usize,
        } = "min_numbered", NumberingAndList, weight 1.0,
            slots [List Blocks Sentences], ifeval [], styles [NumberedSteps];
        /// Forbids bullet points and numbered items.
        NoLists = "no_lists", NumberingAndList, weight 1.1,
            slots [List], ifeval [], styles [ShortParagraph FewSentences];
        /// Requires an exact number of lines that start with "Step 1:", "Step 2:" and so on, in order.
        Steps {
            /// The number.
            n: usize,
        } = "steps", ProcessBackground, weight 0.6,
            slots [List Blocks Sentences], ifeval [], styles [NumberedSteps];
    }
}

impl Family for Lists {
    type Kind = ListsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::ExactBullets { n }
            | Self::MinBullets { n }
            | Self::ExactNumbered { n }
            | Self::MinNumbered { n } => params::number("n", n, 1, 50),
            Self::Steps { n } => params::number("n", n, 2, 30),
            Self::NoLists => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::ExactBullets { n } => {
                let points = quantity(n, "bullet point");
                vec![
                    format!("Use exactly {points}."),
                    format!("Give the answer as a bulleted list with exactly {points}."),
                    format!("Your response must contain {points}, no more and no fewer."),
                ]
            }
            Self::MinBullets { n } => {
                let points = quantity(n, "bullet point");
                vec![
                    format!("Use at least {points}."),
                    format!("Include a bulleted list with {points} or more."),
                    format!("Your response must contain no fewer than {points}."),
                ]
            }
            Self::ExactNumbered { n } => {
                let items = quantity(n, "item");
                vec![
                    format!("Use a numbered list with exactly {items}."),
                    format!("Give the answer as a numbered list of {items}."),
                    format!("Your response must contain exactly {} in a numbered list.", items),
                ]
            }
            Self::MinNumbered { n } => {
                let items = quantity(n, "item");
                vec![
                    format!("Use a numbered list with at least {items}."),
                    format!("Include a numbered list of {items} or more."),
                    format!("Number your points; there must be at least {items}."),
                ]
            }
            Self::NoLists => say([
                "Do not use bullet points or numbered lists.",
                "Write in running text, without any lists.",
                "Answer in prose rather than in bullet points or numbered items.",
            ]),
            Self::Steps { n } => vec![
                format!(
                    "The reader works through it one step after another: label the lines \"Step 1:\" to \"Step {n}:\"."
                ),
                format!(
                    "Describe the process in exactly {n} lines that begin with \"Step 1:\", \"Step 2:\" and so on."
                ),
                format!(
                    "Break the answer into {n} steps and start each on its own line with \"Step\", its number and a colon."
                ),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match *self {
            Self::ExactBullets { n } => Bound::exactly(Measure::Bullets, n),
            Self::MinBullets { n } => Bound::at_least(Measure::Bullets, n),
            Self::ExactNumbered { n } => Bound::exactly(Measure::Numbered, n),
            Self::MinNumbered { n } => Bound::at_least(Measure::Numbered, n),
            Self::NoLists => Bound::none(Measure::Items),
            Self::Steps { n } => Bound::exactly(Measure::Steps, n),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let around = |n: usize| [n.saturating_add(1), n.saturating_sub(1)];
        match *self {
            Self::ExactBullets { n } => {
                let mut found = all(around(n).map(|n| Self::ExactBullets { n }));
                found.push(Self::NoLists.into());
                found
            }
            Self::MinBullets { n } => {
                all([Self::NoLists, Self::ExactBullets { n: n.saturating_sub(1) }])
            }
            Self::ExactNumbered { n } => {
                let mut found = all(around(n).map(|n| Self::ExactNumbered { n }));
                found.push(Self::NoLists.into());
                found
            }
            Self::MinNumbered { n } => {
                all([Self::NoLists, Self::ExactNumbered { n: n.saturating_sub(1) }])
            }
            Self::NoLists => {
                let mut found = all([3, 2].map(|n| Self::MinBullets { n }));
                found.extend(all([3, 2].map(|n| Self::MinNumbered { n })));
                found
            }
            Self::Steps { n } => {
                let mut found = all(around(n).map(|n| Self::Steps { n }));
                found.push(Layout::SingleLine.into());
                found
            }
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match *self {
            Self::ExactBullets { n } => listed(response, n, true, true),
            Self::MinBullets { n } => listed(response, n, true, false),
            Self::ExactNumbered { n } => listed(response, n, false, true),
            Self::MinNumbered { n } => listed(response, n, false, false),
            Self::NoLists => running(response),
            Self::Steps { n } => {
                let outline = Outline::read(response)?.with_steps(n)?;
                Some(outline.list(|at, body| format!("Step {at}: {}", prose::without_order(body))))
            }
        }
    }

    fn back_translate(kind: ListsKind, response: &str) -> Vec<Constraint> {
        let bullets = Measure::Bullets.count(response);
        let numbered = Measure::Numbered.count(response);
        let steps = Measure::Steps.count(response);
        let least = |n: usize| [n, n.saturating_sub(1)].into_iter().filter(|&n| n >= 2);
        match kind {
            ListsKind::ExactBullets if (2..=12).contains(&bullets) => {
                all([Self::ExactBullets { n: bullets }])
            }
            ListsKind::MinBullets if bullets >= 2 => {
                all(least(bullets.min(10)).map(|n| Self::MinBullets { n }))
            }
            ListsKind::ExactNumbered if (2..=12).contains(&numbered) && in_order(response) => {
                all([Self::ExactNumbered { n: numbered }])
            }
            ListsKind::MinNumbered if numbered >= 2 && in_order(response) => {
                all(least(numbered.min(10)).map(|n| Self::MinNumbered { n }))
            }
            // A short line may be prose by chance.
            ListsKind::NoLists if text::word_count(response) >= 15 => all([Self::NoLists]),
            ListsKind::Steps if (2..=12).contains(&steps) => all([Self::Steps { n: steps }]),
            ListsKind::ExactBullets
            | ListsKind::MinBullets
            | ListsKind::ExactNumbered
            | ListsKind::MinNumbered
            | ListsKind::NoLists
            | ListsKind::Steps => Vec::new(),
        }
    }

    fn draw(kind: ListsKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let n = params::between(2, 6, rng);
        match kind {
            ListsKind::ExactBullets => Self::ExactBullets { n },
            ListsKind::MinBullets => Self::MinBullets { n: n.min(4) },
            ListsKind::ExactNumbered => Self::ExactNumbered { n },
            ListsKind::MinNumbered => Self::MinNumbered { n: n.min(4) },
            ListsKind::Steps => Self::Steps { n },
            ListsKind::NoLists => Self::NoLists,
        }
    }
}

/// Whether the items are numbered 1, 2, 3 and so on, so that a reader sees one list.
fn in_order(response: &str) -> bool {
    let mut next = 0;
    lines::filled(response).all(|line| match lines::item(line) {
        Some((mark, _)) if !mark.is_bullet() => {
            next += 1;
            let digits = line.trim().split(['.', ')']).next();
            digits.and_then(|digits| digits.parse::<usize>().ok()) == Some(next)
        }
        _ => true,
    })
}

/// Converts the other type of list, or sentences, into the wanted type, and cuts the list to `n` items if `cut` is set.
fn listed(response: &str, n: usize, bullets: bool, cut: bool) -> Option<String> {
    let wanted = |mark: Marker| mark.is_bullet() == bullets;
    let is_wanted = |line: &str| lines::item(line).is_some_and(|(mark, _)| wanted(mark));
    let items = lines::filled(response).filter(|line| lines::item(line).is_some()).count();
    let mut written = 0;
    let mut write = |body: &str| {
        written += 1;
        if bullets { format!("- {body}") } else { format!("{written}. {body}") }
    };
    let text = if lines::filled(response).any(is_wanted) {
        response.to_owned()
    } else if items > 0 {
        edit::map_lines(response, |line| {
            lines::item(line).map_or_else(|| line.to_owned(), |(_, body)| write(body))
        })
    } else {
        let outline = Outline::read(response)?;
        let outline = if cut { outline.with_points(n) } else { outline.with_at_least(n) }?;
        return Some(outline.list(|_, body| write(body)));
    };
    if !cut {
        return Some(text);
    }
    let text = edit::map_lines(&text, |line| {
        if is_wanted(line) {
            line.to_owned()
        } else {
            outline::recounted(line, items, n.min(items))
        }
    });
    let mut left = n;
    Some(edit::keep_lines(&text, |line| {
        let keep = !is_wanted(line) || left > 0;
        left -= usize::from(is_wanted(line) && left > 0);
        keep
    }))
}

/// A list as running text; the items of any other text without their markers.
pub(super) fn running(response: &str) -> Option<String> {
    let outline = Outline::read(response).filter(|outline| outline.listed);
    outline.map(|outline| outline.running()).or_else(|| {
        let plain = |line: &str| lines::item(line).map_or(line, |(_, body)| body).to_owned();
        Some(edit::map_lines(response, plain))
    })
}
