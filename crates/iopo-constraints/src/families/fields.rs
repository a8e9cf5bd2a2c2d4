//! The fields of structured responses: keys of JSON, columns of tables, decimals of numbers.

use rand::Rng;

use super::{Around, Family, Figures, Layout, Lists, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    params::{self, OutOfRange},
    text,
};

family! {
    /// The fields of structured responses.
    Fields, FieldsKind, fields_kinds {
        /// Requires JSON, an object or an array, optionally in a code block, and nothing else.
        Json = "json", OutputFormat, weight 0.0, slots [List Blocks Sentences], ifeval [], styles [];
        /// Requires JSON with these keys, at any depth, and nothing else.
        JsonKeys {
            /// The keys, in the case of the response.
            keys: Vec<String>,
        } = "json_keys", OutputFormat, weight 0.0, slots [List Blocks Sentences], ifeval [], styles [];
        /// Requires a JSON array, optionally in a code block, and nothing else.
        JsonArray = "json_array", OutputFormat, weight 0.0, slots [List Blocks Sentences], ifeval [], styles [];
        /// Requires exactly one JSON object or array, in a code block or on lines of its own.
        JsonBlock {
            /// What may stand around it.
            around: Around,
            /// Whether it must be an array.
            array: bool,
        } = "json_block", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
        /// Requires exactly one JSON object or array that has these keys, at any depth.
        JsonBlockKeys {
            /// What may stand around it.
            around: Around,
            /// The keys, in the case of the response.
            keys: Vec<String>,
        } = "json_block_keys", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
        /// Forbids exactly one JSON object or array in a code block or on lines of its own.
        NoJsonBlock = "no_json_block", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
        /// Requires Markdown tables whose header rows contain these names, ignoring case, or whose rows start with them.
        TableColumns {
            /// The names of the columns.
            columns: Vec<String>,
        } = "table_columns", OutputFormat, weight 0.0, slots [List Blocks], ifeval [], styles [];
        /// Requires parts with these names: headings or bold lines that contain the name, numbered lines or lines with a
        /// colon that start with it.
        NamedParts {
            /// The names.
            names: Vec<String>,
        } = "named_parts", Hierarchy, weight 0.0, slots [Headings], ifeval [], styles [];
        /// Requires a number with exactly this many digits after the decimal point.
        Decimals {
            /// The number of digits.
            n: usize,
        } = "decimals", Numerical, weight 0.0, slots [Digits], ifeval [], styles [];
    }
}

/// What may stand beside JSON, for a reader.
fn beside(around: Around) -> &'static str {
    match around {
        Around::Line => ", with at most one short line before and after it",
        Around::Text => ", once, with or without text around it",
    }
}

