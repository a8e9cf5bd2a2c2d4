//! `iopo llm check`.

use std::fmt::Write;

use anyhow::Result;
use iopo::config::{PipelineConfig, endpoint_error};
use iopo::roles::disable_core_dumps;
use iopo_llm::Progress;
use iopo_llm::endpoint::{
    CheckFailure, EndpointCheck, EndpointReport, ServerLimits, Support, Usage,
};

use crate::cli::CheckArgs;
use crate::failure::Failure;
use crate::{interrupt, paid, printer};

type Outcome = Result<EndpointReport, CheckFailure>;

/// Stops a check when the user asks for it.
struct UntilStopped;

impl Progress for UntilStopped {
    fn cancelled(&self) -> bool {
        interrupt::requested()
    }
}

/// Checks the endpoints and prints a table of what they support.
pub(crate) fn run(args: &CheckArgs, config: &PipelineConfig) -> Result<()> {
    let names = chosen(args, config)?;
    disable_core_dumps();
    let mut checks = Vec::new();
    for name in &names {
        let check = EndpointCheck::new(&config.endpoints[*name]).map_err(|error| {
            let error = endpoint_error(name, &error);
            let failure = Failure::usage(error.to_string());
            match error.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        checks.push((*name, check));
    }
    let forecasts: Vec<_> = checks.iter().map(|(name, check)| (*name, check.forecast())).collect();
    if !paid::confirm(&forecasts, &args.paid)? {
        return Ok(());
    }
    let mut outcomes = Vec::new();
    for (name, check) in &checks {
        let Some(outcome) = check.run(&UntilStopped) else {
            return Err(Failure::interrupted("stopped before all endpoints were checked").into());
        };
        outcomes.push((*name, outcome));
    }
    printer::result(&text(&outcomes))?;
    let mut failures = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().err());
    let Some(first) = failures.next() else { return Ok(()) };
    let what = format!("{} of {} endpoints failed", 1 + failures.count(), outcomes.len());
    Err(Failure::new(what).hint(first.hint()).into())
}

/// Returns the names of the endpoints to check, each once.
fn chosen<'a>(args: &'a CheckArgs, config: &'a PipelineConfig) -> Result<Vec<&'a str>> {
    let known: Vec<&str> = config.endpoints.keys().map(String::as_str).collect();
    if known.is_empty() {
        return Err(Failure::usage(
            "no endpoints: the configuration has no section `[endpoints.NAME]`",
        )
        .hint("pass --config with a file that has one; `iopo config endpoints` lists its settings")
        .into());
    }
    if let Some(name) = args.names.iter().find(|name| !known.contains(&name.as_str())) {
        let what = format!("no endpoint `{name}`: expected one of {}", known.join(", "));
        return Err(Failure::usage(what).into());
    }
    if args.names.is_empty() {
        return Ok(known);
    }
    let mut names: Vec<&str> = Vec::new();
    for name in &args.names {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Formats the outcomes: a table with a column for each endpoint, then the reasons.
fn text(outcomes: &[(&str, Outcome)]) -> String {
    let mut rows: Vec<(&str, Vec<String>)> = vec![("", names(outcomes))];
    let mut add = |label, cell: fn(&EndpointReport) -> String, failed: &str| {
        let cells = outcomes.iter().map(|(_, outcome)| match outcome {
            Ok(report) => cell(report),
            Err(_) => failed.to_owned(),
        });
        rows.push((label, cells.collect()));
    };
    add("chat", |report| format!("yes, {:.1} s", report.latency.as_secs_f64()), "failed");
    add("model", |report| report.model.clone().unwrap_or_else(|| "not named".to_owned()), "-");
    add("seed", |report| support(&report.seed), "-");
    add("json_schema", |report| support(&report.json_schema), "-");
    add("logprobs", |report| support(&report.logprobs), "-");
    add("prompt_logprobs", |report| support(&report.prompt_logprobs), "-");
    add("limits", |report| limits(report.limits), "-");
    add("usage", |report| usage(&report.usage), "-");
    add("reasoning", reasoning, "-");
    let mut text = table(&rows);
    for (name, outcome) in outcomes {
        match outcome {
            Err(failure) => {
                let _ = write!(text, "\n{name}: {failure}\n  hint: {}", failure.hint());
            }
            Ok(report) => {
                for (what, support) in supports(report) {
                    // Writing to a string does not fail.
                    let _ = match support {
                        Support::Yes => Ok(()),
                        Support::No(reason) => write!(text, "\n{name}: no {what}: {reason}"),
                        Support::Unclear(reason) => {
                            write!(text, "\n{name}: {what} is unclear: {reason}")
                        }
                    };
                }
            }
        }
    }
    text
}

fn names(outcomes: &[(&str, Outcome)]) -> Vec<String> {
    outcomes.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn supports(report: &EndpointReport) -> [(&'static str, &Support); 4] {
    [
        ("seed", &report.seed),
        ("json_schema", &report.json_schema),
        ("logprobs", &report.logprobs),
        ("prompt_logprobs", &report.prompt_logprobs),
    ]
}

fn support(support: &Support) -> String {
    match support {
        Support::Yes => "yes",
        Support::No(_) => "no",
        Support::Unclear(_) => "unclear",
    }
    .to_owned()
}

fn limits(limits: ServerLimits) -> String {
    let part = |count: Option<u64>, what| count.map(|count| format!("{count} {what}"));
    let parts = [part(limits.requests, "requests"), part(limits.tokens, "tokens")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "not stated".to_owned() } else { parts.join(", ") }
}

fn usage(usage: &Usage) -> String {
    match (usage.prompt, usage.completion) {
        (Some(prompt), Some(new)) => format!("{prompt} + {new} tokens"),
        _ => "not reported".to_owned(),
    }
}

fn reasoning(report: &EndpointReport) -> String {
    match (report.usage.reasoning, report.reasoning_chars) {
        (Some(tokens), _) if tokens > 0 => format!("{tokens} tokens"),
        (_, chars) if chars > 0 => format!("{chars} characters"),
        _ => "none seen".to_owned(),
    }
}

/// Aligns the columns of a table.
fn table(rows: &[(&str, Vec<String>)]) -> String {
    let length = |text: &str| text.chars().count();
    let columns = rows.first().map_or(0, |(_, cells)| cells.len());
    let width = |column: usize| rows.iter().map(|(_, cells)| length(&cells[column])).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let labels = rows.iter().map(|(label, _)| length(label)).max().unwrap_or(0);
    let line = |(label, cells): &(&str, Vec<String>)| {
        let mut line = format!("{label:labels$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "  {cell:width$}");
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let row =
            |label: &'static str, cells: [&str; 2]| (label, cells.map(str::to_owned).to_vec());
        let text = table(&[row("", ["a", "long name"]), row("chat", ["yes, ü", "no"])]);
        assert_eq!(text, "      a       long name\nchat  yes, ü  no");
    }
}
