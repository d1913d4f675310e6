//! What may be done at the same time, and what must wait for what: a queue by keys. Pure.
//!
//! A task comes after every earlier task that it shares a key with, and after those that these share keys with: whoever is known
//! by two names in one task is one person for as long as that task, or one behind it, is not done.

use std::collections::HashMap;

/// A name of what a task may touch: a hash. Two names that meet only make their tasks wait for each other.
pub(crate) type Key = u64;

/// Names a task, in the order of admission.
pub(crate) type TaskId = u64;

/// Keys that a group may remember of tasks that are done; then it forgets them.
const KEYS_KEPT_MAX: usize = 1_024;

/// Tasks that are not done.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    next: TaskId,
    tasks: HashMap<TaskId, Task>,
    groups: HashMap<u64, Group>,
    group_of: HashMap<Key, u64>,
}

#[derive(Debug)]
struct Task {
    keys: Vec<Key>,
    /// How many tasks it still waits for.
    waits: usize,
    followers: Vec<TaskId>,
}

/// Tasks in a row.
#[derive(Debug)]
struct Group {
    /// The last one that was admitted.
    tail: TaskId,
    open: usize,
    keys: Vec<Key>,
    /// It forgets keys when it has more than this.
    keys_max: usize,
}

impl Queue {
    /// Takes a task in; tells its id, and whether it may begin at once.
    pub(crate) fn admit(&mut self, mut keys: Vec<Key>) -> (TaskId, bool) {
        keys.sort_unstable();
        keys.dedup();
        let id = self.next;
        self.next += 1;
        let mut touched: Vec<u64> = keys.iter().filter_map(|key| self.group_of.get(key).copied()).collect();
        touched.sort_unstable();
        touched.dedup();
        let mut waits = 0;
        let mut group = Group { tail: id, open: 1, keys: Vec::new(), keys_max: KEYS_KEPT_MAX };
        // Into the largest one: the keys of the others are few.
        touched.sort_by_key(|known| std::cmp::Reverse(self.groups.get(known).map_or(0, |group| group.keys.len())));
        let at = touched.first().copied().unwrap_or(id);
        for known in touched {
            let Some(other) = self.groups.remove(&known) else { continue };
            if let Some(tail) = self.tasks.get_mut(&other.tail) {
                tail.followers.push(id);
                waits += 1;
            }
            group.open += other.open;
            group.keys_max = group.keys_max.max(other.keys_max);
            if known == at {
                group.keys = other.keys;
            } else {
                for key in other.keys {
                    self.group_of.insert(key, at);
                    group.keys.push(key);
                }
            }
        }
        for key in &keys {
            if self.group_of.insert(*key, at).is_none() {
                group.keys.push(*key);
            }
        }
        self.tasks.insert(id, Task { keys, waits, followers: Vec::new() });
        if !group.keys.is_empty() {
            if group.keys.len() > group.keys_max {
                self.forget(at, &mut group);
            }
            self.groups.insert(at, group);
        }
        (id, waits == 0)
    }

    /// The task is done; tells which may begin now.
    pub(crate) fn finish(&mut self, id: TaskId) -> Vec<TaskId> {
        let Some(task) = self.tasks.remove(&id) else { return Vec::new() };
        if let Some(at) = task.keys.first().and_then(|key| self.group_of.get(key)).copied()
            && let Some(group) = self.groups.get_mut(&at)
        {
            group.open -= 1;
            if group.open == 0 {
                for key in self.groups.remove(&at).map(|group| group.keys).unwrap_or_default() {
                    self.group_of.remove(&key);
                }
            }
        }
        let mut ready = Vec::new();
        for follower in task.followers {
            if let Some(waiting) = self.tasks.get_mut(&follower) {
                waiting.waits -= 1;
                if waiting.waits == 0 {
                    ready.push(follower);
                }
            }
        }
        ready
    }

