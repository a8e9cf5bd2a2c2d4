//! A handwritten response that satisfies and one that violates each kind.

use iopo_constraints::Kind;

use crate::support::constraints::constraint;

/// Kind, parameters, a response that satisfies the constraint, a response that violates it.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("max_words", r#"{"n":4}"#, "Don't drink cold tea.", "Do not drink cold tea."),
    ("min_words", r#"{"n":5}"#, "Do not drink cold tea.", "Don't drink cold - tea."),
    ("word_range", r#"{"low":2,"high":3}"#, "Hot tea.", "Tea."),
    ("exact_sentences", r#"{"n":2}"#, "Dr. Lee drinks tea. Good!", "Tea is good, e.g. green tea."),
    ("max_sentences", r#"{"n":1}"#, "It costs 3.50 here.", "Tea. Milk."),
    ("min_sentences", r#"{"n":2}"#, "Is it? Yes.", "Yes, it is."),
    ("exact_paragraphs", r#"{"n":2}"#, "One.\n \nTwo.\nStill two.", "One.\nStill one."),
    (
        "max_sentence_words",
        r#"{"n":3}"#,
        "I like tea. You like milk.",
        "I like tea. You do not like it.",
    ),
    ("long_sentence", r#"{"n":5}"#, "Tea. I like tea very much.", "I like tea. I like milk."),
    ("include_word", r#"{"word":"tea"}"#, "Green TEA's nice.", "Steam and team."),
    ("include_words", r#"{"first":"tea","second":"milk"}"#, "Milk with tea.", "Tea with sugar."),
    ("word_frequency", r#"{"word":"tea","n":2}"#, "Tea is tea.", "Tea is a team."),
    ("exclude_word", r#"{"word":"tea"}"#, "A team steams.", "Have some tea-time."),
    ("opening_word", r#"{"word":"tea"}"#, "I like tea. Yes.", "I like it. Tea, I mean."),
    ("mention_number", "{}", "I had 3 cups.", "1. Boil water.\n2. Add tea."),
    ("no_digits", "{}", "I had three cups.", "1. Boil water."),
    ("no_commas", "{}", "Tea and milk.", "Tea, milk."),
    ("no_exclamations", "{}", "Tea.", "Tea!"),
    ("exclamation", "{}", "Tea!", "Tea."),
    ("question", "{}", "Tea? Yes.", "Tea."),
    ("no_questions", "{}", "Tea.", "Tea? Yes."),
    ("ends_with_question", "{}", "Yes. Tea?\n", "Tea? Yes."),
    ("parentheses", "{}", "Tea (green).", "1) Tea."),
    ("no_parentheses", "{}", "1) Tea.", "Tea (green)."),
    ("quotation", "{}", "He said “tea”.", "It's 5\" long."),
    ("no_quotation", "{}", "It's 'tea'.", "He said \"tea\"."),
    ("all_lowercase", "{}", "tea, please. 3 cups.", "tea, Please."),
    ("all_uppercase", "{}", "TEA, PLEASE. 3 CUPS.", "TEA, please."),
    ("min_capital_words", r#"{"n":1}"#, "I like HOT tea.", "I like hot tea. A"),
    ("max_capital_words", r#"{"n":0}"#, "I like hot tea.", "NASA likes tea."),
    ("first_person", "{}", "It's what I like.", "The US likes tea. It is mined."),
    ("no_first_person", "{}", "The US likes tea.", "Tea is my drink."),
    ("second_person", "{}", "Your tea.", "Young tea."),
    ("no_second_person", "{}", "Young tea.", "You’ll like tea."),
    ("contractions", "{}", "It’s tea.", "The cook's tea is its best."),
    ("no_contractions", "{}", "The cook's tea.", "I don't like it."),
    ("exact_bullets", r#"{"n":2}"#, "Buy:\n- tea\n- milk", "Buy:\n- tea\n- milk\n* sugar"),
    ("min_bullets", r#"{"n":2}"#, "- tea\n• milk\n* jam", "**Tea**\n- milk\n---"),
    ("exact_numbered", r#"{"n":2}"#, "1. tea\n2. milk", "1. tea\n2. milk\n3. jam"),
    ("min_numbered", r#"{"n":2}"#, "1) tea\n2) milk", "1. tea\n- milk"),
    ("no_lists", "{}", "Tea - and milk.\n-5 degrees.", "Buy:\n* tea"),
    ("steps", r#"{"n":2}"#, "Step 1: Boil.\n**Step 2:** Pour.", "Step 1: Boil.\nStep 3: Pour."),
    ("headings", r#"{"n":1}"#, "## Tea\nIt is hot.", "#tea is hot"),
    ("angle_title", "{}", "<<Tea>>\nIt is hot.", "It is hot. <<Tea>>"),
    ("bold", r#"{"n":2}"#, "**Tea** and **milk**.", "**Tea** and ** **."),
    ("plain_text", "{}", "- Tea * 2", "Some `tea`."),
    ("table", "{}", "| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"),
    ("single_line", "{}", "Tea. Milk.\n", "Tea.\nMilk."),
    ("divided_parts", r#"{"n":2}"#, "Tea.\n***\nMilk.", "Tea. *** Milk."),
    ("sections", r#"{"n":2}"#, "Section 1\nTea.\n\nSection 2: Milk", "Section 1\nTea."),
    ("json_object", "{}", "```json\n{\"tea\": 1}\n```", "{tea: 1}"),
    ("starts_with", r#"{"phrase":"In short,"}"#, " in short, tea.", "Tea, in short,"),
    ("ends_with", r#"{"phrase":"That is all."}"#, "Tea. That is all.\n", "That is all. Tea."),
    ("wrapped_in_quotes", "{}", "\"Tea is hot.\"", "\"Tea\" is hot."),
    ("postscript", "{}", "Tea.\n\nP.S. Milk too.", "P.S. Milk too."),
    ("foreign_greeting", r#"{"language":"french"}"#, "Bonjour! Tea?", "Hello, bonjour."),
    (
        "as_role",
        r#"{"role":"engineer"}"#,
        "As an engineer, I like tea.",
        "As a engineer, I like tea.",
    ),
    ("signed_as", r#"{"name":"Sam"}"#, "Best,\nSam", "Best, Sam"),
    ("dear_reader", r#"{"name":"Sam"}"#, "Dear Sam,\n\ntea?", "Dear Samantha,\n\ntea?"),
    ("short_words", r#"{"letters":5}"#, "Green tea is good.", "Delightful tea."),
    ("long_words", r#"{"letters":10,"n":1}"#, "Delightful tea.", "Wonderful tea."),
    ("placeholders", r#"{"n":1}"#, "Dear [Name],", "Dear [1], [] [ ]"),
    ("no_placeholders", "{}", "Dear Sam [1],", "Dear [Name],"),
    ("like_item", r#"{"marker":"dash"}"#, "Buy:\n- tea\n- milk", "- tea\n- milk\n* jam"),
    ("key_value_lines", r#"{"key":"Topic"}"#, "Topic: tea\nSummary: hot", "Topic: tea\nIt is hot."),
    ("not_opening", r#"{"phrase":"Here"}"#, "Heresy!", "Here is tea."),
];

#[test]
fn each_kind_separates_a_good_response_from_a_bad_one() {
    for &(id, params, good, bad) in CASES {
        let constraint = constraint(id, params);
        let (yes, no) = (constraint.check(good), constraint.check(bad));
        assert!(yes.satisfied, "{id} on {good:?}: {}", yes.evidence);
        assert!(!no.satisfied, "{id} on {bad:?}: {}", no.evidence);
        assert!(!constraint.check(" \n").satisfied, "{id} on a blank response");
    }
}

#[test]
fn every_kind_has_a_case() {
    for kind in Kind::ALL {
        assert!(CASES.iter().any(|case| case.0 == kind.id()), "{kind}");
    }
}

#[test]
fn evidence_states_the_count_and_the_bound() {
    let constraint = constraint("max_words", r#"{"n":2}"#);
    assert_eq!(constraint.check("I like tea.").evidence, "3 words, at most 2 asked");
}
