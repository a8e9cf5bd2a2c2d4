//! Every check on answers of 10 MB, in the shapes that cost the most time.
//!
//! The tests that take minutes are meant for an optimized build: `cargo test --release -p iopo-constraints --test it large -- --ignored`.

use std::{
    fmt::Write as _,
    fs,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use iopo_constraints::{CountedResponse, ifbench, ifeval};

use crate::support;

/// Processor time within which a check ends, strictly and loosely, on an answer of 10 MB.
const LIMIT: Duration = Duration::from_secs(15);

/// Sizes in bytes at which each check searches its slowest shape. A check that takes longer than linear time stands out
/// in the second.
const SMALL: [usize; 2] = [100_000, 400_000];

/// Sizes in bytes of the answers in that shape.
const LARGE: [usize; 4] = [1_000_000, 2_000_000, 4_000_000, 10_000_000];

/// A text that is repeated, with its name.
const SHAPES: [(&str, &str); 65] = [
    (
        "mixed prose",
        "Tea is a warm drink, and I don't mind it at 3.50 a cup. \"Really?\" asked Dr. Lee (twice)!\n\
         - **Tea** [green]: e.g. sencha, 10-20 g\n* milk; <<sugar>>\n\n1. Boil. 2. Wait... 日本語の茶。\
         İß é\u{301} 🙂\n***\n",
    ),
    ("one line", "tea is warm and good so many people drink it at home, "),
    ("one word", "tea"),
    ("capitals without spaces", "TEA"),
    ("short words", "a b "),
    ("equal words", "level "),
    ("capital words", "TEA "),
    ("lines", "tea\n"),
    ("indented lines", " a\n\n"),
    ("paragraphs", "Tea is hot.\n\n"),
    ("blank lines", "\n"),
    ("blank lines with spaces", " \n\n"),
    ("spaces", " "),
    ("carriage returns", "a\r"),
    ("separators", "\u{1c}\u{85}\u{2028}"),
    ("sentences", "Tea is hot. "),
    ("sentences without spaces", "Tea.is.hot."),
    ("abbreviations", "Dr. Lee of the U.S. J. K. "),
    ("initials", "A."),
    ("dots", "."),
    ("spaced dots", ". . . "),
    ("interrobangs", "?!"),
    ("marks", ",;:&@#%_-"),
    ("digits", "1234567890"),
    ("decimals", "1.2,3-4"),
    ("dates", "1800-01-01, "),
    ("emoji", "🙂"),
    ("emoji with joiners", "👩\u{200d}👩\u{200d}"),
    ("sentences with emoji", "Tea 🙂. "),
    ("flags", "🇫🇷"),
    ("combining marks", "\u{301}"),
    ("letters that lengthen", "İ"),
    ("Chinese", "茶。好，"),
    ("Chinese without marks", "茶"),
    ("Japanese", "お茶 々"),
    ("open brackets", "([{"),
    ("brackets that close", "()"),
    ("square brackets", "[tea] "),
    ("angle brackets", "<<tea>>"),
    ("open angle brackets", "<<"),
    ("tags", "<i>a</i>b"),
    ("open tags", "<em>"),
    ("closing tags", "<i></b>"),
    ("double quotes", "\""),
    ("quotes of both kinds", "\"'"),
    ("quoted words", "“tea” "),
    ("apostrophes", "it's 'tis "),
    ("asterisks", "*"),
    ("spaced asterisks", "* "),
    ("bold words", "**tea** *a* "),
    ("bullets", "* tea\n- milk\n"),
    ("hyphens", "-"),
    ("hyphenated words", "well-known-"),
    ("table", "| a | b |\n|---|---|\n"),
    ("comma-separated values", "1,\"a\",b\n"),
    ("tab-separated values", "\"a\"\t\"b\"\n"),
    ("JSON", "{\"a\": [1, "),
    ("open lists of JSON", "["),
    ("code fences", "```json\n"),
    ("questions", "Question 1. a\nA) b\n"),
    ("headings", "# Tea\n## Milk\n"),
    ("sections", "Section 1 SECTION 2 "),
    ("steps", "Step 1: tea\n1. a\n2) b\n"),
    ("countries", "Zimbabwe\n"),
    ("postscripts", "P.S. p. p. s "),
];

/// Texts that are repeated between a beginning and an end, with their names.
const DOCUMENTS: [(&str, [&str; 3]); 30] = [
    ("styles without an end", ["<html>\n", "<style>", ""]),
    ("scripts without an end", ["<html>\n", "<SCRIPT a>", ""]),
    ("titles without an end", ["<html>\n", "<title>a", "</html>"]),
    ("styles and scripts", ["<html>\n", "<style></script>", "</html>"]),
    ("comments without an end", ["<html>\n", "<!--", ""]),
    ("comments with an end", ["<html>\n", "<!--", "-->"]),
    ("tags without an end", ["<html>\n", "<a b", ""]),
    ("signs of tags", ["<html>\n", "<", ""]),
    ("entities without an end", ["<html>\n", "&#1234567", ""]),
    ("signs of entities", ["<html>\n", "&", ""]),
    ("pages without an end", ["", "<html>\n", ""]),
    ("pages", ["", "<body></body\n", ""]),
    ("pages with the ends of others", ["", "<body>\n<html>\n", "</body>"]),
    ("pages in blocks", ["", "```html\n<html>\n", ""]),
    ("arguments without an end", ["\\begin{document}", "\\begin[", "\\end{document}"]),
    ("short arguments without an end", ["\\begin{document}", "\\a[", "\\end{document}"]),
    ("labels without an end", ["\\begin{document}", "\\label{", "\\end{document}"]),
    ("labels and brackets", ["\\begin{document}", "\\label{}[", "\\end{document}"]),
    ("brackets in labels", ["\\begin{document}", "\\label{\\label{}", "\\end{document}"]),
    ("colors", ["\\begin{document}", "\\textcolor{a}[b]{c", "\\end{document}"]),
    ("backslashes", ["\\begin{document}", "\\", "\\end{document}"]),
    ("line ends with lengths", ["\\begin{document}", "\\\\[", "\\end{document}"]),
    ("one long command", ["\\begin{document}\\", "a", "\\end{document}"]),
    ("comments of LaTeX", ["\\begin{document}", "%", "\\end{document}"]),
    ("beginnings", ["", "\\begin{document}", ""]),
    ("beginnings with an end", ["", "\\begin{document}", "\\end{document}"]),
    ("ends", ["", "\\end{document}", ""]),
    ("preambles", ["", "\\documentclass\n", "\\begin{document}\\end{document}"]),
    ("documents in blocks", ["", "```tex\n\\begin{document}\\end{document}\n", ""]),
    ("headings and bold lines", ["", "## a\n**b**\n第一章\n", ""]),
];

/// A name, and the texts that stand in front of, in, and behind a text of any size.
type Shape = (&'static str, [&'static str; 3]);

