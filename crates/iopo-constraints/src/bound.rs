//! The logic of checks. A constraint is a conjunction of bounds on counts, and the consequences of bounds decide which
//! constraints exclude or imply each other.
//!
//! The wildcard arms give the safe answer: no relation is known. A missing relation makes no label wrong, because every
//! response is checked.

use crate::{
    blocks::Around,
    families::MarkupFormat,
    lines::Marker,
    markup,
    measure::Measure,
    portion::Portion,
    text::{self, fold},
};

/// `low <= measure <= high`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) measure: Measure,
    pub(crate) low: usize,
    pub(crate) high: usize,
}

impl Bound {
    pub(crate) fn at_least(measure: Measure, low: usize) -> Self {
        Self { measure, low, high: usize::MAX }
    }

    pub(crate) fn at_most(measure: Measure, high: usize) -> Self {
        Self { measure, low: 0, high }
    }

    pub(crate) fn exactly(measure: Measure, n: usize) -> Self {
        Self { measure, low: n, high: n }
    }

    pub(crate) fn none(measure: Measure) -> Self {
        Self::at_most(measure, 0)
    }

    pub(crate) fn some(measure: Measure) -> Self {
        Self::at_least(measure, 1)
    }

    pub(crate) fn holds(&self, found: usize) -> bool {
        (self.low..=self.high).contains(&found)
    }

    /// The count and the bound in words, such as "52 words, at most 60 asked".
    pub(crate) fn evidence(&self, found: usize) -> String {
        let asked = match (self.low, self.high) {
            (0, 0) => "none".to_owned(),
            (0, high) => format!("at most {high}"),
            (low, usize::MAX) => format!("at least {low}"),
            (low, high) if low == high => format!("exactly {low}"),
            (low, high) => format!("{low} to {high}"),
        };
        format!("{found} {}, {asked} asked", self.measure.noun())
    }

    /// Whether every text within this bound is within the other. `false` proves nothing.
    fn within(&self, other: &Self) -> bool {
        let (low, high) = (self.low, self.high);
        match (&self.measure, &other.measure) {
            (a, b) if a == b => other.low <= low && high <= other.high,
            (Measure::Opening(p), Measure::Opening(q)) => {
                low > 0 && other.low <= 1 && other.high > 0 && text::opens_with(p, q)
            }
            (Measure::WordsOver(a), Measure::WordsOver(b)) => {
                (a > b && other.high == usize::MAX && other.low <= low)
                    || (a < b && other.low == 0 && high <= other.high)
            }
            // The safe answer: nothing is known about other pairs of measures.
            _ => false,
        }
    }

