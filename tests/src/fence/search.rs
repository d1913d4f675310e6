//! Looks for a way to break a promise: everywhere, as far as a budget goes; by chance, much farther. What it finds is made as short
//! as it can be.

use std::collections::HashSet;
use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_eventlog::Faults;

use super::promise::Violation;
use super::step::Step;
use super::world::{Budget, Variant, World};

/// Steps of one way: far more than any budget allows.
const STEPS_MAX: usize = 400;

/// What was looked at.
#[derive(Default)]
pub struct Search {
    seen: HashSet<u64>,
    /// The most states that are looked at; what is left then is not known.
    states_max: usize,
    complete: bool,
}

/// A way that leads to a broken promise.
#[derive(Clone, Debug)]
pub struct Counterexample {
    pub violation: Violation,
    pub steps: Vec<Step>,
}

impl Search {
    pub fn new(states_max: usize) -> Self {
        Self { seen: HashSet::new(), states_max, complete: true }
    }

    /// Distinct states that were seen.
    pub fn states(&self) -> usize {
        self.seen.len()
    }

    /// Whether everything was looked at that the budgets allow.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Every way that the budget allows.
    pub fn exhaust(&mut self, variant: Variant, budget: Budget) -> Result<(), Counterexample> {
        let world = World::new(variant, budget);
        let mut path = Vec::new();
        let found = self.from(&world, &mut path);
        found.map_err(|violation| Counterexample { violation, steps: path }.shortest(variant, budget))
    }

    /// On a violation `path` holds the steps that lead to it.
    fn from(&mut self, world: &World, path: &mut Vec<Step>) -> Result<(), Violation> {
        if self.seen.len() >= self.states_max {
            self.complete = false;
            return Ok(());
        }
        if !self.seen.insert(world.fingerprint()) || path.len() >= STEPS_MAX {
            return Ok(());
        }
        for step in world.steps() {
            path.push(step);
            self.from(&world.after(step)?, path)?;
            path.pop();
        }
        Ok(())
    }

    /// One long way by chance, on a log that draws faults of its own.
    pub fn walk(&mut self, seed: u64, variant: Variant, budget: Budget, faults: Faults) -> Result<(), Counterexample> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::stormy(seed, faults, variant, budget);
        let mut path = Vec::new();
        while path.len() < STEPS_MAX {
            self.seen.insert(world.fingerprint());
            let steps = world.steps();
            if steps.is_empty() {
                break;
            }
            let step = steps[random.random_range(0..steps.len())];
            path.push(step);
            if let Err(violation) = world.happens(step) {
                return Err(Counterexample { violation, steps: path }.shortest(variant, budget));
            }
        }
        Ok(())
    }
}

impl Counterexample {
    /// The same without every step that it does not need.
    fn shortest(mut self, variant: Variant, budget: Budget) -> Self {
        let mut at = 0;
        while at < self.steps.len() {
            let mut fewer = self.steps.clone();
            fewer.remove(at);
            match replay(variant, budget, &fewer) {
                Some((violation, length)) if violation == self.violation => {
                    fewer.truncate(length);
                    self.steps = fewer;
                    at = 0;
                }
                Some(_) | None => at += 1,
            }
        }
        self
    }

    /// The steps, one a line, for a person.
    pub fn told(&self) -> String {
        let mut told = format!("{}:\n", self.violation);
        for (n, step) in self.steps.iter().enumerate() {
            writeln!(told, "{:>3}. {step:?}", n + 1).unwrap();
        }
        told
    }
}

/// What these steps lead to, and after how many; nothing if one of them cannot be.
fn replay(variant: Variant, budget: Budget, steps: &[Step]) -> Option<(Violation, usize)> {
    let mut world = World::new(variant, budget);
    for (n, step) in steps.iter().enumerate() {
        if !world.steps().contains(step) {
            return None;
        }
        if let Err(violation) = world.happens(*step) {
            return Some((violation, n + 1));
        }
    }
    None
}
