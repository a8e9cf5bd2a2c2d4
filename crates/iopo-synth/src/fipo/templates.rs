//! The modules of the meta prompt and the other prompts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_judge::{Language, Message, Prompt, Slots, Template};

use crate::SynthError;
use crate::trace::Ask;
use crate::trace::templates::{LANGUAGES, RATING, file_name, refuse_unknown, template_text};

macro_rules! prompts {
    ($($(#[$meta:meta])* $name:ident $file:literal [$($slot:literal),*])*) => {
        /// A prompt of the collector, or a module of one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FipoPrompt { $($(#[$meta])* $name,)* }

        impl FipoPrompt {
            /// All prompts and modules.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the name of the template: the first part of the file's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $file,)* }
            }

            /// Returns the text of the embedded template, to copy and change.
            pub const fn text(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => include_str!(concat!("../../data/fipo/", $file, ".en.txt")),
                    (Self::$name, Language::Chinese) => include_str!(concat!("../../data/fipo/", $file, ".zh.txt")),)*
                }
            }
        }

        impl Slots for FipoPrompt {
            fn slots(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($slot),*],)* }
            }
        }
    };
}

prompts! {
    /// Module: the role and the plain instruction.
    NaivePrompt "naive-prompt" ["task", "input"]
    /// Optional module: an ordinary response.
    NaiveResponse "naive-response" ["response"]
    /// Optional module: the desired response.
    ReferenceResponse "reference-response" ["response"]
    /// Order: the better instruction.
    Better "better" ["constraints", "words", "dimensions"]
    /// Order: the instruction of a weaker model.
    Plain "plain" ["words", "dimensions"]
    /// Order: an instruction with vague requirements.
    Vague "vague" ["words", "dimensions"]
    /// Order: an instruction that asks for something that the response does not do.
    Other "other" ["constraint", "words", "dimensions"]
    /// Asks which instruction a response answers better.
    Judge "judge" ["task", "input", "response", "first", "second"]
    /// Asks for the second response.
    Response "response" ["instruction"]
}

/// Returns every built-in template by the name of the file that replaces it, for instance `better.en.txt`.
pub fn built_in_templates() -> Vec<(String, &'static str)> {
    let of = |language: Language| {
        let prompts = FipoPrompt::ALL.iter().map(move |one| (one.name(), one.text(language)));
        let again = (Ask::Again.name(), Ask::Again.text(language));
        let all = prompts.chain([again, (RATING, Prompt::Trace.text(language))]);
        all.map(move |(name, text)| (file_name(name, language), text))
    };
    LANGUAGES.into_iter().flat_map(of).collect()
}

/// Lists the files in a folder that replace built-in templates.
pub fn template_files(folder: &Path) -> Vec<PathBuf> {
    let files = built_in_templates().into_iter().map(|(name, _)| folder.join(name));
    files.filter(|file| file.is_file()).collect()
}

/// The templates of a run.
#[derive(Debug)]
pub(crate) struct Templates {
    prompts: BTreeMap<(FipoPrompt, Language), Template<FipoPrompt>>,
    again: BTreeMap<Language, Template<Ask>>,
    rating: BTreeMap<Language, Template>,
}

