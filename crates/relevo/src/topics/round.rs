//! How one look at the topics ended.

/// What came of looking at every topic once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// Every fact of the snapshot is on its topic.
    Done,
    /// There is more to publish.
    More,
    /// Somebody else was quicker, or an outcome is unknown: the last messages have to be read.
    Again,
    /// Some topics cannot be published to.
    Stuck,
    /// The view is not live.
    Building,
}

impl Round {
    /// The one of two outcomes that needs more.
    pub(super) const fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Building, _) | (_, Self::Building) => Self::Building,
            (Self::Stuck, _) | (_, Self::Stuck) => Self::Stuck,
            (Self::Again, _) | (_, Self::Again) => Self::Again,
            (Self::More, _) | (_, Self::More) => Self::More,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}
