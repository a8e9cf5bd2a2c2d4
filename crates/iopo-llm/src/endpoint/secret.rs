//! API keys, and the removal of secrets from untrusted text.

use std::fmt;

use reqwest::header::HeaderValue;

use super::EndpointError;

/// Maximum length of untrusted text in a reason, in characters.
const LONGEST: usize = 300;
/// Shortest part of a key that is removed.
const SHORTEST_PART: usize = 8;
/// Shortest key that is removed from the text of answers. Servers without keys accept any word as one, such as `EMPTY`, and an
/// answer may have the same word.
const SHORTEST_IN_ANSWERS: usize = 12;

/// An API key. Its debug output does not contain it, and the crate writes it into the request header only.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads the key from an environment variable.
    ///
    /// # Errors
    /// Returns [`EndpointError::NoKey`] if the variable is not set, is empty, or is not a valid header value.
    pub fn from_env(variable: &str) -> Result<Self, EndpointError> {
        let value = std::env::var(variable).unwrap_or_default().trim().to_owned();
        if value.is_empty() || HeaderValue::from_str(&value).is_err() {
            return Err(EndpointError::NoKey { variable: variable.to_owned() });
        }
        Ok(Self(value))
    }

    /// Returns the header value with a prefix, marked as sensitive.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

/// Removes secrets from text that comes from a server or from the network.
#[derive(Debug, Clone)]
pub(crate) struct Scrubber(Option<ApiKey>);

impl Scrubber {
    pub(crate) fn new(key: Option<ApiKey>) -> Self {
        Self(key)
    }

    /// Removes keys, and shortens the text to one line.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let start: String = text.chars().take(4 * LONGEST).collect();
        let start = self.without_key(&start);
        let mut words: Vec<String> = Vec::new();
        let mut after_bearer = false;
        for word in start.split_whitespace() {
            let bearer = word.trim_end_matches(':').to_ascii_lowercase().ends_with("bearer");
            words.push(if after_bearer { "***".to_owned() } else { without_sk(word) });
            after_bearer = bearer;
        }
        let line = words.join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    /// Replaces the whole key in the text of an answer, which otherwise stays as it is. Returns how often it occurred.
    pub(crate) fn answer(&self, text: &str) -> (String, u64) {
        let key = self.0.as_ref().filter(|key| key.0.len() >= SHORTEST_IN_ANSWERS);
        match key.map(|key| (key, text.matches(&key.0).count() as u64)) {
            Some((key, count)) if count > 0 => (text.replace(&key.0, "***"), count),
            _ => (text.to_owned(), 0),
        }
    }

    /// Removes the key, and every part of it with at least eight characters.
    fn without_key(&self, text: &str) -> String {
        let Some(key) = &self.0 else { return text.to_owned() };
        let shortest = SHORTEST_PART.min(key.0.len());
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let ends = rest.char_indices().map(|(at, letter)| at + letter.len_utf8());
            let shared = ends.take_while(|end| key.0.contains(&rest[..*end])).last().unwrap_or(0);
            if shared >= shortest {
                out.push_str("***");
                rest = &rest[shared..];
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }
}

/// Removes a word that looks like a key, and the user and query of an address.
fn without_sk(word: &str) -> String {
    if let Some(at) = word.find("sk-") {
        let before_is_letter = word[..at].ends_with(|last: char| last.is_alphanumeric());
        if !before_is_letter && word.len() - at > SHORTEST_PART {
            return format!("{}***", &word[..at]);
        }
    }
    let Some(scheme) = word.find("://") else { return word.to_owned() };
    let (head, address) = word.split_at(scheme + 3);
    let address = address.split_once('?').map_or(address, |(path, _)| path);
    let host_end = address.find('/').unwrap_or(address.len());
    match address[..host_end].rfind('@') {
        Some(at) => format!("{head}{}", &address[at + 1..]),
        None => format!("{head}{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, Scrubber};

    fn scrubber() -> Scrubber {
        Scrubber::new(Some(ApiKey("marked-key-0123456789".to_owned())))
    }

    #[test]
    fn a_key_and_its_parts_are_removed() {
        let scrub = |text: &str| scrubber().scrub(text);
        assert_eq!(scrub("wrong key marked-key-0123456789!"), "wrong key ***!");
        assert_eq!(
            scrub("wrong key marked-k...56789 or y-0123456"),
            "wrong key ***...56789 or ***"
        );
        assert_eq!(scrub("Authorization: Bearer other"), "Authorization: Bearer ***");
        assert_eq!(scrub("key sk-proj-****abcd is wrong"), "key *** is wrong");
        assert_eq!(scrub("at https://me:pw@host/v1?key=1 today"), "at https://host/v1 today");
        assert_eq!(scrub("a task-list\n\nof two"), "a task-list of two");
    }

    #[test]
    fn an_answer_loses_the_whole_key_only() {
        let key = "marked-key-0123456789";
        let answer = |text: &str| scrubber().answer(text);
        let repeated = format!("a {key}\n\nb {key}");
        assert_eq!(answer(&repeated), ("a ***\n\nb ***".to_owned(), 2));
        let part = "marked-key-01234  and sk-other-0123456789, Bearer x";
        assert_eq!(answer(part), (part.to_owned(), 0));
        // A word that stands for no key stays in answers.
        let word = Scrubber::new(Some(ApiKey("EMPTY".to_owned())));
        assert_eq!(word.answer("EMPTY cups"), ("EMPTY cups".to_owned(), 0));
        assert_eq!(Scrubber::new(None).answer(key), (key.to_owned(), 0));
    }

    #[test]
    fn debug_output_does_not_contain_the_key() {
        let key = ApiKey("marked-key-0123456789".to_owned());
        assert!(!format!("{key:?} {:?}", scrubber()).contains("marked"));
        assert!(
            key.header("Bearer ").is_some_and(|value| !format!("{value:?}").contains("marked"))
        );
    }

    #[test]
    fn long_text_is_shortened_between_characters() {
        assert_eq!(scrubber().scrub(&"é".repeat(1000)).chars().count(), 301);
    }
}
