//! Capitals: when they are a raised voice, and when only a code, a name, an address or somebody's habit.

use super::memory::Memory;
use super::pattern::Hit;
use super::rule::{List, Rule};
use super::words::{Case, Text};

/// Words in capitals that make a raised voice; fewer are an emphasis or a name.
const LOUD_WORDS_MIN: usize = 3;
/// Words that a message needs to show how somebody writes.
const MANNER_WORDS_MIN: usize = 2;

/// How somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Loud,
    Calm,
}

/// How a message is written, if it is long enough to tell.
pub(super) fn manner(text: &Text) -> Option<Manner> {
    let count = |case: Case| text.words.iter().filter(|word| word.case == case).count();
    let (loud, calm) = (count(Case::Loud), count(Case::Calm));
    if loud + calm < MANNER_WORDS_MIN {
        return None;
    }
    // A word in small letters may slip into a message in capitals, but not one in five.
    Some(if loud > 4 * calm { Manner::Loud } else { Manner::Calm })
}

/// The word of the list that shows that the capitals are meant: a demand, a refusal, a question.
pub(super) fn shouted<'a, 'h>(memory: &Memory, text: &Text, hits: &'h [Hit<'a>]) -> Option<&'h Hit<'a>> {
    let mut own = hits.iter().filter(|hit| hit.entry.rule == Rule::Shouting);
    if own.clone().any(|hit| hit.entry.list == List::Exceptions) {
        return None;
    }
    if memory.always_in_capitals() && !text.insistent {
        return None;
    }
    let (start, end) = loudest(text)?;
    own.find(|hit| start <= hit.start() && hit.end() <= end)
}

/// The longest run of words in capitals, if it is long enough. Single letters and numbers do not end a run.
fn loudest(text: &Text) -> Option<(usize, usize)> {
    let (mut best, mut best_loud) = (None, LOUD_WORDS_MIN - 1);
    let (mut start, mut loud) = (0, 0);
    for (index, word) in text.words.iter().enumerate() {
        match word.case {
            Case::Loud => loud += 1,
            Case::Neither => {}
            Case::Calm => (start, loud) = (index + 1, 0),
        }
        if loud > best_loud {
            (best, best_loud) = (Some((start, index + 1)), loud);
        }
    }
    best
}
