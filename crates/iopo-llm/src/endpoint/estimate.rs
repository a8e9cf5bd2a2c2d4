//! Estimates the tokens, the cost and the time of requests before they are sent.

use std::fmt;
use std::time::Duration;

use super::{EndpointConfig, Money, Prices, Usage};
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
/// let mut size = Estimate { requests: 100, prompt_tokens: 20_000, ..Estimate::default() };
/// size.most_new_tokens = 50_000;
/// let mut endpoint = EndpointConfig::new("https://host/v1", "m");
/// endpoint.requests_per_minute = Some(20);
/// assert_eq!(
///     size.forecast([&endpoint]).to_string(),
///     "100 requests, about 20000 prompt tokens and at most 50000 new tokens; cost unknown; at least 5 min"
/// );
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Number of requests.
    pub requests: u64,
    /// Tokens of the prompts, as estimated from their text.
    pub prompt_tokens: u64,
    /// Expected number of generated tokens. `None` if nothing is known about the answers but their limits.
    pub new_tokens: Option<u64>,
    /// Largest number of generated tokens: the sum of the requests' limits.
    pub most_new_tokens: u64,
}

impl Estimate {
    /// Estimates the size of some requests, each of which goes to one of the endpoints.
    pub fn of<'a>(
        requests: impl IntoIterator<Item = &'a Request>,
        endpoints: &[&EndpointConfig],
    ) -> Self {
        requests.into_iter().fold(Self::default(), |sum, request| {
            let limit = request.sampling.max_new_tokens as u64;
            let prompt = estimated_tokens(&request.messages);
            let most = most_new_tokens(limit, endpoints.iter().copied());
            Self {
                requests: sum.requests + 1,
                prompt_tokens: sum.prompt_tokens.saturating_add(prompt),
                new_tokens: None,
                most_new_tokens: sum.most_new_tokens.saturating_add(most),
            }
        })
    }

    /// Returns the number of generated tokens that the lowest cost and the shortest time assume: the expected one, else a
    /// quarter of the largest one.
    fn likely_new_tokens(&self) -> u64 {
        self.new_tokens.unwrap_or(self.most_new_tokens / 4)
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
            let low = of(self.prompt_tokens, self.likely_new_tokens())?;
            let high = of(self.prompt_tokens.saturating_mul(3) / 2, self.most_new_tokens)?;
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
        let tokens = self.prompt_tokens.saturating_add(self.likely_new_tokens());
        let tokens = minutes(tokens, |config| config.tokens_per_minute);
        let longest = requests.into_iter().chain(tokens).reduce(f64::max);
        let time = longest.and_then(|one| Duration::try_from_secs_f64(60.0 * one).ok());
        let is_free =
            |config: &&EndpointConfig| config.prices.as_ref().is_some_and(Prices::are_zero);
        let free = !endpoints.is_empty() && endpoints.iter().all(is_free);
        Forecast { size: *self, cost, free, time }
    }
}

/// Returns the largest number of tokens that any of the endpoints generates for a request with a limit of `limit` tokens.
pub(super) fn most_new_tokens<'a>(
    limit: u64,
    endpoints: impl IntoIterator<Item = &'a EndpointConfig>,
) -> u64 {
    let most = endpoints.into_iter().map(|config| config.most_new_tokens(limit)).max();
    most.unwrap_or(limit)
}

/// The cost and time of requests, as estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The requests and their tokens.
    pub size: Estimate,
    /// The lowest and highest cost. `None` if an endpoint has no prices.
    ///
    /// The lowest one is that of the cheapest endpoint and the expected answers, or answers of a quarter of their limit if no
    /// length is expected. The highest one is that of the most expensive endpoint, answers that reach their limit, and prompts
    /// half as long again as estimated.
    pub cost: Option<(Money, Money)>,
    /// Whether the requests cost nothing: every endpoint has prices, and all of them are zero.
    pub free: bool,
    /// The shortest time at the configured rates. `None` if an endpoint has none.
    pub time: Option<Duration>,
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { requests, prompt_tokens, new_tokens, most_new_tokens } = self.size;
        write!(f, "{requests} requests, about {prompt_tokens} prompt tokens and ")?;
        match new_tokens {
            Some(expected) => write!(f, "{expected} new tokens (at most {most_new_tokens}); ")?,
            None => write!(f, "at most {most_new_tokens} new tokens; ")?,
        }
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
        let size = Estimate::of(&vec![request; 10], &[]);
        let (requests, prompt_tokens, most_new_tokens) = (10, 200, 800);
        let same = Estimate { requests, prompt_tokens, new_tokens: None, most_new_tokens };
        assert_eq!(size, same);
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
        // The lowest cost is that of the expected answers, if their length is known.
        let size = Estimate { new_tokens: Some(600), ..size };
        let range = size.forecast([&priced("1", "2")]).cost.expect("prices");
        assert_eq!((range.0.to_string(), range.1.to_string()), ("0.0014".into(), "0.0019".into()));
    }

    #[test]
    fn only_prices_of_zero_are_free() {
        let size = Estimate { requests: 1, ..Estimate::default() };
        let free = |endpoints: &[EndpointConfig]| size.forecast(endpoints).free;
        let unknown = EndpointConfig::new("https://host/v1", "m");
        assert!(free(&[priced("0", "0.00")]));
        let mut cached = priced("0", "0");
        let zero = cached.prices.as_mut().expect("prices");
        zero.cached_input = Some(String::from("0.1").try_into().expect("a price"));
        for endpoints in [
            vec![],
            vec![unknown.clone()],
            vec![priced("0", "0"), unknown],
            vec![priced("0", "0.000001")],
            vec![priced("1", "0")],
            vec![cached],
        ] {
            assert!(!free(&endpoints), "{endpoints:?}");
        }
    }

    #[test]
    fn the_largest_number_of_tokens_is_that_of_the_bodies() {
        let request = Request::new(vec![Message::user("hi")], Sampling::greedy(80));
        let plain = EndpointConfig::new("https://host/v1", "m");
        let mut longer = plain.clone();
        longer.extra_body.insert("max_tokens".to_owned(), 500.into());
        let most =
            |endpoints: &[&EndpointConfig]| Estimate::of([&request], endpoints).most_new_tokens;
        assert_eq!((most(&[&plain]), most(&[&plain, &longer])), (80, 500));
    }

    #[test]
    fn the_slowest_limit_decides_about_the_time() {
        let (requests, prompt_tokens, most_new_tokens) = (600, 60_000, 40_000);
        let size = Estimate { requests, prompt_tokens, new_tokens: None, most_new_tokens };
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
        let text = Estimate { new_tokens: Some(20_000), ..size }.forecast([&limited]).to_string();
        assert!(
            text.contains("60000 prompt tokens and 20000 new tokens (at most 40000); "),
            "{text}"
        );
    }
}