/// A text of a size in bytes, whole in its last character.
fn shaped([before, unit, after]: [&str; 3], size: usize) -> String {
    format!("{before}{}{after}", unit.repeat(size / unit.len() + 1))
}

/// The shapes of texts without a beginning and an end.
fn plain() -> Vec<Shape> {
    SHAPES.iter().map(|(name, unit)| (*name, ["", *unit, ""])).collect()
}

/// The processor time of the thread, or the time since a start where the system does not tell it.
fn clock() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    // The system updates the time when a thread pauses.
    thread::yield_now();
    let used = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let used = used.and_then(|line| line.split(' ').next()?.parse().ok().map(Duration::from_nanos));
    used.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed())
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = clock();
    run();
    clock().saturating_sub(start)
}

/// A name and a function that checks a text.
type Check = (String, Box<dyn Fn(&str)>);

/// Returns the slowest checks with their times at all sizes, each in its slowest shape.
///
/// # Panics
/// If a check takes longer than the limit.
fn measured(group: &str, checks: &[Check], shapes: &[Shape]) -> String {
    let small =
        shapes.iter().map(|(name, parts)| (*name, *parts, SMALL.map(|size| shaped(*parts, size))));
    let small: Vec<_> = small.collect();
    let mut rows: Vec<(String, &str, Vec<Duration>)> = Vec::new();
    for (name, check) in checks {
        let slowest = small.iter().map(|(shape, parts, [little, more])| {
            let first = timed(|| check(little));
            let second = timed(|| check(more));
            // What the time at 400 kB and its growth say about 10 MB.
            let growth = second.as_secs_f64() / first.as_secs_f64().max(2e-4);
            let exponent = (growth.ln() / 4_f64.ln()).clamp(1.0, 3.0);
            (second.as_secs_f64() * 25_f64.powf(exponent), *shape, *parts)
        });
        let mut slowest: Vec<_> = slowest.collect();
        slowest.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, shape, parts) in slowest.into_iter().take(2) {
            let mut times = Vec::new();
            for size in LARGE {
                let text = shaped(parts, size);
                times.push(timed(|| check(&text)));
                if times.last() > Some(&LIMIT) {
                    break;
                }
            }
            rows.push((name.clone(), shape, times));
        }
    }
    rows.sort_by_key(|(_, _, times)| {
        std::cmp::Reverse((LARGE.len() - times.len(), times.last().copied()))
    });
    let count = checks.len();
    let mut table = format!("{group}: {count} checks, processor time at {LARGE:?} bytes\n");
    for (name, shape, times) in rows.iter().take(40) {
        let _ = writeln!(table, "{name} | {shape} | {times:.2?}");
    }
    let late = rows.iter().any(|(_, _, times)| times.last() > Some(&LIMIT));
    assert!(!late, "{table}");
    table
}

