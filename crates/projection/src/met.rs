//! Which entities a reading has met since the log's beginning, in little memory: it may take a new one for one that it has met, never
//! the other way round.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use relevo_domain::{EntityId, TenantId};

/// Bits of the filter: of three million entities one in a hundred new ones is taken for met, and its rows are asked. 4 MiB, for as long
/// as the past is read.
const BITS: usize = 1 << 25;
const BITS_AN_ENTITY: u64 = 5;

/// A Bloom filter.
#[derive(Debug)]
pub(crate) struct Met {
    words: Vec<u64>,
    hasher: RandomState,
}

impl Met {
    pub(crate) fn new() -> Self {
        Self { words: vec![0; BITS / 64], hasher: RandomState::default() }
    }

    /// Meets an entity; tells whether it was certainly not met before.
    pub(crate) fn is_new(&mut self, tenant: &TenantId, entity: &EntityId) -> bool {
        let hash = self.hasher.hash_one((tenant, entity));
        // Odd, so that no two of the places are the same.
        let (mut place, step) = (hash, (hash >> 32) | 1);
        let mut new = false;
        for _bit in 0..BITS_AN_ENTITY {
            let at = place as usize % BITS;
            let (word, bit) = (&mut self.words[at / 64], 1 << (at % 64));
            new |= *word & bit == 0;
            *word |= bit;
            place = place.wrapping_add(step);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::EntityKind;

    use super::*;

    #[test]
    fn what_was_met_is_never_new_and_what_is_new_rarely_met() {
        const ENTITIES: u128 = 200_000;
        let mut met = Met::new();
        let tenants = ["a", "b"].map(|name| TenantId::new(name).unwrap());
        let entity = |number: u128| EntityId::new(EntityKind::Contact, number.to_be_bytes());
        let meet = |met: &mut Met| {
            (0..ENTITIES)
                .flat_map(|n| tenants.each_ref().map(|tenant| met.is_new(tenant, &entity(n))))
                .filter(|new| *new)
                .count()
        };
        let new = meet(&mut met);
        assert!(new as u128 > 2 * ENTITIES * 999 / 1_000, "{new}");
        assert_eq!(meet(&mut met), 0);
    }
}
