//! The sign of every preference loss: training raises the reward accuracy on held-out groups, and lowers it if y1 and y2
//! of every group are swapped.

use iopo_core::FalseCells;
use iopo_llm::Silent;
use iopo_model::Decoder;
use iopo_schema::TrainingMetric;
use iopo_train::{
    EncodedGroup, Method, Objective, SequenceLayout, evaluate::evaluate, reference::ReferenceLogps,
    schedule::SchedulerType, state::TrainerState, trainer::TrainingData,
};

use crate::common::{Numbers, adamw, decoder, logps, set_loss, token_settings, trainer};

const VOCAB: usize = 61;
const UPDATES: usize = 12;

/// Makes groups with a rule to learn: the last token of an instruction selects the tokens of its response.
fn marked(count: usize, seed: u64) -> Vec<EncodedGroup> {
    const MARKS: [u32; 2] = [1, 2];
    const SETS: [u32; 2] = [10, 30];
    const SET: usize = 15;
    let mut numbers = Numbers::new(seed);
    (0..count)
        .map(|index| {
            let stem: Vec<u32> = (0..6).map(|_| 3 + numbers.below(6) as u32).collect();
            let [x1, x2] = MARKS.map(|mark| [stem.clone(), vec![mark]].concat());
            let [y1, y2] = SETS.map(|set| {
                let mut response: Vec<u32> =
                    (0..4).map(|_| set + numbers.below(SET) as u32).collect();
                response.push(0);
                response
            });
            let id = format!("{seed}-{index}");
            EncodedGroup { id, x1, x2, y1, y2, false_cells: FalseCells::BOTH }
        })
        .collect()
}

fn swapped(groups: &[EncodedGroup]) -> Vec<EncodedGroup> {
    let swap = |group: &EncodedGroup| EncodedGroup {
        y1: group.y2.clone(),
        y2: group.y1.clone(),
        ..group.clone()
    };
    groups.iter().map(swap).collect()
}

/// Computes the logps under another random model, so that rewards start as noise instead of 0.
fn reference(groups: &[EncodedGroup]) -> ReferenceLogps {
    logps(&decoder(VOCAB, 92), &groups.iter().collect::<Vec<_>>())
}

fn accuracy(decoder: &Decoder, objective: &Objective, held_out: &[EncodedGroup]) -> f64 {
    let members: Vec<&EncodedGroup> = held_out.iter().collect();
    let reference = reference(held_out);
    let layout = SequenceLayout::Tree;
    let means = evaluate(0, decoder, objective, (&members, &reference), layout, 500, &Silent);
    means.expect("evaluated").mean(TrainingMetric::RewardsAccuracies).expect("a preference method")
}

fn train(start: &Decoder, method: Method, beta: f64, groups: &[EncodedGroup]) -> Decoder {
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let reference = reference(groups);
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = token_settings(None);
    (config.learning_rate, config.warmup_ratio) = (5e-3, 0.0);
    config.lr_scheduler_type = SchedulerType::Constant;
    set_loss(&mut config, method, (beta, 0.0));
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let trainer = trainer(&config, method, data, folder.path());
    let mut state = TrainerState::new(start.clone(), adamw(0.0));
    for _ in 0..UPDATES {
        state = trainer.update(state, &members).expect("an update").0;
    }
    state.decoder
}

#[test]
fn training_raises_held_out_accuracy_and_swapped_responses_lower_it() {
    let (groups, held_out) = (marked(12, 93), marked(16, 94));
    let start = decoder(VOCAB, 91);
    for method in Method::ALL.iter().copied().filter(|method| method.is_preference()) {
        // ORPO's preference term is small compared with its SFT term.
        let beta = if method == Method::Orpo { 1.0 } else { 0.5 };
        let objective = Objective::new(method, beta, 0.0);
        let of = |decoder: &Decoder| accuracy(decoder, &objective, &held_out);
        let before = of(&start);
        let right = of(&train(&start, method, beta, &groups));
        let wrong = of(&train(&start, method, beta, &swapped(&groups)));
        assert!(right > before && right > 0.5, "{method}: from {before} to {right}");
        assert!(wrong < before && wrong < 0.5, "{method}, swapped: from {before} to {wrong}");
    }
}
