//! Counters of one channel. The equation holds by construction: every update adds one to `updates` and one to another.

use relevo_channels::Class;

/// What became of updates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    pub updates: u64,
    pub messages: u64,
    pub statuses: u64,
    pub other_updates: u64,
    pub duplicates: u64,
    pub parked: u64,
}

/// The one counter, beside `updates`, that an update is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    Stored(Class),
    Duplicate,
    Parked,
}

impl Counters {
    /// Counts one update.
    pub(crate) fn add(&mut self, became: Became) {
        self.updates += 1;
        *self.slot(became) += 1;
    }

    /// Takes one update back, which then counts elsewhere.
    pub(crate) fn remove(&mut self, became: Became) {
        self.updates = self.updates.saturating_sub(1);
        let slot = self.slot(became);
        *slot = slot.saturating_sub(1);
    }

    /// The sum of two.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            updates: self.updates + other.updates,
            messages: self.messages + other.messages,
            statuses: self.statuses + other.statuses,
            other_updates: self.other_updates + other.other_updates,
            duplicates: self.duplicates + other.duplicates,
            parked: self.parked + other.parked,
        }
    }

    /// Whether the public equation holds.
    pub const fn balanced(&self) -> bool {
        self.updates == self.messages + self.statuses + self.other_updates + self.duplicates + self.parked
    }

    const fn slot(&mut self, became: Became) -> &mut u64 {
        match became {
            Became::Stored(Class::Message) => &mut self.messages,
            Became::Stored(Class::Status) => &mut self.statuses,
            Became::Stored(Class::Other) => &mut self.other_updates,
            Became::Duplicate => &mut self.duplicates,
            Became::Parked => &mut self.parked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any() -> impl Strategy<Value = Became> {
        prop::sample::select(vec![
            Became::Stored(Class::Message),
            Became::Stored(Class::Status),
            Became::Stored(Class::Other),
            Became::Duplicate,
            Became::Parked,
        ])
    }

    proptest! {
        #[test]
        fn the_equation_always_holds(all in prop::collection::vec((any(), any()), 0..100)) {
            let mut counters = Counters::default();
            for (first, then) in &all {
                counters.add(*first);
                prop_assert!(counters.balanced());
                counters.remove(*first);
                counters.add(*then);
                prop_assert!(counters.balanced());
            }
            prop_assert_eq!(counters.updates, all.len() as u64);
        }
    }
}
