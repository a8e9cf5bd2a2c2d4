//! The truncation of the authors' released code, for comparison.
//!
//! It cuts the *end* of a prompt, which contains the constraints, and may cut a response's end-of-turn
//! token. [`TruncationMode::Drop`](super::TruncationMode::Drop) does neither.

use super::{DropReason, EncodedGroup};

/// Returns how many of the `source` prompt tokens and `target` response tokens remain, at most `cutoff` together.
///
/// A side below half the cutoff stays whole; otherwise both shrink in proportion.
pub fn infer_seqlen(source: usize, target: usize, cutoff: usize) -> (usize, usize) {
    let most = if 2 * target < cutoff {
        cutoff
    } else if 2 * source < cutoff {
        cutoff - source
    } else {
        (cutoff as f64 * (target as f64 / (source + target) as f64)) as usize
    };
    let target = most.min(target);
    (cutoff.saturating_sub(target).min(source), target)
}

/// Cuts both prompts to one length and both responses to another, which follow from the longer ones.
/// Returns the reason to drop the group if nothing is left to train on.
pub(super) fn cut(group: &mut EncodedGroup, cutoff: usize) -> Option<DropReason> {
    let source = group.x1.len().max(group.x2.len());
    let target = group.y1.len().max(group.y2.len());
    let (source, target) = infer_seqlen(source, target, cutoff);
    for prompt in [&mut group.x1, &mut group.x2] {
        prompt.truncate(source);
    }
    for response in [&mut group.y1, &mut group.y2] {
        response.truncate(target);
    }
    if source == 0 {
        Some(DropReason::NoPromptLeft)
    } else if target == 0 {
        Some(DropReason::NoResponseLeft)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::infer_seqlen;

    #[test]
    fn the_shorter_side_stays_and_two_long_ones_share() {
        assert_eq!(infer_seqlen(44, 11, 1024), (44, 11));
        assert_eq!(infer_seqlen(91, 8, 64), (56, 8));
        assert_eq!(infer_seqlen(21, 82, 64), (21, 43));
        assert_eq!(infer_seqlen(82, 62, 64), (37, 27));
        assert_eq!(infer_seqlen(3000, 1, 1), (1, 0));
    }
}
