//! The outline of an answer: its points with an introduction and a conclusion, written as a list, a table, JSON or parts.

use serde::Serialize;

use super::{
    clauses,
    prose::{self, grouped, is_english, is_running, varied},
    topic,
};
use crate::{lexicon::NUMERALS, lines, text};

/// The points of an answer: the items of its list, or its sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The text before the points; may be empty.
    pub(crate) intro: String,
    pub(crate) points: Vec<String>,
    /// The text after the points; may be empty.
    pub(crate) outro: String,
    /// Whether the points are items of a numbered list.
    pub(crate) numbered: bool,
    /// Whether the points are items of a list.
    pub(crate) listed: bool,
}

impl Outline {
    /// Reads the outline of an English answer that is one list or consists of sentences.
    pub(crate) fn read(response: &str) -> Option<Self> {
        if is_running(response) {
            let points = prose::sentences(response);
            let (intro, outro) = (String::new(), String::new());
            return Some(Self { intro, points, outro, numbered: false, listed: false });
        }
        if !is_english(response) {
            return None;
        }
        let (mut intro, mut points, mut outro) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbered = false;
        for line in lines::filled(response).map(str::trim) {
            if let Some((mark, body)) = lines::item(line) {
                if !outro.is_empty() || (!points.is_empty() && numbered == mark.is_bullet()) {
                    return None;
                }
                numbered = !mark.is_bullet();
                points.push(body.to_owned());
            } else if lines::is_apart(line) {
                return None;
            } else if points.is_empty() {
                intro.push(line);
            } else {
                outro.push(line);
            }
        }
        let (intro, outro) = (intro.join("\n\n"), outro.join("\n\n"));
        (!points.is_empty()).then_some(Self { intro, points, outro, numbered, listed: true })
    }

    /// The outline with `n` points. More items of a list are dropped. Of more sentences, the first becomes the
    /// introduction, the last the conclusion, and the others share the points; of fewer, some are split.
    pub(crate) fn with_points(mut self, n: usize) -> Option<Self> {
        if self.listed {
            let had = self.points.len();
            self.points.truncate(n);
            self.intro = recounted(&self.intro, had, n.min(had));
            return (self.points.len() == n).then_some(self);
        }
        while self.points.len() > 1 && self.points.last().is_some_and(|last| is_closing(last)) {
            let last = self.points.pop()?;
            let parts = [last, std::mem::take(&mut self.outro)];
            parts.join(" ").trim_end().clone_into(&mut self.outro);
        }
        if self.points.len() < n {
            self.points = clauses::split_to(&self.points, n)?;
        }
        if self.points.len() > n {
            self.intro = self.points.remove(0);
        }
        if self.points.len() == n + 1 && n > 1 && self.outro.is_empty() {
            self.outro = self.points.pop()?;
        }
        self.points = grouped(&self.points, n, " ")?;
        Some(self)
    }

    /// The outline with `n` points that are all instructions. Other sentences around them become the introduction and
    /// the conclusion.
    pub(crate) fn with_steps(mut self, n: usize) -> Option<Self> {
        let step = |point: &String| clauses::is_instruction(&prose::without_order(point));
        if self.listed {
            return (self.numbered || self.points.iter().all(step)).then(|| self.with_points(n))?;
        }
        let first = self.points.iter().position(step)?;
        let end = self.points.iter().rposition(step)? + 1;
        self.outro = self.points.split_off(end).join(" ");
        let steps = self.points.split_off(first);
        self.intro = self.points.join(" ");
        self.points =
            if steps.len() < n { clauses::split_to(&steps, n)? } else { grouped(&steps, n, " ")? };
        self.points.iter().all(step).then_some(self)
    }

    /// The outline with at least `n` points: as many as there are sentences after an introduction.
    pub(crate) fn with_at_least(self, n: usize) -> Option<Self> {
        let have = self.points.len();
        match () {
            () if self.listed => (have >= n).then_some(self),
            () if have > n => self.with_points((have - 1).min(n.max(8))),
            () => self.with_points(n),
        }
    }

    /// The text with the points as `body`, between the introduction and the conclusion.
    pub(crate) fn around(&self, body: &str) -> String {
        let parts = [self.intro.as_str(), body, self.outro.as_str()];
        let filled: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        filled.join("\n\n")
    }

