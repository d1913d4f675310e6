//! First and full resolution.

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, NotePersonal};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::staff;

use crate::support::{Folded, new_episode, open, reopen, resolve};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn an_episode_that_is_not_resolved_has_no_resolution() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    let folded = Folded::of(&story);
    assert_eq!((folded.minutes("resolution_first"), folded.minutes("resolution_full")), (None, None));
}

#[test]
fn a_reopened_episode_keeps_its_first_resolution_and_corrects_the_full_one() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(MINUTE * 10);
    resolve(&mut story, id, "vendido");
    let both = |story: &Story| {
        let folded = Folded::of(story);
        (folded.minutes("resolution_first"), folded.minutes("resolution_full"))
    };
    assert_eq!(both(&story), (Some((1, 10)), Some((1, 10))));
    story.wait(MINUTE * 20);
    reopen(&mut story, id);
    assert_eq!(both(&story), (Some((1, 10)), Some((1, 10))), "the earlier one stands while it is reopened");
    story.wait(MINUTE * 30);
    resolve(&mut story, id, "cambio");
    assert_eq!(both(&story), (Some((1, 10)), Some((1, 60))), "one episode, one full resolution");
    let facts = Folded::of(&story).facts("resolution_full");
    assert_eq!((facts.len(), &facts[1].supersedes), (2, &Some(facts[0].id.clone())));
    assert_eq!(facts[0].supersedes, None);
    assert_eq!(Folded::of(&story).facts("resolution_first").len(), 1);
}

#[test]
fn each_episode_has_its_own() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(MINUTE * 10);
    resolve(&mut story, id, "");
    story.wait(MINUTE * 6000);
    new_episode(&mut story, id, 2);
    story.wait(MINUTE * 30);
    resolve(&mut story, id, "");
    let folded = Folded::of(&story);
    assert_eq!(folded.minutes("resolution_first"), Some((2, 20)));
    assert_eq!(folded.minutes("resolution_full"), Some((2, 20)));
    assert_eq!(folded.facts("resolution_full").iter().filter(|fact| fact.supersedes.is_some()).count(), 0);
}

#[test]
fn a_correction_moves_to_its_own_day() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    resolve(&mut story, id, "");
    story.wait(MINUTE * 60 * 24);
    reopen(&mut story, id);
    resolve(&mut story, id, "");
    let by_day = |metric: &str| -> Vec<u64> {
        let found = Folded::of(&story).ask(
            metric,
            crate::support::days("2026-01-01", "2026-01-02", "UTC"),
            relevo_projector_metrics::Bucket::Day,
            crate::support::TOGETHER,
        );
        let found = found.unwrap();
        found[0]
            .points
            .iter()
            .map(|point| match &point.figure {
                relevo_projector_metrics::Figure::Duration(figure) => figure.map_or(0, |figure| figure.n),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(by_day("resolution_first"), [1, 0]);
    assert_eq!(by_day("resolution_full"), [0, 1]);
}

#[test]
fn clocks_that_disagree_give_nought_and_never_less() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let now = story.now();
    story.at(now - MINUTE);
    let event = ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() };
    story.tell(id, staff("sofia"), [event]);
    assert_eq!(Folded::of(&story).minutes("resolution_first"), Some((1, 0)));
}

#[test]
fn close_reasons_are_counted_and_bounded() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    for number in 0..250 {
        resolve(&mut story, id, &format!("motivo {number}"));
        reopen(&mut story, id);
    }
    resolve(&mut story, id, "motivo 3");
    reopen(&mut story, id);
    resolve(&mut story, id, "");
    let lines = Folded::of(&story).lines("episodes_resolved");
    assert_eq!(lines.len(), 202, "200 words, the others, and none");
    assert!(lines.contains(&"wa-main - - | other | 50".to_owned()));
    assert!(lines.contains(&"wa-main - - | motivo 3 | 2".to_owned()));
    assert!(lines.contains(&"wa-main - - | 1".to_owned()), "without a reason");
}

#[test]
fn a_reason_that_is_free_text_is_no_label() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let free = ["Ana Paz, 11 5555-1234", "ana@example.com", "la señora quiere que la llamen", "30111222"];
    for reason in free {
        // Also a text that comes often stays one.
        for _ in 0..3 {
            resolve(&mut story, id, reason);
            reopen(&mut story, id);
        }
    }
    resolve(&mut story, id, "No le interesa");
    let folded = Folded::of(&story);
    let lines = folded.lines("episodes_resolved");
    assert_eq!(lines, ["wa-main - - | No le interesa | 1", "wa-main - - | other | 12"]);
    let told = serde_json::to_string(&folded.facts("episodes_resolved")).unwrap();
    assert!(free.iter().all(|reason| !told.contains(reason)), "{told}");
}
