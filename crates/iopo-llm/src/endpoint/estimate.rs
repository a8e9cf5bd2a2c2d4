//! Estimates the tokens, the cost and the time of requests before they are sent.

use std::fmt;
use std::time::Duration;

use super::{EndpointConfig, Money, Usage};
use crate::{Message, Request};

/// Approximate number of tokens that a chat template adds to a message.
const PER_MESSAGE: f64 = 4.0;
/// Tokens per character of Chinese, Japanese and Korean text, and of other text.
const WIDE: f64 = 0.7;
const NARROW: f64 = 0.25;

/// Estimates the prompt tokens of a chat: a quarter per letter, 0.7 per Chinese, Japanese or Korean character.
pub fn estimated_tokens(messages: &[Message]) -> u64 {
    let of = |letter: char| if is_wide(letter) { WIDE } else { NARROW };
    let tokens: f64 = messages
        .iter()
        .map(|message| PER_MESSAGE + message.content.chars().map(of).sum::<f64>())
        .sum();
    tokens.ceil() as u64
}

/// Whether a character is Chinese, Japanese or Korean.
fn is_wide(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// The size of work for an endpoint: its requests and their tokens.
///
/// ```
/// use iopo_llm::endpoint::{EndpointConfig, Estimate};
///
/// let estimate = Estimate { requests: 100, prompt_tokens: 20_000, new_tokens: 50_000 };
/// let mut endpoint = EndpointConfig::new("https://host/v1", "m");
/// endpoint.requests_per_minute = Some(20);
/// assert_eq!(
///     estimate.forecast([&endpoint]).to_string(),
///     "100 requests, about 20000 prompt tokens and at most 50000 new tokens; cost unknown; at least 5 min"
/// );
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Number of requests.
    pub requests: u64,
    /// Tokens of the prompts, as estimated from their text.
    pub prompt_tokens: u64,
    /// Largest number of generated tokens: the sum of the requests' limits.
    pub new_tokens: u64,
}

impl Estimate {
    /// Estimates the size of some requests.
    pub fn of<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Self {
        let one = |request: &Request| Self {
            requests: 1,
            prompt_tokens: estimated_tokens(&request.messages),
            new_tokens: request.sampling.max_new_tokens as u64,
        };
        requests.into_iter().map(one).fold(Self::default(), Self::plus)
    }

    /// Adds another size.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            new_tokens: self.new_tokens.saturating_add(other.new_tokens),
        }
    }

    /// Returns the cost at the prices of some endpoints, and the time at their limits.
    pub fn forecast<'a>(
        &self,
        endpoints: impl IntoIterator<Item = &'a EndpointConfig>,
    ) -> Forecast {
        let endpoints: Vec<&EndpointConfig> = endpoints.into_iter().collect();
        let cost = |config: &&EndpointConfig| {
            let prices = config.prices.as_ref()?;
            let of = |prompt: u64, new: u64| {
                prices.cost(&Usage {
                    prompt: Some(prompt),
                    completion: Some(new),
                    ..Usage::default()
                })
            };
            let low = of(self.prompt_tokens, self.new_tokens / 4)?;
            let high = of(self.prompt_tokens.saturating_mul(3) / 2, self.new_tokens)?;
            Some((low, high))
        };
        let costs: Option<Vec<(Money, Money)>> = endpoints.iter().map(cost).collect();
        let cost = costs.and_then(|costs| {
            let low = costs.iter().map(|cost| cost.0).min()?;
            Some((low, costs.iter().map(|cost| cost.1).max()?))
        });
        let minutes = |amount: u64, rate: fn(&EndpointConfig) -> Option<u64>| {
            let rates: Option<Vec<u64>> = endpoints.iter().map(|config| rate(config)).collect();
            let rate: u64 = rates?.into_iter().sum();
            (rate > 0).then(|| amount as f64 / rate as f64)
        };
        let requests = minutes(self.requests, |config| config.requests_per_minute.map(u64::from));
        let tokens = self.prompt_tokens.saturating_add(self.new_tokens / 4);
        let tokens = minutes(tokens, |config| config.tokens_per_minute);
        let longest = requests.into_iter().chain(tokens).reduce(f64::max);
        let time = longest.and_then(|one| Duration::try_from_secs_f64(60.0 * one).ok());
        Forecast { size: *self, cost, time }
    }
}

