//! The estimate and the question before requests that cost money.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, Result};
use iopo_llm::endpoint::{Forecast, Money};

use crate::cli::PaidArgs;
use crate::failure::Failure;
use crate::printer;

/// Prints the forecast of each role or endpoint, and asks whether to continue if one has a price. Returns false if nothing is to
/// be sent.
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
    let costs = |forecast: &Forecast| forecast.cost.is_some_and(|(_, most)| most > Money::ZERO);
    if args.yes || !forecasts.iter().any(|(_, forecast)| costs(forecast)) {
        return Ok(true);
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Failure::usage("the requests cost money, and there is no terminal to ask on")
            .hint("pass --yes to send them, or --dry-run to see the estimate only")
            .into());
    }
    printer::ask("continue? [y/N] ");
    if is_yes(&mut std::io::stdin().lock())? {
        return Ok(true);
    }
    printer::note("nothing was sent");
    Ok(false)
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

    use super::{confirm, is_yes};
    use crate::cli::PaidArgs;

    fn forecast(priced: bool) -> Forecast {
        let mut endpoint = EndpointConfig::new("https://host/v1", "m");
        let prices = serde_json::json!({ "input": "1", "output": "1" });
        endpoint.prices = priced.then(|| serde_json::from_value(prices).expect("prices"));
        Estimate { requests: 1, prompt_tokens: 10, new_tokens: 10 }.forecast([&endpoint])
    }

    #[test]
    fn only_a_price_needs_a_confirmation() {
        let flags = |yes, dry_run| PaidArgs { yes, dry_run };
        let confirmed = |priced, args: &PaidArgs| confirm(&[("judge", forecast(priced))], args);
        assert!(confirmed(false, &flags(false, false)).expect("free"));
        assert!(confirmed(true, &flags(true, false)).expect("confirmed"));
        assert!(!confirmed(true, &flags(true, true)).expect("a dry run"));
        assert!(!confirmed(false, &flags(false, true)).expect("a dry run"));
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
