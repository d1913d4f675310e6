//! Is there an order in which a recorded history could have happened one operation at a time?
//!
//! A history is what several clients asked of one object, with the moments of asking and of the answer. It is linearizable if each
//! operation can be given one instant between the two, so that the object, used by one client in this order, gives these very
//! answers. An operation without an answer may have happened at any instant after it was asked, or not at all.
//!
//! The search goes through the orders depth first and remembers which operations it had placed in which state (after Wing and
//! Gong, with Lowe's memory of configurations). It looks at one object at a time: whoever records partitions by object. A search
//! that would take too long is an error, never a yes.

pub mod conversation;
#[cfg(test)]
mod laws;

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

/// Configurations that one search looks at, at most: far more than a history of the suites needs, about a second of work.
pub const CONFIGURATIONS_MAX: usize = 2_000_000;

/// An object that is used by one client.
pub trait Model {
    type State: Clone + Eq + Hash + fmt::Debug;
    type Operation: fmt::Debug;
    type Answer: fmt::Debug;

    /// What the object is like before anything is asked of it.
    fn initial(&self) -> Self::State;

    /// The object afterwards, if this operation may be answered like this in this state. `None` as the answer: nobody knows it, and
    /// the operation is supposed to happen now; the state it leads to, or `None` if it would change nothing.
    fn step(
        &self,
        state: &Self::State,
        operation: &Self::Operation,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;

    /// Whether the answer of the first, given before the second was asked for, binds the second. An answer that tells the client of
    /// no moment that others could wait for does not bind who reads.
    fn binds(&self, _first: &Recorded<Self::Operation, Self::Answer>, _second: &Self::Operation) -> bool {
        true
    }
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<O, A> {
    /// Who asked: for whoever reads of a broken history.
    pub client: u32,
    pub operation: O,
    /// When it was asked, on a clock of the whole history.
    pub asked: u64,
    /// When it was answered, and with what. Absent if the client does not know whether it happened.
    pub answered: Option<(u64, A)>,
}

/// Why a history is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No order explains the answers.
    NotLinearizable {
        /// The longest beginning of an order that was found, as places in the history.
        placed: Vec<usize>,
        /// The state that it led to.
        state: String,
        /// What could have come next, and does not fit: places in the history.
        stuck: Vec<usize>,
    },
    /// The search was given up.
    TooLong { configurations: usize },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinearizable { placed, state, stuck } => {
                let placed = placed.len();
                write!(
                    f,
                    "no order explains the answers: {placed} operations lead to {state}, then none of {stuck:?} fits"
                )
            }
            Self::TooLong { configurations } => write!(f, "given up after {configurations} configurations"),
        }
    }
}

/// Looks for an order. Answers with one: places in the history.
pub fn check<M: Model>(model: &M, history: &[Recorded<M::Operation, M::Answer>]) -> Result<Vec<usize>, Broken> {
    check_within(model, history, CONFIGURATIONS_MAX)
}

/// The same with another limit.
pub fn check_within<M: Model>(
    model: &M,
    history: &[Recorded<M::Operation, M::Answer>],
    configurations_max: usize,
) -> Result<Vec<usize>, Broken> {
    Search::new(model, history, configurations_max).run()
}

/// Places of a history, as bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Places(Vec<u64>);

impl Places {
    fn none(of: usize) -> Self {
        Self(vec![0; of.div_ceil(64)])
    }

    fn set(&mut self, place: usize, on: bool) {
        let bit = 1 << (place % 64);
        if on {
            self.0[place / 64] |= bit;
        } else {
            self.0[place / 64] &= !bit;
        }
    }

    fn has(&self, place: usize) -> bool {
        self.0[place / 64] & (1 << (place % 64)) != 0
    }

    fn within(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).all(|(own, other)| own & !other == 0)
    }
}

struct Search<'h, M: Model> {
    model: &'h M,
    history: &'h [Recorded<M::Operation, M::Answer>],
    /// For each operation, those that must stand before it.
    before: Vec<Places>,
    /// The operations that have an answer: all of them must be placed.
    answered: Places,
    /// Operations by the time of their asking: who was asked for early is tried early.
    by_asking: Vec<usize>,
    configurations_max: usize,
}

/// One step of the order.
struct Step<S> {
    place: usize,
    /// The state before it.
    state: S,
    /// Where in the order of asking the search goes on if this step is taken back.
    next: usize,
}

impl<'h, M: Model> Search<'h, M> {
    fn new(model: &'h M, history: &'h [Recorded<M::Operation, M::Answer>], configurations_max: usize) -> Self {
        let places = history.len();
        let mut answered = Places::none(places);
        let mut before = vec![Places::none(places); places];
        for (first, one) in history.iter().enumerate() {
            let Some((at, _)) = &one.answered else { continue };
            answered.set(first, true);
            for (second, other) in history.iter().enumerate() {
                let follows = *at < other.asked && model.binds(one, &other.operation);
                before[second].set(first, follows && first != second);
            }
        }
        let mut by_asking: Vec<usize> = (0..places).collect();
        by_asking.sort_by_key(|place| history[*place].asked);
        Self { model, history, before, answered, by_asking, configurations_max }
    }

    fn run(&self) -> Result<Vec<usize>, Broken> {
        let mut state = self.model.initial();
        let mut placed = Places::none(self.history.len());
        let mut order: Vec<Step<M::State>> = Vec::new();
        let mut seen: HashSet<(Places, M::State)> = HashSet::new();
        let mut longest = (Vec::new(), state.clone());
        let mut from = 0;
        loop {
            if self.answered.within(&placed) {
                return Ok(order.iter().map(|step| step.place).collect());
            }
            if let Some((at, place, next)) = self.next(&state, &placed, from) {
                placed.set(place, true);
                if seen.insert((placed.clone(), next.clone())) {
                    if seen.len() > self.configurations_max {
                        return Err(Broken::TooLong { configurations: seen.len() });
                    }
                    order.push(Step { place, state: std::mem::replace(&mut state, next), next: at + 1 });
                    if order.len() > longest.0.len() {
                        longest = (order.iter().map(|step| step.place).collect(), state.clone());
                    }
                    from = 0;
                } else {
                    // Been there, by another way.
                    placed.set(place, false);
                    from = at + 1;
                }
                continue;
            }
            let Some(step) = order.pop() else { return Err(self.stuck(longest)) };
            placed.set(step.place, false);
            state = step.state;
            from = step.next;
        }
    }

    /// The first operation in the order of asking, from `from` on, that can be the next one; with the state that it leads to.
    fn next(&self, state: &M::State, placed: &Places, from: usize) -> Option<(usize, usize, M::State)> {
        self.by_asking.iter().enumerate().skip(from).find_map(|(at, place)| {
            if placed.has(*place) || !self.before[*place].within(placed) {
                return None;
            }
            let recorded = &self.history[*place];
            let answer = recorded.answered.as_ref().map(|(_, answer)| answer);
            let next = self.model.step(state, &recorded.operation, answer)?;
            Some((at, *place, next))
        })
    }

    fn stuck(&self, (order, state): (Vec<usize>, M::State)) -> Broken {
        let mut placed = Places::none(self.history.len());
        for place in &order {
            placed.set(*place, true);
        }
        let could = |place: &usize| {
            let answered = self.history[*place].answered.is_some();
            answered && !placed.has(*place) && self.before[*place].within(&placed)
        };
        let stuck = self.by_asking.iter().copied().filter(could).collect();
        Broken::NotLinearizable { placed: order, state: format!("{state:?}"), stuck }
    }
}
