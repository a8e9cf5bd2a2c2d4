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
//! A number picks one of several GPUs, as in `cuda:1`; for `wgpu` and `vulkan` it counts the discrete ones. `auto` stands for the first device of a build and `cpu` for the first that computes on the CPU ([`resolve`]).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, Tensor};

use crate::{Dtype, ModelError};

/// A backend of Burn, and the feature of that name.
struct Backend {
    name: &'static str,
    place: Place,
    /// Makes a device, on a card if its number is given; `None` if this build lacks the backend.
    make: Option<fn(Option<usize>) -> Device>,
    /// Whether a number picks one of several cards.
    numbered: bool,
    /// The requirements of its devices.
    needs: &'static str,
}

/// Where a backend computes.
#[derive(PartialEq, Eq)]
enum Place {
    Cpu,
    /// A GPU through a vendor's driver, which can crash the process.
    Gpu,
}

macro_rules! made {
    ($feature:literal, $make:expr) => {{
        #[cfg(feature = $feature)]
        {
            Some($make)
        }
        #[cfg(not(feature = $feature))]
        {
            None
        }
    }};
}

/// Returns the discrete GPU of a number, or the best GPU.
#[cfg(any(feature = "wgpu", feature = "vulkan"))]
fn kind(card: Option<usize>) -> burn::tensor::DeviceKind {
    card.map_or(burn::tensor::DeviceKind::DefaultDevice, burn::tensor::DeviceKind::DiscreteGpu)
}

/// All backends; `flex` stays first whatever features are on, so adding a backend never changes the default device.
#[cfg_attr(
    feature = "tch",
    expect(deprecated, reason = "the backend is; this is its last release")
)]
static BACKENDS: [Backend; 7] = [
    Backend {
        name: "flex",
        place: Place::Cpu,
        make: made!("flex", |_| Device::flex()),
        numbered: false,
        needs: "a CPU",
    },
    Backend {
        name: "tch",
        place: Place::Cpu,
        make: made!("tch", |_| Device::libtorch()),
        numbered: false,
        needs: "LibTorch",
    },
    Backend {
        name: "wgpu",
        place: Place::Gpu,
        make: made!("wgpu", |card| Device::wgpu(kind(card))),
        numbered: true,
        needs: "a GPU and its driver (on Linux without a GPU: a Vulkan driver that computes on the CPU, which `cargo \
                xtask setup-lavapipe` gets)",
    },
    Backend {
        name: "vulkan",
        place: Place::Gpu,
        make: made!("vulkan", |card| Device::vulkan(kind(card))),
        numbered: true,
        needs: "a GPU and its Vulkan driver",
    },
    Backend {
        name: "cuda",
        place: Place::Gpu,
        make: made!("cuda", |card| Device::cuda(card.unwrap_or(0))),
        numbered: true,
        needs: "an NVIDIA GPU, its driver and the CUDA libraries",
    },
    Backend {
        name: "rocm",
        place: Place::Gpu,
        make: made!("rocm", |card| Device::rocm(card.unwrap_or(0))),
        numbered: true,
        needs: "an AMD GPU and ROCm",
    },
    Backend {
        name: "metal",
        place: Place::Gpu,
        make: made!("metal", |_| Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        numbered: false,
        needs: "an Apple GPU",
    },
];

/// The names of all backends, in this build or not.
pub fn backends() -> impl Iterator<Item = &'static str> {
    BACKENDS.iter().map(|backend| backend.name)
}

/// Returns the names of the devices in this build, the default one first.
pub fn available() -> Vec<&'static str> {
    BACKENDS.iter().filter(|known| known.make.is_some()).map(|known| known.name).collect()
}

/// A device of this build: a backend and, if a number is given, a card. Displayed as `cuda` or `cuda:1`.
#[derive(Clone, Copy)]
pub struct DeviceName {
    backend: &'static Backend,
    card: Option<usize>,
}

impl DeviceName {
    /// Returns the name of the backend.
    pub fn backend(self) -> &'static str {
        self.backend.name
    }

    /// Returns the number of the card, if one is given: among all cards of the backend, for `wgpu` and `vulkan`
    /// among the discrete ones.
    pub fn card(self) -> Option<usize> {
        self.card
    }

    /// Returns whether the device runs on a vendor's driver, which can crash the process.
    pub fn has_driver(self) -> bool {
        self.backend.place == Place::Gpu
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.card {
            Some(card) => write!(formatter, "{}:{card}", self.backend.name),
            None => formatter.write_str(self.backend.name),
        }
    }
}

