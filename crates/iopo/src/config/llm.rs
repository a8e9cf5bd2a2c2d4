//! The models that write and judge data, and the use of endpoints.

use std::borrow::Cow;

use iopo_core::SettingError;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Name of the run's own model.
pub(crate) const LOCAL: &str = "local";
/// The largest number of endpoints of a role.
const MAX_ENDPOINTS: u64 = 100;

/// Models that write and judge data, and the use of endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LlmConfig {
    /// Model that writes data: the name of an endpoint, or a list of names that share the requests by their weights. `local` is
    /// the base model of the run.
    pub writer: Role,
    /// Model that judges data, like `writer`. A model tends to prefer its own answers, so use another one than the writer.
    pub judge: Role,
    /// Folder of stored answers. If empty, it is `answers` in iopo's cache, which all runs share. One process at a time can use
    /// a folder. Default: empty.
    pub store: String,
    /// Ends a command before a request that could raise the cost of the run above this amount, with what earlier commands have
    /// paid: a decimal string such as `"5.00"`, in the currency of the prices. If empty, there is no limit. Default: empty.
    pub max_cost: String,
    /// Answers from the store only. A request without a stored answer is an error. Default: false.
    pub offline: bool,
    /// Sends a request again if its stored result is a failure. A finished stage with failed requests is made again. Default: false.
    pub retry_failed: bool,
    /// Stores the content of the requests beside the answers. Default: true.
    pub keep_requests: bool,
    /// How long a stopped command waits for requests in flight, in seconds. Default: 30.
    #[schemars(range(min = 0.0, max = 3600.0))]
    pub drain_seconds: f64,
    /// The longest wait before the second attempt of a request, in seconds. It doubles with each attempt, and each wait is
    /// drawn between 0 and it. Default: 0.5.
    #[schemars(range(min = 0.001, max = 3600.0))]
    pub first_wait_seconds: f64,
    /// The longest wait before any attempt, in seconds, unless the server asks for a longer one. Default: 60.
    #[schemars(range(min = 0.001, max = 3600.0))]
    pub longest_wait_seconds: f64,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            writer: Role::default(),
            judge: Role::default(),
            store: String::new(),
            max_cost: String::new(),
            offline: false,
            retry_failed: false,
            keep_requests: true,
            drain_seconds: 30.0,
            first_wait_seconds: 0.5,
            longest_wait_seconds: 60.0,
        }
    }
}

impl LlmConfig {
    /// Returns each role with the key of its setting.
    pub fn roles(&self) -> [(&'static str, &Role); 2] {
        [("llm.writer", &self.writer), ("llm.judge", &self.judge)]
    }

    /// Says which roles have an endpoint, for a command that asks the base model only. It is a note and no error, because a run's
    /// configuration is that of all its commands, and `iopo fipo` asks both roles.
    pub(crate) fn unasked_note(&self) -> Option<String> {
        let set = self.roles().into_iter().filter(|(_, role)| !role.is_local());
        let set: Vec<String> = set.map(|(key, _)| format!("`{key}`")).collect();
        let has = if set.len() == 1 { "has" } else { "have" };
        (!set.is_empty()).then(|| {
            format!(
                "{} {has} no effect on this recipe, which asks the base model; set `synth.recipe = \"trace\"` to ask endpoints",
                set.join(" and ")
            )
        })
    }

    /// Checks the roles against the names of the endpoints, and the waits.
    pub(super) fn validate(&self, endpoints: &[&str]) -> Result<(), SettingError> {
        for (key, role) in self.roles() {
            role.validate(key, endpoints)?;
        }
        if self.first_wait_seconds > self.longest_wait_seconds {
            let expected =
                format!("at most `llm.longest_wait_seconds`, {}", self.longest_wait_seconds);
            let found = self.first_wait_seconds;
            return Err(SettingError::new("llm.first_wait_seconds", found, expected));
        }
        Ok(())
    }
}

/// The model of a role: the base model of the run, or endpoints by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "`local`, the name of an endpoint or a list of names")]
pub enum Role {
    /// `local`, or the name of an endpoint.
    One(String),
    /// Names of endpoints.
    Several(Vec<String>),
}

impl Default for Role {
    fn default() -> Self {
        Self::One(LOCAL.to_owned())
    }
}

impl Role {
    /// Whether the base model of the run has the role.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::One(name) if name == LOCAL)
    }

