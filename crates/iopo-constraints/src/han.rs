//! Measures of Chinese text. A text without Chinese characters has the counts of the other modules.

use std::ops::Range;

use crate::{lines, text};

/// The share of Chinese characters among the letters from which a text is Chinese, in percent.
pub(crate) const LEAST_SHARE: usize = 30;

/// Whether a character is a Chinese ideograph.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// Whether a text contains a Chinese character.
pub(crate) fn has(text: &str) -> bool {
    text.chars().any(is_han)
}

/// Whether a character counts alone: ideographs, kana and hangul.
fn is_alone(c: char) -> bool {
    is_han(c) || matches!(c, '々' | '〇' | '\u{3041}'..='\u{30FF}' | '\u{AC00}'..='\u{D7AF}')
}

/// The number of characters as Chinese readers count them: ideographs, and runs of other letters and digits. Spaces and
/// punctuation do not count.
pub(crate) fn characters(text: &str) -> usize {
    let (mut count, mut in_run) = (0, false);
    for c in text.chars() {
        let alone = is_alone(c);
        let run = !alone && c.is_alphanumeric();
        count += usize::from(alone || (run && !in_run));
        in_run = run;
    }
    count
}

/// The share of Chinese characters among the letters in percent, rounded down.
pub(crate) fn share(text: &str) -> usize {
    let (mut letters, mut chinese) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        chinese += usize::from(is_han(c));
    }
    (chinese * 100).checked_div(letters).unwrap_or(0)
}

/// Whether a text is Chinese.
pub(crate) fn is_chinese(text: &str) -> bool {
    share(text) >= LEAST_SHARE
}

/// The number of sentences. In a text with Chinese characters, 。！？ and … end a sentence without a space behind, and so
/// do ! and ? before a Chinese character. Headings, rows of tables and introductions with a colon are no sentences of such a
/// text.
pub(crate) fn sentences(text: &str) -> usize {
    if !has(text) {
        return text::sentences(text).len();
    }
    let text = lines::unwrapped(text);
    let ranges = text::sentences(text);
    let is_prose = |range: &Range<usize>| {
        let sentence = &text[range.clone()];
        // A bold line is a heading, and 以下是文章： introduces what follows.
        lines::heading(sentence).is_none()
            && !lines::is_bold(sentence)
            && !sentence.ends_with(['：', ':'])
            && !sentence.starts_with('|')
            && !sentence.ends_with('|')
    };
    let found = ranges.into_iter().filter(is_prose);
    found.map(|range| split(&text[range]).len()).sum()
}

/// The first sentence.
pub(crate) fn first_sentence(text: &str) -> &str {
    let Some(range) = text::sentences(text).into_iter().next() else { return "" };
    let sentence = &text[range];
    split(sentence).into_iter().next().map_or(sentence, |range| &sentence[range])
}

/// The parts of a text between Chinese sentence ends, at least one.
pub(crate) fn split(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let wide = matches!(c, '。' | '！' | '？' | '…');
        if !wide && !matches!(c, '!' | '?') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some(&(next, follower)) = chars.peek() {
            if !matches!(
                follower,
                '。' | '！'
                    | '？'
                    | '…'
                    | '!'
                    | '?'
                    | '”'
                    | '’'
                    | '」'
                    | '』'
                    | '"'
                    | '）'
                    | ')'
                    | '》'
                    | '*'
            ) {
                break;
            }
            end = next + follower.len_utf8();
            chars.next();
        }
        let before_han =
            text[end..].chars().next().is_none_or(|c| is_han(c) || "“「『《（".contains(c));
        if before_han && text::has_text(&text[start..end]) {
            found.push(start..end);
            start = end;
        }
    }
    if found.is_empty() || text::has_text(&text[start..]) {
        found.push(start..text.len());
    }
    found
}

/// The number of list items with Chinese marks: 1、 （1） (1) 一、 （一） and ①.
pub(crate) fn list_items(text: &str) -> usize {
    lines::filled(text).filter(|line| list_mark(line).is_some()).count()
}

/// Whether a line is a list item with a Chinese mark.
pub(crate) fn is_list_item(line: &str) -> bool {
    list_mark(line).is_some()
}

/// The number of list items with marks without digits: 一、 and （一）.
pub(crate) fn list_numerals(text: &str) -> usize {
    let bare = |line: &&str| list_mark(line).is_some_and(|mark| !mark.contains(char::is_numeric));
    lines::filled(text).filter(bare).count()
}

