//! Which judge a check is about.

use super::{JudgeCheck, template};

/// What makes a judge the same as another one: the model, where it runs, and the settings of its first answer. The template of a
/// benchmark is no part of it; the table of a benchmark that asks with another one says so.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeIdentity {
    /// Name of the model.
    pub judge: String,
    /// What differs between models with different answers.
    pub fingerprint: String,
    /// Name of the endpoint, with a hash of its address; `None` for a judge of this process.
    pub endpoint: Option<String>,
    /// Softmax temperature.
    pub temperature: f32,
    /// Maximum number of tokens of an answer.
    pub max_new_tokens: usize,
}

impl JudgeCheck {
    /// Lists how a judge differs from the one that was checked, and whether the template of the check has changed since.
    /// Empty if the check is about this judge.
    pub fn differences(&self, judge: &JudgeIdentity) -> Vec<String> {
        let place = |endpoint: &Option<String>| endpoint.clone().unwrap_or("this process".into());
        let model = if self.judge == judge.judge {
            [&self.fingerprint, &judge.fingerprint].map(String::clone)
        } else {
            [&self.judge, &judge.judge].map(String::clone)
        };
        let [checked, now] = [self.template.as_str(), template().hash()].map(str::to_owned);
        [
            ("model", model),
            ("endpoint", [&self.endpoint, &judge.endpoint].map(place)),
            ("template", [checked, now]),
            (
                "temperature",
                [self.config.temperature, judge.temperature].map(|one| one.to_string()),
            ),
            (
                "maximum number of tokens",
                [self.config.max_new_tokens, judge.max_new_tokens].map(|one| one.to_string()),
            ),
        ]
        .into_iter()
        .filter(|(_, [checked, now])| checked != now)
        .map(|(what, [checked, now])| format!("{what}: {checked} was checked, {now} judges"))
        .collect()
    }
}
