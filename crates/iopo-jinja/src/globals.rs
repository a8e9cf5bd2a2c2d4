//! The global functions of a template.

use std::cell::{Cell, RefCell};

use crate::args::{Args, flag, given, int_or, required};
use crate::date::Date;
use crate::error::{Error, ErrorKind, Result};
use crate::operators::check_size;
use crate::value::object::{Namespace, Range};
use crate::value::{Dict, Items, Object, Value, iterate, repr};

/// Longest range, as in Jinja's sandbox.
const MAX_RANGE: usize = 100_000;

/// Words of the function `lipsum`.
const WORDS: [&str; 20] = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "enim",
];

/// A global function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Range,
    Dict,
    FromKeys,
    Lipsum,
    Cycler,
    Joiner,
    Namespace,
    RaiseException,
    StrftimeNow,
}

impl Function {
    /// Finds a global by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "range" => Self::Range,
            "dict" => Self::Dict,
            "lipsum" => Self::Lipsum,
            "cycler" => Self::Cycler,
            "joiner" => Self::Joiner,
            "namespace" => Self::Namespace,
            "raise_exception" => Self::RaiseException,
            "strftime_now" => Self::StrftimeNow,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Dict => "dict",
            Self::FromKeys => "fromkeys",
            Self::Lipsum => "lipsum",
            Self::Cycler => "cycler",
            Self::Joiner => "joiner",
            Self::Namespace => "namespace",
            Self::RaiseException => "raise_exception",
            Self::StrftimeNow => "strftime_now",
        }
    }

    pub(crate) fn call(self, args: Args, now: &Date) -> Result<Value> {
        match self {
            Self::Range => range(&args.bind("range", ["start", "stop", "step"])?),
            Self::Dict => Ok(Value::dict(dict(args)?)),
            Self::FromKeys => {
                let [keys, value] = args.bind("fromkeys", ["iterable", "value"])?;
                let mut made = Dict::default();
                for key in iterate::items(&required(keys, "fromkeys", "iterable")?)? {
                    iterate::hashable(&key)?;
                    made.insert(key, value.clone().unwrap_or(Value::None));
                }
                Ok(Value::dict(made))
            }
            Self::Lipsum => lipsum(args),
            Self::Cycler => {
                let items = args.positional;
                if items.is_empty() {
                    return Err(Error::value("at least one item has to be provided"));
                }
                Ok(Value::object(Object::Cycler { items: Items::new(items), at: Cell::new(0) }))
            }
            Self::Joiner => {
                let [separator] = args.bind("joiner", ["sep"])?;
                let separator = separator.unwrap_or_else(|| Value::str(", "));
                Ok(Value::object(Object::Joiner { separator, used: Cell::new(false) }))
            }
            Self::Namespace => {
                let attributes = dict(args)?;
                let hidden = |key: &&Value| key.as_text().is_some_and(|key| key.starts_with('_'));
                if let Some(key) = attributes.keys().find(hidden) {
                    return Err(hidden_attribute(&repr::repr(key)));
                }
                let attributes = RefCell::new(attributes);
                Ok(Value::object(Object::Namespace(Namespace { attributes })))
            }
            Self::RaiseException => {
                let [message] = args.bind("raise_exception", ["message"])?;
                let message = required(message, "raise_exception", "message")?;
                Err(Error::new(ErrorKind::Raised, repr::to_str(&message)))
            }
            Self::StrftimeNow => {
                let [format] = args.bind("strftime_now", ["format"])?;
                let format = required(format, "strftime_now", "format")?;
                Ok(Value::str(now.format(format.text("strftime_now")?)?))
            }
        }
    }
}

/// Refuses an attribute of a namespace that starts with an underscore.
pub(crate) fn hidden_attribute(name: &str) -> Error {
    let reason =
        format!("cannot store underscore-prefixed attributes on a namespace, found {name}");
    Error::new(ErrorKind::Security, reason)
}

fn range(given: &[Option<Value>; 3]) -> Result<Value> {
    let first = match &given[0] {
        Some(value) => value.index()?,
        None => return Err(Error::of_type("range expected at least 1 argument, got 0")),
    };
    let (start, stop) = match &given[1] {
        Some(stop) => (first, stop.index()?),
        None => (0, first),
    };
    let step = int_or(given[2].as_ref(), 1)?;
    if step == 0 {
        return Err(Error::value("range() arg 3 must not be zero"));
    }
    let bound = i128::from(i64::MAX);
    if [start, stop, step].iter().any(|value| value.unsigned_abs() > bound.unsigned_abs()) {
        return Err(Error::new(ErrorKind::Arithmetic, "range() argument out of range"));
    }
    let range = Range { start, stop, step };
    if range.len() > MAX_RANGE {
        return Err(Error::limit(format!(
            "range() has {} items, expected at most {MAX_RANGE}",
            range.len()
        )));
    }
    Ok(Value::object(Object::Range(range)))
}

/// Python's `dict(mapping or pairs, **named)`.
fn dict(args: Args) -> Result<Dict> {
    let mut made = Dict::default();
    if args.positional.len() > 1 {
        let count = args.positional.len();
        return Err(Error::of_type(format!("dict expected at most 1 argument, got {count}")));
    }
    for value in args.positional {
        if let Value::Dict(dict) = &value {
            made = (**dict).clone();
            continue;
        }
        for pair in iterate::items(&value)? {
            let Ok([key, value]) = <[Value; 2]>::try_from(iterate::items(&pair)?) else {
                return Err(Error::value("dictionary update sequence needs pairs"));
            };
            iterate::hashable(&key)?;
            made.insert(key, value);
        }
    }
    for (name, value) in args.named {
        made.insert(Value::str(&*name), value);
    }
    Ok(made)
}

/// Placeholder paragraphs. Jinja draws their words; here they follow each other, so that a text does not change.
fn lipsum(args: Args) -> Result<Value> {
    let [n, html, min, _] = args.bind("lipsum", ["n", "html", "min", "max"])?;
    let (count, words) = (int_or(n.as_ref(), 5)?.max(0), int_or(min.as_ref(), 20)?.max(1));
    check_size(
        usize::try_from(count.saturating_mul(words).saturating_mul(16)).unwrap_or(usize::MAX),
    )?;
    let html = given(html).is_none_or(|html| flag(Some(&html)));
    let paragraph = |at: usize| {
        let words = words as usize;
        let text: Vec<&str> = (0..words).map(|word| WORDS[(at * words + word) % 20]).collect();
        let text = text.join(" ");
        let capital = text[..1].to_uppercase() + &text[1..];
        if html { format!("<p>{capital}.</p>") } else { format!("{capital}.") }
    };
    let paragraphs: Vec<String> = (0..count as usize).map(paragraph).collect();
    Ok(Value::marked(paragraphs.join(if html { "\n" } else { "\n\n" }), html))
}
