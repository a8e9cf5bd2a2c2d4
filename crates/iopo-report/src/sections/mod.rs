//! What each section of the page shows: the files of a run turned into texts, tables and pictures.

pub(crate) mod accuracy;
mod groups;
mod kinds;
mod overview;
mod signs;
mod training;
mod yields;

use serde::Serialize;

use crate::run::Run;

pub(crate) use accuracy::Accuracy;
use groups::Groups;
use kinds::Kinds;
use overview::Tile;
use signs::Signs;
use training::Training;
use yields::Yields;

/// A cell of a table of estimates.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Cell {
    /// The estimate, as shown; empty where there is none.
    shown: String,
    /// The interval, as shown.
    interval: String,
    /// The interval, drawn.
    picture: minijinja::Value,
    /// `up` or `down` where a difference's interval leaves zero out.
    sign: &'static str,
}

/// A row of a table: its name, the colour of its model if it is one, and its cells.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: String,
    /// A second, smaller line.
    detail: String,
    colour: String,
    cells: Vec<Cell>,
}

/// The heading of a column.
#[derive(Debug, Serialize)]
pub(crate) struct Column {
    /// A smaller line above it.
    over: &'static str,
    name: String,
}

impl Column {
    /// One column a model.
    fn models(names: &[&str]) -> Vec<Self> {
        names.iter().map(|name| Self { over: "", name: (*name).to_owned() }).collect()
    }
}

/// A table of estimates.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// All sections; an absent one says that its stage has not run.
#[derive(Debug, Serialize)]
pub(crate) struct Sections {
    tiles: Vec<Tile>,
    synthesis: Option<Yields>,
    pairs: Option<Yields>,
    training: Option<Training>,
    accuracy: Option<Accuracy>,
    kinds: Option<Kinds>,
    signs: Option<Signs>,
    groups: Option<Groups>,
}

impl Sections {
    pub(crate) fn of(run: &Run) -> Self {
        let summary = run.summary.as_deref();
        Self {
            tiles: overview::tiles(run),
            synthesis: run.synth_stats.as_deref().map(Yields::of),
            pairs: run.pairs_stats.as_deref().map(Yields::of),
            training: (!run.training.is_empty()).then(|| Training::of(&run.training)),
            accuracy: summary.map(Accuracy::of),
            kinds: summary.and_then(|rows| Kinds::of(rows, &run.unseen_kinds)),
            signs: summary.and_then(Signs::of),
            groups: run.preferences.as_deref().map(Groups::of),
        }
    }

    /// The stages that have not run.
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
