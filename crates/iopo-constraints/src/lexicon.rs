//! Small word lists.

mod stop_words;

pub(crate) use stop_words::STOP_WORDS;

/// Rotates a list, for variety without randomness.
pub(crate) fn rotated(
    words: &'static [&'static str],
    start: usize,
) -> impl Iterator<Item = &'static str> {
    let (before, after) = words.split_at(start % words.len().max(1));
    after.iter().chain(before).copied()
}

/// Abbreviations whose period does not end a sentence, in lower case without the period.
pub(crate) const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "e.g", "i.e", "vs", "approx", "dept", "est",
    "fig", "no", "inc", "ltd", "gen", "col", "capt", "sgt", "rev", "hon", "mt", "cf",
];

/// Frequent first words of sentences that are not names.
pub(crate) const STARTERS: &[&str] = &[
    "add",
    "adding",
    "adults",
    "apply",
    "ask",
    "avoid",
    "bake",
    "begin",
    "boil",
    "boiling",
    "bring",
    "building",
    "buy",
    "buying",
    "call",
    "change",
    "check",
    "children",
    "choose",
    "choosing",
    "clean",
    "combine",
    "compare",
    "consider",
    "cook",
    "cooking",
    "cool",
    "cover",
    "create",
    "creating",
    "cut",
    "dig",
    "drink",
    "drinking",
    "eat",
    "eating",
    "enjoy",
    "ensure",
    "exercise",
    "families",
    "fill",
    "find",
    "finally",
    "fold",
    "follow",
    "food",
    "fresh",
    "gather",
    "good",
    "green",
    "growing",
    "healthy",
    "heat",
    "hello",
    "hold",
    "imagine",
    "include",
    "invite",
    "join",
    "learn",
    "learning",
    "look",
    "lower",
    "mix",
    "music",
    "open",
    "people",
    "place",
    "plan",
    "plant",
    "plants",
    "practice",
    "prepare",
    "put",
    "read",
    "readers",
    "reading",
    "reduce",
    "regular",
    "remember",
    "remove",
    "renting",
    "research",
    "rest",
    "running",
    "saving",
    "scientists",
    "serve",
    "set",
    "share",
    "sleep",
    "slice",
    "spend",
    "start",
    "stay",
    "step",
    "stir",
    "store",
    "students",
    "studies",
    "support",
    "taking",
    "talk",
    "teach",
    "think",
    "try",
    "turn",
    "visit",
    "wait",
    "walk",
    "walking",
    "warm",
    "wash",
    "watch",
    "water",
    "wear",
    "wearing",
    "work",
    "working",
    "writing",
    "during",
    "everyone",
    "sometimes",
    "today",
    "unlike",
    "although",
    "however",
    "therefore",
    "additionally",
    "overall",
    "imagine",
    "regardless",
    "according",
];

/// Frequent words that an instruction may forbid.
pub(crate) const COMMON_WORDS: &[&str] = &[
    "very",
    "important",
    "also",
    "help",
    "can",
    "many",
    "make",
    "however",
    "people",
    "good",
    "will",
    "great",
    "really",
    "best",
    "always",
    "time",
    "should",
    "because",
    "may",
    "first",
];

/// Frequent first words of responses, which an instruction may forbid.
pub(crate) const OPENERS: &[&str] =
    &["Here", "The", "I", "As", "In", "To", "Sure", "This", "It", "A", "There", "One"];

/// Openers with a comma that suit nearly every response.
pub(crate) const ASKED_OPENERS: &[&str] =
    &["In short,", "To begin with,", "First of all,", "Certainly,", "In my view,", "Simply put,"];

/// Closing phrases that suit nearly every response.
pub(crate) const CLOSINGS: &[&str] = &[
    "I hope this helps.",
    "Let me know if you need more.",
    "That is all.",
    "Thank you for reading.",
    "Have a great day!",
    "Is there anything else I can help with?",
];

/// First-person words.
pub(crate) const FIRST_PERSON: &[&str] = &[
    "i",
    "me",
    "my",
    "mine",
    "myself",
    "i'm",
    "i've",
    "i'd",
    "i'll",
    "we",
    "our",
    "ours",
    "ourselves",
    "we're",
    "we've",
    "we'd",
    "we'll",
];

/// Second-person words.
pub(crate) const SECOND_PERSON: &[&str] =
    &["you", "your", "yours", "yourself", "yourselves", "you're", "you've", "you'd", "you'll"];

/// Contractions in "'s". Other words in "'s" may be possessives.
pub(crate) const S_CONTRACTIONS: &[&str] = &[
    "it's", "that's", "there's", "here's", "what's", "who's", "where's", "how's", "he's", "she's",
    "let's",
];

/// Contractions with an unambiguous expansion.
pub(crate) const EXPANSIONS: &[(&str, &str)] = &[
    ("can't", "cannot"),
    ("won't", "will not"),
    ("don't", "do not"),
    ("doesn't", "does not"),
    ("didn't", "did not"),
    ("isn't", "is not"),
    ("aren't", "are not"),
    ("wasn't", "was not"),
    ("weren't", "were not"),
    ("haven't", "have not"),
    ("hasn't", "has not"),
    ("hadn't", "had not"),
    ("couldn't", "could not"),
    ("wouldn't", "would not"),
    ("shouldn't", "should not"),
    ("i'm", "I am"),
    ("it's", "it is"),
    ("that's", "that is"),
    ("there's", "there is"),
    ("here's", "here is"),
    ("what's", "what is"),
    ("let's", "let us"),
    ("you're", "you are"),
    ("we're", "we are"),
    ("they're", "they are"),
    ("i've", "I have"),
    ("you've", "you have"),
    ("we've", "we have"),
    ("they've", "they have"),
    ("i'll", "I will"),
    ("you'll", "you will"),
    ("we'll", "we will"),
    ("they'll", "they will"),
    ("it'll", "it will"),
    ("he'll", "he will"),
    ("she'll", "she will"),
    ("i'd", "I would"),
    ("you'd", "you would"),
    ("we'd", "we would"),
];

/// Small numbers in words.
pub(crate) const NUMERALS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

/// Roles for the speaker.
pub(crate) const ROLES: &[&str] =
    &["teacher", "chef", "doctor", "gardener", "librarian", "travel guide", "engineer", "coach"];

/// Addressees of a text.
pub(crate) const READERS: &[&str] =
    &["friend", "reader", "customer", "team", "student", "parents", "neighbor", "colleague"];

/// Names for a signature.
pub(crate) const SIGNERS: &[&str] =
    &["Alex", "Maria", "Sam", "Emma", "Daniel", "Grace", "Leo", "Nina"];

/// Words in the line above a signature.
pub(crate) const SIGN_OFFS: &[&str] = &[
    "best",
    "regards",
    "sincerely",
    "wishes",
    "love",
    "thanks",
    "yours",
    "warmly",
    "respectfully",
    "cheers",
    "truly",
    "faithfully",
    "gratefully",
];
