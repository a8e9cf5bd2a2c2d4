//! What the settings choose: the language, and the first prompts.

use iopo_judge::Language;

use super::items::JudgedPrompt;
use super::{JudgedBenchmark, JudgedConfig, JudgedMode};
use crate::EvalError;

/// Returns the language of the items or of the judge's prompt. Refuses a mode or language that the benchmark does not have, and a
/// language that has no effect.
pub(super) fn language(
    benchmark: JudgedBenchmark,
    mode: JudgedMode,
    config: &JudgedConfig,
) -> Result<Language, EvalError> {
    let language = config.language.unwrap_or(benchmark.languages()[0]);
    let refuse = |key, found: &str, expected: Vec<&str>| {
        let expected = format!("one of {} for {}", expected.join(", "), benchmark.title());
        Err(iopo_core::SettingError::new(key, format!("`{found}`"), expected).into())
    };
    if !benchmark.modes().contains(&mode) {
        return refuse("mode", mode.id(), benchmark.modes().iter().map(|one| one.id()).collect());
    }
    if !benchmark.languages().contains(&language) {
        let known = benchmark.languages().iter().map(|one| one.id()).collect();
        return refuse("language", language.id(), known);
    }
    if benchmark != JudgedBenchmark::Trace {
        return Ok(language);
    }
    let why = if !benchmark.has_languages(mode) {
        format!("no language in mode {}, whose prompt is in English", mode.id())
    } else if config.judged.is_some() {
        "no language with answers of a file, because nothing is asked".to_owned()
    } else {
        return Ok(language);
    };
    if config.language.is_some() {
        let found = format!("`{}`", language.id());
        return Err(iopo_core::SettingError::new("language", found, why).into());
    }
    Ok(if benchmark.has_languages(mode) { language } else { Language::English })
}

/// Keeps the first prompts, and the rest of the last one's group.
pub(super) fn limit(prompts: &mut Vec<JudgedPrompt>, limit: Option<usize>) {
    let Some(mut end) = limit.filter(|&limit| limit > 0 && limit < prompts.len()) else { return };
    let group = prompts[end - 1].test.task_id.clone();
    while !group.is_empty() && prompts.get(end).is_some_and(|next| next.test.task_id == group) {
        end += 1;
    }
    prompts.truncate(end);
}
