//! The title of a response.

use super::mark::{is_heading, is_rule};
use crate::{lines, text};

/// The longest first line that is a title without marks, in characters.
const MOST_TITLE_CHARS: usize = 40;

/// The title: see [`Unit::Title`](super::Unit::Title).
pub(super) fn title(response: &str) -> Option<String> {
    const LABELS: [&str; 5] = ["标题", "题目", "新闻标题", "title", "headline"];
    let clean = |line: &str| {
        let marks = |c: char| c.is_whitespace() || "#*_《》【】“”\"".contains(c);
        Some(line.trim_matches(marks).to_owned()).filter(|line| text::has_text(line))
    };
    let is_label = |label: &str| {
        let marks = |c: char| c.is_whitespace() || "#*【】:：".contains(c);
        LABELS.contains(&text::fold(label.trim_matches(marks)).as_str())
    };
    let behind = lines::filled(response).find_map(|line| {
        let (label, rest) = line.split_once([':', '：'])?;
        is_label(label).then(|| clean(rest)).flatten()
    });
    let is_framed =
        |line: &str| is_heading(line) || (line.starts_with('《') && line.ends_with('》'));
    // Dividers and fences stand between an introduction and the text.
    let is_text = |line: &&str| !is_rule(line) && !line.starts_with("```");
    let mut filled = lines::filled(response).map(str::trim).filter(is_text).peekable();
    let mut first = filled.next()?;
    // An introduction in front of a heading, and the heading 标题.
    let introduces = !is_framed(first) && first.ends_with([':', '：', '。', '！', '.', '!']);
    let next = filled.peek().copied();
    if is_label(first) || (introduces && next.is_some_and(&is_framed)) {
        first = filled.next()?;
        if is_label(first) {
            return behind.or_else(|| clean(filled.next()?));
        }
        if !is_framed(first) {
            return behind.or_else(|| clean(first));
        }
    }
    let framed = is_framed(first);
    let alone = filled.next().is_none();
    // A short line without an end mark, in front of the text.
    let is_short = first.chars().nth(MOST_TITLE_CHARS).is_none();
    let plain = is_short && !first.ends_with(['。', '！', '？', '：', '.', ':', ',', '，', '；']);
    behind.or_else(|| if framed || alone || plain { clean(first) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_labeled_framed_or_alone() {
        for text in
            ["# 茶", "**茶**\n好。", "《茶》\n好。", "茶", "好。\n标题：茶", "**标题：** 茶\n好"]
        {
            assert_eq!(title(text).as_deref(), Some("茶"), "{text}");
        }
        assert_eq!(title("茶很好。\n水也好。"), None);
    }

    #[test]
    fn a_title_is_neither_its_label_nor_an_introduction() {
        for text in [
            "## 标题\n苹果收购特斯拉\n\n## 导语\n好。",
            "标题：\n苹果收购特斯拉\n导语：好。",
            "**标题**\n## 苹果收购特斯拉\n好。",
            "以下是新闻标题和报道：\n\n# 苹果收购特斯拉\n\n好。",
            "好的，新闻如下。\n**苹果收购特斯拉**\n好。",
            "以下是新闻：\n\n## 标题\n\n**苹果收购特斯拉**\n\n好。",
            "以下是新闻：\n\n---\n\n# 苹果收购特斯拉\n\n好。",
            "以下是新闻：\n```markdown\n# 苹果收购特斯拉\n\n好。\n```",
        ] {
            assert_eq!(title(text).as_deref(), Some("苹果收购特斯拉"), "{text}");
        }
    }
}
