//! Keys do not belong in files or on the command line: finds them and refuses them without showing them.

use iopo_core::SettingError;
use iopo_llm::is_key_name;
use toml::{Table, Value};

/// Section of the endpoints.
pub(super) const ENDPOINTS: &str = "endpoints";
/// Sections in which nothing may be a key.
const SECTIONS: [&str; 3] = [ENDPOINTS, "fipo", "llm"];

/// The shortest text that can be a key, in bytes.
const SHORTEST: usize = 12;

/// Refuses a literal key in the sections of endpoints and roles. The error does not contain it.
pub(super) fn refuse_keys(table: &Table) -> Result<(), SettingError> {
    let mut sections = SECTIONS.iter().filter_map(|name| Some((*name, table.get(*name)?)));
    let Some((key, found)) = sections.find_map(|(name, value)| find(name, value, false)) else {
        return Ok(());
    };
    let expected = match found {
        Secret::Key => "the name of an environment variable in `api_key_env`",
        Secret::User => "an address without user and password",
    };
    Err(SettingError::new(key, found.name(), expected).with_hint(
        "set the variable to the key, and `api_key_env` to its name, for instance `api_key_env = \"OPENAI_API_KEY\"`",
    ))
}

/// Something that does not belong in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secret {
    /// A key.
    Key,
    /// The user of an address, usually with a password.
    User,
}

impl Secret {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "a literal key",
            Self::User => "an address with a user",
        }
    }

    /// Returns what a text holds, by its form.
    fn of(text: &str) -> Option<Self> {
        let word = text.trim();
        let bearer = word.split_once(' ').filter(|(first, _)| first.eq_ignore_ascii_case("bearer"));
        let bearer = bearer.is_some_and(|(_, rest)| !rest.trim().contains(' '));
        let like_openai = word.starts_with("sk-") && word.len() >= SHORTEST && !word.contains(' ');
        if bearer || like_openai {
            return Some(Self::Key);
        }
        let (_, address) = word.split_once("://")?;
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        (host.contains('@') && !host.contains(' ')).then_some(Self::User)
    }
}

/// Returns the path of the first secret. `named` tells that the value belongs to a setting with the name of a key.
fn find(path: &str, value: &Value, named: bool) -> Option<(String, Secret)> {
    match value {
        // The name of a table is no setting: it can be the name of an endpoint, or of a property in a JSON schema.
        Value::Table(fields) => fields
            .iter()
            .find_map(|(name, value)| find(&format!("{path}.{name}"), value, is_key_name(name))),
        Value::Array(items) => {
            let mut each = items.iter().enumerate();
            each.find_map(|(index, item)| find(&format!("{path}[{index}]"), item, named))
        }
        _ if named => Some((path.to_owned(), Secret::Key)),
        Value::String(text) => Secret::of(text).map(|secret| (path.to_owned(), secret)),
        _ => None,
    }
}

/// Returns an assignment as a message may show it: without a value that may be a key.
pub fn shown(assignment: &str) -> String {
    let (path, value) = assignment.split_once('=').unwrap_or((assignment, ""));
    let names: Vec<&str> = keys(path).collect();
    let of_endpoint = names.first() == Some(&ENDPOINTS);
    let is_secret = of_endpoint || names.iter().any(|name| is_key_name(name));
    if path.len() < assignment.len() {
        let hidden = is_secret || Secret::of(value.trim_matches(QUOTES)).is_some();
        return if hidden { format!("{}=…", path.trim()) } else { assignment.to_owned() };
    }
    // Without `=`, the key may be anywhere in the text. The name of a setting has letters only.
    let is_name = |byte: u8| byte.is_ascii_lowercase() || b"_.".contains(&byte);
    let hidden = is_secret || (may_hold_key(assignment) && !assignment.bytes().all(is_name));
    if hidden { "…".to_owned() } else { assignment.to_owned() }
}

const QUOTES: [char; 2] = ['"', '\''];

/// Splits the path of an assignment into keys, which may be quoted as in TOML.
pub(super) fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').map(|key| key.trim().trim_matches(QUOTES))
}

