//! Matrix products on slices: the `gemm` crate with bounds checks.
#![expect(unsafe_code, reason = "gemm takes pointers; this module checks their bounds")]

use gemm::Parallelism;

/// Sizes of bands are multiples of this, except the last one.
const STEP: usize = 16;

/// The threads that compute a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The calling thread.
    One,
    /// Every thread of the pool, each on a separate band.
    All,
}

/// A matrix in a slice: the value at (r, c) is at `r·strides[0] + c·strides[1]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    values: &'a [f32],
    dims: [usize; 2],
    strides: [usize; 2],
}

impl<'a> View<'a> {
    /// Makes a matrix that starts at the first value.
    pub(crate) fn new(values: &'a [f32], dims: [usize; 2], strides: [usize; 2]) -> Self {
        assert!(dims.iter().all(|size| *size > 0), "an empty matrix: {dims:?}");
        let last = (dims[0] - 1) * strides[0] + (dims[1] - 1) * strides[1];
        assert!(last < values.len(), "{dims:?} by {strides:?} in {} values", values.len());
        Self { values, dims, strides }
    }

    pub(crate) fn rows(self) -> usize {
        self.dims[0]
    }

    /// Returns the transposed matrix.
    pub(crate) fn turned(self) -> Self {
        let ([rows, columns], [row, column]) = (self.dims, self.strides);
        Self { dims: [columns, rows], strides: [column, row], ..self }
    }

    /// Splits the matrix after some columns; both parts must be non-empty.
    fn split_columns(self, first: usize) -> (Self, Self) {
        let ([rows, columns], [_, step]) = (self.dims, self.strides);
        assert!(0 < first && first < columns, "{first} columns of {columns}");
        let others = &self.values[first * step..];
        (
            Self { dims: [rows, first], ..self },
            Self::new(others, [rows, columns - first], self.strides),
        )
    }
}