impl fmt::Debug for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Resolves a device name: `auto` is the first device of this build, `cpu` is the first one that computes on the CPU, and any
/// other name is a device of this build. A colon and a number pick one of several GPUs, as in `cuda:1`.
///
/// # Errors
/// Returns [`ModelError::NoSuchDevice`] if this build has no such device.
pub fn resolve(name: &str) -> Result<DeviceName, ModelError> {
    let (wanted, card) = match name.split_once(':') {
        Some((wanted, card)) => {
            let digits = card.bytes().all(|byte| byte.is_ascii_digit());
            let card = card.parse().ok().filter(|_| digits);
            (wanted, Some(card.ok_or_else(|| no_such_device(name))?))
        }
        None => (name, None),
    };
    let fits = |known: &&Backend| match wanted {
        "auto" => card.is_none(),
        "cpu" => card.is_none() && known.place == Place::Cpu,
        other => known.name == other && (card.is_none() || known.numbered),
    };
    let found = BACKENDS.iter().filter(|known| known.make.is_some()).find(fits);
    found.map(|backend| DeviceName { backend, card }).ok_or_else(|| no_such_device(name))
}

fn no_such_device(name: &str) -> ModelError {
    let of = |known: &Backend| {
        let number =
            if known.numbered { format!(", {}:NUMBER", known.name) } else { String::new() };
        format!("{}{number}", known.name)
    };
    let known: Vec<String> = BACKENDS.iter().filter(|known| known.make.is_some()).map(of).collect();
    let available = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    ModelError::NoSuchDevice { name: name.to_owned(), available }
}

/// Lengths of the sums that probe a device. Each length selects another kernel, and a driver can fail in one of them only.
const PROBE_LENGTHS: [u16; 3] = [2, 300, 5000];

/// Makes a device by name and probes it with a few sums, so that a missing or failing driver is reported at once.
///
/// # Errors
/// Returns [`ModelError::NoSuchDevice`] if this build has no such device, and [`ModelError::Device`] if the probe fails.
pub fn device(name: &str) -> Result<Device, ModelError> {
    let resolved = resolve(name)?;
    let DeviceName { backend, card } = resolved;
    let Some(make) = backend.make else { return Err(no_such_device(name)) };
    let unusable = |reason: &str| {
        let name = resolved.to_string();
        ModelError::Device { name, needs: backend.needs, reason: reason.trim().to_owned() }
    };
    #[cfg(feature = "_gpu")]
    if resolved.has_driver() {
        crate::kernel_cache::keep();
    }
    let made = catch_unwind(AssertUnwindSafe(|| {
        let device = make(card);
        let lengths: &[u16] = if in_process(&device) { &[] } else { &PROBE_LENGTHS };
        for &count in lengths {
            let ones = Tensor::<1>::ones([usize::from(count)], (&device, DType::F32));
            let read = ones.sum().try_into_scalar::<f32>();
            if read.as_ref().ok() != Some(&f32::from(count)) {
                return Err(unusable(&format!("{count} ones added up to {read:?}")));
            }
        }
        Ok(device)
    }));
    made.unwrap_or_else(|panic| Err(unusable(&panic_message(&*panic))))
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

/// Returns whether a device records operations and computes nothing, as in the test that counts them.
pub(crate) fn records(device: &Device) -> bool {
    #[cfg(feature = "_capture")]
    if matches!(device.as_dispatch(), burn::backend::DispatchDevice::Capture(_)) {
        return true;
    }
    let _ = device;
    false
}

#[cfg(test)]
mod tests {
    use super::{available, device, dtypes, panic_message, resolve};
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
        for name in ["auto", "cpu", "flex"] {
            let found = resolve(name).expect(name);
            assert_eq!((found.backend(), found.card(), found.has_driver()), ("flex", None, false));
            assert_eq!(found.to_string(), "flex");
        }
        for name in ["abacus", "flex:0", "auto:1", "cpu:1", ":", "flex:", "cuda:-1", "cuda:+1", ""]
        {
            let error = resolve(name).expect_err("no such device").to_string();
            assert!(error.contains(&format!("`{name}`")) && error.contains("flex"), "{error}");
        }
        assert!(dtypes(&device("flex").expect("flex")).contains(&Dtype::F32));
    }

    #[cfg(feature = "wgpu")]
    #[test]
    fn a_number_picks_a_card() {
        let found = resolve("wgpu:1").expect("a device of this build");
        assert_eq!((found.backend(), found.card(), found.has_driver()), ("wgpu", Some(1), true));
        assert_eq!(found.to_string(), "wgpu:1");
        assert!(resolve("wgpu:x").is_err() && resolve("wgpu:+1").is_err());
    }

    #[test]
    fn panic_messages_of_any_payload_are_quoted() {
        assert_eq!(panic_message(&"text"), "text");
        assert_eq!(panic_message(&"string".to_owned()), "string");
        assert_eq!(panic_message(&1), "no reason given");
    }
}