    /// How many tasks are not done.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Leaves a group that is never done with the keys of its tasks that are not done.
    fn forget(&mut self, at: u64, group: &mut Group) {
        for key in group.keys.drain(..) {
            self.group_of.remove(&key);
        }
        // All that was removed is put back, if a task of this group has it: a task has keys of one group only.
        for key in self.tasks.values().flat_map(|task| &task.keys) {
            if !self.group_of.contains_key(key) {
                self.group_of.insert(*key, at);
                group.keys.push(*key);
            }
        }
        group.keys_max = KEYS_KEPT_MAX.max(group.keys.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_do_not_wait_and_the_same_one_does() {
        let mut queue = Queue::default();
        let (a, first) = queue.admit(vec![1]);
        let (_, stranger) = queue.admit(vec![2]);
        let (b, second) = queue.admit(vec![1, 1]);
        let (c, third) = queue.admit(vec![1]);
        assert_eq!((first, stranger, second, third), (true, true, false, false));
        assert_eq!(queue.finish(a), [b]);
        assert_eq!(queue.finish(b), [c]);
        assert!(queue.finish(c).is_empty());
        assert!(queue.admit(vec![1]).1);
    }

    #[test]
    fn who_has_two_names_is_one_person() {
        let mut queue = Queue::default();
        let (both, _) = queue.admit(vec![1, 2]);
        let (one, one_at_once) = queue.admit(vec![1]);
        // Shares no key with `one`, and yet is the same person.
        let (two, two_at_once) = queue.admit(vec![2]);
        assert!(!one_at_once && !two_at_once);
        assert_eq!(queue.finish(both), [one]);
        assert_eq!(queue.finish(one), [two]);
    }

    #[test]
    fn what_brings_two_together_waits_for_both() {
        let mut queue = Queue::default();
        let (one, _) = queue.admit(vec![1]);
        let (two, two_at_once) = queue.admit(vec![2]);
        let (both, both_at_once) = queue.admit(vec![1, 2, 3]);
        let (after, after_at_once) = queue.admit(vec![2]);
        assert_eq!((two_at_once, both_at_once, after_at_once), (true, false, false));
        assert!(queue.finish(two).is_empty());
        assert_eq!(queue.finish(one), [both]);
        assert_eq!(queue.finish(both), [after]);
        queue.finish(after);
        assert!(queue.groups.is_empty() && queue.group_of.is_empty() && queue.tasks.is_empty());
    }

    #[test]
    fn what_has_no_key_waits_for_nobody() {
        let mut queue = Queue::default();
        assert!(queue.admit(vec![]).1 && queue.admit(vec![]).1);
        assert_eq!(queue.len(), 2);
        assert!(queue.finish(0).is_empty() && queue.finish(1).is_empty());
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn one_that_is_never_done_does_not_grow_for_ever() {
        let mut queue = Queue::default();
        let mut last = queue.admit(vec![0]).0;
        let other = queue.admit(vec![u64::MAX]).0;
        for n in 1..10 * KEYS_KEPT_MAX as u64 {
            let (id, at_once) = queue.admit(vec![n, n - 1]);
            assert!(!at_once);
            assert_eq!(queue.finish(last), [id]);
            last = id;
        }
        assert!(queue.group_of.len() < 2 * KEYS_KEPT_MAX, "{}", queue.group_of.len());
        assert!(!queue.admit(vec![u64::MAX]).1, "another group's key is its own");
        queue.finish(other);
    }

    /// Any order of ends keeps the order of all that share a key.
    #[test]
    fn nothing_overtakes() {
        let mut seed = 1_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        let mut queue = Queue::default();
        let (mut keys, mut running, mut done) = (HashMap::new(), Vec::new(), Vec::new());
        for _ in 0..5_000 {
            if random(2) == 0 || running.is_empty() {
                let of: Vec<u64> = (0..=random(2)).map(|_| random(20)).collect();
                let (id, at_once) = queue.admit(of.clone());
                keys.insert(id, of);
                running.extend(at_once.then_some(id));
            } else {
                let id = running.swap_remove(usize::try_from(random(running.len() as u64)).unwrap());
                done.push(id);
                running.extend(queue.finish(id));
            }
        }
        let mut last: HashMap<u64, u64> = HashMap::new();
        for id in &done {
            for key in &keys[id] {
                let before = last.insert(*key, *id);
                assert!(before.is_none_or(|before| before <= *id), "{id} was overtaken");
            }
        }
        assert!(done.len() > 1_000);
    }
}