#[test]
#[ignore = "takes minutes"]
fn checks_of_ifeval_end_on_answers_of_10_megabytes() {
    let mut checks: Vec<Check> = Vec::new();
    for instruction in support::instructions::instructions() {
        for mode in ifeval::Mode::ALL {
            let Ok(checker) = ifeval::Checker::new(&instruction, mode) else { continue };
            let name = format!("{} {mode}", checker.kind());
            let check = move |text: &str| {
                let verdict = checker.verdict(&ifeval::Response::new(text));
                assert!(verdict.loose || !verdict.strict, "{}", checker.kind());
            };
            checks.push((name, Box::new(check)));
        }
    }
    println!("{}", measured("IFEval", &checks, &plain()));
}

#[test]
#[ignore = "takes minutes"]
fn checks_of_ifbench_end_on_answers_of_10_megabytes() {
    let tagger = support::ifbench::verb_tagger();
    let mut checks: Vec<Check> = Vec::new();
    for instruction in support::ifbench::instructions() {
        for mode in ifeval::Mode::ALL {
            let checker = ifbench::Checker::new(&instruction, mode, Some(&tagger));
            let checker = checker.expect("a tagger is given");
            let name = format!("{} {mode}", checker.kind());
            let check = move |text: &str| {
                let verdict = checker.verdict(&ifeval::Response::new(text));
                assert!(verdict.loose || !verdict.strict, "{}", checker.kind());
            };
            checks.push((name, Box::new(check)));
        }
    }
    println!("{}", measured("IFBench", &checks, &plain()));
}

#[test]
#[ignore = "takes minutes"]
fn kinds_end_on_answers_of_10_megabytes() {
    let mut checks: Vec<Check> = Vec::new();
    for constraint in support::constraints::draws(0, "Explain green tea.") {
        let name = constraint.kind().to_string();
        checks.push((name, Box::new(move |text: &str| drop(constraint.check(text)))));
    }
    checks.push(("all counts".to_owned(), Box::new(|text: &str| drop(CountedResponse::new(text)))));
    println!("{}", measured("Kinds", &checks, &plain()));
}

/// Checks whose counts read the response as a document.
fn document_checks() -> Vec<Check> {
    let constraints = [
        ("max_chars", r#"{"n":100}"#),
        ("min_chars", r#"{"n":100}"#),
        ("count_range", r#"{"unit":"section","low":1,"high":2}"#),
    ];
    let checks = constraints.map(|(id, params)| -> Check {
        let constraint = support::constraints::constraint(id, params);
        (id.to_owned(), Box::new(move |text: &str| drop(constraint.check(text))))
    });
    checks.into()
}

#[test]
#[ignore = "takes a minute in a debug build"]
fn checks_of_documents_end_on_answers_of_10_megabytes() {
    println!("{}", measured("Documents", &document_checks(), &DOCUMENTS));
}

#[test]
fn checks_of_documents_end_on_answers_of_a_megabyte() {
    // Time that grows with the square of the length is minutes here, and time that grows with the length is milliseconds.
    for (shape, parts) in DOCUMENTS {
        let text = shaped(parts, 1_000_000);
        for (name, check) in document_checks().iter().step_by(2) {
            let time = timed(|| check(&text));
            assert!(time < LIMIT, "{name} | {shape} | {time:.2?}");
        }
    }
}
