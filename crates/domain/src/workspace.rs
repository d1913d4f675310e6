//! A tenant's workspace: what belongs to the tenant as a whole.

/// A fact about a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceEvent {
    /// The tenant's id key has this fingerprint. A start with another key would derive other ids, so it refuses to run.
    IdKeyFingerprinted { fingerprint: String },
}

impl WorkspaceEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::IdKeyFingerprinted { .. } => "IdKeyFingerprinted",
        }
    }
}
