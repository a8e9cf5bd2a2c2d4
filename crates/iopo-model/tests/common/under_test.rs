//! What tests against golden numbers compute on, and how far from them it may be: flex in f32, or what
//! `cargo xtask conformance` names in `IOPO_TEST_DEVICE` and `IOPO_TEST_DTYPE`.

#![expect(clippy::print_stderr, reason = "the conformance suite shows what was measured")]

use std::path::Path;

use burn::tensor::Device;
use iopo_model::device::{device, dtypes};
use iopo_model::{Checkpoint, Decoder, Dtype};

/// The one table of tolerances, a row for each device and type.
const TOLERANCES: &str = "../../fixtures/conformance/tolerances.tsv";

/// The greater of two distances; NaN is farther than everything.
pub(crate) fn worse(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

/// A device, a type of weights, and their row of the table.
pub(crate) struct UnderTest {
    pub(crate) device: Device,
    pub(crate) dtype: Dtype,
    name: String,
    row: Vec<(String, String)>,
}

pub(crate) fn under_test() -> UnderTest {
    let var = |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let (name, wanted) = (var("IOPO_TEST_DEVICE", "flex"), var("IOPO_TEST_DTYPE", "f32"));
    let dtype: Dtype = wanted.parse().expect("a type");
    let device = device(&name).unwrap_or_else(|error| panic!("{error}"));
    assert!(dtypes(&device).contains(&dtype), "{name} does not compute in {wanted}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TOLERANCES);
    let table = std::fs::read_to_string(path).expect("the table of tolerances");
    let mut lines = table.lines().map(|line| line.split('\t').map(str::to_owned));
    let head: Vec<String> = lines.next().expect("a head").collect();
    let rows = lines.map(|line| head.iter().cloned().zip(line).collect::<Vec<_>>());
    let mut rows = rows.filter(|row| row[0].1 == name && row[1].1 == wanted);
    let row =
        rows.next().unwrap_or_else(|| panic!("{TOLERANCES} has no row for {name} in {wanted}"));
    UnderTest { device, dtype, name, row }
}

impl UnderTest {
    /// A column of the row.
    pub(crate) fn tolerance(&self, what: &str) -> f64 {
        self.bound(what).unwrap_or_else(|| panic!("no tolerance of {what}"))
    }

    /// The same, `None` where the table has a dash: too much hangs on rounding there.
    pub(crate) fn bound(&self, what: &str) -> Option<f64> {
        let (_, cell) = self.row.iter().find(|(column, _)| column == what).expect("a column");
        (cell != "-").then(|| cell.parse().expect("a number"))
    }

    /// Shows how far something is off, and refuses what is too far.
    pub(crate) fn holds(&self, what: &str, of: &str, off: f64) {
        let Some(most) = self.bound(what) else { return self.left_out(&format!("{what} of {of}")) };
        self.note(&format!("{what} of {of} off by {off:.1e}, at most {most:.0e}"));
        assert!(off <= most, "{what} of {of}: off by {off}, at most {most}");
    }

    /// Says what this device or type cannot be asked.
    pub(crate) fn left_out(&self, what: &str) {
        self.note(&format!("left out: {what}"));
    }

    /// Says what was found.
    pub(crate) fn note(&self, what: &str) {
        eprintln!("{} {}: {what}", self.name, self.dtype.name());
    }

    /// A checkpoint on the device.
    pub(crate) fn load(&self, dir: &Path) -> Decoder {
        let mut checkpoint = Checkpoint::open(dir).expect("a checkpoint");
        let config = checkpoint.config.clone();
        let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
        Decoder::from_tensors_in(self.dtype, &config, &self.device, tensor).expect("a decoder")
    }
}
