//! `--set section.key=value` on the configuration's table.

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::failure::Failure;

/// Puts one `section.key=value` into the table.
///
/// The value is TOML (`3`, `1e-4`, `true`, `["sft", "iopo"]`); what is not is taken as a string, so that
/// `--set model=path/to/it` needs no quotes of its own.
pub(crate) fn set(table: &mut Table, assignment: &str) -> Result<()> {
    let malformed = || {
        Failure::usage(format!("cannot read --set {assignment}"))
            .way_out("write it as section.key=value, for instance --set synth.max_tasks=20")
    };
    let (path, value) = assignment.split_once('=').ok_or_else(malformed)?;
    let keys: Vec<&str> = path.split('.').map(str::trim).collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(malformed().into());
    }
    let (Some(last), sections) = (keys.last(), &keys[..keys.len() - 1]) else {
        return Err(malformed().into());
    };
    let mut here = table;
    for key in sections {
        let next = here.entry(*key).or_insert_with(|| Value::Table(Table::new()));
        here = next.as_table_mut().ok_or_else(|| {
            Failure::usage(format!(
                "cannot apply --set {assignment}: `{key}` is a value, not a section"
            ))
        })?;
    }
    here.insert((*last).to_owned(), value_of(value.trim(), here.get(*last)));
    Ok(())
}

/// The value as TOML; an integer becomes a float where the preset has one.
fn value_of(text: &str, before: Option<&Value>) -> Value {
    let parsed =
        format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    match (parsed, before) {
        (Some(Value::Integer(int)), Some(Value::Float(_))) => Value::Float(int as f64),
        (Some(value), _) => value,
        (None, _) => Value::String(text.to_owned()),
    }
}

/// Parses a configuration file.
pub(crate) fn parse(text: &str, name: &str) -> Result<Table> {
    text.parse::<Table>()
        .with_context(|| Failure::usage(format!("cannot read {name}: it is not valid TOML")))
}

/// The keys at which two tables differ, as `section.key: a → b`.
pub(crate) fn differences(old: &Table, new: &Table) -> Vec<String> {
    let mut found = Vec::new();
    compare("", &Value::Table(old.clone()), &Value::Table(new.clone()), &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let (Value::Table(a), Value::Table(b)) = (old, new) else {
        if old != new {
            found.push(format!("{path}: {old} → {new}"));
        }
        return;
    };
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (a.get(key), b.get(key)) {
            (Some(old), Some(new)) => compare(&path, old, new, found),
            (Some(old), None) => found.push(format!("{path}: {old} → unset")),
            (None, Some(new)) => found.push(format!("{path}: unset → {new}")),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::{differences, set};

    fn table(text: &str) -> Table {
        text.parse().expect("valid TOML")
    }

    #[test]
    fn values_keep_their_types() {
        let mut config = table("model = 'a'\n[train]\nbeta = 0.1\nsteps = 3");
        for assignment in [
            "train.beta=1",
            "train.lora.r = 4",
            "train.methods=[\"sft\", \"iopo\"]",
            "model=dir/model.gguf",
            "demonstration=true",
        ] {
            set(&mut config, assignment).expect(assignment);
        }
        let want = "model = 'dir/model.gguf'\ndemonstration = true\n\
            [train]\nbeta = 1.0\nsteps = 3\nmethods = ['sft', 'iopo']\nlora = { r = 4 }";
        assert_eq!(config, table(want));
    }

    #[test]
    fn malformed_assignments_are_refused_with_their_text() {
        for assignment in ["train.beta", "=3", "train.=3", ".x=1", "model.name=3"] {
            let error = set(&mut table("model = 'a'"), assignment).expect_err(assignment);
            assert!(error.to_string().contains(assignment), "{error}");
        }
    }

    #[test]
    fn differences_name_the_keys() {
        let found =
            differences(&table("a = 1\n[s]\nx = 1\ny = 2"), &table("a = 1\nb = 2\n[s]\nx = 3"));
        assert_eq!(found, ["b: unset → 2", "s.x: 1 → 3", "s.y: 2 → unset"]);
    }
}
