//! Models to measure: a tiny one of the repository, and the one at `IOPO_BENCH_MODEL`, if it is set.

use std::path::{Path, PathBuf};

use iopo_model::{Checkpoint, Decoder, device};

/// The allocator of the `iopo` binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A model and suitable lengths for it.
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) decoder: Decoder,
    /// Tokens of a prompt and of a response.
    pub(crate) lengths: (usize, usize),
}

/// Loads the tiny model and the one at `IOPO_BENCH_MODEL`, a Hugging Face directory or a GGUF file.
pub(crate) fn models() -> Vec<Model> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden");
    let tiny = model(&golden.join("tiny/tiny-llama-tied"), (24, 16));
    let large = std::env::var_os("IOPO_BENCH_MODEL").map(PathBuf::from);
    std::iter::once(tiny).chain(large.map(|path| model(&path, (64, 64)))).collect()
}

fn model(path: &Path, lengths: (usize, usize)) -> Model {
    let mut checkpoint = Checkpoint::open(path).expect("a checkpoint");
    let config = checkpoint.config.clone();
    let device = device::device("flex").expect("flex");
    let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
    let decoder = Decoder::from_tensors(&config, &device, tensor).expect("a decoder");
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into());
    Model { name, decoder, lengths }
}

impl Model {
    /// Makes `count` tokens that depend on `salt`.
    pub(crate) fn tokens(&self, count: usize, salt: usize) -> Vec<u32> {
        let vocab = self.decoder.config().vocab_size;
        (0..count).map(|at| ((at * 7919 + salt * 104_729) % vocab) as u32).collect()
    }
}
