//! Prices, token counts and cost, in integers.

use std::fmt;
use std::ops::AddAssign;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An amount of money in 10⁻¹² of the currency's unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(i128);

/// Decimal places of [`Money`].
const PLACES: usize = 12;
/// Decimal places of a price per million tokens, chosen so that a price per token is a whole number of units.
const PRICE_PLACES: usize = 6;

impl Money {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// Adds an amount.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts an amount.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = self.plus(other);
    }
}

/// The error for text that is not a decimal number in range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found:?}, expected a decimal number with at most {places} decimal places")]
pub struct NotDecimal {
    found: String,
    places: usize,
}

/// Parses a non-negative decimal number as an integer of `10^-places`.
fn decimal(text: &str, places: usize) -> Result<i128, NotDecimal> {
    let error = || NotDecimal { found: text.to_owned(), places };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let right = !whole.is_empty() && whole.len() <= 12 && digits(whole);
    if !right || !digits(part) || part.len() > places || text.ends_with('.') {
        return Err(error());
    }
    format!("{whole}{part:0<places$}").parse().map_err(|_| error())
}

impl FromStr for Money {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        decimal(text, PLACES).map(Self)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", self.0.unsigned_abs(), width = PLACES + 1);
        let (whole, part) = text.split_at(text.len() - PLACES);
        let part = part.trim_end_matches('0');
        write!(f, "{sign}{whole}.{part:0<2}")
    }
}

/// A price per million tokens, written as a decimal string such as `"0.15"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Price {
    text: String,
    per_token: i128,
}

impl TryFrom<String> for Price {
    type Error = NotDecimal;

    fn try_from(text: String) -> Result<Self, NotDecimal> {
        Ok(Self { per_token: decimal(&text, PRICE_PLACES)?, text })
    }
}

impl From<Price> for String {
    fn from(price: Price) -> Self {
        price.text
    }
}

/// Prices per million tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Price of a million prompt tokens, as a decimal string.
    pub input: Price,
    /// Price of a million prompt tokens that the server has cached. Default: the price of `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Price>,
    /// Price of a million generated tokens, including reasoning.
    pub output: Price,
}

/// Token counts as reported by a server. `None` is unknown, which is not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, including the cached ones.
    pub prompt: Option<u64>,
    /// Generated tokens, including reasoning.
    pub completion: Option<u64>,
    /// Prompt tokens that the server had cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Generated tokens of reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

impl Prices {
    /// Returns whether every price is zero.
    pub fn are_zero(&self) -> bool {
        let Self { input, cached_input, output } = self;
        [Some(input), cached_input.as_ref(), Some(output)]
            .into_iter()
            .flatten()
            .all(|price| price.per_token == 0)
    }

    /// Returns the cost of a request. `None` if the server does not report its tokens, unless they cost nothing.
    pub fn cost(&self, usage: &Usage) -> Option<Money> {
        if self.are_zero() {
            return Some(Money::ZERO);
        }
        let (prompt, completion) = (i128::from(usage.prompt?), i128::from(usage.completion?));
        let cached = i128::from(usage.cached.unwrap_or(0)).min(prompt);
        let cached_price = self.cached_input.as_ref().unwrap_or(&self.input).per_token;
        let input = (prompt - cached).saturating_mul(self.input.per_token);
        let output = completion.saturating_mul(self.output.per_token);
        Some(Money(
            input.saturating_add(cached.saturating_mul(cached_price)).saturating_add(output),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Money, Price, Prices, Usage};

    fn price(text: &str) -> Price {
        Price::try_from(text.to_owned()).expect("a price")
    }

    #[test]
    fn unknown_tokens_cost_nothing_only_if_all_prices_are_zero() {
        let of = |input, output| {
            let prices = Prices { input: price(input), cached_input: None, output: price(output) };
            prices.cost(&Usage::default())
        };
        assert_eq!(of("0", "0.0"), Some(Money::ZERO));
        assert_eq!(of("0", "0.1"), None);
    }

    #[test]
    fn cached_tokens_have_their_own_price_and_nothing_is_rounded() {
        let prices = Prices {
            input: price("0.15"),
            cached_input: Some(price("0.075")),
            output: price("0.6"),
        };
        let usage = Usage {
            prompt: Some(1000),
            completion: Some(7),
            cached: Some(400),
            reasoning: Some(5),
        };
        let cost = prices.cost(&usage).expect("known");
        assert_eq!(cost.to_string(), "0.0001242");
        assert_eq!(cost, "0.0001242".parse().expect("decimal"));
        assert_eq!(prices.cost(&Usage { completion: None, ..usage }), None);
        let without = Prices { cached_input: None, ..prices };
        assert_eq!(without.cost(&usage).expect("known").to_string(), "0.0001542");
    }

    #[test]
    fn only_decimal_numbers_are_prices() {
        for bad in ["", ".5", "1.", "-1", "1e3", "0.1234567", "1,5", "９", "1234567890123"] {
            assert!(Price::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!("12".parse::<Money>().expect("whole").to_string(), "12.00");
        assert_eq!(Money::ZERO.minus("0.5".parse().expect("half")).to_string(), "-0.50");
    }
}
