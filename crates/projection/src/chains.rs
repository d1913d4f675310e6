//! Which commits follow their entity's last one, found out once for all views that share a reading of the log.
//!
//! A view asks its own rows for what a reading cannot say: of entities whose last commit it has not read, or has forgotten. Of a new
//! entity that is asked of every view, and there is nothing to be found; so who reads the log from its beginning knows whom it has met.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use relevo_domain::{CommitHash, EntityId, Recorded, TenantId};

use crate::met::Met;

/// Entities of which a reading remembers the last commit, in each of two generations: those of some minutes of a busy node. At about
/// 100 bytes an entity 3 MB a reading, and there are rarely two.
const ENTITIES_MAX: usize = 16_384;

/// Entities that a reading of the whole past can tell from new ones: 4 MiB, for as long as it reads.
const ENTITIES_OF_A_PAST: u64 = 3_000_000;

/// What a reading of the log knows of a commit's predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The reading has seen the commit before, of the same entity, and this one follows it without a hole; or it has seen everything
    /// before, and this is the entity's first one. A view that has everything before this commit says the same, unless it has
    /// parked the entity.
    Follows,
    /// Nothing, or that it does not follow: a view looks into its own rows.
    Unknown,
}

/// The last commits of the entities that were read lately.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    young: HashMap<EntityId, Head, RandomState>,
    old: HashMap<EntityId, Head, RandomState>,
    /// Of the past, if it is read from its beginning.
    met: Option<Met>,
}

/// An entity's last commit. Two tenants' entities may have one id; then the one that was read last is remembered.
#[derive(Debug)]
struct Head {
    tenant: TenantId,
    version: u64,
    hash: CommitHash,
}

impl Chains {
    /// For a reading that begins with this sequence.
    pub(crate) fn from(next: u64) -> Self {
        Self { met: (next <= 1).then(|| Met::with_room_for(ENTITIES_OF_A_PAST)), ..Self::default() }
    }

    /// The past is read: of what comes now, little is new, and rows are near.
    pub(crate) fn is_there(&mut self) {
        self.met = None;
    }

    /// Takes the next commit of the log; every one must be shown, in order.
    pub(crate) fn link(&mut self, recorded: &Recorded) -> Link {
        let commit = &recorded.commit;
        let version = commit.last_version();
        let new = self.met.as_mut().is_some_and(|met| met.meet(&(&commit.tenant, &commit.entity)));
        if !self.young.contains_key(&commit.entity) {
            let head = self.old.remove(&commit.entity).filter(|head| head.tenant == commit.tenant);
            let head = head.unwrap_or_else(|| Head { tenant: commit.tenant.clone(), version: 0, hash: [0; 32] });
            if self.young.len() >= ENTITIES_MAX {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(commit.entity, head);
        }
        let Some(head) = self.young.get_mut(&commit.entity) else { return Link::Unknown };
        // Whether a first commit is the first one only rows can say, or who has met everybody.
        let known = (new || head.tenant == commit.tenant && head.version > 0) && !commit.events.is_empty();
        if new {
            // Somebody else's, if there is one.
            (head.version, head.hash) = (0, [0; 32]);
        }
        let follows = known && commit.first_version == head.version + 1 && commit.previous_hash == head.hash;
        if head.tenant != commit.tenant {
            head.tenant = commit.tenant.clone();
        }
        (head.version, head.hash) = (version, recorded.hash);
        if follows { Link::Follows } else { Link::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::entity::{EntityRow, follows};
    use crate::testing::history;

    /// What rows would say of each commit, and what a reading says.
    fn expect_sound(mut chains: Chains, commits: &[Recorded]) -> usize {
        let (mut rows, mut linked) = (BTreeMap::new(), 0);
        for recorded in commits {
            let key = (recorded.commit.tenant.clone(), recorded.commit.entity);
            let link = chains.link(recorded);
            if link == Link::Follows {
                linked += 1;
                assert_eq!(follows(rows.get(&key), recorded), Ok(()), "{}", recorded.sequence);
            }
            rows.insert(key, EntityRow::after(recorded));
        }
        linked
    }

    #[test]
    fn what_a_reading_says_is_what_rows_would_say() {
        let commits = history(7, 2_000);
        let linked = expect_sound(Chains::from(2), &commits);
        assert!(linked > 1_500, "{linked}");
        // Whoever reads from the beginning knows of first commits, too.
        let firsts = commits.iter().filter(|recorded| recorded.commit.first_version == 1).count();
        assert_eq!(expect_sound(Chains::from(1), &commits), linked + firsts);
        let mut there = Chains::from(1);
        there.is_there();
        assert_eq!(expect_sound(there, &commits), linked);
    }

    #[test]
    fn a_first_commit_that_is_not_the_first_is_left_to_the_rows() {
        let first = history(7, 1).remove(0);
        let link = |change: &dyn Fn(&mut Recorded)| {
            let (mut chains, mut second) = (Chains::from(1), first.clone());
            assert_eq!(chains.link(&first), Link::Follows);
            change(&mut second);
            chains.link(&second)
        };
        assert_eq!(link(&|_| {}), Link::Unknown, "twice");
        let another = |recorded: &mut Recorded| recorded.commit.tenant = TenantId::new("another-house").unwrap();
        assert_eq!(link(&another), Link::Follows, "somebody else's of the same id");
        let late = |recorded: &mut Recorded| {
            another(recorded);
            recorded.commit.first_version = 2;
        };
        assert_eq!(link(&late), Link::Unknown, "one that lacks what was before it");
        let odd = |recorded: &mut Recorded| {
            another(recorded);
            recorded.commit.previous_hash = [1; 32];
        };
        assert_eq!(link(&odd), Link::Unknown, "one that names a predecessor");
    }

    #[test]
    fn a_hole_another_predecessor_and_an_empty_commit_are_left_to_the_rows() {
        let commits = history(7, 2_000);
        let second = commits.iter().position(|recorded| recorded.commit.first_version > 1).unwrap();
        let link_with = |change: &dyn Fn(&mut Recorded)| {
            let mut changed = commits[second].clone();
            change(&mut changed);
            let mut chains = Chains::default();
            for recorded in &commits[..second] {
                chains.link(recorded);
            }
            chains.link(&changed)
        };
        assert_eq!(link_with(&|_| {}), Link::Follows);
        assert_eq!(link_with(&|recorded| recorded.commit.first_version += 1), Link::Unknown);
        assert_eq!(link_with(&|recorded| recorded.commit.previous_hash[0] ^= 1), Link::Unknown);
        assert_eq!(link_with(&|recorded| recorded.commit.events.clear()), Link::Unknown);
        let other = TenantId::new("another-house").unwrap();
        assert_eq!(link_with(&|recorded| recorded.commit.tenant = other.clone()), Link::Unknown);
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let mut recorded = history(7, 1).remove(0);
        let mut chains = Chains::default();
        for number in 0..5 * ENTITIES_MAX as u128 {
            recorded.commit.entity = EntityId::new(recorded.commit.entity.kind(), number.to_be_bytes());
            chains.link(&recorded);
        }
        assert!(chains.young.len() <= ENTITIES_MAX && chains.old.len() <= ENTITIES_MAX);
    }
}
