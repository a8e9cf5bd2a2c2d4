//! `Table`: rows of iopo's Parquet files, shared through Arrow's C interface.

use std::path::{Path, PathBuf};

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::SchemaRef;
use arrow_schema::ffi::FFI_ArrowSchema;
use iopo_schema::{
    ContaminationRow, FlawsRow, InputPreferenceRow, InstructionRow, MetricRow, PredictionRow,
    PreferenceRow, Record, ReferenceRow, RelevanceRow, ResponseLogpsRow, ResponseRow, SchemaError,
    ScoreRow, SummaryRow, TestPromptRow,
};
use pyo3::exceptions::{PyImportError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::{batch, errors, json};

/// The rows of a Parquet file that iopo wrote.
///
/// The columns are in memory that other libraries use without a copy, through Arrow's `PyCapsule` interface: pass the table to
/// `pyarrow.table`, `polars.DataFrame`, `DuckDB` or any other library that has it.
#[pyclass(frozen, module = "iopo")]
pub(crate) struct Table {
    name: String,
    version: u32,
    producer: String,
    config: String,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Table {
    fn read<R: Record>(path: &Path) -> Result<Self, SchemaError> {
        let (header, batches) = iopo_schema::batches::<R>(path)?;
        let schema = batches.schema().clone();
        Ok(Self {
            name: header.name,
            version: header.version,
            producer: header.provenance.producer,
            config: header.provenance.config.to_string(),
            schema,
            batches: batches.collect::<Result<_, _>>()?,
        })
    }

    /// Reads rows of any type.
    fn read_any(path: &Path) -> Result<Self, SchemaError> {
        type Read = fn(&Path) -> Result<Table, SchemaError>;
        const fn entry<R: Record>() -> (&'static str, Read) {
            (R::NAME, Table::read::<R>)
        }
        static KNOWN: [(&str, Read); 14] = [
            entry::<ContaminationRow>(),
            entry::<FlawsRow>(),
            entry::<InputPreferenceRow>(),
            entry::<InstructionRow>(),
            entry::<MetricRow>(),
            entry::<PredictionRow>(),
            entry::<PreferenceRow>(),
            entry::<ReferenceRow>(),
            entry::<RelevanceRow>(),
            entry::<ResponseLogpsRow>(),
            entry::<ResponseRow>(),
            entry::<ScoreRow>(),
            entry::<SummaryRow>(),
            entry::<TestPromptRow>(),
        ];
        let found = iopo_schema::header(path)?.name;
        let known = KNOWN.iter().find(|(name, _)| *name == found);
        known.map_or_else(
            || {
                let expected = KNOWN.map(|(name, _)| name).join("`, `");
                Err(SchemaError::OtherSchema { path: path.to_path_buf(), expected, got: found })
            },
            |(_, read)| read(path),
        )
    }
}

#[pymethods]
impl Table {
    /// The name of the rows' schema, such as `preferences`.
    #[getter]
    fn schema_name(&self) -> &str {
        &self.name
    }

    /// The version of the schema.
    #[getter]
    fn schema_version(&self) -> u32 {
        self.version
    }

    /// The program that wrote the file.
    #[getter]
    fn producer(&self) -> &str {
        &self.producer
    }

    /// The settings that the file was made with.
    #[getter]
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::parsed(py, &self.config)
    }

    /// The number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// The columns as a `pyarrow.Table` that shares this table's memory. Raises `ImportError` without pyarrow.
    fn to_pyarrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let pyarrow = slf.py().import("pyarrow").map_err(|error| {
            let hint = "install it with `pip install pyarrow`";
            let raised = PyImportError::new_err(format!("pyarrow is missing\n  hint: {hint}"));
            raised.set_cause(slf.py(), Some(error));
            raised
        })?;
        pyarrow.call_method1("table", (slf,))
    }

    /// The schema, for Arrow's `PyCapsule` interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema.as_ref());
        let schema = schema.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// The rows, for Arrow's `PyCapsule` interface. The stream has the table's own schema, whichever is requested.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, self.schema.clone());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __len__(&self) -> usize {
        self.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("Table({:?}, version={}, num_rows={})", self.name, self.version, self.num_rows())
    }
}

fn read(
    py: Python<'_>,
    path: &Path,
    read: impl FnOnce(&Path) -> Result<Table, SchemaError> + Send,
) -> PyResult<Table> {
    batch::released(py, || read(path))?.map_err(|error| errors::schema(&error))
}

/// Reads the preference groups of a file, for instance `runs/default/preferences.parquet`.
///
/// Raises `SchemaError` for a file that is missing, damaged, or has another schema or version.
#[pyfunction]
pub(crate) fn read_groups(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    read(py, &path, Table::read::<PreferenceRow>)
}

/// Reads the verdicts of an evaluation, for instance `runs/ifeval/scores.parquet`.
///
/// Raises `SchemaError` for a file that is missing, damaged, or has another schema or version.
#[pyfunction]
pub(crate) fn read_scores(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    read(py, &path, Table::read::<ScoreRow>)
}

/// Reads any Parquet file that iopo wrote.
///
/// Raises `SchemaError` for a file that is missing, damaged, or has another schema or version.
#[pyfunction]
pub(crate) fn read_table(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    read(py, &path, Table::read_any)
}