/// Removes a long text from an error about an endpoint or a role, because it may be a key.
pub(super) fn without_secret(mut error: SettingError) -> SettingError {
    let is_long = error.found.contains('"') && error.found.len() > 20;
    let of_role = || {
        (error.key.starts_with("llm.") || error.key == "fipo.worse")
            && error.found.bytes().any(|b| b.is_ascii_digit())
    };
    if is_long && (error.key.starts_with(ENDPOINTS) || of_role()) {
        "a text that is not shown, because it may be a key".clone_into(&mut error.found);
        // The hint may repeat the text.
        error.hint = Some("use the name of a section `[endpoints.NAME]`, or `local`".into());
    }
    error
}

/// Whether a line has a word that goes with keys.
fn may_hold_key(line: &str) -> bool {
    let line = line.to_lowercase();
    let words = ["key", "token", "secret", "password", "passwd", "authorization", "sk-", "bearer"];
    words.iter().any(|word| line.contains(word)) || (line.contains("://") && line.contains('@'))
}

/// Returns whether a line of TOML is in a section in which nothing may be a key.
fn is_in_section(before: &str, line: &str) -> bool {
    let header = before.lines().rev().map(str::trim).find(|line| line.starts_with('['));
    let first = |text: &str| keys(text.trim_matches(['[', ']', ' '])).next().map(str::to_owned);
    let named = |text: &str| first(text).is_some_and(|name| SECTIONS.contains(&name.as_str()));
    header.is_some_and(named) || named(line.trim().split('=').next().unwrap_or_default())
}

/// Describes an error of TOML: with its line, unless the line may hold a key.
pub(super) fn toml_reason(text: &str, error: &toml::de::Error) -> String {
    let whole = error.to_string().trim_end().to_owned();
    let Some(span) = error.span() else { return whole };
    let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(span.start..).and_then(|after| after.find('\n'));
    let end = end.map_or(text.len(), |at| span.start + at);
    let (before, line) = (text.get(..start), text.get(start..end).unwrap_or_default());
    let before = before.unwrap_or_default();
    if !may_hold_key(line) && !is_in_section(before, line) {
        return whole;
    }
    let number = before.matches('\n').count() + 1;
    format!("line {number}: {}", error.message())
}

#[cfg(test)]
mod tests {
    use crate::config::{check, parse, resolve};

    #[test]
    fn a_literal_key_is_refused_and_not_shown() {
        for line in [
            "api_key = \"marked\"",
            "API-KEY = \"marked\"",
            "token = \"marked\"",
            "extra_body = { api_key = \"marked\" }",
            "extra_body = { a = { Authorization = \"marked\" } }",
            "extra_body = { a = [1, { x-api-key = \"marked\" }] }",
            "extra_body = { headers = [\"Bearer marked\"] }",
            "extra_body = { OPENAI_API_KEY = \"marked\" }",
            "extra_body = { password = [\"marked\"] }",
            "\"Api-Key\" = \"marked\"",
            "bearer = \"marked\"",
            "secret = 12345678",
            "client_secret = \"marked\"",
            "ca_file = \"sk-marked-123\"",
        ] {
            let text = format!("[endpoints.a]\nbase_url = \"https://host\"\nmodel = \"m\"\n{line}");
            let error = check(&parse(&text, "x").expect("TOML")).expect_err(line);
            let (error, hint) = (error.to_string(), error.hint().unwrap_or_default());
            assert!(
                error.starts_with("`endpoints.a.") && error.contains("a literal key"),
                "{error}"
            );
            assert!(hint.contains("api_key_env") && !error.contains("marked"), "{error}");
        }
        for (line, key) in [
            ("api_key = \"marked\"", "llm.api_key"),
            ("writer = \"sk-marked-123\"", "llm.writer"),
            ("judge = [\"a\", \"Bearer marked\"]", "llm.judge[1]"),
            ("store = \"https://me:marked@host/\"", "llm.store"),
        ] {
            let text = format!("[llm]\n{line}");
            let error = check(&parse(&text, "x").expect("TOML")).expect_err(line).to_string();
            assert!(error.starts_with(&format!("`{key}`: found a")), "{error}");
            assert!(!error.contains("marked"), "{error}");
        }
        let user = "[endpoints.a]\nbase_url = \"https://me:marked@host/v1\"\nmodel = \"m\"";
        let error = check(&parse(user, "x").expect("TOML")).expect_err("a user").to_string();
        assert!(
            error.starts_with("`endpoints.a.base_url`: found an address with a user"),
            "{error}"
        );
        assert!(!error.contains("marked"), "{error}");
    }

