//! Fair selection from several lists under one limit.

/// Returns how many items to keep of each list so that `limit` items remain.
///
/// The lists take turns: the first item of each list is kept first, then the second of each, and so on.
///
/// ```
/// use iopo_core::turns::kept_in_turn;
///
/// assert_eq!(kept_in_turn(&[3, 1, 2], 5), [2, 1, 2]);
/// ```
pub fn kept_in_turn(lengths: &[usize], limit: usize) -> Vec<usize> {
    let all = lengths.iter().fold(0_usize, |all, length| all.saturating_add(*length));
    let mut left = limit.min(all);
    let mut kept = vec![0; lengths.len()];
    while left > 0 {
        for (kept, length) in kept.iter_mut().zip(lengths) {
            if left > 0 && *kept < *length {
                *kept += 1;
                left -= 1;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::kept_in_turn;

    #[test]
    fn short_lists_leave_their_turns_to_longer_ones() {
        assert_eq!(kept_in_turn(&[1, 0, 4], 3), [1, 0, 2]);
        assert_eq!(kept_in_turn(&[2, 2, 2], 4), [2, 1, 1], "the first lists have the last turns");
        assert_eq!(kept_in_turn(&[2, 3], usize::MAX), [2, 3]);
        assert_eq!(kept_in_turn(&[2, 3], 0), [0, 0]);
        assert!(kept_in_turn(&[], 5).is_empty());
    }
}
