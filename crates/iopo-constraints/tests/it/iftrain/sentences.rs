//! The sentences of the kinds map back to them, and similar sentences do not.

use std::collections::BTreeSet;

use iopo_constraints::{Kind, KindSet, from_text};

use crate::support::constraints::{constraint, draws};

#[test]
fn every_sentence_maps_back_in_both_languages() {
    let kinds: Vec<Kind> = KindSet::Iftrain.kinds().filter(|kind| !kind.is_drawn()).collect();
    assert_eq!(kinds.len(), 19);
    let mut chinese = BTreeSet::new();
    for seed in 0..30 {
        for drawn in draws(seed, "Write about green tea and healthy milk.") {
            if !kinds.contains(&drawn.kind()) {
                continue;
            }
            for phrasing in 0..drawn.phrasings() {
                let sentence = drawn.render(phrasing);
                assert_eq!(from_text(&sentence).as_ref(), Some(&drawn), "{sentence}");
            }
            for phrasing in 0..2 {
                let sentence = drawn.render_chinese(phrasing).expect("a Chinese sentence");
                assert_eq!(from_text(&sentence).as_ref(), Some(&drawn), "{sentence}");
                chinese.insert(drawn.kind());
            }
        }
    }
    assert_eq!(chinese.len(), 19);
}

#[test]
fn other_sentences_map_to_the_same_kinds() {
    for (text, id, params) in [
        ("Make sure that the word \"tea\" is used.", "", ""),
        (
            "Please use the keyword “tea” exactly three times.",
            "exact_frequency",
            r#"{"word":"tea","n":3}"#,
        ),
        (
            "The word \"tea\" should occur only once in your answer.",
            "word_once",
            r#"{"word":"tea"}"#,
        ),
        ("Begin each sentence with the word \"A\".", "sentence_starts", r#"{"word":"A"}"#),
        ("The last word of the essay must be \"end\".", "last_word", r#"{"word":"end"}"#),
        ("Do not use any dots.", "no_periods", "{}"),
        ("Your answer should have no more than 300 letters.", "max_letters", r#"{"n":300}"#),
        ("请确保回答的第一个单词是“Tea”。", "first_word", r#"{"word":"Tea"}"#),
        ("每个句子都必须以“谢谢”结束", "sentence_ends", r#"{"word":"谢谢"}"#),
        ("全文不要使用句号", "no_periods", "{}"),
    ] {
        let expected = (!id.is_empty()).then(|| constraint(id, params));
        assert_eq!(from_text(text), expected, "{text}");
    }
}

#[test]
fn near_misses_map_to_nothing() {
    for text in [
        "Use the word \"tea\" exactly once in each paragraph.",
        "Use the word \"tea\" exactly twice and the word \"milk\" exactly twice.",
        "Use the word \"tea\" once.",
        "The first word of every paragraph must be \"Tea\".",
        "The first word of your response should not be \"Tea\".",
        "The first word of your response may be \"Tea\".",
        "Start every sentence with the word \"tea\", and be polite.",
        "Start every other sentence with the word \"tea\".",
        "The first and the last letter of your response must be the same.",
        "Use at most 5 capital letters.",
        "Use at least 3 letters of the alphabet twice.",
        "Your title must contain no more than 20 letters.",
        "Do not use periods in abbreviations.",
        "Put every noun in square brackets.",
        "Put every word of the title in square brackets.",
        "Use the word \"tea\" as the 0th word of the 2nd sentence.",
        "Write 3 parts with *** on a line between them.",
        "回答的第一个词不能是“茶”",
        "每段的第一个词必须是“茶”",
        "标题不使用句号",
        "回答至少包含3个大写字母",
    ] {
        assert_eq!(from_text(text), None, "{text}");
    }
}
