//! Where the next look at a channel's turns begins. A look examines so many turns and no more; if that many are left out (thousands
//! of messages are held, or rest), the next look goes on behind them, round and round, so that none waits for those before it.

use std::time::Duration;

use crate::delivery::{Turn, Turns};

/// Pause before the next part of a round: an answer behind thousands of held messages goes within moments, and looking at these
/// takes a small part of the time.
const PART_EVERY: Duration = Duration::from_millis(200);

/// A round over a channel's turns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    behind: Option<Turn>,
}

impl Round {
    /// Behind which turn to look; from the first one if there is none.
    pub(crate) const fn behind(self) -> Option<Turn> {
        self.behind
    }

    /// Notes where a look ended. Answers with when to look again, if the round is not over.
    pub(crate) fn ended(&mut self, turns: &Turns) -> Option<Duration> {
        // As long as one look reaches those that can go, the earliest come first.
        self.behind = turns.last.filter(|_| turns.tired || self.behind.is_some());
        self.behind.map(|_| PART_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use relevo_domain::{EntityId, EntityKind, Timestamp};

    use super::*;
    use crate::delivery::TURNS_EXAMINED_MAX;

    /// A look at turns 0 to `all` of which those that `skip` names are left out.
    fn look(round: &mut Round, all: u32, limit: usize, skip: impl Fn(u32) -> bool) -> (Vec<u32>, bool) {
        let turn = |number: u32| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            Turn {
                conversation: EntityId::new(EntityKind::Conversation, id),
                at: Timestamp::from_seconds(i64::from(number)),
            }
        };
        let first = round.behind().map_or(0, |turn| u32::try_from(turn.at.as_millis() / 1_000).unwrap() + 1);
        let (mut turns, mut numbers, mut examined) = (Turns::default(), Vec::new(), 0);
        for number in first..all {
            if numbers.len() >= limit || examined >= TURNS_EXAMINED_MAX {
                (turns.last, turns.tired) = (Some(turn(number - 1)), numbers.len() < limit);
                break;
            }
            examined += 1;
            if !skip(number) {
                numbers.push(number);
                turns.found.push(turn(number));
            }
        }
        let again = round.ended(&turns).is_some();
        (numbers, again)
    }

    #[test]
    fn what_stands_behind_thousands_of_held_messages_is_reached_in_a_few_looks() {
        let mut round = Round::default();
        let held = |number: u32| number != 9_999;
        assert_eq!(look(&mut round, 10_000, 8, held), (vec![], true));
        assert_eq!(look(&mut round, 10_000, 8, held), (vec![], true));
        assert_eq!(look(&mut round, 10_000, 8, held), (vec![9_999], false));
        assert_eq!(look(&mut round, 10_000, 8, held), (vec![], true), "then it begins anew");
    }

    #[test]
    fn a_round_reaches_everything_and_without_need_for_one_the_earliest_come_first() {
        let mut round = Round::default();
        assert_eq!(look(&mut round, 100, 3, |_| false), (vec![0, 1, 2], false));
        assert_eq!(look(&mut round, 100, 3, |_| false), (vec![0, 1, 2], false));
        // What was found is at work, and is left out like what is held.
        let mut reached = BTreeSet::new();
        for _ in 0..20 {
            let (found, _) = look(&mut round, 20_000, 2, |number| number % 1_000 != 999 || reached.contains(&number));
            reached.extend(found);
        }
        assert_eq!(reached.len(), 20);
    }
}
