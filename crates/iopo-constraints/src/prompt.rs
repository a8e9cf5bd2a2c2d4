//! The layout of an instruction in the prompt, as in the IOPO paper.

use std::fmt::Write as _;

/// Renders the user turn: the task, the numbered constraints and the input.
///
/// ```
/// let prompt = iopo_constraints::render_prompt(
///     "Summarize the text.",
///     &["Use at most 20 words.", "Do not use commas."],
///     Some("Tea is a drink."),
/// );
/// assert_eq!(
///     prompt,
///     "Summarize the text.\n1. Use at most 20 words.\n2. Do not use commas.\n# Inputs:\nTea is a drink.\n"
/// );
/// ```
pub fn render_prompt(task: &str, constraints: &[impl AsRef<str>], input: Option<&str>) -> String {
    let mut prompt = task.to_owned();
    if constraints.is_empty() && input.is_none() {
        return prompt;
    }
    prompt.push('\n');
    for (index, constraint) in constraints.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(prompt, "{}. {}", index + 1, constraint.as_ref());
    }
    if let Some(input) = input {
        let _ = writeln!(prompt, "# Inputs:\n{input}");
    }
    prompt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parts_are_omitted() {
        let none: [&str; 0] = [];
        assert_eq!(render_prompt("Say hi.", &none, None), "Say hi.");
        assert_eq!(render_prompt("Say hi.", &["Be kind."], None), "Say hi.\n1. Be kind.\n");
        assert_eq!(render_prompt("Say hi.", &none, Some("x")), "Say hi.\n# Inputs:\nx\n");
    }
}
