//! Examples of edits, and of responses without a natural edit.

use crate::support::constraints::constraint;

fn edited(id: &str, params: &str, response: &str) -> Option<String> {
    constraint(id, params).edit(response)
}

#[test]
fn edits_are_small_and_natural() {
    for (id, params, before, after) in [
        ("max_words", r#"{"n":5}"#, "I like tea. It is hot. It is good.", "I like tea."),
        ("exact_sentences", r#"{"n":2}"#, "One. Two. Three.", "One. Two."),
        ("exact_paragraphs", r#"{"n":1}"#, "One.\n\nTwo.", "One. Two."),
        (
            "exclude_word",
            r#"{"word":"very"}"#,
            "Tea. It is very hot. Good.",
            "Tea. It is hot. Good.",
        ),
        ("exclude_word", r#"{"word":"hot"}"#, "Tea. It is very hot. Good.", "Tea. Good."),
        ("no_commas", "{}", "Tea, milk and 1,000 cups.", "Tea and milk and 1000 cups."),
        ("no_digits", "{}", "It took 3 cups.", "It took three cups."),
        ("no_exclamations", "{}", "Tea! Really?! Wow!!", "Tea. Really? Wow."),
        ("exclamation", "{}", "I like tea.", "I like tea!"),
        (
            "table",
            "{}",
            "Stop for tea. Lots of water boils.",
            "| No. | Point |\n| --- | --- |\n| 1 | Stop for tea. |\n| 2 | Lots of water boils. |",
        ),
        (
            "headings",
            r#"{"n":2}"#,
            "Stop for tea. Lots of water boils.",
            "## Part 1\n\nStop for tea.\n\n## Part 2\n\nLots of water boils.",
        ),
        (
            "key_value_lines",
            r#"{"key":"Summary"}"#,
            "Stop for tea. Lots of water boils.",
            "Summary: Stop for tea.\nPoint 1: Lots of water boils.",
        ),
        (
            "question",
            "{}",
            "I like tea.",
            "I like tea. Would you like to know more? Just let me know.",
        ),
        (
            "word_frequency",
            r#"{"n":2,"word":"tea"}"#,
            "The tea is hot.",
            "The tea is hot. Let me know if you would like to hear more about the tea.",
        ),
        ("ends_with_question", "{}", "I like tea.", "I like tea. Does that answer your question?"),
        ("no_parentheses", "{}", "Tea (green) is good.", "Tea is good."),
        ("all_lowercase", "{}", "I like TEA.", "i like tea."),
        ("no_contractions", "{}", "It’s hot. I don't mind.", "It is hot. I do not mind."),
        ("contractions", "{}", "I do not mind.", "I don't mind."),
        ("exact_bullets", r#"{"n":2}"#, "Buy:\n- a\n- b\n- c\n\nBye.", "Buy:\n- a\n- b\n\nBye."),
        ("exact_bullets", r#"{"n":2}"#, "1. tea\n2. milk\n3. jam", "- tea\n- milk"),
        (
            "exact_numbered",
            r#"{"n":2}"#,
            "Tea is hot. Ice is cold.",
            "1. Tea is hot.\n2. Ice is cold.",
        ),
        ("no_lists", "{}", "Buy:\n- tea\n- milk", "Buy: tea and milk."),
        ("steps", r#"{"n":2}"#, "1. Boil.\n2. Pour.", "Step 1: Boil.\nStep 2: Pour."),
        ("plain_text", "{}", "# Tea\n**Hot** `tea`.", "Tea\nHot tea."),
        ("bold", r#"{"n":1}"#, "Green coffee is rare.", "**Green** coffee is rare."),
        ("single_line", "{}", "Tea.\nMilk.", "Tea. Milk."),
        (
            "starts_with",
            r#"{"phrase":"In short,"}"#,
            "The tea is hot.",
            "In short, the tea is hot.",
        ),
        ("ends_with", r#"{"phrase":"I hope this helps."}"#, "Tea.", "Tea. I hope this helps."),
        ("wrapped_in_quotes", "{}", "Tea is hot.", "\"Tea is hot.\""),
        ("dear_reader", r#"{"name":"Sam"}"#, "Dear [Name],\n\nTea?", "Dear Sam,\n\nTea?"),
        ("signed_as", r#"{"name":"Sam"}"#, "Tea.\n\nBest,\n[Your Name]", "Tea.\n\nBest,\nSam"),
        ("like_item", r#"{"marker":"dot"}"#, "- tea\n- milk", "• tea\n• milk"),
        ("not_opening", r#"{"phrase":"Sure"}"#, "Sure, tea is hot.", "Tea is hot."),
    ] {
        assert_eq!(edited(id, params, before).as_deref(), Some(after), "{id}");
    }
}

#[test]
fn responses_without_a_natural_edit_are_not_edited() {
    for (id, params, response) in [
        ("min_words", r#"{"n":50}"#, "Tea."),
        ("max_words", r#"{"n":2}"#, "One long sentence only."),
        ("include_word", r#"{"word":"tea"}"#, "Milk."),
        ("exclude_word", r#"{"word":"tea"}"#, "Tea. Milk."),
        ("no_digits", "{}", "It cost $5 at 7:30."),
        ("starts_with", r#"{"phrase":"In short,"}"#, "Paris is large."),
        ("starts_with", r#"{"phrase":"In short,"}"#, "However, it is large."),
        ("wrapped_in_quotes", "{}", "He said \"it's no\" twice."),
        ("max_capital_words", r#"{"n":0}"#, "NASA flew."),
        ("json_object", "{}", "茶很好喝。"),
        ("all_lowercase", "{}", ""),
        ("no_digits", "{}", "Call 555-1234 now."),
        ("no_questions", "{}", "Tea is hot. Who needs milk? It is cold."),
        ("no_questions", "{}", "Tea is hot. Milk is cold. Here is more:\n\nIs it?"),
        ("no_digits", "{}", "COVID-19 came."),
        ("mention_number", "{}", "It is one of the best."),
        ("include_word", r#"{"word":"many"}"#, "A lot of water is needed."),
        ("include_word", r#"{"word":"people"}"#, "Everyone has one."),
        ("exclude_word", r#"{"word":"may"}"#, "The trees bloom in May."),
        ("long_words", r#"{"letters":10,"n":1}"#, "Think about your budget."),
        ("headings", r#"{"n":1}"#, "Tea wakes you up."),
        ("key_value_lines", r#"{"key":"Topic"}"#, "Stop for tea. Lots of water boils."),
        ("steps", r#"{"n":2}"#, "Tea is warm. Milk is cold."),
        ("quotation", "{}", "I think about how much I love it."),
        ("placeholders", r#"{"n":1}"#, "Tea is warm. Milk is cold."),
    ] {
        assert_eq!(edited(id, params, response), None, "{id}");
    }
}

#[test]
fn a_response_that_passes_stays_unchanged() {
    let response = " Tea. \n";
    assert_eq!(edited("no_commas", "{}", response).as_deref(), Some(response));
}
