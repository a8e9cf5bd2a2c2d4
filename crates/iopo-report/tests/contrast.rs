//! The colors of the page: text and lines must be readable in light and in dark.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../src/templates/style.css");
/// Text colors with the backgrounds that they occur on.
const TEXTS: [(&str, &[&str]); 5] = [
    ("ink", &["paper", "card", "soft", "note", "good", "bad", "added", "removed"]),
    ("quiet", &["paper", "card", "soft", "good", "bad"]),
    ("accent", &["paper", "card", "badge"]),
    ("up", &["paper", "card", "good"]),
    ("down", &["paper", "card", "bad"]),
];

/// Reads the variables of a scheme: named colors by name, and the colors of models by class.
fn colors(style: &str) -> BTreeMap<String, [f64; 3]> {
    let mut found = BTreeMap::new();
    for rule in style.split('}') {
        let Some((selector, body)) = rule.rsplit_once('{') else { continue };
        let selector = selector.rsplit(['{', '\n']).next().unwrap_or(selector);
        for declaration in body.split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (Some(name), Some(hex)) = (name.trim().strip_prefix("--"), value.strip_prefix('#'))
            else {
                continue;
            };
            assert_eq!(hex.len(), 6, "{name}: found `{hex}`, expected six digits");
            let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("a number");
            let rgb = [0, 2, 4].map(|at| f64::from(part(at)) / 255.0);
            let key = if name == "c" { selector.trim_start_matches('.') } else { name };
            found.insert(key.to_owned(), rgb);
        }
    }
    found
}

/// Returns the contrast ratio of two colors as defined by WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |rgb: [f64; 3]| {
        let linear = rgb.map(|part| {
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        linear[0].mul_add(0.2126, linear[1].mul_add(0.7152, linear[2] * 0.0722)) + 0.05
    };
    let (one, other) = (luminance(one), luminance(other));
    one.max(other) / one.min(other)
}

/// Lists the color pairs of a scheme whose contrast is too low.
fn faults(colors: &BTreeMap<String, [f64; 3]>) -> Vec<String> {
    let of = |name: &str| colors.get(name).copied().unwrap_or_else(|| panic!("no color {name}"));
    let texts = TEXTS.iter().flat_map(|(text, grounds)| {
        grounds.iter().map(|ground| ((*text).to_owned(), (*ground).to_owned(), 4.5))
    });
    let is_model = |name: &str| {
        name == "plain" || name.strip_prefix('m').is_some_and(|rest| rest.parse::<u8>().is_ok())
    };
    // Lines, dots and bars need the contrast ratio that WCAG requires of graphics.
    let models = colors.keys().filter(|name| is_model(name)).flat_map(|name| {
        ["paper", "card", "soft"].map(|ground| (name.clone(), ground.to_owned(), 3.0))
    });
    let measured = texts.chain(models).map(|(text, ground, least)| {
        let found = contrast(of(&text), of(&ground));
        (found < least).then(|| format!("{text} on {ground}: {found:.2}, expected {least}"))
    });
    measured.flatten().collect()
}

#[test]
fn every_text_and_line_stands_out_in_light_and_dark() {
    let (light, dark) = STYLE.split_once("@media (prefers-color-scheme:dark)").expect("both");
    let dark = dark.split_once("\n*{").map_or(dark, |parts| parts.0);
    let [light, dark] = [light, dark].map(colors);
    assert_eq!(light.keys().collect::<Vec<_>>(), dark.keys().collect::<Vec<_>>());
    assert!(light.len() > 25, "{}", light.len());
    for (scheme, colors) in [("light", &light), ("dark", &dark)] {
        assert_eq!(faults(colors), Vec::<String>::new(), "{scheme}");
    }
}

#[test]
fn a_color_that_is_too_pale_is_found() {
    let (light, _) = STYLE.split_once("@media").expect("a query");
    let mut colors = colors(light);
    colors.insert("quiet".to_owned(), [0.6; 3]);
    assert_eq!(faults(&colors).len(), 5, "{:?}", faults(&colors));
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
}
