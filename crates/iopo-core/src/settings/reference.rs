//! The list of all settings of a configuration type.

use schemars::JsonSchema;
use serde_json::Value;

use super::schema;

/// One setting, or a section of settings, as the reference shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The key with its sections: `train.lora.r`.
    pub key: String,
    /// Whether the key is a section with settings inside.
    pub is_section: bool,
    /// The type in words.
    pub kind: String,
    /// The default as TOML; empty if there is none.
    pub default: String,
    /// The allowed values in words, from the schema; empty if every value of the type is allowed.
    pub range: String,
    /// The range that the field's documentation states after `Range:`, for readers of rustdoc.
    pub documented_range: Option<String>,
    /// Its effect, from the field's documentation.
    pub effect: String,
    /// Names of this setting in other trainers. They are not accepted, but an error suggests this key for them.
    pub aliases: Vec<String>,
}

/// Lists the settings of a configuration type in the order of its fields; each section precedes its settings.
pub fn reference<T: JsonSchema>() -> Vec<Setting> {
    let mut settings = Vec::new();
    list("", &schema::of::<T>(), &mut settings);
    settings
}

/// Appends the settings of a section.
pub(super) fn list(section: &str, schema: &Value, settings: &mut Vec<Setting>) {
    let named = schema::properties(schema).into_iter().flatten();
    let named = named.map(|(name, schema)| (name.as_str(), schema));
    let free = schema::values(schema).map(|values| ("NAME", values));
    for (name, schema) in named.chain(free) {
        let key = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        // A value with a short form is one setting, even if its long form is a table.
        let is_section = schema::properties(schema).is_some()
            || schema::values(schema).is_some_and(|values| schema::properties(values).is_some());
        let text = Documentation::of(schema);
        let default = schema.get("default").map(|value| toml(value, schema)).unwrap_or_default();
        settings.push(Setting {
            is_section,
            kind: schema::type_in_words(schema),
            default: if default.is_empty() { text.default } else { default },
            range: schema::range_in_words(schema),
            documented_range: text.range,
            effect: text.effect,
            aliases: schema.get("aliases").map(strings).unwrap_or_default(),
            key: key.clone(),
        });
        if is_section {
            list(&key, schema, settings);
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    let values = value.as_array().into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The parts of a doc comment. Sentences that begin with `Default:` or `Range:` are separate.
#[derive(Debug, Default)]
struct Documentation {
    effect: String,
    default: String,
    range: Option<String>,
}

impl Documentation {
    fn of(schema: &Value) -> Self {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
        // Outside rustdoc, a link becomes plain code.
        let line = line.replace("[`", "`").replace("`]", "`");
        let mut text = Self::default();
        let mut effect: Vec<&str> = Vec::new();
        for sentence in line.split_inclusive(". ") {
            let words = || sentence.trim().trim_end_matches('.');
            if let Some(default) = words().strip_prefix("Default:") {
                default.trim().clone_into(&mut text.default);
            } else if let Some(range) = words().strip_prefix("Range:") {
                text.range = Some(range.trim().to_owned());
            } else {
                effect.push(sentence);
            }
        }
        effect.concat().trim().clone_into(&mut text.effect);
        text
    }
}

/// Formats a default as TOML.
fn toml(value: &Value, schema: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Number(number) if schema.get("format").is_some_and(|format| format == "float") => {
            number.as_f64().map_or_else(|| number.to_string(), |value| (value as f32).to_string())
        }
        Value::Array(values) => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            let values: Vec<String> = values.iter().map(|value| toml(value, items)).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
        }
        other => other.to_string(),
    }
}