/// The Chinese list mark of a line with Chinese text behind it.
fn list_mark(line: &str) -> Option<&str> {
    let line = line.trim();
    let first = line.chars().next()?;
    let circled = ('①'..='⑳').contains(&first);
    let open = usize::from(matches!(first, '（' | '(')) * first.len_utf8();
    let number = |c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c);
    let len: usize = line[open..].chars().take_while(|c| number(*c)).map(char::len_utf8).sum();
    let close = line[open + len..].chars().next();
    let end = match close {
        _ if circled => first.len_utf8(),
        Some(c @ ('）' | ')')) if open > 0 && len > 0 => open + len + c.len_utf8(),
        Some('、') if open == 0 && len > 0 => len + '、'.len_utf8(),
        _ => return None,
    };
    let (mark, body) = line.split_at(end);
    (has(body) && mark.chars().count() <= 5).then_some(mark)
}

/// The number of Chinese first-person words.
pub(crate) fn first_person(text: &str) -> usize {
    // 自我 means "self".
    let own = text.matches('我').count() - text.matches("自我").count();
    own + text.matches("咱").count()
}

/// The number of Chinese second-person words.
pub(crate) fn second_person(text: &str) -> usize {
    text.matches(['你', '您']).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::Measure;

    proptest! {
        #[test]
        fn texts_without_chinese_characters_are_counted_as_before(
            text in "([ -~\n“”’é…。！？、（）①あ한]|1、|（1）|\n2、 ){0,80}",
        ) {
            prop_assert!(!has(&text));
            prop_assert_eq!(sentences(&text), text::sentences(&text).len());
            prop_assert_eq!(list_items(&text) + list_numerals(&text), 0);
            prop_assert_eq!(first_person(&text) + second_person(&text), 0);
            let items = lines::filled(&text).filter_map(lines::item).count();
            prop_assert_eq!(Measure::Items.count(&text), items);
        }

        #[test]
        fn a_chinese_character_changes_the_count(text in "[a-z ]{1,20}") {
            // The negative control of the property above.
            let marked = format!("1、{text}茶!茶");
            prop_assert_eq!(Measure::Items.count(&marked), 1);
            prop_assert_eq!((sentences(&marked), text::sentences(&marked).len()), (2, 1));
        }
    }

    #[test]
    fn characters_are_ideographs_and_runs() {
        assert_eq!(characters("我爱喝茶，每天 3 杯 green tea！"), 10);
        assert_eq!(characters("2024年1月"), 4);
        assert_eq!(characters("，。 \n"), 0);
    }

    #[test]
    fn chinese_sentences_end_without_spaces() {
        assert_eq!(sentences("你好。“好吗？”他问!我说：好……再见"), 5);
        assert_eq!(sentences("价格为3.5元，很好！"), 1);
        // The negative control: English needs the space.
        assert_eq!(sentences("Hello!World. Yes"), 2);
        assert_eq!(first_sentence("茶很好!我喜欢。"), "茶很好!");
    }

    #[test]
    fn chinese_list_marks_are_items() {
        let list = "1、买茶\n（2）买奶\n三、买糖\n（四）买水\n①买米\n(5) 买面";
        assert_eq!((list_items(list), list_numerals(list)), (6, 2));
        for none in ["1、tea", "一杯茶", "（见下文）茶", "2024年、茶", "、茶", "一、", "12"]
        {
            assert_eq!(list_items(none), 0, "{none}");
        }
    }

    #[test]
    fn a_text_is_chinese_from_thirty_percent() {
        assert!(is_chinese("我用 Python 写") && !is_chinese("I like 茶 very much"));
        assert_eq!((share(""), share("茶"), share("abc")), (0, 100, 0));
        assert_eq!((first_person("我的自我介绍"), second_person("你和您")), (1, 2));
    }

    #[test]
    fn headings_and_rows_are_no_sentences() {
        assert_eq!(sentences("# 茶的历史\n\n茶很好。水也好。"), 2);
        assert_eq!(sentences("以下是短文：\n\n**茶的历史**\n\n茶很好。**水**也好。"), 2);
        assert_eq!(sentences("```markdown\n茶很好。\n```"), 1);
        // A bold word and a colon inside are part of a sentence.
        assert_eq!(sentences("**茶**很**好**\n\n茶：很好"), 2);
        assert_eq!(sentences("| 茶 | 价 |\n|---|---|\n| 绿茶 | 很低。 |\n\n茶很好。"), 1);
    }
}
