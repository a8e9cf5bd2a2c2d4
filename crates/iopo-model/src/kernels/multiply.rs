//! Matrix products on slices: the `gemm` crate behind checked bounds.
#![expect(
    unsafe_code,
    reason = "the product takes pointers; here, and only here, what they point at is checked"
)]

pub(crate) use gemm::Parallelism;

/// A matrix in a slice: the value at (r, c) lies at `r·strides[0] + c·strides[1]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    values: &'a [f32],
    dims: [usize; 2],
    strides: [usize; 2],
}

impl<'a> View<'a> {
    /// A matrix that begins where `values` begin.
    pub(crate) fn new(values: &'a [f32], dims: [usize; 2], strides: [usize; 2]) -> Self {
        assert!(dims.iter().all(|size| *size > 0), "an empty matrix: {dims:?}");
        let last = (dims[0] - 1) * strides[0] + (dims[1] - 1) * strides[1];
        assert!(last < values.len(), "{dims:?} by {strides:?} in {} values", values.len());
        Self { values, dims, strides }
    }

    pub(crate) fn rows(self) -> usize {
        self.dims[0]
    }

    /// The transposed matrix.
    pub(crate) fn turned(self) -> Self {
        let ([rows, columns], [row, column]) = (self.dims, self.strides);
        Self { dims: [columns, rows], strides: [column, row], ..self }
    }
}

/// `to = scale·left·right`, or `to += …` where `add` says so; rows of `to` lie `row` values apart.
pub(crate) fn multiply(
    to: &mut [f32],
    row: usize,
    add: bool,
    scale: f32,
    [left, right]: [View<'_>; 2],
    threads: Parallelism,
) {
    let [m, n] = [left.dims[0], right.dims[1]];
    assert!(n <= row && (m - 1) * row + n <= to.len(), "[{m}, {n}] in {} values", to.len());
    // SAFETY: `to` has room for m rows of n values that lie `row` apart, all of them initialised.
    unsafe { call(to.as_mut_ptr(), row, add, scale, left, right, threads) }
}

/// `scale·left·right` in a buffer of its own, row by row.
pub(crate) fn product(scale: f32, [left, right]: [View<'_>; 2], threads: Parallelism) -> Vec<f32> {
    let [m, n] = [left.dims[0], right.dims[1]];
    let mut values = Vec::with_capacity(m * n);
    // SAFETY: there is room for m·n values; none of them is read, and each is written.
    unsafe {
        call(values.as_mut_ptr(), n, false, scale, left, right, threads);
        values.set_len(m * n);
    }
    values
}

/// # Safety
/// `to` must have room for as many rows as `left` has, `row` values apart, of as many values as `right` has columns, and
/// they must be initialised where `add` is set. It must not overlap the factors.
unsafe fn call(
    to: *mut f32,
    row: usize,
    add: bool,
    scale: f32,
    left: View<'_>,
    right: View<'_>,
    threads: Parallelism,
) {
    assert!(left.dims[1] == right.dims[0], "{:?} times {:?}", left.dims, right.dims);
    let [[left_row, left_column], [right_row, right_column]] =
        [left.strides, right.strides].map(|strides| strides.map(|stride| stride as isize));
    // SAFETY: `View::new` holds every value of both factors inside their slices; the rest is the caller's.
    unsafe {
        gemm::gemm(
            left.dims[0],
            right.dims[1],
            left.dims[1],
            to,
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
            threads,
        );
    }
}
