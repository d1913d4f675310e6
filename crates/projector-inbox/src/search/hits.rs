//! Contacts that a search found.

/// A set of contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    numbers: Vec<u32>,
    truncated: bool,
}

impl Hits {
    pub(crate) const fn new(numbers: Vec<u32>, truncated: bool) -> Self {
        Self { numbers, truncated }
    }

    pub(crate) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Some may be missing.
    pub(crate) const fn truncated(&self) -> bool {
        self.truncated
    }
}
