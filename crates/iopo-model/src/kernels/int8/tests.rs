use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Int8Matrix;
use super::blocks::{BLOCK, PANEL, multiply, plain};

fn random(shape: [usize; 2], seed: u64) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// Rounds each row as the kernel does, by the definition.
fn rounded(tensor: &Tensor<2>) -> Tensor<2> {
    let scale = tensor.clone().abs().max_dim(1) / 127.0;
    (tensor.clone() / scale.clone()).round() * scale
}

fn far(a: Tensor<2>, b: Tensor<2>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b).abs().max().into_scalar()
}

#[test]
fn products_are_those_of_the_rounded_matrices_for_every_remainder() {
    for rows in [1, 2, 15, 16, 17, 33, 130] {
        for (inner, out) in [(1, 1), (5, 9), (64, 64), (99, 131), (48, 600)] {
            let (x, w) = (random([rows, inner], 1), random([out, inner], 2));
            let onto = random([rows, out], 3);
            let matrix = Int8Matrix::new(&w).expect("local");
            let want = rounded(&x).matmul(rounded(&w).transpose());
            // One rounding to the neighbor: a quotient can be near one half.
            let bound = 1.0 / 127.0 + 1e-6 * inner as f32;
            let got = matrix.times(&x, None).expect("local");
            let apart = far(got.clone(), want.clone());
            assert!(apart < bound, "{rows} {inner} {out}: {apart}");
            let sum = matrix.times(&x, Some(onto.clone())).expect("local");
            assert!(far(sum.clone(), got.clone() + onto) < 1e-5, "{rows} {inner} {out}");
            // Negative controls: the addend and the weights matter.
            assert!(far(sum, got.clone()) > 1e-2, "{rows} {inner} {out}");
            let other = Int8Matrix::new(&random([out, inner], 4)).expect("local");
            assert!(far(other.times(&x, None).expect("local"), want) > bound);
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_integers() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for (panels, quads) in [(1, 1), (2, 7), (3, 50)] {
        let x: Vec<[[u8; 4]; PANEL]> = (0..panels * quads)
            .map(|_| [(); PANEL].map(|()| [(); 4].map(|()| rng.random_range(0..=255u8))))
            .collect();
        let w: Vec<[i8; 4]> =
            (0..quads * BLOCK).map(|_| [(); 4].map(|()| rng.random_range(-127..=127i8))).collect();
        let mut sums = vec![[[7; PANEL]; BLOCK]; panels];
        multiply(&x, &w, &mut sums);
        for (x, sums) in x.chunks_exact(quads).zip(&sums) {
            let mut want = [[0; PANEL]; BLOCK];
            plain(x, w.as_chunks().0, &mut want);
            assert_eq!(*sums, want);
        }
    }
}

#[test]
fn a_value_that_is_not_finite_spoils_its_row_only() {
    let matrix = Int8Matrix::new(&random([20, 8], 1)).expect("local");
    let mut values = random([3, 8], 2).into_data().try_to_vec::<f32>().expect("f32");
    values[10] = f32::INFINITY;
    let x = Tensor::from_data(TensorData::new(values, [3, 8]), &Device::flex());
    let y = matrix.times(&x, None).expect("local").into_data().try_to_vec::<f32>().expect("f32");
    for (row, y) in y.chunks_exact(20).enumerate() {
        assert!(y.iter().all(|y| y.is_nan() == (row == 1)), "{row}: {y:?}");
    }
    assert!(Int8Matrix::new(&x).is_none());
}

#[test]
fn rows_of_zeros_stay_zero() {
    let matrix = Int8Matrix::new(&Tensor::zeros([9, 6], &Device::flex())).expect("local");
    let y = matrix.times(&random([2, 6], 1), None).expect("local");
    assert!(y.abs().max().into_scalar::<f32>() < 1e-9);
}

#[test]
fn other_sizes_are_refused() {
    let matrix = Int8Matrix::new(&random([9, 6], 1)).expect("local");
    assert!(matrix.times(&random([2, 5], 1), None).is_err());
    assert!(matrix.times(&random([2, 6], 1), Some(random([2, 8], 1))).is_err());
    assert!(matrix.bytes() < 9 * 6 * 4);
}
