//! The estimate and the question before requests that may cost money.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, Result};
use iopo_llm::endpoint::Forecast;

use crate::cli::PaidArgs;
use crate::failure::Failure;
use crate::printer;

/// Prints the forecast of each role or endpoint, and asks whether to continue unless all are free: an endpoint without prices may
/// cost money. Returns false if nothing is to be sent.
///
/// # Errors
/// Returns a usage error if the question cannot be asked, because there is no terminal.
pub(crate) fn confirm(forecasts: &[(&str, Forecast)], args: &PaidArgs) -> Result<bool> {
    for (name, forecast) in forecasts {
        printer::stage("estimate", &format!("{name}: {forecast}"));
    }
    if args.dry_run {
        return Ok(false);
    }
    let Some(question) = question(forecasts).filter(|_| !args.yes) else { return Ok(true) };
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        let mut hint = "pass --yes to send them, or --dry-run to see the estimate only".to_owned();
        if question == Question::Unknown {
            hint.push_str(
                "; for a server of your own, set `prices = { input = \"0\", output = \"0\" }`",
            );
        }
        let what = format!("{}, and there is no terminal to ask on", question.reason());
        return Err(Failure::usage(what).hint(hint).into());
    }
    printer::note(question.reason());
    printer::ask("continue? [y/N] ");
    if is_yes(&mut std::io::stdin().lock())? {
        return Ok(true);
    }
    printer::note("nothing was sent");
    Ok(false)
}

/// Why the user is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// An endpoint has no prices.
    Unknown,
    /// An endpoint has a price above zero.
    Priced,
}

impl Question {
    fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "the requests may cost money, because an endpoint has no `prices`",
            Self::Priced => "the requests cost money",
        }
    }
}

/// Returns the strongest reason to ask about some forecasts; `None` if all of them are free.
fn question(forecasts: &[(&str, Forecast)]) -> Option<Question> {
    let paid =
        forecasts.iter().filter(|(_, forecast)| !forecast.free && forecast.size.requests > 0);
    paid.map(|(_, one)| if one.cost.is_some() { Question::Priced } else { Question::Unknown }).max()
}

/// Reads a line, and returns whether it agrees.
fn is_yes(input: &mut impl BufRead) -> Result<bool> {
    let mut line = String::new();
    input.read_line(&mut line).context("failed to read the answer")?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use iopo_llm::endpoint::{EndpointConfig, Estimate, Forecast};

    use super::{Question, confirm, is_yes, question};
    use crate::cli::PaidArgs;

    /// The forecast of requests to an endpoint with a price for both directions, or without prices.
    fn forecast(price: Option<&str>, requests: u64) -> Forecast {
        let mut endpoint = EndpointConfig::new("https://host/v1", "m");
        let prices = |price| serde_json::json!({ "input": price, "output": price });
        endpoint.prices = price.map(|price| serde_json::from_value(prices(price)).expect("prices"));
        Estimate { requests, prompt_tokens: 10, ..Estimate::default() }.forecast([&endpoint])
    }

    #[test]
    fn only_prices_of_zero_need_no_question() {
        let of = |prices: &[Option<&str>]| {
            let forecasts: Vec<_> = prices.iter().map(|one| ("judge", forecast(*one, 1))).collect();
            question(&forecasts)
        };
        assert_eq!(of(&[]), None, "local models");
        assert_eq!(of(&[Some("0"), Some("0.00")]), None);
        assert_eq!(of(&[Some("0"), None]), Some(Question::Unknown));
        assert_eq!(of(&[Some("0"), Some("0.000001")]), Some(Question::Priced));
        assert_eq!(of(&[Some("1"), None]), Some(Question::Priced));
        assert_eq!(question(&[("judge", forecast(None, 0))]), None, "nothing is sent");
    }

    #[test]
    fn a_question_without_a_terminal_needs_yes() {
        let flags = |yes, dry_run| PaidArgs { yes, dry_run };
        let confirmed = |price, args: &PaidArgs| confirm(&[("judge", forecast(price, 1))], args);
        assert!(confirmed(Some("0"), &flags(false, false)).expect("free"));
        for price in [None, Some("1")] {
            assert!(confirmed(price, &flags(true, false)).expect("confirmed"));
        }
        for price in [None, Some("0"), Some("1")] {
            assert!(!confirmed(price, &flags(false, true)).expect("a dry run"));
            assert!(!confirmed(price, &flags(true, true)).expect("a dry run"));
        }
    }

    #[test]
    fn only_y_and_yes_agree() {
        for (line, agrees) in
            [("y\n", true), ("YES\n", true), ("\n", false), ("no\n", false), ("", false)]
        {
            assert_eq!(is_yes(&mut line.as_bytes()).expect("a line"), agrees, "{line:?}");
        }
    }
}