    /// Whether no text is within both bounds. `false` proves nothing. Callers ask in both orders.
    fn contradicts(&self, other: &Self) -> bool {
        let both = self.low > 0 && other.low > 0;
        match (&self.measure, &other.measure) {
            (a, b) if a == b => self.high < other.low || other.high < self.low,
            (Measure::FirstWord(p), Measure::FirstWord(q))
            | (Measure::SentenceStarts(p), Measure::SentenceStarts(q)) => {
                // A Chinese word may be the start of a longer one.
                both && !p.starts_with(q.as_str()) && !q.starts_with(p.as_str())
            }
            (Measure::LastWord(p), Measure::LastWord(q))
            | (Measure::SentenceEnds(p), Measure::SentenceEnds(q)) => {
                both && !p.ends_with(q.as_str()) && !q.ends_with(p.as_str())
            }
            (
                Measure::WordAt { word: p, sentence: a, position: b },
                Measure::WordAt { word: q, sentence: c, position: d },
            ) => both && (a, b) == (c, d) && p != q,
            (Measure::Opening(p), Measure::Opening(q)) => {
                let (p, q) = (fold(p), fold(q));
                let apart = both && !p.starts_with(&q) && !q.starts_with(&p);
                // A text that opens with the longer phrase also opens with the shorter.
                apart || (self.low > 0 && other.high == 0 && text::opens_with(&p, &q))
            }
            (Measure::Closing(p), Measure::Closing(q)) => {
                let (p, q) = (fold(p), fold(q));
                let (p, q) = (text::without_end_mark(&p), text::without_end_mark(&q));
                both && !p.ends_with(q) && !q.ends_with(p)
            }
            // Quotation marks may stand behind a Chinese phrase.
            (Measure::Closing(p), Measure::Quoted) => both && !p.ends_with(crate::han::is_han),
            // A phrase starts with a letter or digit and does not end with a quotation mark or brace.
            (
                Measure::Opening(_),
                Measure::Quoted
                | Measure::AngleTitle
                | Measure::Bracketed
                | Measure::WrappedPairs,
            )
            | (Measure::Opening(_) | Measure::Closing(_), Measure::Json)
            | (Measure::Quoted, Measure::Json | Measure::AngleTitle | Measure::FinalQuestion)
            | (
                Measure::Json,
                Measure::AngleTitle
                | Measure::FinalQuestion
                | Measure::JsonArray
                | Measure::HeadingLevels
                | Measure::NamedPart(_),
            )
            | (Measure::JsonValue, Measure::HeadingLevels)
            // The same measure is compared above, so these differ in the length of a part.
            | (Measure::EvenParts { .. }, Measure::EvenParts { .. }) => both,
            // Outside strings, JSON has no letters but those of its literals.
            (Measure::Json | Measure::JsonValue, Measure::TitleLine(title)) => {
                let foreign = |c: char| c.is_alphabetic() && !"truefalsn".contains(c);
                both && title.chars().any(foreign) && !title.contains('"')
            }
            (Measure::Closing(p), Measure::FinalQuestion) => both && !p.ends_with(['?', '？']),
            // The higher the limit of letters, the fewer words exceed it.
            (Measure::WordsOver(a), Measure::WordsOver(b)) => a >= b && self.low > other.high,
            // The largest part is at least as large as the smallest one.
            (
                Measure::Portion(Portion::Smallest(a, size)),
                Measure::Portion(Portion::Largest(b, other_size)),
            ) => a == b && size == other_size && self.low > other.high,
            // The safe answer: nothing is known about other pairs of measures.
            _ => false,
        }
    }

    /// Whether this bound prescribes words of the opening or the end that the other one counts. This need not be a
    /// contradiction, but no person would ask for both.
    fn interferes(&self, other: &Self) -> bool {
        let (Measure::Opening(phrase) | Measure::Closing(phrase) | Measure::Signature(phrase)) =
            &self.measure
        else {
            return false;
        };
        other.measure.counts_words_of_a_phrase() && self.low > 0 && other.measure.count(phrase) > 0
    }

    /// Bounds that follow from an upper bound.
    fn consequences_of_a_limit(&self) -> Vec<Self> {
        match self.measure {
            Measure::Items => [Measure::Bullets, Measure::Numbered]
                .map(|measure| Self::at_most(measure, self.high))
                .into(),
            Measure::SmallLetters => vec![Self::at_most(Measure::LowercaseWords, self.high)],
            Measure::Capitals => vec![Self::at_most(Measure::CapitalWords, self.high / 2)],
            Measure::Markdown => [Measure::Headings, Measure::Bold, Measure::Tables]
                .map(|measure| Self::at_most(measure, self.high))
                .into(),
            // An upper bound on any other measure has no consequence that is known here.
            _ => Vec::new(),
        }
    }

