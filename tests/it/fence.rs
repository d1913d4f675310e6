//! The pause fence: the heart of the model, and a hostile bot for a few rounds. All of it is `make fence`.

use std::time::Duration;

use relevo_tests::fence::hostile::{self, Hands, Plan};
use relevo_tests::fence::scenes;
use relevo_tests::fence::search::Search;

/// States of one scene that are looked at here.
const STATES_MAX: usize = 700;
const WALKS: u64 = 40;
/// A broken variant is caught in far fewer.
const BROKEN_WALKS: u64 = 20_000;
const STACK_BYTES: usize = 64 * 1024 * 1024;

#[test]
fn no_way_through_the_model_breaks_a_promise() {
    let explored = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        for scene in scenes::ALL {
            scenes::exhaust(scene, STATES_MAX);
        }
        let mut walked = Search::new(usize::MAX);
        scenes::walk(&mut walked, 0..WALKS);
        walked.states()
    });
    let walked = explored.unwrap().join().unwrap();
    assert!(walked > 1_000, "{walked} states");
}

#[test]
fn what_is_broken_on_purpose_is_caught() {
    for (variant, budget) in scenes::BROKEN {
        assert!(scenes::caught(variant, budget, BROKEN_WALKS).is_some(), "{variant:?} is not caught");
    }
}

#[tokio::test]
async fn a_hostile_bot_on_two_nodes_is_silent_after_every_pause() {
    let tally = hostile::run(plan(Hands::Relevo)).await;
    assert_eq!((&tally.leaks, &tally.doubles), (&Vec::new(), &Vec::new()));
    assert!(tally.rounds >= 50 && tally.taken > 0 && tally.refused > 0 && tally.typed > 0, "{tally:?}");
}

#[tokio::test]
async fn a_sender_that_looks_first_and_calls_then_is_caught() {
    let tally = hostile::run(plan(Hands::Careless)).await;
    assert!(tally.leaks.iter().any(|leak| leak.contains("was taken after the answer")), "{tally:?}");
}

const fn plan(hands: Hands) -> Plan {
    Plan { conversations: 6, rounds: 100, within: Duration::from_secs(40), stalls: false, hands, seed: 7 }
}