/// Computes `to = scale·left·right`, or `to += …` with `add`. Rows of `to` are `row` values apart.
pub(crate) fn multiply(
    to: &mut [f32],
    row: usize,
    add: bool,
    scale: f32,
    [left, right]: [View<'_>; 2],
    threads: Threads,
) {
    let [m, n] = [left.dims[0], right.dims[1]];
    assert!(n <= row && (m - 1) * row + n <= to.len(), "[{m}, {n}] in {} values", to.len());
    // SAFETY: `to` has room for m rows of n values that are `row` apart, and all of it is initialized.
    unsafe { call(Place(to.as_mut_ptr()), row, add, scale, [left, right], threads) }
}

/// Returns `scale·left·right` in a new buffer, row-major.
pub(crate) fn product(scale: f32, [left, right]: [View<'_>; 2], threads: Threads) -> Vec<f32> {
    let [m, n] = [left.dims[0], right.dims[1]];
    let mut values = Vec::with_capacity(m * n);
    // SAFETY: there is room for m·n values, and each is written before it is read.
    unsafe {
        call(Place(values.as_mut_ptr()), n, false, scale, [left, right], threads);
        values.set_len(m * n);
    }
    values
}

/// A position in the result.
#[derive(Clone, Copy)]
struct Place(*mut f32);

// SAFETY: each thread writes to a separate band.
unsafe impl Send for Place {}

impl Place {
    /// # Safety
    /// As for [`pointer::add`].
    unsafe fn ahead(self, values: usize) -> Self {
        // SAFETY: the caller upholds the contract.
        Self(unsafe { self.0.add(values) })
    }
}

/// # Safety
/// `to` must have room for the rows of `left` and the columns of `right`, with rows `row` values apart. With `add`, these values
/// must be initialized. `to` must not overlap the factors.
unsafe fn call(
    to: Place,
    row: usize,
    add: bool,
    scale: f32,
    [left, right]: [View<'_>; 2],
    threads: Threads,
) {
    assert!(left.dims[1] == right.dims[0], "{:?} times {:?}", left.dims, right.dims);
    let parts = if threads == Threads::All { rayon::current_num_threads() } else { 1 };
    // SAFETY: the caller upholds the contract.
    unsafe { bands(to, row, add, scale, [left, right], parts) }
}

/// Computes the product in parallel bands. The threads of the `gemm` crate wait while one of them packs the operands; here
/// each band packs its part.
///
/// # Safety
/// As for [`call`].
unsafe fn bands(
    to: Place,
    row: usize,
    add: bool,
    scale: f32,
    [left, right]: [View<'_>; 2],
    parts: usize,
) {
    let [m, n] = [left.dims[0], right.dims[1]];
    // Splits the columns, the side of the weights, unless there are far fewer columns than rows.
    let by_columns = 3 * n >= 2 * m;
    let size = if by_columns { n } else { m };
    let first = (size * (parts / 2) / parts.max(1)).max(1).next_multiple_of(STEP);
    if parts < 2 || first >= size {
        // SAFETY: the caller upholds the contract.
        return unsafe { alone(to, row, add, scale, left, right) };
    }
    let (rest, ahead) = if by_columns {
        let (one, other) = right.split_columns(first);
        (([left, one], [left, other]), first)
    } else {
        let (one, other) = left.turned().split_columns(first);
        (([one.turned(), right], [other.turned(), right]), first * row)
    };
    // SAFETY: both bands are inside the result and do not overlap.
    unsafe {
        let further = to.ahead(ahead);
        rayon::join(
            move || bands(to, row, add, scale, rest.0, parts / 2),
            move || bands(further, row, add, scale, rest.1, parts - parts / 2),
        );
    }
}

/// # Safety
/// As for [`call`].
unsafe fn alone(to: Place, row: usize, add: bool, scale: f32, left: View<'_>, right: View<'_>) {
    let [[left_row, left_column], [right_row, right_column]] =
        [left.strides, right.strides].map(|strides| strides.map(|stride| stride as isize));
    // SAFETY: `View` checks that both factors are inside their slices; the caller upholds the rest.
    unsafe {
        gemm::gemm(
            left.dims[0],
            right.dims[1],
            left.dims[1],
            to.0,
            1,
            row as isize,
            add,
            left.values.as_ptr(),
            left_column,
            left_row,
            right.values.as_ptr(),
            right_column,
            right_row,
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rayon::ThreadPoolBuilder;

    use super::{Threads, View, multiply, product};

    /// Computes `scale·left·right` in f64 by its definition.
    fn plain(left: View<'_>, right: View<'_>, scale: f32) -> Vec<f64> {
        let at = |view: View<'_>, r: usize, c: usize| {
            f64::from(view.values[r * view.strides[0] + c * view.strides[1]])
        };
        let cells = (0..left.dims[0]).flat_map(|r| (0..right.dims[1]).map(move |c| (r, c)));
        let inner = 0..left.dims[1];
        let sum = |(r, c)| inner.clone().map(|k| at(left, r, k) * at(right, k, c)).sum::<f64>();
        cells.map(|cell| f64::from(scale) * sum(cell)).collect()
    }

    #[test]
    fn bands_give_the_whole_product_for_every_number_of_threads() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut random = |count: usize| -> Vec<f32> {
            (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
        };
        for threads in [1, 2, 3, 5] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            for [m, k, n] in [[1, 3, 1], [50, 20, 33], [7, 9, 200], [200, 9, 7], [65, 1, 64]] {
                let (a, b) = (random(m * k), random(k * n));
                let layouts = [[k, 1], [1, m]]
                    .into_iter()
                    .flat_map(|left| [[n, 1], [1, k]].map(|right| (left, right)));
                for (left, right) in layouts {
                    let views = [View::new(&a, [m, k], left), View::new(&b, [k, n], right)];
                    let want = plain(views[0], views[1], 0.5);
                    let near = |got: &[f32], onto: f64| {
                        got.iter().zip(&want).all(|(&a, b)| (f64::from(a) - b - onto).abs() < 1e-5)
                    };
                    let made = pool.install(|| product(0.5, views, Threads::All));
                    assert!(near(&made, 0.0), "{threads} threads, {m} {k} {n}");
                    // Values between strided rows stay unchanged.
                    let row = n + 3;
                    let mut wide = vec![2.0; m * row];
                    pool.install(|| multiply(&mut wide, row, true, 0.5, views, Threads::All));
                    let (added, between): (Vec<&[f32]>, Vec<&[f32]>) =
                        wide.chunks(row).map(|values| values.split_at(n)).unzip();
                    let added = added.concat();
                    assert!(near(&added, 2.0), "{threads} threads, {m} {k} {n}");
                    assert!(between.concat().iter().all(|value| value.to_bits() == 2f32.to_bits()));
                    // Negative control: the previous values are part of the result.
                    assert!(!near(&added, 0.0));
                }
            }
        }
    }
}
