//! What is explored: each scene is a budget, small enough to be looked at whole.

use std::ops::Range;

use relevo_eventlog::Faults;

use super::search::{Counterexample, Search};
use super::world::{Budget, Variant};

/// A budget with a name.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    pub name: &'static str,
    pub budget: Budget,
}

const NOTHING: Budget = Budget {
    inbound: 0,
    replies: 0,
    staff: 0,
    pauses: 0,
    resumes: 0,
    resolves: 0,
    waits: 0,
    long_waits: 0,
    crashes: 0,
    unclear: 0,
    refusals: 0,
    lies: 0,
    reports: 0,
    links: 0,
    turns: 0,
    answers: 0,
    deeds: 0,
};

/// Everything that is explored whole.
pub const ALL: &[Scene] = &[
    Scene { name: "pauses and resumptions", budget: Budget { replies: 2, pauses: 1, resumes: 1, ..NOTHING } },
    Scene { name: "two pauses", budget: Budget { replies: 1, pauses: 2, resumes: 1, ..NOTHING } },
    Scene { name: "retries", budget: Budget { replies: 1, pauses: 1, resumes: 1, refusals: 1, waits: 1, ..NOTHING } },
    Scene { name: "a stalled sender", budget: Budget { replies: 1, pauses: 1, waits: 3, ..NOTHING } },
    Scene { name: "a crash", budget: Budget { replies: 1, pauses: 1, waits: 2, crashes: 1, ..NOTHING } },
    Scene { name: "an unclear log", budget: Budget { replies: 1, pauses: 1, unclear: 1, ..NOTHING } },
    Scene { name: "reports", budget: Budget { replies: 1, pauses: 1, lies: 1, reports: 1, waits: 1, ..NOTHING } },
    Scene {
        name: "episodes",
        budget: Budget { replies: 1, pauses: 1, inbound: 1, resolves: 1, long_waits: 1, ..NOTHING },
    },
    Scene { name: "two people are one", budget: Budget { replies: 1, pauses: 1, links: 1, ..NOTHING } },
    Scene { name: "turns", budget: Budget { turns: 2, inbound: 1, pauses: 1, resumes: 1, ..NOTHING } },
    Scene { name: "answers in turns", budget: Budget { turns: 1, answers: 2, pauses: 1, ..NOTHING } },
    Scene { name: "turns that end", budget: Budget { turns: 2, answers: 1, deeds: 1, pauses: 1, ..NOTHING } },
    Scene { name: "turns that take too long", budget: Budget { turns: 2, answers: 1, waits: 2, ..NOTHING } },
    Scene { name: "an unclear turn", budget: Budget { turns: 2, pauses: 1, unclear: 1, crashes: 1, ..NOTHING } },
];

/// Looks at a scene whole. Panics with the way to a broken promise, if there is one.
pub fn exhaust(scene: &Scene, states_max: usize) -> Search {
    let mut search = Search::new(states_max);
    if let Err(found) = search.exhaust(Variant::Real, scene.budget) {
        panic!("{}: {}", scene.name, found.told());
    }
    search
}

/// What goes wrong on the log itself in a walk: what it can resolve without waiting.
const FAULTS: Faults = Faults { lost_ack: 10, lost_message: 0, late: 0, busy: 0, duplicate_first: 50, yields_max: 0 };

/// A little of everything, for a walk.
const MUCH: Budget = Budget {
    inbound: 2,
    replies: 5,
    staff: 1,
    pauses: 5,
    resumes: 4,
    resolves: 2,
    waits: 6,
    long_waits: 1,
    crashes: 2,
    unclear: 3,
    refusals: 3,
    lies: 1,
    reports: 2,
    links: 1,
    turns: 5,
    answers: 5,
    deeds: 3,
};

/// Walks by chance that do a little of everything. Panics with the way to a broken promise, if there is one.
pub fn walk(search: &mut Search, seeds: Range<u64>) {
    for seed in seeds {
        if let Err(found) = search.walk(seed, Variant::Real, MUCH, FAULTS) {
            panic!("walk {seed}: {}", found.told());
        }
    }
}

/// What is broken on purpose, and what it takes to be caught at it.
pub const BROKEN: [(Variant, Budget); 6] = [
    (Variant::CheckThenAct, Budget { replies: 1, pauses: 1, ..NOTHING }),
    (Variant::StalePause, Budget { replies: 1, pauses: 2, resumes: 1, ..NOTHING }),
    (Variant::StaleClaim, Budget { replies: 1, pauses: 1, ..NOTHING }),
    (Variant::NoClock, Budget { replies: 1, pauses: 1, waits: 3, ..NOTHING }),
    (Variant::StaleTurn, Budget { turns: 1, pauses: 1, ..NOTHING }),
    (Variant::LateReply, Budget { turns: 1, answers: 1, pauses: 1, ..NOTHING }),
];

/// What a broken variant is caught by; nothing if it is not. `walks`: the most that are tried.
pub fn caught(variant: Variant, budget: Budget, walks: u64) -> Option<Counterexample> {
    let mut search = Search::new(usize::MAX);
    (0..walks).find_map(|seed| search.walk(seed, variant, budget, Faults::default()).err())
}
