//! The backends, and the Cargo features that build them.

use clap::ValueEnum;

/// A backend of Burn. Its name is a Cargo feature of the `iopo` crate and the name of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// Pure Rust on the CPU.
    Flex,
    /// LibTorch, which `cargo xtask setup-libtorch` installs.
    Tch,
    /// WebGPU.
    Wgpu,
    /// Vulkan.
    Vulkan,
    /// CUDA.
    Cuda,
    /// ROCm.
    Rocm,
    /// Metal.
    Metal,
}

impl Backend {
    /// The name of the feature and of the device.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Tch => "tch",
            Self::Wgpu => "wgpu",
            Self::Vulkan => "vulkan",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Metal => "metal",
        }
    }

    /// The features of the fastest build for this CPU.
    pub(crate) fn fastest(self) -> &'static str {
        self.features(avx512())
    }

    fn features(self, avx512: bool) -> &'static str {
        // AVX-512 makes matrix products about twice as fast.
        if self == Self::Flex && avx512 { "flex,x86-v4" } else { self.name() }
    }
}

#[cfg(target_arch = "x86_64")]
fn avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn avx512() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::Backend;

    #[test]
    fn only_flex_is_built_with_wide_vectors() {
        assert_eq!(Backend::Flex.features(true), "flex,x86-v4");
        assert_eq!(Backend::Flex.features(false), "flex");
        assert_eq!(Backend::Cuda.features(true), "cuda");
    }
}