    /// The text with each point on a line that `item` writes, from the number of the point and its text.
    pub(crate) fn list(&self, mut item: impl FnMut(usize, &str) -> String) -> String {
        let points = self.points.iter().enumerate();
        let written: Vec<String> = points.map(|(at, point)| item(at + 1, point)).collect();
        self.around(&written.join("\n"))
    }

    /// The text with the points of a list as running text: short ones as an enumeration, others as sentences.
    pub(crate) fn running(&self) -> String {
        let plain: Vec<String> = self.points.iter().map(|point| point.replace("**", "")).collect();
        let ended = |point: &str| point.ends_with(['.', '!', '?', '。']);
        let short =
            plain.iter().all(|p| text::word_count(p) <= 6 && !ended(p) && !p.contains([',', ':']));
        let body = match plain.split_last() {
            Some((last, [first, middle @ ..])) if short => {
                let before = [std::slice::from_ref(first), middle].concat();
                format!("{} and {last}.", before.join(", "))
            }
            _ => {
                let done =
                    |point: &String| if ended(point) { point.clone() } else { format!("{point}.") };
                plain.iter().map(done).collect::<Vec<_>>().join(" ")
            }
        };
        let intro = if self.intro.is_empty() { String::new() } else { format!("{} ", self.intro) };
        let outro =
            if self.outro.is_empty() { String::new() } else { format!("\n\n{}", self.outro) };
        format!("{intro}{body}{outro}")
    }

    /// The text with the points as a Markdown table of two columns.
    pub(crate) fn table(&self) -> Option<String> {
        const HEADS: &[&str] = &["Aspect | Details", "Topic | Explanation", "Point | Details"];
        let words = self.points.concat();
        if words.contains(['|', '\n']) || self.points.len() < 2 {
            return None;
        }
        let labeled = self.points.iter().all(|point| topic::labeled(point).is_some());
        let (head, rows): (_, Vec<(String, String)>) = match topic::pairs(&self.points) {
            Some(pairs) if !self.numbered || labeled => (varied(HEADS, &words), pairs),
            _ => {
                let steps = self.points.iter().all(|point| clauses::is_instruction(point));
                let head = match (steps, self.listed) {
                    (true, _) => "Step | Instruction",
                    (false, true) => "No. | Item",
                    (false, false) => "No. | Point",
                };
                let rows = self.points.iter().enumerate();
                (head, rows.map(|(at, p)| ((at + 1).to_string(), p.clone())).collect())
            }
        };
        let rows: Vec<String> =
            rows.into_iter().map(|(label, detail)| format!("| {label} | {detail} |")).collect();
        Some(self.around(&format!("| {head} |\n| --- | --- |\n{}", rows.join("\n"))))
    }

    /// The text as lines of the form "Key: value", the first of them with the given key.
    pub(crate) fn key_values(&self, key: &str) -> Option<String> {
        const NAMED: &[&str] = &["topic", "name", "title", "subject", "theme"];
        let mut points = self.points.clone();
        let lead = if self.intro.is_empty() { points.first()?.clone() } else { self.intro.clone() };
        let lead = lead.trim_end_matches(':').replace("**", "");
        let mut written = Vec::new();
        if NAMED.contains(&text::fold(key).as_str()) {
            written.push((key.to_owned(), topic::topic(&lead)?));
            if self.intro.is_empty() {
                written.push(("Summary".to_owned(), points.remove(0)));
            }
        } else {
            if self.intro.is_empty() {
                points.remove(0);
            }
            written.push((key.to_owned(), lead));
        }
        let known: Vec<String> = written.iter().map(|(_, value)| text::fold(value)).collect();
        let labels = topic::pairs(&points)
            .filter(|pairs| pairs.iter().all(|(label, _)| !known.contains(&text::fold(label))));
        let numbered = || {
            let points = points.iter().enumerate();
            points.map(|(at, p)| (format!("Point {}", at + 1), p.replace("**", ""))).collect()
        };
        written.extend(labels.unwrap_or_else(numbered));
        if !self.outro.is_empty() {
            written.push(("Conclusion".to_owned(), self.outro.clone()));
        }
        let clear = written.iter().skip(1).all(|(label, _)| text::fold(label) != text::fold(key));
        let written: Vec<String> =
            written.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
        (clear && written.len() > 1).then(|| written.join("\n"))
    }

