//! The prompt templates of the recipe.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_judge::{Language, Prompt, Slots, Template};

use crate::SynthError;

macro_rules! asks {
    ($($(#[$meta:meta])* $name:ident $file:literal [$($slot:literal),*])*) => {
        /// A prompt of the recipe, except the rating, which is [`Prompt::Trace`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Ask { $($(#[$meta])* $name,)* }

        impl Ask {
            /// All prompts.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the name of the template: the first part of the file's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $file,)* }
            }

            /// Returns the text of the embedded template, to copy and change.
            pub const fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => include_str!(concat!("../../data/trace/", $file, ".en.txt")),
                    (Self::$name, Language::Chinese) => include_str!(concat!("../../data/trace/", $file, ".zh.txt")),)*
                }
            }
        }

        impl Slots for Ask {
            fn slots(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($slot),*],)* }
            }
        }
    };
}

asks! {
    /// Adds constraints to a task.
    Expand "expand" ["task", "input", "count", "dimensions"]
    /// Splits an instruction into its parts.
    Structure "structure" ["instruction", "dimensions"]
    /// Asks whether an instruction is complete.
    Complete "complete" ["task", "constraints", "input"]
    /// Asks whether an instruction repeats itself.
    Redundant "redundant" ["task", "constraints", "input"]
    /// Asks both in one call.
    Quality "quality" ["task", "constraints", "input"]
    /// Asks for a response.
    Response "response" ["instruction"]
    /// Asks for a response that does not meet a removed constraint.
    ResponseFree "response-free" ["instruction", "constraint"]
    /// Asks for a response that violates a constraint.
    Worse "worse" ["task", "constraints", "input", "response"]
    /// Asks for a constraint that replaces another one.
    Revise "revise" ["task", "constraints", "constraint", "input", "response", "dimensions"]
    /// Asks for one more constraint.
    Add "add" ["task", "constraints", "input", "response", "dimensions"]
    /// Asks whether one answer can meet two constraints.
    Compatible "compatible" ["task", "constraint", "other"]
    /// Is appended to a prompt that asks for constraints, to ask for their checks too.
    Checks "checks" ["kinds"]
    /// Is appended to a prompt whose answer could not be used.
    Again "again" ["fault"]
}

/// The languages of templates.
pub(crate) const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

/// The name of the file that replaces the template of the rating.
pub(crate) const RATING: &str = "rating";

/// Returns the text of a template: the file of its name in `folder`, or the built-in text if there is none.
pub(crate) fn template_text(
    folder: Option<&Path>,
    name: &str,
    language: Language,
    built_in: &'static str,
) -> Result<String, SynthError> {
    let Some(folder) = folder else { return Ok(built_in.to_owned()) };
    let path = folder.join(file_name(name, language));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder.is_dir() => {
            Ok(built_in.to_owned())
        }
        Err(source) => Err(SynthError::Io { path, source }),
    }
}

/// Returns the name of the file of a template.
pub(crate) fn file_name(name: &str, language: Language) -> String {
    format!("{name}.{}.txt", language.id())
}

/// Returns every built-in template by the name of the file that replaces it, for instance `expand.en.txt`.
pub fn built_in_templates() -> Vec<(String, &'static str)> {
    let of = |language: Language| {
        let asks = Ask::ALL.iter().map(move |ask| (ask.name(), ask.text(language)));
        let all = asks.chain([(RATING, Prompt::Trace.text(language))]);
        all.map(move |(name, text)| (file_name(name, language), text))
    };
    LANGUAGES.into_iter().flat_map(of).collect()
}

/// Lists the files in a folder that replace built-in templates.
pub fn template_files(folder: &Path) -> Vec<PathBuf> {
    let files = built_in_templates().into_iter().map(|(name, _)| folder.join(name));
    files.filter(|file| file.is_file()).collect()
}

/// Refuses files in a folder that look like templates but replace none, because their names are mistyped or belong to another
/// recipe.
///
/// A file looks like one if its name ends like that of a template, or begins with the name of one and ends in `.txt`.
pub(crate) fn refuse_unknown(
    folder: Option<&Path>,
    known: &[(String, &str)],
) -> Result<(), SynthError> {
    let Some(folder) = folder else { return Ok(()) };
    let failed = |source| SynthError::Io { path: folder.to_owned(), source };
    let mut unknown = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".txt") else { continue };
        let of_language = LANGUAGES.iter().any(|one| stem.ends_with(&format!(".{}", one.id())));
        let first = stem.split('.').next().unwrap_or(stem);
        let begins = known.iter().any(|(other, _)| other.split('.').next() == Some(first));
        if (of_language || begins) && !known.iter().any(|(other, _)| *other == name) {
            unknown.push(name);
        }
    }
    let Some(found) = unknown.into_iter().min() else { return Ok(()) };
    let expected: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    Err(SynthError::UnknownTemplate { path: folder.join(found), expected: expected.join(", ") })
}

