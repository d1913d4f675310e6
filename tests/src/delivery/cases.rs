//! Cases: each has a name and an expectation, and says what was seen instead if it goes wrong.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// No case takes longer: an unknown outcome after a kill takes a minute and a half.
const CASE_MAX: Duration = Duration::from_mins(5);

/// Cases of one test at a time.
const TEST_CASES: usize = 8;

/// What a case, or a step of it, comes to.
pub type Verdict<T = ()> = Result<T, Wrong>;

/// It went otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub expected: String,
    pub seen: String,
}

/// One case.
pub struct Case {
    name: String,
    work: Pin<Box<dyn Future<Output = Verdict>>>,
}

/// Cases that are to be run.
#[derive(Default)]
pub struct Cases(Vec<Case>);

/// What all of them came to.
#[derive(Debug, Default)]
pub struct Tally {
    pub cases: usize,
    pub wrong: Vec<(String, Wrong)>,
}

// === impl Wrong ===

impl Wrong {
    pub fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into() }
    }

    pub fn unless(holds: bool, expected: impl FnOnce() -> String, seen: impl FnOnce() -> String) -> Verdict {
        if holds { Ok(()) } else { Err(Self::new(expected(), seen())) }
    }
}

/// Equal, or wrong.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T) -> Verdict {
    Wrong::unless(expected == seen, || format!("{what} {expected:?}"), || format!("{seen:?}"))
}

// === impl Cases ===

impl Cases {
    pub fn add(&mut self, name: impl Into<String>, work: impl Future<Output = Verdict> + 'static) {
        self.0.push(Case { name: name.into(), work: Box::pin(work) });
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Without those whose name contains the text.
    #[must_use]
    pub fn without(mut self, text: &str) -> Self {
        self.0.retain(|case| !case.name.contains(text));
        self
    }

    /// Runs them, and panics with every one that goes wrong: for tests.
    pub async fn all_right(self) {
        assert!(!self.is_empty(), "no case");
        let local = tokio::task::LocalSet::new();
        let tally = local.run_until(self.run(TEST_CASES, |_, _, _| {})).await;
        let wrong: Vec<String> = tally
            .wrong
            .iter()
            .map(|(name, Wrong { expected, seen })| format!("{name}\n  expected: {expected}\n  seen: {seen}"))
            .collect();
        assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), tally.cases, wrong.join("\n"));
    }

    /// Only those whose name contains the text.
    #[must_use]
    pub fn only(mut self, text: &str) -> Self {
        self.0.retain(|case| case.name.contains(text));
        self
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs them inside a `LocalSet`, so many at a time. `told` hears of each as it ends.
    pub async fn run(self, at_a_time: usize, told: impl Fn(&str, Duration, &Verdict)) -> Tally {
        let permits = Arc::new(Semaphore::new(at_a_time));
        let mut running = JoinSet::new();
        let mut tally = Tally { cases: self.0.len(), wrong: Vec::new() };
        let mut names = std::collections::HashMap::new();
        for Case { name, work } in self.0 {
            let permits = Arc::clone(&permits);
            let task = running.spawn_local(async move {
                let _permit = permits.acquire().await;
                let begun = Instant::now();
                let verdict = tokio::time::timeout(CASE_MAX, work).await;
                (
                    begun.elapsed(),
                    verdict.unwrap_or_else(|_| Err(Wrong::new(format!("an end within {CASE_MAX:?}"), "none"))),
                )
            });
            names.insert(task.id(), name);
        }
        while let Some(ended) = running.join_next_with_id().await {
            let (id, took, verdict) = match ended {
                Ok((id, (took, verdict))) => (id, took, verdict),
                Err(panic) => (panic.id(), Duration::ZERO, Err(Wrong::new("no panic", panic.to_string()))),
            };
            let name = names.remove(&id).unwrap_or_default();
            told(&name, took, &verdict);
            if let Err(wrong) = verdict {
                tally.wrong.push((name, wrong));
            }
        }
        tally
    }
}
