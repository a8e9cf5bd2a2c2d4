//! The one place that knows how devices are made.
//!
//! | feature | `--device` | what |
//! |---|---|---|
//! | `flex` (default) | `flex` | pure Rust on the CPU |
//! | `tch` | `tch` | LibTorch on the CPU |
//! | `wgpu` | `wgpu` | any GPU through WebGPU shaders |
//! | `vulkan` | `vulkan` | any GPU through Vulkan |
//! | `cuda` | `cuda` | NVIDIA GPUs |
//! | `rocm` | `rocm` | AMD GPUs |
//! | `metal` | `metal` | Apple GPUs |

use burn::tensor::Device;

use crate::ModelError;

/// Names of the devices that this build can make, the preferred one first.
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

/// Makes the device of that name.
///
/// # Errors
/// When this build has no such device.
pub fn device(name: &str) -> Result<Device, ModelError> {
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
        other => Err(ModelError::Other {
            reason: format!(
                "no device `{other}` in this build: expected {}; build with `--features {other}` if it is one of \
                 flex, tch, wgpu, vulkan, cuda, rocm, metal",
                available().join(", ")
            ),
        }),
    }
}

/// Whether a device's tensors lie in the machine's main memory, as those of the CPU backends do.
pub fn in_main_memory(device: &Device) -> bool {
    #[cfg(feature = "tch")]
    if device.clone().without_autodiff() == Device::libtorch() {
        return true;
    }
    in_process(device)
}

/// Whether a device computes with threads of this process, as `flex` does (LibTorch has threads of its own).
pub fn in_process(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if device.clone().without_autodiff() == Device::flex() {
        return true;
    }
    let _ = device;
    false
}