/// The templates of a run.
#[derive(Debug)]
pub(crate) struct Templates {
    asks: BTreeMap<(Ask, Language), Template<Ask>>,
    rating: BTreeMap<Language, Template>,
}

impl Templates {
    /// Reads the templates. Files in `folder` replace the built-in ones.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, SynthError> {
        refuse_unknown(folder, &built_in_templates())?;
        let text = |name, language, built_in| template_text(folder, name, language, built_in);
        let (mut asks, mut rating) = (BTreeMap::new(), BTreeMap::new());
        for language in LANGUAGES {
            for &ask in Ask::ALL {
                let text = text(ask.name(), language, ask.text(language))?;
                asks.insert((ask, language), Template::parse(ask, ask.name(), &text)?);
            }
            let text = text(RATING, language, Prompt::Trace.text(language))?;
            rating.insert(language, Template::parse(Prompt::Trace, RATING, &text)?);
        }
        Ok(Self { asks, rating })
    }

    /// Returns the template of a prompt.
    pub(crate) fn of(&self, ask: Ask, language: Language) -> &Template<Ask> {
        &self.asks[&(ask, language)]
    }

    /// Returns the template of the rating.
    pub(crate) fn rating(&self, language: Language) -> &Template {
        &self.rating[&language]
    }

    /// Returns the hash of each template, by the name of its file.
    pub(crate) fn hashes(&self) -> BTreeMap<String, &str> {
        let name = |name: &str, language: Language| format!("{name}.{}", language.id());
        let asks = self
            .asks
            .iter()
            .map(|((ask, language), template)| (name(ask.name(), *language), template.hash()));
        let rating = self.rating.iter().map(|(language, t)| (name(RATING, *language), t.hash()));
        asks.chain(rating).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_templates_have_their_slots() {
        let templates = Templates::open(None).expect("templates");
        assert_eq!(templates.hashes().len(), 2 * (Ask::ALL.len() + 1));
    }

    #[test]
    fn a_file_in_a_folder_replaces_one_template() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("response.en.txt");
        std::fs::write(&path, "=== user\nPlease: {{instruction}}").expect("written");
        let changed = Templates::open(Some(dir.path())).expect("templates");
        let built_in = Templates::open(None).expect("templates");
        let differing: Vec<String> = changed
            .hashes()
            .into_iter()
            .filter(|(name, hash)| built_in.hashes()[name] != *hash)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(differing, ["response.en"]);
        std::fs::write(dir.path().join("notes.txt"), "not a template").expect("written");
        assert_eq!(template_files(dir.path()), [path.as_path()]);
        std::fs::write(&path, "=== user\nNo slot").expect("written");
        let error = Templates::open(Some(dir.path())).expect_err("no slot").to_string();
        assert!(error.contains("lacks the slot `instruction`"), "{error}");
        assert!(Templates::open(Some(&dir.path().join("absent"))).is_err());
    }

    #[test]
    fn a_mistyped_name_is_refused() {
        for (name, known) in [
            ("expnad.en.txt", false),
            ("trace.zh.txt", false),
            ("rating.txt", false),
            ("rating.fr.txt", false),
            ("rating.en.txt", true),
            ("expand.en.txt.orig", true),
            ("README.txt", true),
        ] {
            let dir = tempfile::tempdir().expect("a directory");
            let text = Prompt::Trace.text(Language::English);
            std::fs::write(dir.path().join(name), text).expect("written");
            match Templates::open(Some(dir.path())) {
                Ok(_) => assert!(known, "{name}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!known && text.contains(name), "{name}: {text}");
                    assert!(text.contains("rating.en.txt") && error.is_usage(), "{text}");
                }
            }
        }
    }

    #[test]
    fn the_built_in_templates_as_files_change_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in built_in_templates() {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        assert_eq!(template_files(dir.path()).len(), built_in_templates().len());
        let (copied, built_in) = (Templates::open(Some(dir.path())), Templates::open(None));
        let (copied, built_in) = (copied.expect("templates"), built_in.expect("templates"));
        assert_eq!(copied.hashes(), built_in.hashes());
        assert_eq!(copied.hashes().len(), built_in_templates().len(), "each has a file");
    }
}
