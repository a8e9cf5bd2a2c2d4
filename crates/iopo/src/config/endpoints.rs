//! The settings of endpoints: what a table of them must not hold, and what answers depend on.

use std::collections::BTreeMap;

use iopo_core::SettingError;
use iopo_llm::endpoint::{EndpointConfig, EndpointError, Money, NotDecimal, Price};
use serde_json::{Value as Json, json};
use toml::{Table, Value};

use super::llm::{LOCAL, LlmConfig, Role};
use super::{ConfigError, PipelineConfig};

/// Prices of an endpoint.
const PRICES: [&str; 3] = ["input", "cached_input", "output"];

/// Returns the error of an endpoint with the key of its setting.
pub fn endpoint_error(name: &str, error: &EndpointError) -> SettingError {
    let hint = error.hint();
    let error = match error {
        EndpointError::Setting { setting, found, expected } => {
            SettingError::new(*setting, found, *expected)
        }
        EndpointError::NoKey { variable } => {
            let found = format!("`{variable}`, which holds no API key");
            SettingError::new("api_key_env", found, "an environment variable with the key")
        }
        EndpointError::File { path, source } => {
            let found = format!("`{}` ({source})", path.display());
            SettingError::new("ca_file", found, "a readable file")
        }
        other => SettingError::new("", other, "an endpoint that can be used"),
    };
    let error = error.inside(&format!("endpoints.{name}"));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Checks the prices of a table. The type of a price has no schema of its own.
pub(super) fn check_prices(table: &Table) -> Result<(), SettingError> {
    let endpoints = table.get("endpoints").and_then(Value::as_table).into_iter().flatten();
    for (name, endpoint) in endpoints {
        let prices = endpoint.get("prices").and_then(Value::as_table);
        for key in PRICES {
            let Some(text) = prices.and_then(|prices| prices.get(key)?.as_str()) else { continue };
            if let Err(error) = Price::try_from(text.to_owned()) {
                return Err(decimal_error(format!("endpoints.{name}.prices.{key}"), text, &error));
            }
        }
    }
    Ok(())
}

fn decimal_error(key: String, text: &str, error: &NotDecimal) -> SettingError {
    let error = error.to_string();
    let expected = error.split_once("expected ").map_or(error.as_str(), |(_, expected)| expected);
    SettingError::new(key, format!("{text:?}"), expected)
}

impl LlmConfig {
    /// Returns the maximum cost; `None` without a limit.
    ///
    /// # Errors
    /// Returns an error if it is not a decimal number.
    pub(crate) fn max_money(&self) -> Result<Option<Money>, SettingError> {
        let text = self.max_cost.as_str();
        let parsed = (!text.is_empty()).then(|| text.parse::<Money>()).transpose();
        parsed.map_err(|error| decimal_error("llm.max_cost".to_owned(), text, &error))
    }
}

impl PipelineConfig {
    /// Checks the endpoints and the roles.
    pub(super) fn validate_llm(&self) -> Result<(), ConfigError> {
        for (name, endpoint) in &self.endpoints {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            if name == LOCAL || name.is_empty() || !name.chars().all(is_name) {
                let expected = "a name of letters, digits, `-` and `_` other than `local`";
                return Err(SettingError::new("endpoints", format!("{name:?}"), expected).into());
            }
            endpoint.validate().map_err(|error| endpoint_error(name, &error))?;
        }
        let names: Vec<&str> = self.endpoints.keys().map(String::as_str).collect();
        self.llm.validate(&names)?;
        let worse = self.worse_role();
        if let Some(role) = &worse {
            role.validate("fipo.worse", &names)?;
        }
        if self.llm.max_money()?.is_some() {
            let roles = self.llm.roles().into_iter().map(|(_, role)| role).chain(&worse);
            let used = roles.flat_map(Role::endpoints);
            let free = |name: &&String| {
                self.endpoints.get(*name).is_some_and(|endpoint| endpoint.prices.is_none())
            };
            if let Some(name) = used.into_iter().find(free) {
                let key = format!("endpoints.{name}.prices");
                let expected = "prices, because `llm.max_cost` is set";
                return Err(SettingError::new(key, "none", expected)
                    .with_hint("set `input` and `output`; they are \"0\" for a server of your own")
                    .into());
            }
        }
        Ok(())
    }

    /// Returns a table without the settings of endpoints that no answer depends on: the models of the roles remain.
    ///
    /// Addresses, keys, limits and prices can change without changing an answer, and are nobody else's business.
    pub(crate) fn without_endpoints(&self, mut table: Table) -> Table {
        table.remove("endpoints");
        table.remove("llm");
        let mut llm = Table::new();
        for (key, role) in self.llm.roles() {
            let models: Vec<Value> =
                role.endpoints().iter().filter_map(|name| self.model_of(name)).collect();
            if !models.is_empty() {
                let key = key.trim_start_matches("llm.").to_owned();
                llm.insert(key, Value::Array(models));
            }
        }
        if !llm.is_empty() {
            table.insert("llm".to_owned(), Value::Table(llm));
        }
        table
    }

    /// Returns the model of an endpoint.
    pub(crate) fn model_named(&self, name: &str) -> Option<&str> {
        self.endpoints.get(name).map(|endpoint| endpoint.model.as_str())
    }

    /// Returns the address and the model of an endpoint. Servers at two addresses can have different models of one name.
    pub(crate) fn served(&self, name: &str) -> Option<(&str, &str)> {
        let endpoint = self.endpoints.get(name)?;
        Some((endpoint.base_url.trim_end_matches('/'), endpoint.model.as_str()))
    }

    /// Returns the settings of an endpoint that answers depend on.
    fn model_of(&self, name: &str) -> Option<Value> {
        let EndpointConfig { model, extra_body, omit, weight, .. } = self.endpoints.get(name)?;
        let mut settings: BTreeMap<&str, Json> = [("model", json!(model))].into();
        if !extra_body.is_empty() {
            settings.insert("extra_body", json!(extra_body));
        }
        if let Some(omit) = omit {
            settings.insert("omit", json!(omit));
        }
        if (weight - 1.0).abs() > f64::EPSILON {
            settings.insert("weight", json!(weight));
        }
        Value::try_from(settings).ok()
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use crate::config::{PipelineConfig, parse, resolve};

    const TWO: &str = r#"
        [llm]
        writer = ["a", "b"]
        judge = "b"
        [endpoints.a]
        base_url = "https://host/v1"
        model = "m"
        [endpoints.b]
        base_url = "https://other/v1"
        model = "n"
        extra_body = { reasoning_effort = "low" }
    "#;

    fn table(text: &str) -> Table {
        parse(text, "the test").expect("TOML")
    }

    fn config(text: &str) -> PipelineConfig {
        resolve(&table(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refused(text: &str) -> (String, String) {
        let error = resolve(&table(text)).expect_err(text);
        (error.to_string(), error.hint().unwrap_or_default())
    }

    #[test]
    fn endpoints_survive_writing_and_reading() {
        let read = config(TWO);
        assert_eq!(read.llm.writer.endpoints(), ["a", "b"]);
        assert_eq!(config(&read.to_toml().expect("TOML")), read);
    }

    #[test]
    fn a_mistake_names_its_endpoint() {
        let with = |line: &str| TWO.replacen("model = \"m\"", &format!("model = \"m\"\n{line}"), 1);
        for (text, want) in [
            (with("weight = 0"), "`endpoints.a.weight`: found 0"),
            (with("max_concurrent = 1"), "`endpoints.a.max_concurrent`: found an unknown key"),
            (with("api_key_env = \"sk-marked\""), "`endpoints.a.api_key_env`: found a text that"),
            (
                with("prices = { input = \"0,1\", output = \"1\" }"),
                "`endpoints.a.prices.input`: found \"0,1\"",
            ),
            (
                with("prices = { input = \"0.1\" }"),
                "`endpoints.a.prices`: found a table without `output`",
            ),
            (
                TWO.replace("https://host", "http://host"),
                "`endpoints.a.base_url`: found http://host",
            ),
            (
                TWO.replace("judge = \"b\"", "judge = \"c\""),
                "`llm.judge`: found \"c\", expected `local` or an endpoint: `a`, `b`",
            ),
            (TWO.replace("endpoints.a]", "endpoints.local]"), "`endpoints`: found \"local\""),
            (TWO.replace("judge = \"b\"", "max_cost = \"5\""), "`endpoints.a.prices`: found none"),
            (TWO.replace("judge = \"b\"", "max_cost = \"much\""), "`llm.max_cost`: found \"much\""),
        ] {
            let (error, hint) = refused(&text);
            assert!(error.starts_with(want) && !hint.is_empty(), "{want}: {error}; {hint}");
        }
    }

    #[test]
    fn only_settings_that_answers_depend_on_are_recorded() {
        let recorded = |text: &str| {
            let config = config(text);
            config.without_endpoints(config.to_table().expect("a table"))
        };
        let before = recorded(TWO);
        let text = toml::to_string(&before["llm"]).expect("TOML");
        assert!(text.contains("reasoning_effort") && !text.contains("host"), "{text}");
        let more = "model = \"m\"\napi_key_env = \"KEY\"\nrequests_per_minute = 5\n\
            prices = { input = \"1\", output = \"2\" }\ntimeout_seconds = 5";
        for (old, new) in [
            ("https://host/v1", "https://moved/v1"),
            ("model = \"m\"", more),
            ("[llm]", "[llm]\nstore = \"elsewhere\"\noffline = true"),
        ] {
            assert_eq!(recorded(&TWO.replacen(old, new, 1)), before, "{new}");
        }
        for (old, new) in [
            ("\"m\"", "\"other\""),
            ("\"low\"", "\"high\""),
            ("judge = \"b\"", "judge = \"a\""),
            ("model = \"n\"", "model = \"n\"\nweight = 2"),
        ] {
            assert_ne!(recorded(&TWO.replacen(old, new, 1)), before, "{new}");
        }
        let local = PipelineConfig::preset("smoke").expect("a preset");
        let local = local.without_endpoints(local.to_table().expect("a table"));
        assert!(!local.contains_key("llm") && !local.contains_key("endpoints"));
    }
}
