//! The moments of all parameters, and the bytes that hold them.

use std::collections::BTreeMap;

use burn::module::ParamId;
use burn::tensor::{Device, Tensor, TensorData};
use iopo_model::{ModelError, NamedTensors};

use crate::weights;

/// Names of the moments and of the number of updates, as in `PyTorch`.
const FIRST: &str = "exp_avg";
const SECOND: &str = "exp_avg_sq";
const STEP: &str = "step";

/// The moments by the id of their parameter, as vectors.
#[derive(Debug, Clone, Default)]
pub(super) struct Moments(BTreeMap<u64, [Stored; 2]>);

/// A moment on its device, or in main memory until its first use.
#[derive(Debug, Clone)]
enum Stored {
    Host(Vec<f32>),
    Device(Box<Tensor<1>>),
}

impl Moments {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are moments of a parameter with `count` values.
    pub(super) fn fit(&self, id: ParamId, count: usize) -> bool {
        let length = |moment: &Stored| match moment {
            Stored::Host(values) => values.len(),
            Stored::Device(moment) => moment.dims()[0],
        };
        self.0.get(&id.val()).is_some_and(|pair| pair.iter().all(|one| length(one) == count))
    }

    /// Takes the moments of a parameter with `count` values, zeros if there are none that fit.
    pub(super) fn take(&mut self, id: ParamId, count: usize, device: &Device) -> [Tensor<1>; 2] {
        let zeros = || Tensor::zeros([count], device);
        let Some(kept) = self.0.remove(&id.val()) else { return [zeros(), zeros()] };
        kept.map(|moment| match moment {
            Stored::Host(values) if values.len() == count => {
                Tensor::from_data(TensorData::new(values, [count]), device)
            }
            Stored::Device(moment) if moment.dims() == [count] => *moment,
            Stored::Host(_) | Stored::Device(_) => zeros(),
        })
    }

    pub(super) fn put(&mut self, id: ParamId, moments: [Tensor<1>; 2]) {
        self.0.insert(id.val(), moments.map(|moment| Stored::Device(Box::new(moment))));
    }

    /// Serializes the moments after `time` updates as a safetensors file.
    pub(super) fn to_bytes(&self, time: usize) -> Result<Vec<u8>, ModelError> {
        let mut tensors = NamedTensors::new();
        tensors.insert(STEP.to_owned(), (vec![1], vec![time as f32]));
        for (id, moments) in &self.0 {
            for (name, moment) in [FIRST, SECOND].into_iter().zip(moments) {
                let values = match moment {
                    Stored::Host(values) => values.clone(),
                    Stored::Device(moment) => read(moment.as_ref().clone())?,
                };
                tensors.insert(format!("{id}.{name}"), (vec![values.len()], values));
            }
        }
        weights::to_safetensors(&tensors)
    }

    /// Reads the number of updates and the moments.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<(usize, Self), ModelError> {
        let fail = |reason: &str| ModelError::Other {
            reason: format!("failed to read the optimizer's state: {reason}"),
        };
        let mut tensors = weights::from_safetensors(bytes).map_err(|reason| fail(&reason))?;
        let time = match tensors.remove(STEP) {
            Some((_, step)) if step.len() == 1 && step[0] >= 0.0 && step[0].fract() == 0.0 => {
                step[0] as usize
            }
            _ => return Err(fail("it has no number of updates")),
        };
        let mut moments = BTreeMap::new();
        for (name, (_, first)) in &tensors {
            let Some(id) = name.strip_suffix(FIRST).and_then(|id| id.strip_suffix('.')) else {
                continue;
            };
            let second = tensors.get(&format!("{id}.{SECOND}"));
            let (Ok(id), Some((_, second))) = (id.parse(), second) else {
                return Err(fail(&format!("found `{name}` without its second moment")));
            };
            moments.insert(id, [first.clone(), second.clone()].map(Stored::Host));
        }
        if 2 * moments.len() != tensors.len() {
            return Err(fail("expected two moments for each parameter"));
        }
        Ok((time, Self(moments)))
    }
}

fn read(tensor: Tensor<1>) -> Result<Vec<f32>, ModelError> {
    tensor.into_data().try_to_vec::<f32>().map_err(|error| ModelError::Other {
        reason: format!("failed to read the optimizer's state from the device: {error:?}"),
    })
}

#[cfg(test)]
mod tests {
    use burn::module::ParamId;
    use burn::tensor::{Device, Tensor};

    use super::Moments;

    #[test]
    fn moments_are_read_as_they_were_written_and_damage_is_an_error() {
        let (device, id) = (Device::flex(), ParamId::from(u64::MAX - 3));
        let moment = |value: f32| Tensor::<1>::from_floats([value, 2.0], &device);
        let mut moments = Moments::default();
        moments.put(id, [moment(1.5), moment(-7.0)]);
        let bytes = moments.to_bytes(12).expect("bytes");
        let (time, mut read) = Moments::from_bytes(&bytes).expect("moments");
        assert_eq!((time, read.len()), (12, 1));
        assert_eq!(read.to_bytes(12).expect("bytes"), bytes);
        let [first, second] = read.take(id, 2, &device).map(|moment| moment.into_data());
        assert_eq!(first.as_slice::<f32>(), Ok([1.5, 2.0].as_slice()));
        assert_eq!(second.as_slice::<f32>(), Ok([-7.0, 2.0].as_slice()));
        // Taken moments are gone, and a parameter without moments starts at zero.
        let [first, _] = read.take(id, 3, &device).map(|moment| moment.into_data());
        assert_eq!(first.as_slice::<f32>(), Ok([0.0; 3].as_slice()));
        for damaged in [&bytes[..bytes.len() - 1], &bytes[..9], b"{}", b""] {
            let error = Moments::from_bytes(damaged).expect_err("damage").to_string();
            assert!(error.contains("optimizer's state"), "{error}");
        }
    }
}
