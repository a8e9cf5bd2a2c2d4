//! The stage: seeds in, `instructions`, `responses` and `synth_stats` out.

use std::path::Path;

use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{
    InstructionRow, MetricRow, Parts, Provenance, ResponseRow, file_hash, made_with, read, write,
};

use crate::answers::sample_answers;
use crate::rows::finish;
use crate::survey::{answer_of, each_seed, survey};
use crate::write::{Writer, Written};
use crate::{SynthConfig, SynthError, SynthSummary, read_seeds};

/// Turns seed tasks into constrained instructions with verified responses.
///
/// Writes into `out_dir`: `answers.parquet` (what the model said, sampled part by part),
/// `instructions.parquet`, `responses.parquet` and `synth_stats.parquet`. Sampling is the part
/// that takes long, and each of its finished parts is kept; what follows is a function of the
/// answers and the configuration, computed in the order of the seeds. A killed run that is started
/// again ends with the same bytes.
///
/// # Errors
/// Besides unreadable seeds, a failing model and unwritable files: no usable answer at all, and
/// more repaired responses than `max_repaired_share` allows. In both cases the stats are written
/// first, so that the reasons can be looked at.
pub fn synthesize(
    seeds_path: &Path,
    out_dir: &Path,
    model: &dyn LanguageModel,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<SynthSummary, SynthError> {
    config.validate()?;
    let mut seeds = read_seeds(seeds_path)?;
    if let Some(limit) = config.max_seeds {
        seeds.truncate(limit);
    }
    let seeds_hash = file_hash(seeds_path)?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| SynthError::Io { path: out_dir.to_owned(), source })?;
    let answers = sample_answers(&seeds, &seeds_hash, out_dir, model, config, progress)?;

    let provenance = Provenance {
        producer: crate::PRODUCER.to_owned(),
        config: config.rows_json()?,
        inputs: [("seeds".to_owned(), seeds_hash), ("answers".to_owned(), file_hash(&answers)?)]
            .into(),
    };
    let instructions_path = out_dir.join("instructions.parquet");
    let responses_path = out_dir.join("responses.parquet");
    let stats_path = out_dir.join("synth_stats.parquet");
    let instructions = Parts::<InstructionRow>::open(&instructions_path, &provenance)?;
    let responses = Parts::<ResponseRow>::open(&responses_path, &provenance)?;
    let stats_done = made_with::<MetricRow>(&stats_path, &provenance);
    if instructions.is_complete() && responses.is_complete() && stats_done {
        let summary = SynthSummary::from_metrics(read::<MetricRow>(&stats_path)?);
        accept(&summary, config)?;
        return Ok(summary);
    }

    let kinds = config.kinds()?;
    let found = survey(&answers, &seeds, &kinds, config, progress)?;
    let mut counts = found.counts;
    let mut writer =
        Writer { config, kinds: &kinds, repairable: &found.repairable, owners: found.owners };
    progress.start("writing instructions", seeds.len() as u64);
    let samples = config.samples_per_seed;
    let mut written = Written::default();
    each_seed(&answers, &seeds, samples, |index, seed, rows| {
        if progress.cancelled() {
            return Err(SynthError::Cancelled);
        }
        let mut usable = Vec::new();
        for (row, used) in rows.iter().zip(&found.used[index * samples..]) {
            if *used && let Ok(answer) = answer_of(&answers, row, config)? {
                usable.push(answer);
            }
        }
        writer.seed(index, seed, &usable, &mut written)?;
        if (index + 1) % config.seeds_per_part == 0 || index + 1 == seeds.len() {
            let part = index / config.seeds_per_part;
            // Rows of a part that is there already were computed again only for what they add to
            // the owners of runs.
            if !instructions.is_complete() && !instructions.has(part) {
                instructions.write(part, &written.instructions)?;
            }
            if !responses.is_complete() && !responses.has(part) {
                responses.write(part, &written.responses)?;
            }
            counts.merge(std::mem::take(&mut written).counts);
        }
        progress.advance(1);
        Ok(())
    })?;
    progress.finish();

    let summary = SynthSummary::from_metrics(counts.into_metrics());
    write(&stats_path, &summary.metrics, &provenance)?;
    accept(&summary, config)?;
    let parts = seeds.len().div_ceil(config.seeds_per_part);
    finish(parts, &instructions, &responses)?;
    Ok(summary)
}

/// Refuses a run without responses, and one with too many repaired ones.
fn accept(summary: &SynthSummary, config: &SynthConfig) -> Result<(), SynthError> {
    if summary.responses == 0 {
        let reasons: Vec<String> =
            summary.dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        return Err(SynthError::NothingAccepted {
            answers: summary.answers,
            reasons: reasons.join(", "),
        });
    }
    let share = summary.repaired_share();
    if share > config.max_repaired_share {
        return Err(SynthError::TooManyRepaired {
            repaired: summary.repaired,
            accepted: summary.responses,
            share,
            limit: config.max_repaired_share,
        });
    }
    Ok(())
}
