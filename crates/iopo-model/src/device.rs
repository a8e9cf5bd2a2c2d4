//! The one place that knows how devices are made.
//!
//! | feature | `--device` | what |
//! |---|---|---|
//! | `flex` (default) | `flex` | pure Rust on the CPU |
//! | `tch` | `tch` | LibTorch on the CPU |
//! | `wgpu` | `wgpu` | any GPU through WebGPU's shaders; those of `vulkan` or `metal` where these are built in too |
//! | `vulkan` | `vulkan` | any GPU through Vulkan |
//! | `cuda` | `cuda` | NVIDIA GPUs |
//! | `rocm` | `rocm` | AMD GPUs |
//! | `metal` | `metal` | Apple GPUs |

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, Tensor};

use crate::{Dtype, ModelError};

/// Names of the devices that this build can make, the preferred one first.
///
/// Features add to the end of what `flex` alone has, so that compiling another backend in never changes which device
/// somebody gets who asked for none.
pub fn available() -> Vec<&'static str> {
    [
        ("flex", cfg!(feature = "flex")),
        ("tch", cfg!(feature = "tch")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("cuda", cfg!(feature = "cuda")),
        ("rocm", cfg!(feature = "rocm")),
        ("metal", cfg!(feature = "metal")),
    ]
    .into_iter()
    .filter_map(|(name, compiled)| compiled.then_some(name))
    .collect()
}

/// Whether this build's device of that name has a vendor's driver below it, which may crash.
pub fn has_driver(name: &str) -> bool {
    available().contains(&name) && !matches!(name, "flex" | "tch")
}

/// How many numbers a device is tried with: which kernel adds them follows from their count and from trying several, and
/// a driver may fail at one alone.
const TRIED: [u16; 3] = [2, 300, 5000];

/// Makes the device of that name, and has it add numbers: a driver that is not there or fails shows itself here and not
/// in the middle of something.
///
/// # Errors
/// When this build has no such device, and when the device does not compute.
pub fn device(name: &str) -> Result<Device, ModelError> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let device = make(name)?;
        let tried: &[u16] = if in_process(&device) { &[] } else { &TRIED };
        for &count in tried {
            let ones = Tensor::<1>::ones([usize::from(count)], (&device, DType::F32));
            let read = ones.sum().try_into_scalar::<f32>();
            if read.as_ref().ok() != Some(&f32::from(count)) {
                return Err(unusable(name, &format!("{count} ones added up to {read:?}")));
            }
        }
        Ok(device)
    }));
    made.unwrap_or_else(|panic| Err(unusable(name, &said(&*panic))))
}

#[cfg_attr(
    feature = "tch",
    expect(deprecated, reason = "the backend is; this is its last release")
)]
fn make(name: &str) -> Result<Device, ModelError> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "tch")]
        "tch" => Ok(Device::libtorch()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        #[cfg(feature = "rocm")]
        "rocm" => Ok(Device::rocm(0)),
        #[cfg(feature = "metal")]
        "metal" => Ok(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        other => Err(ModelError::NoSuchDevice {
            name: other.to_owned(),
            available: available().join(", "),
        }),
    }
}

fn unusable(name: &str, reason: &str) -> ModelError {
    let needs = match name {
        "wgpu" => {
            "a GPU and its driver (on Linux without a GPU: a Vulkan driver that computes on the CPU, which `cargo xtask \
             setup-lavapipe` gets)"
        }
        "vulkan" => "a GPU and its Vulkan driver",
        "cuda" => "an NVIDIA GPU, its driver and the CUDA libraries",
        "rocm" => "an AMD GPU and ROCm",
        "metal" => "an Apple GPU",
        _ => "its libraries",
    };
    ModelError::Device { name: name.to_owned(), needs, reason: reason.trim().to_owned() }
}

/// What a panic said; Burn's backends have no other way to say that a driver is missing or memory ran out.
pub fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it gave no reason").to_owned()
}

/// What weights can be held in on a device: f32 everywhere, others where it computes in them.
pub fn dtypes(device: &Device) -> Vec<Dtype> {
    let computes = |dtype: &Dtype| *dtype == Dtype::F32 || device.supports_dtype(dtype.burn());
    Dtype::ALL.into_iter().filter(computes).collect()
}

/// Whether a device's tensors lie in the machine's main memory, as those of the CPU backends do.
#[cfg_attr(
    feature = "tch",
    expect(deprecated, reason = "the backend is; this is its last release")
)]
pub fn in_main_memory(device: &Device) -> bool {
    #[cfg(feature = "tch")]
    if *device == Device::libtorch() {
        return true;
    }
    in_process(device)
}

/// Whether a device computes with threads of this process, as `flex` does (LibTorch has threads of its own).
pub fn in_process(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    let _ = device;
    false
}

#[cfg(test)]
mod tests {
    use super::{available, device, dtypes, has_driver, said};
    use crate::Dtype;

    #[test]
    fn a_device_that_is_not_built_in_is_refused_by_name() {
        let error = device("abacus").expect_err("no such device").to_string();
        assert!(error.contains("abacus") && error.contains(&available().join(", ")), "{error}");
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_cpu_comes_first_whatever_else_is_built_in() {
        assert_eq!(available().first(), Some(&"flex"));
        assert!(!has_driver("flex") && !has_driver("abacus"));
        assert!(dtypes(&device("flex").expect("flex")).contains(&Dtype::F32));
    }

    #[test]
    fn a_panic_is_quoted_whatever_it_was_made_of() {
        assert_eq!(said(&"text"), "text");
        assert_eq!(said(&"string".to_owned()), "string");
        assert!(said(&1).contains("no reason"));
    }
}
