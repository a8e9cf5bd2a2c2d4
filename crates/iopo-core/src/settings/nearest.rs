//! Finds the setting that an unknown key probably means.

use serde_json::Value;

use super::reference::{Setting, list};

/// Returns the setting of a root schema that `key` probably means. `table` is the schema of the table that holds the key.
///
/// The first match wins: an alias or a close spelling in the same section, the same name in another section, a close
/// spelling anywhere.
pub(super) fn nearest(root: &Value, table: &Value, key: &str) -> Option<String> {
    let mut settings = Vec::new();
    list("", root, &mut settings);
    let (section, name) = split(key);
    // The long form of a setting is not a section, so the list has no settings inside of it.
    if settings.iter().any(|setting| setting.key == section && !setting.is_section) {
        list(section, table, &mut settings);
    }
    let in_section = |setting: &&Setting| split(&setting.key).0 == section;
    let is_alias = |setting: &&Setting| setting.aliases.iter().any(|alias| alias == name);
    let has_name = |setting: &&Setting| split(&setting.key).1 == name;
    let alias = settings.iter().filter(in_section).find(is_alias);
    let here = || closest(settings.iter().filter(in_section), name);
    // A setting of a named table, such as `overrides.NAME.beta`, is the less likely one.
    let mut ranked: Vec<&Setting> = settings.iter().collect();
    ranked.sort_by_key(|setting| setting.key.contains(".NAME."));
    let elsewhere =
        || ranked.iter().copied().find(|setting| has_name(setting) || is_alias(setting));
    let anywhere = || closest(settings.iter(), name);
    let found = alias.or_else(here).or_else(elsewhere).or_else(anywhere);
    found.map(|setting| setting.key.clone())
}

/// Splits a key into its section, which is empty at the top level, and its name.
fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}

/// Returns the setting whose name is closest to `name` by edit distance, if it is close enough for its length.
fn closest<'a>(settings: impl Iterator<Item = &'a Setting>, name: &str) -> Option<&'a Setting> {
    let most = (name.chars().count() / 3).max(1);
    let edits = |setting: &Setting| strsim::damerau_levenshtein(split(&setting.key).1, name);
    settings
        .map(|setting| (edits(setting), setting))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, setting)| setting)
}
