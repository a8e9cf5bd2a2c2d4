//! Makes devices by name.
//!
//! | feature | `--device` | computes with |
//! |---|---|---|
//! | `flex` (default) | `flex` | pure Rust on the CPU |
//! | `tch` | `tch` | LibTorch on the CPU |
//! | `wgpu` | `wgpu` | any GPU through WebGPU; with the shaders of `vulkan` or `metal` if these features are on |
//! | `vulkan` | `vulkan` | any GPU through Vulkan |
//! | `cuda` | `cuda` | NVIDIA GPUs |
//! | `rocm` | `rocm` | AMD GPUs |
//! | `metal` | `metal` | Apple GPUs |
//!
//! `auto` stands for the first device of a build and `cpu` for the first that computes on the CPU ([`resolve`]).

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, Tensor};

use crate::{Dtype, ModelError};

/// Returns the names of the devices in this build, the default one first.
///
/// `flex` stays first whatever features are on, so adding a backend never changes the default device.
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

/// Resolves a device name: `auto` is the first device of this build, `cpu` is the first one that computes on the CPU, and any
/// other name is a device of this build.
///
/// # Errors
/// Returns [`ModelError::NoSuchDevice`] if this build has no such device.
pub fn resolve(name: &str) -> Result<&'static str, ModelError> {
    let known = available();
    let found = match name {
        "auto" => known.first(),
        "cpu" => known.iter().find(|known| !has_driver(known)),
        other => known.iter().find(|known| **known == other),
    };
    found.copied().ok_or_else(|| no_such_device(name))
}

fn no_such_device(name: &str) -> ModelError {
    let known = available();
    let available = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    ModelError::NoSuchDevice { name: name.to_owned(), available }
}

/// Returns whether a device of this build runs on a vendor's driver, which can crash the process.
pub fn has_driver(name: &str) -> bool {
    available().contains(&name) && !matches!(name, "flex" | "tch")
}

/// Lengths of the sums that probe a device. Each length selects another kernel, and a driver can fail in one of them only.
const PROBE_LENGTHS: [u16; 3] = [2, 300, 5000];

/// Makes a device by name and probes it with a few sums, so that a missing or failing driver is reported at once.
///
/// # Errors
/// Returns [`ModelError::NoSuchDevice`] if this build has no such device, and [`ModelError::Device`] if the probe fails.
pub fn device(name: &str) -> Result<Device, ModelError> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let device = make(name)?;
        let lengths: &[u16] = if in_process(&device) { &[] } else { &PROBE_LENGTHS };
        for &count in lengths {
            let ones = Tensor::<1>::ones([usize::from(count)], (&device, DType::F32));
            let read = ones.sum().try_into_scalar::<f32>();
            if read.as_ref().ok() != Some(&f32::from(count)) {
                return Err(unusable(name, &format!("{count} ones added up to {read:?}")));
            }
        }
        Ok(device)
    }));
    made.unwrap_or_else(|panic| Err(unusable(name, &panic_message(&*panic))))
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
        other => Err(no_such_device(other)),
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

/// Returns the message of a panic.
///
/// Burn's backends report a missing driver and exhausted memory by panicking.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason given").to_owned()
}

/// Returns the types that a device can hold weights in: f32, and the others that it computes in.
pub fn dtypes(device: &Device) -> Vec<Dtype> {
    let computes = |dtype: &Dtype| *dtype == Dtype::F32 || device.supports_dtype(dtype.burn());
    Dtype::ALL.into_iter().filter(computes).collect()
}

/// Returns whether a device's tensors are in main memory, as with the CPU backends.
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

/// Returns whether a device computes on threads of this process, as `flex` does. LibTorch has separate threads.
pub fn in_process(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    let _ = device;
    false
}

/// Returns whether the fused kernels of this project apply to a device's tensors: on `flex`, unless a test turns them off with
/// the feature `_plain`.
pub fn has_kernels(device: &Device) -> bool {
    in_process(device) && !cfg!(feature = "_plain")
}

#[cfg(test)]
mod tests {
    use super::{available, device, dtypes, has_driver, panic_message, resolve};
    use crate::Dtype;

    #[test]
    fn an_unknown_device_is_an_error_that_names_it() {
        let error = device("abacus").expect_err("no such device").to_string();
        assert!(error.contains("abacus") && error.contains(&available().join(", ")), "{error}");
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_cpu_is_the_default_device() {
        assert_eq!(available().first(), Some(&"flex"));
        assert_eq!(["auto", "cpu", "flex"].map(|name| resolve(name).expect(name)), ["flex"; 3]);
        let error = resolve("abacus").expect_err("no such device").to_string();
        assert!(error.contains("`abacus`") && error.contains("flex"), "{error}");
        assert!(!has_driver("flex") && !has_driver("abacus"));
        assert!(dtypes(&device("flex").expect("flex")).contains(&Dtype::F32));
    }

    #[test]
    fn panic_messages_of_any_payload_are_quoted() {
        assert_eq!(panic_message(&"text"), "text");
        assert_eq!(panic_message(&"string".to_owned()), "string");
        assert_eq!(panic_message(&1), "no reason given");
    }
}