    /// The text as a JSON object: a summary with key points, or the items of a list with the text around them.
    pub(crate) fn json(&self) -> Option<String> {
        let plain = |text: &str| text.replace("**", "").trim_end_matches(':').to_owned();
        let some = |text: &str| (!text.is_empty()).then(|| plain(text));
        let mut points: Vec<String> = self.points.iter().map(|point| plain(point)).collect();
        let mut document = Document { conclusion: some(&self.outro), ..Document::default() };
        match (self.listed, points.len()) {
            (true, _) => {
                document.introduction = some(&self.intro);
                let steps = self.numbered && self.intro.contains("step");
                let list = if steps { &mut document.steps } else { &mut document.items };
                *list = Some(points);
            }
            (false, 0) => return None,
            (false, 1) => document.answer = points.pop(),
            (false, _) => {
                document.summary = Some(points.remove(0));
                document.key_points = Some(points);
            }
        }
        serde_json::to_string_pretty(&document).ok()
    }
}

/// A JSON object for an answer. The order of the fields is that of the answer.
#[derive(Debug, Default, Serialize)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introduction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_points: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<String>,
}

/// The text as a JSON object with one field, for texts without an outline such as letters.
pub(crate) fn json_text(response: &str) -> Option<String> {
    let good = is_english(response) && !response.trim_start().starts_with(['{', '[', '`']);
    let answer = Some(response.trim().replace("**", ""));
    good.then(|| serde_json::to_string_pretty(&Document { answer, ..Document::default() }).ok())
        .flatten()
}

/// The text in `n` parts: neighboring paragraphs, sentences or list items together.
pub(crate) fn parts(response: &str, n: usize) -> Option<Vec<String>> {
    let mut paragraphs: Vec<String> = Vec::new();
    for range in text::paragraphs(response) {
        match paragraphs.last_mut() {
            // A line that announces a list belongs to it.
            Some(last) if last.ends_with(':') => {
                last.push_str("\n\n");
                last.push_str(&response[range]);
            }
            _ => paragraphs.push(response[range].to_owned()),
        }
    }
    if !is_english(response) || is_letter(response) {
        return None;
    }
    if is_running(response) {
        let sentences = if paragraphs.len() == n { paragraphs } else { prose::sentences(response) };
        return grouped(&sentences, n, " ");
    }
    if lines::filled(response).any(|line| lines::is_row(line) || lines::is_divider(line)) {
        return None;
    }
    if paragraphs.len() >= n {
        return grouped(&paragraphs, n, "\n\n");
    }
    let outline = Outline::read(response).filter(|outline| outline.listed)?;
    let mut items: Vec<String> = lines::filled(response)
        .filter(|line| lines::item(line).is_some())
        .map(|line| line.trim().to_owned())
        .collect();
    if !outline.intro.is_empty() {
        let first = items.first_mut()?;
        *first = format!("{}\n{first}", outline.intro);
    }
    if !outline.outro.is_empty() {
        items.push(outline.outro);
    }
    grouped(&items, n, "\n")
}

/// Whether a sentence ends an answer without belonging to it, such as an offer to say more.
fn is_closing(sentence: &str) -> bool {
    const OPENINGS: &[&str] = &[
        "I hope",
        "I really hope",
        "Let me know",
        "Have a",
        "Feel free",
        "Just ask",
        "If you'd like",
        "Would you like",
        "Do you have any",
        "Does that",
        "How does that",
        "What do you think",
        "If not,",
        "You can also ask",
        "You can always ask",
        "Is there anything",
        "That is all",
        "Just let me know",
    ];
    OPENINGS.iter().any(|opening| sentence.starts_with(opening))
}

/// Whether a text starts with a salutation.
pub(crate) fn is_letter(response: &str) -> bool {
    let first = response.trim_start().lines().next().unwrap_or_default().trim_end();
    first.ends_with(',') && text::word_count(first) <= 5
}

