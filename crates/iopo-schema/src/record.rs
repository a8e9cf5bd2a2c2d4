//! Row types: a name, a version and columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Schema, SchemaRef};

use iopo_core::PerSequence;

use crate::SchemaError;
use crate::columns::{required, struct_value};
use crate::names::{
    GroupKind, Method, Operation, ResponseEnd, ResponseSource, Split, Subset, SummaryMetric,
    TurnRole,
};
use crate::rows::{
    CheckRow, ConstraintRow, ContaminationRow, FlawsRow, InputPreferenceRow, InstructionRow,
    MetricRow, PredictionRow, PreferenceRow, Proof, ReferenceRow, RelevanceRow, ResponseLogpsRow,
    ResponseRow, ScoreRow, SummaryRow, TestPromptRow, TurnRow, VerdictRow,
};
use crate::value::Value;

/// A row type.
///
/// Increase [`VERSION`](Self::VERSION) with every change that an older reader would misread. Readers ignore unknown
/// columns, and a nullable column that a file lacks is null in every row.
pub trait Record: Sized + Clone {
    /// The schema's name in the file's metadata (`iopo.schema`).
    const NAME: &'static str;
    /// The schema's version in the file's metadata (`iopo.version`).
    const VERSION: u32;
    /// The oldest version that this release reads; files of the versions from it to [`VERSION`](Self::VERSION) are accepted.
    /// Default: [`VERSION`](Self::VERSION).
    const OLDEST: u32 = Self::VERSION;

    /// Returns the columns.
    fn arrow_schema() -> SchemaRef;
    /// Encodes rows as columns.
    ///
    /// # Errors
    /// Returns [`SchemaError::Encode`] if the rows do not fit an Arrow batch.
    fn to_batch(rows: &[Self]) -> Result<RecordBatch, SchemaError>;
    /// Decodes rows. Columns are found by name.
    ///
    /// # Errors
    /// Returns an error if a column is missing, has another type, or holds a null or an unknown name.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, SchemaError>;
}

fn schema_of<T: Value>() -> SchemaRef {
    match T::data_type() {
        DataType::Struct(fields) => Arc::new(Schema::new(fields)),
        other => unreachable!("rows are structs, not {other}"),
    }
}

fn to_batch<T: Value>(rows: &[T], name: &str) -> Result<RecordBatch, SchemaError> {
    let values: Vec<Option<&T>> = rows.iter().map(Some).collect();
    let array = T::encode(&values).map_err(|source| SchemaError::encode(name, source))?;
    let columns =
        array.as_any().downcast_ref::<StructArray>().map(|array| array.columns().to_vec());
    RecordBatch::try_new(schema_of::<T>(), columns.unwrap_or_default())
        .map_err(|source| SchemaError::encode(name, source))
}

fn from_batch<T: Value>(batch: &RecordBatch) -> Result<Vec<T>, SchemaError> {
    let array: ArrayRef = Arc::new(StructArray::from(batch.clone()));
    required(T::decode(&array, "")?, "row")
}

macro_rules! record {
    ($type:ident = $name:literal, $version:literal $(reads $oldest:literal)?, { $($field:ident: $value:ty),+ $(,)? }) => {
        struct_value!($type { $($field: $value),+ });

        impl Record for $type {
            const NAME: &'static str = $name;
            const VERSION: u32 = $version;
            $(const OLDEST: u32 = $oldest;)?

            fn arrow_schema() -> SchemaRef {
                schema_of::<Self>()
            }

            fn to_batch(rows: &[Self]) -> Result<RecordBatch, SchemaError> {
                to_batch(rows, $name)
            }

            fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, SchemaError> {
                from_batch(batch)
            }
        }
    };
}

macro_rules! per_sequence {
    ($($type:ty),+) => {
        $(struct_value!(PerSequence<$type> { x1y1: $type, x1y2: $type, x2y1: $type, x2y2: $type });)+
    };
}

