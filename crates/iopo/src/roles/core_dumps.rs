//! Core dumps, which would contain the API keys.

/// Disables core dumps of this process and the processes that it starts, because they would contain the API keys of endpoints.
///
/// Has an effect on Unix only. A system that pipes core dumps to a program may ignore the limit.
pub fn disable_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Lowering a limit is always allowed.
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "failed to disable core dumps");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_limit_of_core_dumps_is_zero_afterwards() {
        super::disable_core_dumps();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    }
}