/// An introduction with the new number of points instead of the old one.
pub(crate) fn recounted(intro: &str, old: usize, new: usize) -> String {
    if old == new {
        return intro.to_owned();
    }
    super::replace_words(intro, |word| {
        let numeral = |n: usize| NUMERALS.get(n).copied();
        if word == old.to_string() {
            return Some(new.to_string());
        }
        (numeral(old) == Some(text::fold(word).as_str()))
            .then(|| numeral(new).map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROSE: &str =
        "Tea is a warm drink. Many people like it. Water boils in a pot. Leaves give the taste.";

    #[test]
    fn sentences_become_points_between_an_introduction_and_a_conclusion() {
        let read = || Outline::read(PROSE).expect("prose");
        let all = read().with_points(4).expect("four sentences");
        assert_eq!((all.intro.as_str(), all.points.len(), all.outro.as_str()), ("", 4, ""));
        let three = read().with_points(3).expect("an introduction and three points");
        assert_eq!((three.intro.as_str(), three.outro.as_str()), ("Tea is a warm drink.", ""));
        let two = read().with_points(2).expect("two points");
        assert_eq!(two.points, ["Many people like it.", "Water boils in a pot."]);
        assert_eq!(two.outro, "Leaves give the taste.");
        assert_eq!(read().with_points(9), None);
    }

    #[test]
    fn a_list_keeps_the_text_around_it_and_its_count() {
        let list = "Here are three drinks:\n1. Tea\n2. Milk\n3. Juice\n\nEnjoy!";
        let outline = Outline::read(list).expect("a list").with_points(2).expect("two of three");
        assert_eq!(
            outline.list(|at, body| format!("{at}) {body}")),
            "Here are two drinks:\n\n1) Tea\n2) Milk\n\nEnjoy!"
        );
        for odd in ["- a\nb\n- c", "# Tea\n- a", "- a\n1. b", "| a | b |", "喝茶。"] {
            assert_eq!(Outline::read(odd), None, "{odd}");
        }
    }

    #[test]
    fn tables_and_json_have_the_points() {
        let outline = Outline::read("Tea wakes you up. Milk makes bones strong.").expect("prose");
        let numbered = outline.table().expect("numbers where no topic is certain");
        assert!(numbered.starts_with("| No. | Point |\n| --- | --- |\n| 1 | Tea wakes you up. |"));
        let nouns = Outline::read("Tea is good for the heart. The milk is cold.").expect("prose");
        let table = nouns.table().expect("two topics");
        let rows =
            "\n| --- | --- |\n| Tea | Tea is good for the heart. |\n| Milk | The milk is cold. |";
        assert!(table.contains(rows), "{table}");
        let json = outline.json().expect("two sentences");
        let value: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
        assert_eq!(value["summary"], "Tea wakes you up.");
        assert_eq!(value["key_points"][0], "Milk makes bones strong.");
        assert_eq!(Outline::read("Tea | milk is good.").expect("prose").table(), None);
    }

    #[test]
    fn steps_are_instructions_and_closings_are_no_points() {
        let steps = |text: &str| Outline::read(text).and_then(|outline| outline.with_steps(2));
        let found =
            steps("Tea is warm. First, fill the pot. Add the leaves. It is fun.").expect("steps");
        assert_eq!(found.points, ["First, fill the pot.", "Add the leaves."]);
        assert_eq!((found.intro.as_str(), found.outro.as_str()), ("Tea is warm.", "It is fun."));
        assert_eq!(steps("Tea is warm. Water is cold. Milk helps."), None);
        assert_eq!(steps("- Tea\n- Milk"), None);
        let two = Outline::read("Tea is warm. Milk is cold. I hope this helps.").expect("prose");
        assert_eq!(two.with_points(2).expect("two").outro, "I hope this helps.");
    }

    #[test]
    fn parts_keep_every_word() {
        let list = "Tips for tea:\n- Boil water.\n- Add leaves.\n- Wait.\n\nEnjoy it.";
        for text in [PROSE, list, "One is here.\n\nTwo is there.\n\nThree is in between."] {
            for n in 1..=4 {
                if let Some(parts) = parts(text, n) {
                    let words = |text: &str| text::keys(text).collect::<Vec<_>>();
                    assert_eq!((parts.len(), words(&parts.join("\n"))), (n, words(text)));
                }
            }
            assert!(parts(text, 2).is_some(), "{text}");
        }
        assert_eq!(parts("Dear Sam,\n\nTea is good.\n\nBest,\nAl", 2), None);
    }
}
