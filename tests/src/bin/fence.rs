//! The proof of the pause fence: the model, explored as far as its budgets go, and a hostile bot against two real nodes.
//!
//! `fence [ROUNDS]`; `fence model [STATES]` explores the model alone, at most so many states of each scene.
//!
//! Ends with one line, and with 0 only if it reads so: `fence: S states, R rounds, 0 leaks, broken variant caught`.
#![expect(clippy::print_stdout, reason = "a harness for the terminal")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use relevo_tests::fence::hostile::{self, Hands, Plan, Tally};
use relevo_tests::fence::{scenes, search::Search};

/// Fewer states or rounds prove less than is promised.
const STATES_MIN: usize = 10_000;
const ROUNDS_MIN: usize = 10_000;
/// The most states of one scene; more than any has.
const SCENE_STATES_MAX: usize = 3_000_000;
const WALKS: u64 = 2_000;
/// Walks in which a broken variant must be caught.
const BROKEN_WALKS: u64 = 20_000;
/// Pauses in which a sender without a fence must be caught.
const BROKEN_ROUNDS: usize = 200;
/// A way through a scene is as deep as a call stack that is followed to its end.
const STACK_BYTES: usize = 256 * 1024 * 1024;

fn main() -> ExitCode {
    let given = |place: usize| std::env::args().nth(place);
    let alone = given(1).is_some_and(|given| given == "model");
    let most = given(2).filter(|_| alone).and_then(|most| most.parse().ok()).unwrap_or(SCENE_STATES_MAX);
    let model = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || model(most));
    let Some((states, caught)) = model.ok().and_then(|model| model.join().ok()) else {
        println!("fence: the model has found a leak");
        return ExitCode::FAILURE;
    };
    if alone {
        println!("fence: {states} states, model alone, caught: {caught}");
        return if caught { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let rounds = given(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS_MIN);
    let seed = states as u64;
    let plan =
        Plan { conversations: 24, rounds, within: Duration::from_mins(20), stalls: true, hands: Hands::Relevo, seed };
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    let broken = Plan { rounds: BROKEN_ROUNDS, stalls: false, hands: Hands::Careless, ..plan };
    let broken = runtime.block_on(hostile::run(broken));
    println!("a sender that looks first and calls then: {} leaks in {} rounds", broken.leaks.len(), broken.rounds);
    let caught = caught && !broken.leaks.is_empty();
    let begun = Instant::now();
    let tally = runtime.block_on(hostile::run(plan));
    told(&tally, begun.elapsed());
    let leaks = tally.leaks.len() + tally.doubles.len();
    let verdict = if caught { "broken variant caught" } else { "broken variant NOT caught" };
    println!("fence: {states} states, {} rounds, {leaks} leaks, {verdict}", tally.rounds);
    let enough = states >= STATES_MIN && tally.rounds >= ROUNDS_MIN;
    if leaks == 0 && caught && enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores every scene; answers with the states that were seen, and whether every broken variant was caught.
fn model(states_max: usize) -> (usize, bool) {
    let mut states = 0;
    for scene in scenes::ALL {
        let begun = Instant::now();
        let search = scenes::exhaust(scene, states_max);
        let all = if search.is_complete() { "all of them" } else { "not all of them" };
        println!("{:>6.1} s  {}: {} states, {all}", begun.elapsed().as_secs_f64(), scene.name, search.states());
        states += search.states();
    }
    let begun = Instant::now();
    let mut walked = Search::new(usize::MAX);
    scenes::walk(&mut walked, 0..WALKS);
    println!("{:>6.1} s  {WALKS} walks: {} states", begun.elapsed().as_secs_f64(), walked.states());
    states += walked.states();
    let mut caught = true;
    for (variant, budget) in scenes::BROKEN {
        let found = scenes::caught(variant, budget, BROKEN_WALKS);
        caught &= found.is_some();
        println!("{variant:?}: {}", found.map_or_else(|| "NOT caught".to_owned(), |found| found.told()));
    }
    (states, caught)
}

fn told(tally: &Tally, took: Duration) {
    println!(
        "{:>6.1} s  hostile bot: {} messages sent, {} refused, {} listed by an answer ({} of them taken after it), {} already so, seen to \
         write {} times, {} answers told of one on its way",
        took.as_secs_f64(),
        tally.taken,
        tally.refused,
        tally.listed,
        tally.listed_and_taken,
        tally.already_so,
        tally.typed,
        tally.signals
    );
    for leak in tally.leaks.iter().take(20) {
        println!("leak: {leak}");
    }
    for double in &tally.doubles {
        println!("sent twice: {double}");
    }
}