    /// Bounds that follow from words at certain places.
    fn consequences_of_words(&self) -> Vec<Self> {
        let some = Self::some;
        match &self.measure {
            Measure::Opening(phrase) | Measure::Closing(phrase) => {
                let counts = [
                    Measure::Commas,
                    Measure::Exclamations,
                    Measure::Questions,
                    Measure::Digits,
                    Measure::Periods,
                ];
                let mut found: Vec<Self> = counts
                    .map(|measure| Self::at_least(measure.clone(), measure.count(phrase)))
                    .into();
                // The first word of an ending may be the end of a longer word.
                let opens = matches!(self.measure, Measure::Opening(_));
                let whole = if opens {
                    phrase
                } else {
                    phrase.split_once(' ').map_or("", |(_, rest)| rest)
                };
                let steps = Measure::InitialSteps.count(whole);
                found.push(Self::at_least(Measure::InitialSteps, steps));
                found
            }
            Measure::FirstWord(word) | Measure::LastWord(word) => {
                vec![some(Measure::Word(word.clone()))]
            }
            Measure::SentenceStarts(word) => vec![some(Measure::FirstWord(word.clone()))],
            Measure::SentenceEnds(word) => vec![some(Measure::LastWord(word.clone()))],
            Measure::WordAt { word, position, .. } => vec![
                // Nothing follows about the number of sentences, which leaves out headings and rows of Chinese texts.
                some(Measure::Word(word.clone())),
                Self::at_least(Measure::LongestSentence, *position),
            ],
            // The safe answer: nothing follows.
            _ => Vec::new(),
        }
    }

    /// Bounds that follow from names in code and from elements in Markdown.
    fn consequences_of_markup(&self) -> Vec<Self> {
        match &self.measure {
            Measure::CodeName(name) => {
                vec![Self::some(Measure::Phrase(markup::stem(name).to_owned()))]
            }
            Measure::InMarkdown(element) => vec![element.bound()],
            // The safe answer: nothing follows.
            _ => Vec::new(),
        }
    }

    /// Bounds that follow from JSON with text around it: more text may be around it.
    fn consequences_of_blocks(&self) -> Vec<Self> {
        let block = |array, around| Self::some(Measure::JsonBlock { array, around });
        match &self.measure {
            Measure::JsonBlockKey { around, .. } | Measure::JsonBlock { array: true, around } => {
                vec![block(false, *around)]
            }
            Measure::JsonBlock { around: Around::Line, .. } => vec![block(false, Around::Text)],
            // Nothing else follows.
            _ => Vec::new(),
        }
    }

