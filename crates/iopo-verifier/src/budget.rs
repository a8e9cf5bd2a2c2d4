//! The memory that bodies and replies may take together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::RequestError;

/// Bytes that are free.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
}

/// Bytes that are taken until this value is dropped.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))) }
    }

    /// Takes more bytes, at once or not at all.
    pub(crate) fn take(&self, taken: &mut Taken, bytes: usize) -> Result<(), RequestError> {
        let more = u32::try_from(bytes).ok();
        let more = more.and_then(|more| Arc::clone(&self.free).try_acquire_many_owned(more).ok());
        let Some(more) = more else {
            let reason = "requests and replies in memory have reached `max_pending_size`";
            return Err(RequestError::Overloaded { reason: reason.to_owned() });
        };
        match &mut taken.permit {
            Some(permit) => permit.merge(more),
            None => taken.permit = Some(more),
        }
        Ok(())
    }

    /// Bytes that are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.available_permits()
    }
}

/// A text that takes its bytes from the budget.
#[derive(Debug)]
pub(crate) struct Held<T> {
    pub(crate) value: T,
    pub(crate) taken: Taken,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        self.value.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_when_they_are_dropped() {
        let budget = Budget::new(10);
        let mut taken = Taken::default();
        budget.take(&mut taken, 4).expect("free");
        budget.take(&mut taken, 6).expect("free");
        assert!(budget.take(&mut Taken::default(), 1).is_err());
        drop(taken);
        assert_eq!(budget.free(), 10);
    }
}
