//! The sign of every preference loss: fed with groups in which y1 and y2 are swapped, training lowers
//! reward accuracy on held-out groups; fed with the groups as they are, it raises it.

use iopo_schema::TrainingMetric;
use iopo_train::encode::all_sequences;
use iopo_train::reference::ReferenceLogps;

use iopo_llm::Silent;
use iopo_model::Decoder;
use iopo_train::{
    EncodedGroup, Method, Objective, SequenceLayout,
    evaluate::{evaluate, group_logps},
    schedule::SchedulerType,
    state::TrainerState,
};

use crate::common::{Numbers, adamw, decoder, trainer};

const VOCAB: usize = 61;
const UPDATES: usize = 12;

/// Groups with something to learn: an instruction ends with the mark of the tokens that it wants.
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
            EncodedGroup { id: format!("{seed}-{index}"), x1, x2, y1, y2, false_cells: [true; 2] }
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

/// The sums under another random model: rewards start as noise instead of 0.
fn reference(groups: &[EncodedGroup]) -> ReferenceLogps {
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let other = decoder(VOCAB, 92);
    let sums = group_logps(&other, &members, SequenceLayout::Tree, 500, all_sequences, &Silent);
    members.iter().map(|group| group.id.clone()).zip(sums.expect("sums")).collect()
}

fn accuracy(decoder: &Decoder, objective: &Objective, held_out: &[EncodedGroup]) -> f64 {
    let members: Vec<&EncodedGroup> = held_out.iter().collect();
    let sums = reference(held_out);
    let found = evaluate(decoder, objective, &members, &sums, SequenceLayout::Tree, 500, &Silent);
    found.expect("evaluated").mean(TrainingMetric::RewardsAccuracies).expect("a preference method")
}

fn train(start: &Decoder, objective: Objective, groups: &[EncodedGroup]) -> Decoder {
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let sums = reference(groups);
    let folder = tempfile::tempdir().expect("a folder");
    let mut trainer = trainer(&members, &sums, None, folder.path());
    trainer.objective = objective;
    trainer.schedule.lr_scheduler_type = SchedulerType::Constant;
    (trainer.schedule.peak, trainer.schedule.warmup) = (5e-3, 0);
    let mut state = TrainerState::new(start.clone(), adamw(0.0));
    for _ in 0..UPDATES {
        state = trainer.update(state, &members).expect("an update").0;
    }
    state.decoder
}

#[test]
fn swapped_answers_lower_held_out_accuracy_and_right_ones_raise_it() {
    let (groups, held_out) = (marked(12, 93), marked(16, 94));
    let start = decoder(VOCAB, 91);
    for method in Method::ALL.into_iter().filter(|method| method.is_preference()) {
        // ORPO's preference is a small weight beside its SFT term.
        let beta = if method == Method::Orpo { 1.0 } else { 0.5 };
        let objective = Objective::new(method, beta, 0.0);
        let of = |decoder: &Decoder| accuracy(decoder, &objective, &held_out);
        let before = of(&start);
        let right = of(&train(&start, objective, &groups));
        let wrong = of(&train(&start, objective, &swapped(&groups)));
        assert!(right > before && right > 0.5, "{method}: from {before} to {right}");
        assert!(wrong < before && wrong < 0.5, "{method}, swapped: from {before} to {wrong}");
    }
}