    /// Bounds that follow directly for every text within this one.
    #[expect(clippy::too_many_lines, reason = "one arm for all measures without consequences")]
    fn consequences(&self) -> Vec<Self> {
        let n = self.low;
        if n == 0 {
            return self.consequences_of_a_limit();
        }
        let least = |measure| Self::at_least(measure, n);
        let twice = |measure| Self::at_least(measure, n.saturating_mul(2));
        let some = Self::some;
        match &self.measure {
            Measure::LongestSentence | Measure::LowercaseWords => vec![least(Measure::Words)],
            Measure::Paragraphs | Measure::Items => vec![least(Measure::Lines)],
            Measure::Headings => vec![least(Measure::Lines), least(Measure::Markdown)],
            Measure::OpeningWord(word) => vec![least(Measure::Word(word.clone()))],
            Measure::Figures | Measure::Decimals(_) => vec![least(Measure::Digits)],
            Measure::CodeBlock(_) => vec![some(Measure::Markup(MarkupFormat::Code))],
            Measure::Json | Measure::JsonKey(_) | Measure::JsonArray => {
                vec![some(Measure::JsonValue)]
            }
            Measure::JsonBlock { .. } | Measure::JsonBlockKey { .. } => {
                self.consequences_of_blocks()
            }
            Measure::ExactName(name) => vec![some(Measure::Phrase(fold(name)))],
            Measure::Column(_) => vec![some(Measure::Tables)],
            Measure::Emphasized(style) => vec![some(style.anywhere())],
            Measure::CodeName(_) | Measure::InMarkdown(_) => self.consequences_of_markup(),
            Measure::FinalQuestion => vec![some(Measure::Questions)],
            Measure::CapitalWords => vec![twice(Measure::Capitals)],
            Measure::Bullets => vec![least(Measure::Items)],
            Measure::Numbered => vec![least(Measure::Items), least(Measure::Digits)],
            Measure::Marked(marker) => marked(*marker, n),
            Measure::Steps | Measure::Sections => {
                vec![least(Measure::Lines), least(Measure::Digits)]
            }
            Measure::Tables => vec![twice(Measure::Lines), least(Measure::Markdown)],
            Measure::Bold => vec![least(Measure::Markdown)],
            Measure::Parts => vec![Self::at_least(Measure::Lines, n.saturating_mul(2) - 1)],
            Measure::Postscript => vec![Self::at_least(Measure::Paragraphs, 2)],
            Measure::Signature(name) => vec![some(Measure::Closing(name.clone()))],
            Measure::Quoted => vec![Self::at_least(Measure::QuoteMarks, 2)],
            Measure::KeyValues => {
                vec![
                    least(Measure::Lines),
                    Self::none(Measure::Items),
                    Self::none(Measure::Headings),
                ]
            }
            Measure::JsonValue => [
                Measure::Items,
                Measure::Headings,
                Measure::Tables,
                Measure::Steps,
                Measure::Sections,
            ]
            .map(Self::none)
            .into(),
            Measure::Opening(_)
            | Measure::Closing(_)
            | Measure::FirstWord(_)
            | Measure::LastWord(_)
            | Measure::SentenceStarts(_)
            | Measure::SentenceEnds(_)
            | Measure::WordAt { .. } => self.consequences_of_words(),
            Measure::EvenParts { .. } => {
                vec![Self::at_least(Measure::Lines, n.saturating_mul(2) - 1)]
            }
            Measure::Words
            | Measure::Sentences
            | Measure::Lines
            | Measure::Word(_)
            | Measure::Digits
            | Measure::Commas
            | Measure::Exclamations
            | Measure::Questions
            | Measure::Parentheses
            | Measure::QuoteMarks
            | Measure::Capitals
            | Measure::SmallLetters
            | Measure::FirstPerson
            | Measure::SecondPerson
            | Measure::Contractions
            | Measure::MarkedElse(_)
            | Measure::AngleTitle
            | Measure::Markdown
            | Measure::WordsOver(_)
            | Measure::Placeholders
            | Measure::FirstKey(_)
            | Measure::Characters
            | Measure::HanShare
            | Measure::English
            | Measure::Markup(_)
            | Measure::CodeLines
            | Measure::Phrase(_)
            | Measure::HeadingLevels
            | Measure::TitleLine(_)
            | Measure::NamedPart(_)
            | Measure::SameEnds
            | Measure::Periods
            | Measure::Letters
            | Measure::InitialSteps
            | Measure::Bracketed
            | Measure::WrappedPairs
            | Measure::Citations(_)
            | Measure::InTextCitations(_)
            | Measure::ForeignReferences(_)
            | Measure::Portion(_) => Vec::new(),
        }
    }
}

fn marked(marker: Marker, n: usize) -> Vec<Bound> {
    let kind = if marker.is_bullet() { Measure::Bullets } else { Measure::Numbered };
    let mut found = vec![Bound::at_least(kind, n)];
    for other in Marker::ALL {
        if other != marker {
            found.push(Bound::at_least(Measure::MarkedElse(other), n));
        }
    }
    found
}

/// The bounds with all their consequences.
fn closure(bounds: &[Bound]) -> Vec<Bound> {
    let mut known = bounds.to_vec();
    let mut next = 0;
    // Consequences lead from finer to coarser measures, so the loop terminates.
    while let Some(bound) = known.get(next) {
        for consequence in bound.consequences() {
            if !known.contains(&consequence) {
                known.push(consequence);
            }
        }
        next += 1;
    }
    known
}

/// Whether no text can be within all bounds of both lists. `false` proves nothing.
pub(crate) fn exclude(a: &[Bound], b: &[Bound]) -> bool {
    let (a, b) = (closure(a), closure(b));
    a.iter().any(|x| b.iter().any(|y| x.contradicts(y) || y.contradicts(x)))
}

/// Whether one list prescribes an opening or ending that the other one counts.
pub(crate) fn interfere(a: &[Bound], b: &[Bound]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.interferes(y) || y.interferes(x)))
}

/// Whether every text within the first bounds is within the second. `false` proves nothing.
pub(crate) fn imply(a: &[Bound], b: &[Bound]) -> bool {
    let known = closure(a);
    b.iter().all(|wanted| known.iter().any(|bound| bound.within(wanted)))
}