    #[cfg(feature = "endpoint")]
    #[test]
    fn names_and_numbers_that_only_resemble_keys_are_accepted() {
        for line in [
            "api_key_env = \"KEY\"",
            "key_header = \"api-key\"",
            "max_tokens_field = \"max_tokens\"",
            "tokens_per_minute = 1000",
            "extra_body = { max_tokens = 5, max_completion_tokens = 5, token_count = 3 }",
            "extra_body = { prompt_cache_key = \"a\", eos_token = \"</s>\", stop_token_ids = [1] }",
            "extra_body = { guided_json = { properties = { password = { type = \"string\" } } } }",
            "extra_body = { system = \"Bearer of good news: sk- is no key\", contact = \"me@host\" }",
        ] {
            let text =
                format!("[endpoints.token]\nbase_url = \"https://host\"\nmodel = \"m\"\n{line}");
            check(&parse(&text, "x").expect("TOML")).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[cfg(feature = "endpoint")]
    #[test]
    fn an_assignment_of_an_endpoint_is_shown_without_its_value() {
        use super::shown;
        use crate::config::{preset, set};

        let mut table = preset("smoke").expect("a preset");
        let assignment = "endpoints.a.api_key=marked";
        let error = set(&mut table, assignment).expect_err("a key").to_string();
        assert!(error.contains("`endpoints.a.api_key`") && !error.contains("marked"), "{error}");
        let whole = "endpoints.a={api_key=marked, model=m}";
        let error = set(&mut table, whole).expect_err("no TOML").to_string();
        assert!(error.contains("`endpoints.a`") && !error.contains("marked"), "{error}");
        for quoted in ["\"endpoints\".a.api_key=marked", "endpoints.'a'.\"api_key\"=marked"] {
            let error = set(&mut table, quoted).expect_err("a key").to_string();
            assert!(error.contains("`endpoints.a.api_key`: found a literal key"), "{error}");
            assert!(!error.contains("marked") && !shown(quoted).contains("marked"), "{error}");
        }
        for without in
            ["endpoints.a.api_key:marked", "api_key marked", "sk-marked-12345", "llm.token marked"]
        {
            let error = set(&mut table, without).expect_err("no value").to_string();
            assert!(!error.contains("marked") && !shown(without).contains("marked"), "{error}");
        }
        assert_eq!(shown(assignment), "endpoints.a.api_key=…");
        assert_eq!(shown(" 'endpoints' .a.model=marked"), "'endpoints' .a.model=…");
        assert_eq!(shown("api_key=marked"), "api_key=…");
        assert_eq!(shown("llm.writer=\"Bearer marked\""), "llm.writer=…");
        for harmless in ["train.beta=1", "train.beta", "llm.writer=gpt", "train.max_length=5"] {
            assert_eq!(shown(harmless), harmless);
        }
    }

    #[test]
    fn a_long_name_of_an_endpoint_may_be_a_key() {
        let refused = |line: &str, name: &str| {
            let text = format!("{line} = \"{name}\"");
            let error = resolve(&parse(&text, "x").expect("TOML")).expect_err("unknown");
            format!("{error} hint: {}", error.hint().unwrap_or_default())
        };
        for line in ["llm.writer", "llm.judge", "fipo.worse"] {
            let error = refused(line, "marked1234567890abcdefgh");
            assert!(!error.contains("marked"), "{error}");
            let error = refused(line, "sk-marked1234567890");
            assert!(!error.contains("marked"), "{error}");
            let error = refused(line, "gpt");
            assert!(error.contains("\"gpt\"") && error.contains("[endpoints.gpt]"), "{error}");
        }
    }

    #[test]
    fn an_error_of_toml_does_not_show_a_key() {
        let reason = |text: &str| parse(text, "x.toml").expect_err("no TOML").to_string();
        let error = reason("name = \"a\"\n[endpoints.a]\napi_key = \"sk-marked\nmodel = 1");
        assert!(error.contains("line 3") && !error.contains("marked"), "{error}");
        for torn in [
            "[endpoints.a]\nmodel = \"marked",
            "[ \"llm\" ]\nwriter = marked",
            "endpoints.a.model = \"marked",
            "tasks = \"https://me:marked@host",
            "password = \"marked",
        ] {
            let error = reason(torn);
            assert!(error.contains("line ") && !error.contains("marked"), "{error}");
        }
        assert!(reason("name = \"shown").contains("shown"));
        assert!(reason("[endpoints.a]\nmodel = \"m\"\n[train]\nbeta = shown").contains("shown"));
    }
}