    /// Returns the names of the endpoints. Empty for the base model of the run.
    pub fn endpoints(&self) -> &[String] {
        match self {
            _ if self.is_local() => &[],
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }

    pub(super) fn validate(&self, key: &str, known: &[&str]) -> Result<(), SettingError> {
        let unknown = self.endpoints().iter().enumerate();
        let mut unknown = unknown.filter(|(_, name)| !known.contains(&name.as_str()));
        let Some((index, name)) = unknown.next() else { return Ok(()) };
        let key = match self {
            Self::One(_) => key.to_owned(),
            Self::Several(_) => format!("{key}[{index}]"),
        };
        let found = format!("{name:?}");
        if !cfg!(feature = "endpoint") {
            return Err(without_feature(key, &found, "`local`"));
        }
        let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let expected = match names.as_slice() {
            [] => format!("`{LOCAL}`, because there are no endpoints"),
            names => format!("`{LOCAL}` or an endpoint: {}", names.join(", ")),
        };
        let hint = format!("add a section `[endpoints.{name}]` with `base_url` and `model`");
        Err(SettingError::new(key, found, expected).with_hint(hint))
    }
}

impl JsonSchema for Role {
    fn schema_name() -> Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "maxItems": MAX_ENDPOINTS,
                    "uniqueItems": true,
                },
            ],
        })
    }
}

/// Returns the error about a setting that needs the Cargo feature `endpoint`.
pub(super) fn without_feature(key: impl Into<String>, found: &str, expected: &str) -> SettingError {
    let expected =
        format!("{expected}, because this binary was built without the feature `endpoint`");
    SettingError::new(key, found, expected)
        .with_hint("build iopo with its default features, or add `--features endpoint`")
}

#[cfg(test)]
mod tests {
    use super::{LlmConfig, Role};

    fn several(names: &[&str]) -> Role {
        Role::Several(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_role_is_local_or_names_endpoints() {
        assert!(Role::default().is_local() && Role::default().endpoints().is_empty());
        assert_eq!(Role::One("a".to_owned()).endpoints(), ["a"]);
        let list: Role = serde_json::from_str(r#"["a", "b"]"#).expect("a list");
        assert_eq!((&list, list.endpoints().len()), (&several(&["a", "b"]), 2));
        assert_eq!(serde_json::to_string(&Role::default()).expect("JSON"), r#""local""#);
    }

    #[test]
    fn a_role_that_is_not_asked_is_named() {
        let role = || Role::One("a".to_owned());
        assert_eq!(LlmConfig::default().unasked_note(), None);
        let one = LlmConfig { judge: role(), ..LlmConfig::default() };
        let note = one.unasked_note().expect("a note");
        assert!(note.starts_with("`llm.judge` has no effect"), "{note}");
        let note = LlmConfig { writer: role(), ..one }.unasked_note().expect("a note");
        assert!(note.starts_with("`llm.writer` and `llm.judge` have no effect"), "{note}");
    }

    #[test]
    fn an_unknown_endpoint_is_refused_by_its_role() {
        let refused = |writer: Role, known: &[&str]| {
            let config = LlmConfig { writer, ..LlmConfig::default() };
            config.validate(known).expect_err("unknown").to_string()
        };
        let error = refused(Role::One("gpt".to_owned()), &[]);
        assert!(error.starts_with("`llm.writer`: found \"gpt\", expected `local`"), "{error}");
        let error = refused(several(&["a", "local"]), &["a"]);
        assert!(error.starts_with("`llm.writer[1]`: found \"local\""), "{error}");
        LlmConfig { writer: several(&["a"]), ..LlmConfig::default() }
            .validate(&["a"])
            .expect("known");
        let waits = LlmConfig { first_wait_seconds: 61.0, ..LlmConfig::default() };
        assert!(waits.validate(&[]).is_err());
    }
}