struct_value!(CheckRow { id: String, params: String });
struct_value!(ConstraintRow {
    text: String,
    constraint_type: String,
    dimension: String,
    check: Option<CheckRow>,
});
struct_value!(VerdictRow { satisfied: bool, score: f64, method: Method, evidence: String });
struct_value!(TurnRow { role: TurnRole, content: String });
per_sequence!(f64, u32, Vec<VerdictRow>);

record!(InstructionRow = "instructions", 1, {
    id: String,
    task_id: String,
    task: String,
    input: Option<String>,
    constraints: Vec<ConstraintRow>,
    prompt: String,
    language: String,
});

record!(ResponseRow = "responses", 2, {
    id: String,
    instruction_id: String,
    task_id: String,
    text: String,
    verdicts: Vec<VerdictRow>,
    accepted: bool,
    source: ResponseSource,
    original: Option<String>,
    error: Option<String>,
    generator: String,
    sampling: String,
});

record!(PreferenceRow = "preferences", 4, {
    id: String,
    task_id: String,
    split: Split,
    kind: GroupKind,
    operation: Option<Operation>,
    task: String,
    input: Option<String>,
    context: Vec<TurnRow>,
    x1: String,
    y1: String,
    x2: Option<String>,
    y2: String,
    x1_constraints: Vec<ConstraintRow>,
    x2_constraints: Vec<ConstraintRow>,
    removed: Vec<ConstraintRow>,
    added: Vec<ConstraintRow>,
    y1_response_id: String,
    y2_response_id: String,
    y1_source: ResponseSource,
    y2_source: ResponseSource,
    y1_original: Option<String>,
    y2_original: Option<String>,
    proof: Proof,
});

record!(InputPreferenceRow = "input_preferences", 1, {
    id: String,
    seed_id: String,
    split: Split,
    task: String,
    input: Option<String>,
    x_better: String,
    x_worse: String,
    y: String,
    better_constraints: Vec<ConstraintRow>,
    worse_constraints: Vec<ConstraintRow>,
    verdict_better_first: VerdictRow,
    verdict_worse_first: VerdictRow,
    logp_margin: Option<f64>,
    generator: String,
});

record!(ReferenceRow = "reference_logps", 2, {
    group_id: String,
    model_hash: String,
    template_hash: String,
    logps: PerSequence<f64>,
    tokens: PerSequence<u32>,
});

record!(ResponseLogpsRow = "response_logps", 1, { key: String, logps: f64, tokens: u32 });

record!(FlawsRow = "flaws", 1, {
    key: String,
    echo: bool,
    repeats: bool,
    thin: bool,
    off_task: bool,
});
record!(RelevanceRow = "relevance", 1, { key: String, own: f64, other: f64, tokens: u32 });

record!(ContaminationRow = "contamination", 1, {
    task_id: String,
    benchmark: String,
    key: String,
    prompt_share: f64,
    task_share: f64,
    passage: String,
});

record!(MetricRow = "metrics", 1, { step: u64, name: String, value: f64 });

record!(TestPromptRow = "test_prompts", 1, {
    key: String,
    task_id: String,
    task: String,
    input: Option<String>,
    prompt: String,
    constraints: Vec<ConstraintRow>,
});

record!(PredictionRow = "predictions", 2 reads 1, {
    benchmark: String,
    key: String,
    task_id: String,
    prompt: String,
    constraints: Vec<ConstraintRow>,
    response: String,
    finish_reason: ResponseEnd,
    prompt_tokens: u32,
    completion_tokens: u32,
    error: Option<String>,
});

record!(ScoreRow = "scores", 2 reads 1, {
    benchmark: String,
    key: String,
    task_id: String,
    index: u32,
    instruction_id: String,
    seen: bool,
    strict: Option<bool>,
    loose: Option<bool>,
    method: Method,
    raw: Option<String>,
    mode: Option<String>,
    score: Option<f64>,
    error: Option<String>,
    near: Option<bool>,
});

record!(SummaryRow = "summary", 1, {
    model: String,
    baseline: Option<String>,
    metric: SummaryMetric,
    subset: Subset,
    value: f64,
    low: f64,
    high: f64,
    n: u64,
});
