//! The device, the type of weights and the tolerances of tests against golden numbers.
//!
//! The default is flex in f32. `cargo xtask conformance` sets another one in `IOPO_TEST_DEVICE` and `IOPO_TEST_DTYPE`.

#![expect(clippy::print_stderr, reason = "the conformance suite reports its measurements")]

use std::path::Path;

use burn::tensor::Device;
use iopo_model::device::{device, dtypes};
use iopo_model::{Checkpoint, Decoder, Dtype};

/// The table of tolerances, with a row for each device and type.
const TOLERANCES: &str = "../../fixtures/conformance/tolerances.tsv";

/// Returns the larger of two differences. NaN is larger than every number.
pub fn worse(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

/// A device and a type of weights, with their row of the table of tolerances.
#[derive(Debug)]
pub struct UnderTest {
    /// The device.
    pub device: Device,
    /// The type of weights.
    pub dtype: Dtype,
    name: String,
    row: Vec<(String, String)>,
}

/// Returns the device and type to test, from the environment.
pub fn under_test() -> UnderTest {
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
    /// Returns a tolerance.
    pub fn tolerance(&self, what: &str) -> f64 {
        self.bound(what).unwrap_or_else(|| panic!("no tolerance of {what}"))
    }

    /// Returns a tolerance, or `None` if the table has a dash because rounding decides the result.
    pub fn bound(&self, what: &str) -> Option<f64> {
        let (_, cell) = self.row.iter().find(|(column, _)| column == what).expect("a column");
        (cell != "-").then(|| cell.parse().expect("a number"))
    }

    /// Reports an error of a result and fails if it exceeds its tolerance.
    pub fn check(&self, what: &str, of: &str, error: f64) {
        let Some(most) = self.bound(what) else { return self.skip(&format!("{what} of {of}")) };
        self.note(&format!("{what} of {of}: error {error:.1e}, expected at most {most:.0e}"));
        assert!(error <= most, "{what} of {of}: error {error}, expected at most {most}");
    }

    /// Reports a check that does not apply to this device or type.
    pub fn skip(&self, what: &str) {
        self.note(&format!("skipped: {what}"));
    }

    /// Reports a result.
    pub fn note(&self, what: &str) {
        eprintln!("{} {}: {what}", self.name, self.dtype.name());
    }

    /// Loads a checkpoint on the device.
    pub fn load(&self, dir: &Path) -> Decoder {
        let mut checkpoint = Checkpoint::open(dir).expect("a checkpoint");
        let config = checkpoint.config.clone();
        let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
        Decoder::from_tensors_in(self.dtype, &config, &self.device, tensor).expect("a decoder")
    }
}
