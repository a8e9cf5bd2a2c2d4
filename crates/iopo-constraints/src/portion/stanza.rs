//! The stanzas of a poem.

use super::mark::{is_heading, is_rule};

/// A group of lines, and whether a divider stands in front of it.
struct Stanza {
    text: String,
    is_divided: bool,
}

impl Stanza {
    fn is_long(&self) -> bool {
        self.text.contains('\n')
    }

    /// The length of the longest line, in characters.
    fn width(&self) -> usize {
        self.text.split('\n').map(|line| line.chars().count()).max().unwrap_or(0)
    }
}

/// The groups of lines between blank lines, without headings, a title, an introduction and a remark.
pub(super) fn stanzas(response: &str) -> Vec<String> {
    let mut found = groups(response);
    let has_long = found.iter().any(Stanza::is_long);
    // A single line in front of the stanzas is the title, and a sentence in front of the title introduces it.
    let introduces = |stanza: &Stanza| {
        !stanza.is_long() && stanza.text.ends_with(['：', ':', '。', '.', '！', '!'])
    };
    if found.len() > 2 && has_long && introduces(&found[0]) && !found[1].is_long() {
        found.remove(0);
    }
    if found.len() > 1 && has_long && !found[0].is_long() {
        found.remove(0);
    }
    if ends_with_remark(&found) {
        found.pop();
    }
    found.into_iter().map(|stanza| stanza.text).collect()
}

fn groups(response: &str) -> Vec<Stanza> {
    let mut found: Vec<Stanza> = Vec::new();
    let (mut open, mut is_divided) = (false, false);
    for line in response.split('\n').map(str::trim) {
        // [Verse 1] names a stanza.
        let is_label =
            line.starts_with(['[', '【', '（', '(']) && line.ends_with([']', '】', '）', ')']);
        let is_divider = is_rule(line);
        is_divided |= is_divider;
        if line.is_empty() || is_divider || is_heading(line) || is_label {
            open = false;
            continue;
        }
        match found.last_mut() {
            Some(last) if open => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            _ => found.push(Stanza { text: line.to_owned(), is_divided }),
        }
        (open, is_divided) = (true, false);
    }
    found
}

/// Whether the last group is a remark on the poem: in parentheses, behind a label with a colon, behind the only divider, or a
/// sentence about the poem that is longer than each verse.
fn ends_with_remark(found: &[Stanza]) -> bool {
    const LABELS: [&str; 8] =
        ["注", "注释", "备注", "说明", "创作说明", "赏析", "诗歌赏析", "解析"];
    const POEM: [&str; 6] = ["这首诗", "此诗", "本诗", "该诗", "诗中", "全诗"];
    const OTHERS: [&str; 6] = ["这首", "以上", "希望", "创作说明", "赏析", "解析"];
    let [_, .., last] = found else { return false };
    let before = &found[..found.len() - 1];
    let bare = last.text.trim_start_matches(['*', '>', '_', ' ']);
    let starts = |starts: &[&str]| starts.iter().any(|start| bare.starts_with(start));
    let is_enclosed = bare.starts_with(['（', '(']) && bare.ends_with(['）', ')', '*', '_']);
    let is_labeled = LABELS.iter().any(|label| {
        let rest = bare.strip_prefix(label);
        rest.is_some_and(|rest| rest.trim_start_matches(['*', '_', ' ']).starts_with(['：', ':']))
    });
    // Dividers between the stanzas of a poem set no remark apart.
    let is_apart = last.is_divided && !before.iter().skip(1).any(|stanza| stanza.is_divided);
    let is_prose = bare.trim_end_matches(['*', '_', ' ']).ends_with('。')
        && before.iter().all(|stanza| stanza.width() < last.width());
    let is_about = (starts(&POEM) && (is_apart || is_prose)) || (starts(&OTHERS) && is_apart);
    is_enclosed || (!last.is_long() && (is_labeled || is_about))
}

#[cfg(test)]
mod tests {
    use super::stanzas;

    fn lines(text: &str) -> Vec<usize> {
        stanzas(text).iter().map(|stanza| stanza.split('\n').count()).collect()
    }

    const POEM: &str = "星夜\n海滩\n风\n浪\n\n你\n我\n心\n梦";

    #[test]
    fn remarks_are_no_stanzas() {
        for text in [
            format!("以下是一首四行诗：\n\n{POEM}"),
            format!("以下是一首诗：\n\n《初恋》\n\n{POEM}\n\n（这首诗以星夜为背景，\n写初恋。）"),
            format!("# 初恋\n\n{POEM}\n\n---\n\n这首诗以星夜为背景。"),
            format!("{POEM}\n\n---\n\n**注：** 诗以星夜为背景。"),
            format!("{POEM}\n\n---\n\n希望您喜欢这首诗！"),
            format!("# 初恋\n\n---\n\n{POEM}\n\n---\n\n以上是一首关于初恋的诗。"),
            format!("{POEM}\n\n*注：诗以星夜为背景。*"),
            format!("{POEM}\n\n**解析**：诗以星夜为背景。"),
            format!("{POEM}\n\n说明: 诗以星夜为背景。"),
            format!("{POEM}\n\n这首诗以星夜为背景，写初恋。"),
        ] {
            assert_eq!(lines(&text), [4, 4], "{text}");
        }
        assert_eq!(lines(&format!("{POEM}\n\n晨光\n潮")), [4, 4, 2]);
    }

    #[test]
    fn a_verse_with_the_first_word_of_a_remark_is_a_stanza() {
        for last in [
            "希望像星光一样，照亮前方漫长的路。",
            "以上是天空，以下是海洋。",
            "解析每一颗星，也解不开这个夜晚。",
            "注视着星空",
            "这首歌，给你",
            "这首歌给你。",
        ] {
            let wide = "风从很远很远的海面吹来。\n浪\n\n梦";
            for poem in [format!("{POEM}\n\n{last}"), format!("星夜\n海滩\n\n{wide}\n\n{last}")]
            {
                let found = stanzas(&poem);
                assert_eq!(found.last().map(String::as_str), Some(last), "{poem}");
            }
        }
        let divided = "星夜\n海滩\n\n---\n\n风\n浪\n\n---\n\n希望\n\n---\n\n希望";
        assert_eq!(lines(divided), [2, 2, 1, 1]);
    }
}
