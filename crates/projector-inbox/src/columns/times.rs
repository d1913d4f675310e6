//! A chunk's slots in the order of a time that not all of them have: which have one up to now, as a mask, without a look at each.

use super::mask::Mask;

/// Slots between two masks that are kept: a mask is at most so many slots away from one of them.
const STEP: usize = 64;

/// Slots that have a time, ascending by it; of equals the lower slot first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// Apart from the slots, so that looking for one touches little memory.
    ascending: Vec<i64>,
    slots: Vec<u16>,
    /// The first 64 slots, the first 128, and so on: as many as there are.
    steps: Vec<Mask>,
}

impl Times {
    pub(crate) fn remove(&mut self, slot: usize, time: i64) {
        let place = self.place(slot, time);
        if self.slots.get(place).is_none_or(|found| usize::from(*found) != slot) {
            return;
        }
        self.ascending.remove(place);
        self.slots.remove(place);
        self.steps.truncate(self.slots.len() / STEP);
        for (index, step) in self.steps.iter_mut().enumerate().skip(place / STEP) {
            step.set(slot, false);
            step.set(usize::from(self.slots[(index + 1) * STEP - 1]), true);
        }
    }

    /// Puts a slot in that is not here.
    pub(crate) fn insert(&mut self, slot: usize, time: i64) {
        let place = self.place(slot, time);
        self.ascending.insert(place, time);
        // A chunk has 1,024 slots.
        self.slots.insert(place, slot as u16);
        for (index, step) in self.steps.iter_mut().enumerate().skip(place / STEP) {
            // It pushes the last one out of each; what comes after it never was there.
            step.set(slot, true);
            step.set(usize::from(self.slots[(index + 1) * STEP]), false);
        }
        if self.slots.len().is_multiple_of(STEP) {
            self.steps.push(mask_of(&self.slots));
        }
    }

    /// The slots whose time is not later than this.
    #[inline]
    pub(crate) fn until(&self, time: i64) -> Mask {
        let count = self.count_until(time);
        let whole = count / STEP;
        let mut mask = whole.checked_sub(1).map_or(Mask::EMPTY, |step| self.steps[step]);
        for slot in &self.slots[whole * STEP..count] {
            mask.set(usize::from(*slot), true);
        }
        mask
    }

    /// The first time that is later than this.
    pub(crate) fn next(&self, time: i64) -> Option<i64> {
        self.ascending.get(self.count_until(time)).copied()
    }

    #[inline]
    fn count_until(&self, time: i64) -> usize {
        // The ends answer most questions.
        match (self.ascending.first(), self.ascending.last()) {
            (Some(first), _) if *first > time => 0,
            (_, Some(last)) if *last <= time => self.ascending.len(),
            _ => self.ascending.partition_point(|found| *found <= time),
        }
    }

    fn place(&self, slot: usize, time: i64) -> usize {
        let from = self.ascending.partition_point(|found| *found < time);
        let equal = self.ascending[from..].partition_point(|found| *found == time);
        from + self.slots[from..from + equal].partition_point(|found| usize::from(*found) < slot)
    }
}

fn mask_of(slots: &[u16]) -> Mask {
    let mut mask = Mask::EMPTY;
    for slot in slots {
        mask.set(usize::from(*slot), true);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::super::mask::SLOTS;
    use super::*;

    #[test]
    fn masks_equal_a_plain_column_while_times_come_and_go() {
        let (mut times, mut plain) = (Times::default(), vec![None; SLOTS]);
        for step in 0u32..12_000 {
            let scattered = step.wrapping_mul(2_654_435_761) >> 6;
            let slot = scattered as usize % SLOTS;
            if let Some(time) = plain[slot].take() {
                times.remove(slot, time);
            }
            // Few times, so that many are equal; towards the end more go than come.
            if !scattered.is_multiple_of(if step < 8_000 { 7 } else { 2 }) {
                let time = i64::from(scattered >> 10) % 300;
                plain[slot] = Some(time);
                times.insert(slot, time);
            }
            let now = i64::from(step % 320) - 10;
            let mut wanted = Mask::EMPTY;
            (0..SLOTS)
                .filter(|slot| plain[*slot].is_some_and(|time| time <= now))
                .for_each(|slot| wanted.set(slot, true));
            assert_eq!(times.until(now), wanted, "step {step}");
            assert_eq!(times.next(now), plain.iter().flatten().filter(|time| **time > now).min().copied());
            assert_eq!(times.steps.len(), times.slots.len() / STEP);
        }
    }
}
