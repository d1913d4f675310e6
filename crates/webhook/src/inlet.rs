//! The one thing that a webhook does with a body: append it to the raw stream.

use async_trait::async_trait;
use relevo_domain::RawId;
use relevo_eventlog::{IntakeLog, LogError, RawInput};

/// Where raw inputs go. Behind it stands the intake stream; tests put something else there.
#[async_trait]
pub trait Inlet: Send + Sync + 'static {
    /// Stores the input and answers with its name once it is durable.
    async fn append(&self, input: &RawInput) -> Result<RawId, LogError>;
}

#[async_trait]
impl Inlet for IntakeLog {
    async fn append(&self, input: &RawInput) -> Result<RawId, LogError> {
        IntakeLog::append(self, input).await
    }
}
