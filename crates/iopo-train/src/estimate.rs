//! What a run will take, told before its first step, and what it took: memory and time.

use iopo_model::ModelConfig;

/// An estimate of a run's memory, in bytes. Rough on purpose: it tells 1 GB from 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Parameters of the decoder.
    pub parameters: u64,
    /// Parameters that are trained.
    pub trained: u64,
    /// Weights, in f32.
    pub weights: u64,
    /// Gradients of what is trained, of each micro-batch under way and summed, the optimiser's moments, and the
    /// best weights so far where they are kept.
    pub optimiser: u64,
    /// What the backward passes of the largest micro-batches keep.
    pub activations: u64,
}

impl Estimate {
    /// The estimate for a decoder, a number of trained parameters, how many more times these are kept (the
    /// optimiser's moments, the best so far), the flat tokens of the largest micro-batch, whose longest
    /// path has `longest` tokens, and the number of micro-batches that are computed at once.
    pub fn new(
        config: &ModelConfig,
        trained: u64,
        copies: usize,
        tokens: usize,
        longest: usize,
        at_once: usize,
    ) -> Self {
        let (d, ff) = (config.hidden_size as u64, config.intermediate_size as u64);
        let (layers, vocab) = (config.num_hidden_layers as u64, config.vocab_size as u64);
        let queries = (config.num_attention_heads * config.head_dim) as u64;
        let keys = (config.num_key_value_heads * config.head_dim) as u64;
        let layer = 2 * d * queries + 2 * d * keys + 3 * d * ff + 2 * d;
        let heads = if config.tie_word_embeddings { 1 } else { 2 };
        let parameters = layers * layer + heads * vocab * d + d;
        // Per token and layer: residual, two normed inputs, q, k, v, attention's output, three
        // MLP-wide buffers, and the attention weights over its path.
        let kept = 4 * d + 2 * queries + 2 * keys + 3 * ff;
        let attention = config.num_attention_heads as u64 * longest as u64;
        let at_once = at_once as u64;
        let activations = 4 * at_once * tokens as u64 * (layers * (kept + attention) + 4 * d);
        let optimiser = 4 * trained * (copies as u64 + at_once + 1);
        Self { parameters, trained, weights: 4 * parameters, optimiser, activations }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.optimiser + self.activations
    }

    /// `135 M parameters, 2.4 M trained, about 1.9 GB`.
    pub fn describe(&self) -> String {
        format!(
            "{:.1} M parameters, {:.2} M trained, about {:.1} GB",
            self.parameters as f64 / 1e6,
            self.trained as f64 / 1e6,
            self.total() as f64 / 1e9,
        )
    }

    /// `peak memory of the process 2.1 GB, estimated 1.9 GB`: what it used so far at most, beside the estimate for
    /// this training.
    pub fn beside(&self, peak: u64) -> String {
        let [peak, total] = [peak, self.total()].map(|bytes| bytes as f64 / 1e9);
        format!("peak memory of the process {peak:.1} GB, estimated {total:.1} GB")
    }
}

/// The most memory that this process has held so far, in bytes, where the system says it (Linux).
pub fn peak_memory() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The line `VmHWM:   1234 kB` of `/proc/self/status`, in bytes.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The time that is left, from the time so far: `2 h 05 min left`.
pub fn remaining(seconds: f64, done: usize, total: usize) -> String {
    let left = seconds / done.max(1) as f64 * total.saturating_sub(done) as f64;
    format!("{} left", duration(left))
}

/// Seconds as a reader wants them: `45 s`, `3 min`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil() as u64;
    match minutes {
        0 | 1 => format!("{} s", seconds.ceil() as u64),
        2..=119 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Estimate, high_water_mark, peak_memory, remaining};

    #[test]
    fn the_peak_is_read_where_there_is_one_and_told_beside_the_estimate() {
        let status = "Name:\tiopo\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nThreads:\t2\n";
        assert_eq!(high_water_mark(status), Some(2 << 20));
        assert_eq!(high_water_mark("Name:\tiopo\n"), None);
        assert_eq!(peak_memory().is_some(), cfg!(target_os = "linux"));
        let estimate = Estimate {
            parameters: 0,
            trained: 0,
            weights: 1_500_000_000,
            optimiser: 300_000_000,
            activations: 100_000_000,
        };
        assert_eq!(
            estimate.beside(2_100_000_000),
            "peak memory of the process 2.1 GB, estimated 1.9 GB"
        );
    }

    #[test]
    fn time_left_is_in_proportion() {
        assert_eq!(remaining(10.0, 1, 4), "30 s left");
        assert_eq!(remaining(60.0, 1, 11), "10 min left");
        assert_eq!(remaining(3600.0, 1, 3), "2 h 00 min left");
    }
}
