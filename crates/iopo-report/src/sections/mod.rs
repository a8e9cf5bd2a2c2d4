//! The sections of the page: text, tables and charts from the files of a run.

pub(crate) mod accuracy;
mod answers;
mod benchmarks;
mod checks;
mod edit;
mod groups;
mod kinds;
mod overview;
pub(crate) mod recipe;
mod rounds;
mod training;
mod yields;

use serde::Serialize;

use crate::ReportMeta;
use crate::run::Run;

pub(crate) use accuracy::Accuracy;
use accuracy::Measure;
use answers::Answers;
use benchmarks::Benchmark;
use checks::Checks;
use groups::Groups;
use kinds::Kinds;
use overview::Tile;
use recipe::Recipe;
use rounds::Rounds;
use training::Training;
use yields::Yields;

/// A cell of a table of estimates.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Cell {
    /// Estimate as text; empty if there is none.
    shown: String,
    /// Interval as text.
    interval: String,
    /// Interval as a chart.
    picture: minijinja::Value,
    /// `up` or `down` if the interval of a difference excludes zero.
    sign: &'static str,
}

/// A row of a table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: String,
    /// Second, smaller line of the name.
    detail: String,
    color: String,
    cells: Vec<Cell>,
}

/// The heading of a column.
#[derive(Debug, Serialize)]
pub(crate) struct Column {
    /// Heading that adjacent columns share; empty for none.
    over: &'static str,
    name: String,
}

impl Column {
    /// Makes one column per measure.
    fn measures(measures: &[Measure]) -> Vec<Self> {
        let column = |one: &Measure| Self { over: one.counted, name: one.over.to_owned() };
        measures.iter().map(column).collect()
    }

    /// Makes one column per model.
    fn models(names: &[&str]) -> Vec<Self> {
        names.iter().map(|name| Self { over: "", name: (*name).to_owned() }).collect()
    }
}

/// A heading over several columns.
#[derive(Debug, Serialize)]
pub(crate) struct Span {
    name: &'static str,
    columns: usize,
}

/// A table of estimates.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// The first line of the table: its content and unit.
    caption: String,
    /// The headings over the columns; empty if no column has one.
    spans: Vec<Span>,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl Table {
    fn new(caption: impl Into<String>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        for column in columns.iter().filter(|column| !column.over.is_empty()) {
            match spans.last_mut() {
                Some(last) if last.name == column.over => last.columns += 1,
                _ => spans.push(Span { name: column.over, columns: 1 }),
            }
        }
        Self { caption: caption.into(), spans, columns, rows }
    }
}

/// A table with a bar in each row.
#[derive(Debug, Serialize)]
pub(crate) struct Bars {
    /// The first line of the table: its content.
    caption: String,
    rows: Vec<BarRow>,
}

#[derive(Debug, Serialize)]
struct BarRow {
    name: String,
    /// Style class of the color of a model, which gets a dot before its name; empty for others.
    color: String,
    /// The value as text.
    shown: String,
    picture: minijinja::Value,
}

/// All sections; `None` for a stage that has not run.
#[derive(Debug, Serialize)]
pub(crate) struct Sections {
    tiles: Vec<Tile>,
    /// The stages of a recipe with a writer and a judge.
    recipe: Option<Recipe>,
    /// The stages of the collector of input preferences.
    fipo: Option<Recipe>,
    synthesis: Option<Yields>,
    pairs: Option<Yields>,
    training: Option<Training>,
    accuracy: Option<Accuracy>,
    answers: Option<Answers>,
    benchmarks: Vec<Benchmark>,
    rounds: Option<Rounds>,
    kinds: Option<Kinds>,
    checks: Option<Checks>,
    groups: Option<Groups>,
    later_groups: Vec<Groups>,
}

impl Sections {
    pub(crate) fn of(run: &Run, meta: &ReportMeta) -> Self {
        let (seed, has_headline) = (meta.seed, !meta.headlines.is_empty());
        let summary = run.summary.as_deref();
        Self {
            tiles: overview::tiles(run, has_headline),
            recipe: run
                .synth_stats
                .as_deref()
                .and_then(|rows| Recipe::of(rows, run.pairs_stats.as_deref(), meta.roles.as_ref())),
            fipo: run.fipo_stats.as_deref().and_then(|rows| {
                Recipe::of(rows, run.pairs_stats.as_deref(), meta.fipo_roles.as_ref())
            }),
            synthesis: run.synth_stats.as_deref().map(Yields::of),
            pairs: run.pairs_stats.as_deref().map(Yields::of),
            training: (!run.training.is_empty()).then(|| Training::of(&run.training)),
            accuracy: summary.map(|rows| Accuracy::of(rows, meta.confidence)),
            answers: Answers::of(&run.responses, seed),
            benchmarks: run.benchmarks.iter().map(|(id, rows)| Benchmark::of(id, rows)).collect(),
            rounds: run.dev.as_deref().and_then(Rounds::of),
            kinds: summary.and_then(|rows| Kinds::of(rows, &run.unseen_kinds)),
            checks: summary.and_then(Checks::of),
            groups: run.preferences.as_deref().map(|rows| Groups::of("", rows)),
            later_groups: run
                .later_preferences
                .iter()
                .map(|(model, rows)| Groups::of(model, rows))
                .collect(),
        }
    }

    /// Lists the stages that have not run.
    pub(crate) fn missing(&self) -> Vec<String> {
        let stages = [
            ("synthesis", self.synthesis.is_none()),
            ("pairs", self.pairs.is_none() && self.groups.is_none()),
            ("training", self.training.is_none()),
            ("evaluation", self.accuracy.is_none()),
        ];
        stages.into_iter().filter(|stage| stage.1).map(|stage| stage.0.to_owned()).collect()
    }
}
