//! The loss of each method, one per group, and the weights of the mean over the update.

use burn::tensor::Tensor;
use iopo_objective::{
    GroupLogpsExt, PairLogps, PairTokens, dpo_mirrored_shaped, nll_per_token, orpo, pref_ftx,
    sided_margin, simpo, strict_mean, three_sequences_sided, tpo, tpo_l, without_output_sided,
};

use super::{GroupWithLogps, Objective, UpdateSize, tensors::Leaves};
use crate::Method;

/// Returns the loss of each group and its weight in the update's loss.
pub(super) fn losses(
    objective: &Objective,
    leaves: &Leaves,
    groups: &[GroupWithLogps<'_>],
    size: UpdateSize,
) -> (Tensor<1>, Tensor<1>) {
    let (losses, weights) = of_method(objective, leaves, groups, size);
    (with_input_preferences(objective, leaves, groups, losses), weights)
}

/// Replaces the losses of input preferences, which have no second response, by the loss of their only pair:
/// `−log σ(β(s11 − s21))`.
fn with_input_preferences(
    objective: &Objective,
    leaves: &Leaves,
    groups: &[GroupWithLogps<'_>],
    losses: Tensor<1>,
) -> Tensor<1> {
    if !groups.iter().any(|scored| scored.group.is_input_preference()) {
        return losses;
    }
    let share = |wanted: bool| {
        let is = |scored: &GroupWithLogps<'_>| scored.group.is_input_preference() == wanted;
        leaves.vector(groups.iter().map(|scored| f64::from(u8::from(is(scored)))).collect())
    };
    let pairs =
        without_output_sided(&leaves.policy, &leaves.reference, &leaves.cells, objective.beta);
    losses * share(false) + pairs * share(true)
}

/// Returns the loss of a method for each group, and its weight.
fn of_method(
    objective: &Objective,
    leaves: &Leaves,
    groups: &[GroupWithLogps<'_>],
    size: UpdateSize,
) -> (Tensor<1>, Tensor<1>) {
    let share = 1.0 / size.groups.max(1) as f64;
    let mean = || leaves.vector(groups.iter().map(|group| share * group.weight).collect());
    match objective.method {
        Method::Sft | Method::SftContinued => supervised(leaves, groups, size),
        Method::DpoPaper => (one_pair(objective, leaves, groups), mean()),
        Method::Dpo => (mirrored(objective, leaves, groups), mean()),
        Method::Iopo => (iopo(objective, leaves), mean()),
        Method::IopoNoOutput => (no_output(objective, leaves), mean()),
        Method::IopoThree => (three(objective, leaves), mean()),
        Method::Simpo => {
            let loss = |policy: &PairLogps, tokens: &PairTokens| {
                simpo(policy, tokens, objective.beta, objective.gamma)
            };
            (strict_pairs(leaves, loss), mean())
        }
        Method::Orpo => {
            let loss =
                |policy: &PairLogps, tokens: &PairTokens| orpo(policy, tokens, objective.beta);
            (strict_pairs(leaves, loss), mean())
        }
        Method::Tpo => {
            let loss = |policy: &PairLogps, tokens: &PairTokens| {
                tpo(&policy.triple(), &tokens.triple(), objective.beta, objective.pref_ftx)
            };
            (strict_pairs(leaves, loss), mean())
        }
        Method::TpoL => {
            let Objective { beta, gamma, pref_ftx, .. } = *objective;
            let loss = |policy: &PairLogps, tokens: &PairTokens| {
                tpo_l(&policy.triple(), &tokens.triple(), beta, gamma, pref_ftx)
            };
            (strict_pairs(leaves, loss), mean())
        }
    }
}

/// SFT: the mean over the tokens of both chosen responses.
fn supervised(
    leaves: &Leaves,
    groups: &[GroupWithLogps<'_>],
    size: UpdateSize,
) -> (Tensor<1>, Tensor<1>) {
    let counts: Vec<f64> =
        groups.iter().map(|scored| scored.group.chosen_tokens() as f64).collect();
    let chosen = leaves.policy.x1y1.clone() + leaves.policy.x2y2.clone();
    let losses = nll_per_token(&chosen, &leaves.vector(counts.clone()));
    let weights = counts.iter().map(|count| count / size.chosen_tokens.max(1) as f64).collect();
    (losses, leaves.vector(weights))
}

/// DPO on one strict pair per group: y1 over y2 under x1, or the mirrored pair if y2 follows x1 too.
fn one_pair(objective: &Objective, leaves: &Leaves, groups: &[GroupWithLogps<'_>]) -> Tensor<1> {
    let share = |is_first: bool| {
        let of = |group: &GroupWithLogps<'_>| {
            f64::from(u8::from(group.group.false_cells.x1y2 == is_first))
        };
        leaves.vector(groups.iter().map(of).collect())
    };
    let (policy, reference, tokens) =
        (leaves.policy.pairs(), leaves.reference.pairs(), leaves.tokens.pairs());
    let loss = |index: usize| {
        let (policy, reference, tokens) = (&policy[index], &reference[index], &tokens[index]);
        let margin = if objective.is_per_token() {
            policy.per_token(tokens).margin(&reference.per_token(tokens))
        } else {
            policy.margin(reference)
        };
        objective.shape.losses(margin, objective.beta)
            + nll_per_token(&policy.chosen, &tokens.chosen).mul_scalar(objective.pref_ftx)
    };
    loss(0) * share(true) + loss(1) * share(false)
}

/// DPO on both output pairs of a group, or on the only one of a pair. The loss and the SFT term are means over them.
fn mirrored(objective: &Objective, leaves: &Leaves, groups: &[GroupWithLogps<'_>]) -> Tensor<1> {
    let (policy, reference) = compared(objective, leaves);
    let of_chosen = |scored: &GroupWithLogps<'_>| {
        let share = if scored.group.has_second_instruction() { 0.5 } else { 1.0 };
        share * objective.pref_ftx
    };
    let weights = leaves.vector(groups.iter().map(of_chosen).collect());
    dpo_mirrored_shaped(&policy, &reference, &leaves.cells, objective.shape, objective.beta)
        + sft_term(leaves) * weights
}

/// IOPO. The loss has one term for all pairs; the SFT term covers both chosen responses.
fn iopo(objective: &Objective, leaves: &Leaves) -> Tensor<1> {
    let (policy, reference) = compared(objective, leaves);
    objective.shape.losses(sided_margin(&policy, &reference, &leaves.cells), objective.beta)
        + sft_term(leaves).mul_scalar(objective.pref_ftx)
}

/// The ablation without output preference. The SFT term is the mean over both chosen responses.
fn no_output(objective: &Objective, leaves: &Leaves) -> Tensor<1> {
    without_output_sided(&leaves.policy, &leaves.reference, &leaves.cells, objective.beta)
        + sft_term(leaves).mul_scalar(0.5 * objective.pref_ftx)
}

/// The variant with three sequences. The SFT term covers y1 under x1, the only chosen sequence that it reads.
fn three(objective: &Objective, leaves: &Leaves) -> Tensor<1> {
    three_sequences_sided(&leaves.policy, &leaves.reference, &leaves.cells, objective.beta)
        + nll_per_token(&leaves.policy.x1y1, &leaves.tokens.y1).mul_scalar(objective.pref_ftx)
}

/// Computes the mean of a pair loss over a group's strict pairs; a sided group has one.
fn strict_pairs(leaves: &Leaves, loss: impl Fn(&PairLogps, &PairTokens) -> Tensor<1>) -> Tensor<1> {
    let ([policy_x1, policy_x2], [tokens_x1, tokens_x2]) =
        (leaves.policy.pairs(), leaves.tokens.pairs());
    let losses = [loss(&policy_x1, &tokens_x1), loss(&policy_x2, &tokens_x2)];
    strict_mean(losses, leaves.cells.rejected_outputs())
}

/// Computes the negative log-likelihood per token of both chosen responses, which `pref_ftx` weights.
fn sft_term(leaves: &Leaves) -> Tensor<1> {
    pref_ftx(&leaves.policy, &leaves.tokens.y1, &leaves.tokens.y2)
}

/// Returns the logps that the loss compares, summed or per token.
fn compared(
    objective: &Objective,
    leaves: &Leaves,
) -> (iopo_objective::GroupLogps, iopo_objective::GroupLogps) {
    if objective.is_per_token() {
        (leaves.policy.per_token(&leaves.tokens), leaves.reference.per_token(&leaves.tokens))
    } else {
        (leaves.policy.clone(), leaves.reference.clone())
    }
}
