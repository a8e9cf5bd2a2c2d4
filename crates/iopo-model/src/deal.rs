//! Distributes requests over workers.

use std::cmp::Reverse;

use crate::GenerationRequest;
use crate::prefill::common;

/// Smallest number of rows per worker. Each worker reads all weights once per step, however few rows it has.
const SHARE: usize = 4;

/// Splits requests into one share per worker.
///
/// Shares have equal numbers of rows and a similar mix of lengths, and requests with a common prefix stay together. The
/// shares depend only on the requests and the number of workers, so the same requests give the same texts.
pub(crate) fn shares(prompts: &[GenerationRequest], workers: usize) -> Vec<Vec<usize>> {
    let count = workers.min(prompts.len() / SHARE).max(1);
    let room = prompts.len().div_ceil(count);
    let mut shares: Vec<Vec<usize>> = vec![Vec::new(); count];
    for family in families(prompts) {
        let mut left = family.as_slice();
        // While a request remains, the smallest share has room.
        while let Some(share) = shares.iter_mut().min_by_key(|share| share.len())
            && !left.is_empty()
        {
            let (now, later) = left.split_at(left.len().min(room - share.len()));
            share.extend(now);
            left = later;
        }
    }
    shares
}

/// Groups requests that share more than half of their tokens with the next one, the group of the longest first.
fn families(prompts: &[GenerationRequest]) -> Vec<Vec<usize>> {
    let tokens = |prompt: usize| prompts[prompt].tokens.as_slice();
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&prompt| tokens(prompt));
    let kin = |&a: &usize, &b: &usize| {
        let (a, b) = (tokens(a), tokens(b));
        2 * common(a, b) > a.len().max(b.len())
    };
    let mut families: Vec<Vec<usize>> = order.chunk_by(kin).map(<[usize]>::to_vec).collect();
    families.sort_by_key(|family| Reverse(family.iter().map(|&prompt| tokens(prompt).len()).max()));
    families
}

#[cfg(test)]
mod tests {
    use iopo_llm::Sampling;

    use super::shares;
    use crate::GenerationRequest;

    fn prompt(salt: u32, length: u32, manner: u32) -> GenerationRequest {
        let tokens = (0..length).map(|at| at * 100 + salt).chain([manner]).collect();
        GenerationRequest { tokens, sampling: Sampling::greedy(1) }
    }

    fn sorted(mut shares: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        for share in &mut shares {
            share.sort_unstable();
        }
        shares
    }

    #[test]
    fn samples_of_one_task_stay_together_in_shares_of_equal_size() {
        // Four tasks with four samples each, in different styles and interleaved.
        let prompts: Vec<GenerationRequest> =
            (0..16).map(|at| prompt(at % 4, 10 + 5 * (at % 4), 9000 + at)).collect();
        let want = [[1, 3, 5, 7, 9, 11, 13, 15], [0, 2, 4, 6, 8, 10, 12, 14]];
        assert_eq!(sorted(shares(&prompts, 2)), want);
        // Too few rows for a second worker; a single task is still split.
        assert_eq!(shares(&prompts[..7], 4).len(), 1);
        let one: Vec<GenerationRequest> = (0..10).map(|_| prompt(1, 10, 1)).collect();
        assert_eq!(sorted(shares(&one, 2)), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]);
    }

    #[test]
    fn long_prompts_are_spread_over_workers() {
        let prompts: Vec<GenerationRequest> = (0..8).map(|at| prompt(at, 10 + at, 0)).collect();
        assert_eq!(sorted(shares(&prompts, 2)), [[1, 3, 5, 7], [0, 2, 4, 6]]);
    }
}