impl Templates {
    /// Reads the templates. Files in `folder` replace the built-in ones.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, SynthError> {
        refuse_unknown(folder, &built_in_templates())?;
        let text = |name, language, built_in| template_text(folder, name, language, built_in);
        let mut prompts = BTreeMap::new();
        let (mut again, mut rating) = (BTreeMap::new(), BTreeMap::new());
        for language in LANGUAGES {
            for &prompt in FipoPrompt::ALL {
                let text = text(prompt.name(), language, prompt.text(language))?;
                prompts.insert((prompt, language), Template::parse(prompt, prompt.name(), &text)?);
            }
            let name = Ask::Again.name();
            let own = text(name, language, Ask::Again.text(language))?;
            again.insert(language, Template::parse(Ask::Again, name, &own)?);
            let own = text(RATING, language, Prompt::Trace.text(language))?;
            rating.insert(language, Template::parse(Prompt::Trace, RATING, &own)?);
        }
        Ok(Self { prompts, again, rating })
    }

    /// Fills a template.
    pub(crate) fn fill(
        &self,
        prompt: FipoPrompt,
        language: Language,
        values: &[(&str, &str)],
    ) -> Vec<Message> {
        self.prompts[&(prompt, language)].fill(values)
    }

    /// Returns the hashes of some templates.
    pub(crate) fn hashes_of(&self, prompts: &[FipoPrompt], language: Language) -> Vec<String> {
        let hash = |prompt: &FipoPrompt| self.prompts[&(*prompt, language)].hash().to_owned();
        prompts.iter().map(hash).collect()
    }

    /// Returns the template that is added to a question that is asked again.
    pub(crate) fn again(&self, language: Language) -> &Template<Ask> {
        &self.again[&language]
    }

    /// Returns the template of the rating.
    pub(crate) fn rating(&self, language: Language) -> &Template {
        &self.rating[&language]
    }

    /// Returns the hash of each template, by the name of its file.
    pub(crate) fn hashes(&self) -> BTreeMap<String, &str> {
        let name = |name: &str, language: Language| format!("{name}.{}", language.id());
        let prompts = self.prompts.iter();
        let prompts =
            prompts.map(|((prompt, language), t)| (name(prompt.name(), *language), t.hash()));
        let again = self.again.iter();
        let again = again.map(|(language, t)| (name(Ask::Again.name(), *language), t.hash()));
        let rating = self.rating.iter().map(|(language, t)| (name(RATING, *language), t.hash()));
        prompts.chain(again).chain(rating).collect()
    }
}

/// Appends the messages of a module to those of a prompt. Its system messages precede, and its user messages continue the last one.
pub(crate) fn append(messages: &mut Vec<Message>, module: Vec<Message>) {
    for message in module {
        match messages.last_mut() {
            Some(last) if last.role == message.role => {
                last.content.push_str("\n\n");
                last.content.push_str(&message.content);
            }
            Some(_) | None => messages.push(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_templates_have_their_slots() {
        let templates = Templates::open(None).expect("templates");
        assert_eq!(templates.hashes().len(), 2 * (FipoPrompt::ALL.len() + 2));
    }

    #[test]
    fn modules_continue_the_user_message_and_their_texts_are_not_expanded() {
        let templates = Templates::open(None).expect("templates");
        let fill =
            |prompt, values: &[(&str, &str)]| templates.fill(prompt, Language::English, values);
        let mut messages =
            fill(FipoPrompt::NaivePrompt, &[("task", "{{input}} S_P"), ("input", "IN")]);
        append(
            &mut messages,
            fill(FipoPrompt::NaiveResponse, &[("response", "=== system\n{{task}}")]),
        );
        append(&mut messages, fill(FipoPrompt::Vague, &[("words", "9"), ("dimensions", "D")]));
        assert_eq!(messages.len(), 2, "a system message and a user message");
        let text = &messages[1].content;
        assert!(text.contains("{{input}} S_P") && text.contains("=== system\n{{task}}"), "{text}");
        assert_eq!(text.matches("IN\n").count(), 1);
    }

    #[test]
    fn a_file_in_a_folder_replaces_one_template() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("judge.zh.txt"), "=== user\nno slot").expect("written");
        assert_eq!(template_files(dir.path()), [dir.path().join("judge.zh.txt")]);
        let error = Templates::open(Some(dir.path())).expect_err("no slot").to_string();
        assert!(error.contains("lacks the slot `task`"), "{error}");
        assert!(Templates::open(Some(&dir.path().join("absent"))).is_err());
    }

    #[test]
    fn a_template_of_the_other_recipe_is_refused_and_the_built_in_ones_change_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in built_in_templates() {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let copied = Templates::open(Some(dir.path())).expect("templates");
        assert_eq!(copied.hashes(), Templates::open(None).expect("templates").hashes());
        assert_eq!(copied.hashes().len(), built_in_templates().len(), "each has a file");
        std::fs::write(dir.path().join("expand.en.txt"), "=== user\n{{task}}").expect("written");
        let error = Templates::open(Some(dir.path())).expect_err("unknown").to_string();
        assert!(error.contains("expand.en.txt") && error.contains("better.en.txt"), "{error}");
    }
}
