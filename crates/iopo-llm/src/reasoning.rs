//! Reasoning that a model writes before its answer.

/// Separates reasoning in `<think>` tags from the answer after it.
///
/// Some chat templates open the tag in the prompt, so a text may begin with reasoning and contain only the closing tag. Reasoning
/// that never ends leaves no answer. A tag within an answer is part of it.
///
/// ```
/// use iopo_llm::split_reasoning;
///
/// assert_eq!(split_reasoning("<think>Hot?</think>\n\nTea."), ("Hot?", "Tea."));
/// assert_eq!(split_reasoning("Hot?</think>Tea."), ("Hot?", "Tea."));
/// assert_eq!(split_reasoning("<think>Hot?"), ("Hot?", ""));
/// assert_eq!(split_reasoning("Write <think>, then </think>."), ("", "Write <think>, then </think>."));
/// ```
pub fn split_reasoning(text: &str) -> (&str, &str) {
    let opened = text.trim_start().strip_prefix("<think>");
    let inner = opened.unwrap_or(text);
    match inner.split_once("</think>") {
        Some((reasoning, answer)) if opened.is_some() || !reasoning.contains("<think>") => {
            (reasoning, answer.trim_start())
        }
        _ if opened.is_some() => (inner, ""),
        _ => ("", text),
    }
}
