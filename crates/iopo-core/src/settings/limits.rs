//! Upper bounds that many settings share, so that a typo cannot exhaust memory or start endless work.

/// The largest random seed. The consecutive seeds of several trainings and rounds still fit the signed integers of TOML.
pub const MAX_SEED: u64 = 9_000_000_000_000_000_000;

/// The largest limit on a number of tasks, groups, rows or updates. A large limit costs nothing by itself, because
/// the data are smaller.
pub const MAX_COUNT: usize = 1_000_000_000;

/// The largest number of passes over the data.
pub const MAX_EPOCHS: usize = 1_000;

/// The largest number of items that are handled together or made from one task.
pub const MAX_BATCH: usize = 10_000;

/// The largest number of tokens of a sequence or of a micro-batch.
pub const MAX_TOKENS: usize = 1_000_000;

/// The largest relative weight. The sum of all weights of a draw stays finite.
pub const MAX_WEIGHT: f64 = 1e6;

/// The largest number of values in a list of settings.
pub const MAX_VALUES: u64 = 1_000;