impl Family for Fields {
    type Kind = FieldsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::JsonKeys { keys } | Self::JsonBlockKeys { keys, .. } => {
                params::labels("keys", keys)
            }
            Self::TableColumns { columns } => params::labels("columns", columns),
            Self::NamedParts { names } => params::labels("names", names),
            Self::Decimals { n } => params::number("n", *n, 1, 20),
            Self::Json | Self::JsonArray | Self::JsonBlock { .. } | Self::NoJsonBlock => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::JsonKeys { keys } => {
                let list = params::quoted_list(keys);
                vec![
                    format!("Respond with a JSON object that has the keys {list}."),
                    format!("Give the whole answer as JSON with the keys {list}."),
                    format!("Your entire response must be a JSON object; include the keys {list}."),
                ]
            }
            Self::Json => say([
                "Give the whole answer as JSON.",
                "Respond with valid JSON and nothing else.",
                "Your entire response must be JSON.",
            ]),
            Self::JsonArray => say([
                "Give the whole answer as a JSON array.",
                "Respond with one valid JSON array and nothing else.",
                "Your entire response must be a JSON array.",
            ]),
            Self::JsonBlock { around, array } => {
                let value = if *array { "a JSON array" } else { "JSON" };
                let around = beside(*around);
                vec![
                    format!("Give the result as {value}{around}."),
                    format!("Present the answer as {value}{around}."),
                    format!("Return {value}{around}."),
                ]
            }
            Self::JsonBlockKeys { around, keys } => {
                let (list, around) = (params::quoted_list(keys), beside(*around));
                vec![
                    format!("Give JSON with the keys {list}{around}."),
                    format!("Return JSON that has the keys {list}{around}."),
                    format!("The JSON in the answer must have the keys {list}{around}."),
                ]
            }
            Self::NoJsonBlock => say([
                "Do not give the result as a JSON block.",
                "Write no JSON block.",
                "Answer without a JSON block.",
            ]),
            Self::TableColumns { columns } => {
                let list = params::quoted_list(columns);
                vec![
                    format!("Include a Markdown table with the columns {list}."),
                    format!("Use a table with the columns {list}."),
                    format!("Present the information in a table; its columns are {list}."),
                ]
            }
            Self::NamedParts { names } => {
                let list = params::quoted_list(names);
                vec![
                    format!("Write parts with the headings {list}."),
                    format!("Divide the answer into parts headed {list}."),
                    format!("Your response must have parts with the names {list}."),
                ]
            }
            Self::Decimals { n } => vec![
                format!("Round the result to {} decimal places.", n),
                format!("Give the answer with exactly {n} digits after the decimal point."),
                format!("State the result to {n} decimals."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::JsonKeys { keys } => {
                keys.iter().map(|key| Bound::some(Measure::JsonKey(key.clone()))).collect()
            }
            Self::Json => vec![Bound::some(Measure::JsonValue)],
            Self::JsonArray => vec![Bound::some(Measure::JsonArray)],
            Self::JsonBlock { around, array } => {
                vec![Bound::some(Measure::JsonBlock { array: *array, around: *around })]
            }
            Self::JsonBlockKeys { around, keys } => {
                let key =
                    |key: &String| Measure::JsonBlockKey { key: key.clone(), around: *around };
                keys.iter().map(|name| Bound::some(key(name))).collect()
            }
            Self::NoJsonBlock => {
                vec![Bound::none(Measure::JsonBlock { array: false, around: Around::Text })]
            }
            Self::TableColumns { columns } => columns
                .iter()
                .map(|column| Bound::some(Measure::Column(text::fold(column))))
                .collect(),
            Self::NamedParts { names } => {
                names.iter().map(|name| Bound::some(Measure::NamedPart(text::fold(name)))).collect()
            }
            Self::Decimals { n } => vec![Bound::some(Measure::Decimals(*n))],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::Json | Self::JsonKeys { .. } => all([Lists::MinBullets { n: 2 }]),
            Self::JsonArray | Self::NamedParts { .. } => all([Layout::JsonObject]),
            Self::JsonBlock { .. } | Self::JsonBlockKeys { .. } => all([Self::NoJsonBlock]),
            Self::NoJsonBlock => {
                all(Around::ALL.map(|around| Self::JsonBlock { around, array: false }))
            }
            Self::TableColumns { .. } => all([Layout::PlainText]),
            Self::Decimals { .. } => all([Figures::NoDigits]),
        }
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // The values need an author.
        None
    }

    fn back_translate(kind: FieldsKind, response: &str) -> Vec<Constraint> {
        match kind {
            FieldsKind::Json => all([Self::Json]),
            FieldsKind::JsonArray => all([Self::JsonArray]),
            FieldsKind::JsonBlock => {
                all(Around::ALL.map(|around| Self::JsonBlock { around, array: false }))
            }
            FieldsKind::NoJsonBlock => all([Self::NoJsonBlock]),
            FieldsKind::JsonBlockKeys => {
                let keys: Vec<String> =
                    crate::structure::json_keys(response).into_iter().take(4).collect();
                let block = Self::JsonBlockKeys { around: Around::Text, keys };
                all(Some(block).filter(|block| block.validate().is_ok()))
            }
            FieldsKind::Decimals => all((1..=3).map(|n| Self::Decimals { n })),
            FieldsKind::NamedParts => {
                let names = crate::structure::headings(response);
                all((names.len() > 1).then_some(Self::NamedParts { names }))
            }
            FieldsKind::JsonKeys => {
                let keys: Vec<String> =
                    crate::structure::json_keys(response).into_iter().take(4).collect();
                all((!keys.is_empty()).then_some(Self::JsonKeys { keys }))
            }
            FieldsKind::TableColumns => {
                let columns = crate::structure::columns(response);
                all((!columns.is_empty()).then_some(Self::TableColumns { columns }))
            }
        }
    }

    fn draw(kind: FieldsKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let names = || ["name", "reason"].map(str::to_owned).into();
        match kind {
            FieldsKind::JsonKeys => Self::JsonKeys { keys: names() },
            FieldsKind::Json => Self::Json,
            FieldsKind::JsonBlock => Self::JsonBlock {
                around: params::one_of(&Around::ALL, Around::Text, rng),
                array: false,
            },
            FieldsKind::JsonBlockKeys => {
                Self::JsonBlockKeys { around: Around::Text, keys: names() }
            }
            FieldsKind::NoJsonBlock => Self::NoJsonBlock,
            FieldsKind::JsonArray => Self::JsonArray,
            FieldsKind::TableColumns => Self::TableColumns { columns: names() },
            FieldsKind::NamedParts => Self::NamedParts { names: names() },
            FieldsKind::Decimals => Self::Decimals { n: params::between(1, 3, rng) },
        }
    }
}
