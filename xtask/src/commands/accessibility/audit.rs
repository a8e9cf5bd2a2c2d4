//! The audit of a page on one screen, and its faults.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::axe::fixture;
use super::chromium::Browser;

/// A width in a color scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    width: u64,
    is_dark: bool,
}

impl Screen {
    /// A phone and a desktop, in light and in dark.
    pub(super) const ALL: [Self; 4] = [
        Self { width: 390, is_dark: false },
        Self { width: 390, is_dark: true },
        Self { width: 1280, is_dark: false },
        Self { width: 1280, is_dark: true },
    ];

    fn scheme(self) -> &'static str {
        if self.is_dark { "dark" } else { "light" }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} px, {}", self.width, self.scheme())
    }
}

/// A fault of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Id of the rule of axe-core or of the script.
    pub(super) rule: String,
    element: String,
    help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule, self.element, self.help)
    }
}

/// The result of the script `audit.js`.
#[derive(Debug)]
pub(super) struct Audit {
    /// Rules that pass.
    pub(super) passes: u64,
    result: Value,
}

impl Audit {
    /// Opens a page on a screen and audits it, with its details as they are or all open.
    pub(super) fn of(
        browser: &mut Browser,
        axe: &str,
        page: &Path,
        screen: Screen,
        open: bool,
    ) -> Result<Self> {
        let size = json!({
            "width": screen.width, "height": 900, "deviceScaleFactor": 1, "mobile": false,
        });
        browser.call("Emulation.setDeviceMetricsOverride", &size)?;
        let scheme = json!({ "name": "prefers-color-scheme", "value": screen.scheme() });
        browser.call("Emulation.setEmulatedMedia", &json!({ "features": [scheme] }))?;
        browser.open(page)?;
        browser.evaluate(&format!("{axe}\n;0"))?;
        let path = fixture("audit.js");
        let script = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        // The comment at the start of the script must not comment out the call.
        let found = browser.evaluate(&format!("(\n{script}\n)({open})"))?;
        let text = found.as_str().unwrap_or_default();
        Self::parse(text).with_context(|| format!("failed to audit {}", page.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let result: Value = serde_json::from_str(text)?;
        Ok(Self { passes: result["passes"].as_u64().unwrap_or_default(), result })
    }

    /// Lists the faults of the page.
    ///
    /// # Errors
    /// Returns an error if the browser did not show the page on the screen, or no rule passes.
    pub(super) fn faults(&self, screen: Screen) -> Result<Vec<Fault>> {
        let (inner, scroll) =
            (self.result["inner_width"].as_u64(), self.result["scroll_width"].as_u64());
        let is_dark = self.result["is_dark"].as_bool();
        if inner != Some(screen.width) || is_dark != Some(screen.is_dark) || self.passes == 0 {
            bail!(
                "the browser shows {inner:?} px, dark {is_dark:?}, and {} rules pass; expected {screen} and some rules",
                self.passes
            );
        }
        let mut faults = listed(&self.result["violations"]);
        if scroll.is_none_or(|scroll| scroll > screen.width) {
            let names = self.result["beyond"].as_array().into_iter().flatten();
            let names: Vec<&str> = names.filter_map(Value::as_str).collect();
            faults.push(Fault {
                rule: "width".to_owned(),
                element: names.join(", "),
                help: format!(
                    "the page is {} px wide and scrolls sideways at {} px",
                    scroll.unwrap_or_default(),
                    screen.width
                ),
            });
        }
        Ok(faults)
    }
}

/// Lists the elements of some rules.
fn listed(rules: &Value) -> Vec<Fault> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut faults = Vec::new();
    for rule in rules.as_array().into_iter().flatten() {
        for element in rule["elements"].as_array().into_iter().flatten() {
            faults.push(Fault {
                rule: text(&rule["rule"]),
                element: text(&element["target"]),
                help: format!("{}. {}", text(&rule["help"]), text(&element["reason"])),
            });
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Audit, Screen};

    const PHONE: Screen = Screen { width: 390, is_dark: false };

    fn audit(scroll: u64, violations: &str) -> Audit {
        let text = format!(
            r#"{{"inner_width":390,"scroll_width":{scroll},"is_dark":false,"beyond":["table.wide"],"passes":9,
            "violations":[{violations}]}}"#
        );
        Audit::parse(&text).expect("a result")
    }

    fn rule(id: &str) -> String {
        format!(r#"{{"rule":"{id}","help":"H","elements":[{{"target":"p.x","reason":"r"}}]}}"#)
    }

    #[test]
    fn violations_and_the_width_are_faults() {
        let violations = format!("{},{}", rule("image-alt"), rule("color-contrast"));
        let faults = audit(412, &violations).faults(PHONE).expect("faults");
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "image-alt: p.x: H. r",
                "color-contrast: p.x: H. r",
                "width: table.wide: the page is 412 px wide and scrolls sideways at 390 px",
            ]
        );
    }

    #[test]
    fn a_good_page_has_no_faults_and_another_screen_is_an_error() {
        let good = audit(390, "");
        assert_eq!(good.faults(PHONE).expect("no faults"), []);
        for screen in [Screen { width: 1280, ..PHONE }, Screen { is_dark: true, ..PHONE }] {
            good.faults(screen).expect_err("another screen");
        }
        Audit::parse("").expect_err("no result");
    }
}