/// The cost and time of requests, as estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The requests and their tokens.
    pub size: Estimate,
    /// The lowest and highest cost: from the cheapest endpoint and answers of a quarter of their limit, to the most expensive
    /// endpoint, answers that reach their limit and prompts half as long again as estimated. `None` if an endpoint has no prices.
    pub cost: Option<(Money, Money)>,
    /// The shortest time at the configured rates. `None` if an endpoint has none.
    pub time: Option<Duration>,
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { requests, prompt_tokens, new_tokens } = self.size;
        write!(
            f,
            "{requests} requests, about {prompt_tokens} prompt tokens and at most {new_tokens} new tokens; "
        )?;
        match self.cost {
            Some((low, high)) => write!(f, "cost {low} to {high}")?,
            None => f.write_str("cost unknown")?,
        }
        match self.time.map(|time| time.as_secs()) {
            None => Ok(()),
            Some(seconds @ 0..120) => write!(f, "; at least {seconds} s"),
            Some(seconds @ 120..7200) => write!(f, "; at least {} min", seconds / 60),
            Some(seconds) => {
                write!(f, "; at least {} h {} min", seconds / 3600, seconds % 3600 / 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Estimate, estimated_tokens};
    use crate::endpoint::{EndpointConfig, Prices};
    use crate::{Message, Request, Sampling};

    #[test]
    fn chinese_has_more_tokens_per_character() {
        assert_eq!(estimated_tokens(&[Message::user("a".repeat(40))]), 14);
        assert_eq!(estimated_tokens(&[Message::user("字".repeat(40))]), 32);
        assert_eq!(estimated_tokens(&[]), 0);
    }

    fn priced(input: &str, output: &str) -> EndpointConfig {
        let prices = serde_json::json!({ "input": input, "output": output });
        let prices: Prices = serde_json::from_value(prices).expect("prices");
        EndpointConfig { prices: Some(prices), ..EndpointConfig::new("https://host/v1", "m") }
    }

    #[test]
    fn the_cost_is_a_range_over_lengths_and_endpoints() {
        let request = Request::new(vec![Message::user("a".repeat(64))], Sampling::greedy(80));
        let size = Estimate::of(&vec![request; 10]);
        assert_eq!(size, Estimate { requests: 10, prompt_tokens: 200, new_tokens: 800 });
        let cost = |endpoints: &[EndpointConfig]| {
            let range = size.forecast(endpoints).cost?;
            Some((range.0.to_string(), range.1.to_string()))
        };
        let range = |low: &str, high: &str| Some((low.to_owned(), high.to_owned()));
        assert_eq!(cost(&[priced("1", "2")]), range("0.0006", "0.0019"));
        assert_eq!(cost(&[priced("1", "2"), priced("2", "4")]), range("0.0006", "0.0038"));
        let free = EndpointConfig::new("https://host/v1", "m");
        assert_eq!(cost(&[priced("1", "2"), free]), None, "unknown, not zero");
        assert_eq!(cost(&[]), None);
    }

    #[test]
    fn the_slowest_limit_decides_about_the_time() {
        let size = Estimate { requests: 600, prompt_tokens: 60_000, new_tokens: 40_000 };
        let mut limited = priced("1", "1");
        limited.requests_per_minute = Some(300);
        let seconds = |endpoints: &[&EndpointConfig]| {
            size.forecast(endpoints.iter().copied()).time.map(|time| time.as_secs())
        };
        assert_eq!(seconds(&[&limited]), Some(120));
        assert_eq!(seconds(&[&limited, &limited]), Some(60));
        assert_eq!(seconds(&[&limited, &priced("1", "1")]), None);
        limited.tokens_per_minute = Some(7000);
        assert_eq!(seconds(&[&limited]), Some(600));
        let text = size.forecast([&limited]).to_string();
        assert!(text.ends_with("; cost 0.07 to 0.13; at least 10 min"), "{text}");
    }
}
