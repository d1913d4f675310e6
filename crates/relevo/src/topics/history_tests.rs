//! What the publisher does when log, stream or view are not what they were: restored, cut short, or still being built.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::Position;
use relevo_projection::ViewState;
use relevo_projection::testing::{LiveView, fold, history};
use relevo_projector_metrics::{MetricFact, MetricsProjector};
use relevo_testkit::eventually_within;

use super::event;
use super::publisher::history_of;
use super::tests::{NOW, Node, SETTLED_WITHIN, Topics, facts_of, log_of, published, settled};

#[tokio::test(start_paused = true)]
async fn a_replaced_log_is_another_history() {
    let topics = Topics::new(10, 0);
    let (old, new) = (history(10, 100), history(11, 200));
    let (_old_folder, old_view) = fold(MetricsProjector, &old);
    let (_new_folder, new_view) = fold(MetricsProjector, &new);
    let mut node = Node::of(&log_of(&old).await);
    node.start(&old_view, &topics);
    published(&topics, &facts_of(&old_view)).await;
    settled(&node).await;
    node.kill().await;
    // Made at the same time, with another first commit: what is published is told as somebody else's, and left alone.
    let before = topics.count();
    node.log = log_of(&new).await;
    node.start(&new_view, &topics);
    let of_both = facts_of(&new_view).into_keys().filter(|subject| !topics.messages(subject).is_empty()).count();
    assert!(of_both > 5);
    let stuck = i64::try_from(of_both).unwrap();
    eventually_within("it is told", SETTLED_WITHIN, async || (node.series.stuck.get() == stuck).then_some(())).await;
    let fresh: usize = facts_of(&new_view)
        .iter()
        .filter(|(subject, _)| !facts_of(&old_view).contains_key(*subject))
        .map(|(_, facts)| facts.len())
        .sum();
    assert_eq!(topics.count(), before + fresh);
    node.kill().await;
    // Where no message is left, the checkpoint of the old history says nothing about the new one.
    topics.state().messages.clear();
    node.start(&new_view, &topics);
    let mut both = facts_of(&new_view);
    both.retain(|subject, _| facts_of(&old_view).contains_key(subject));
    published(&topics, &both).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_restored_to_an_earlier_end_is_not_mixed_with_what_was_published() {
    let topics = Topics::new(12, 0);
    let commits = history(12, 200);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let log = log_of(&commits).await;
    let mut node = Node::of(&log);
    node.start(&view, &topics);
    published(&topics, &facts_of(&view)).await;
    settled(&node).await;
    node.kill().await;
    let before = topics.count();
    let (_folder, restored) = fold(MetricsProjector, &commits[..100]);
    node.log = Arc::new(log.truncated(100));
    node.start(&restored, &topics);
    let all = facts_of(&view);
    let mut ahead = facts_of(&restored);
    ahead.retain(|subject, _| all[subject].last().is_some_and(|newest| newest.sequence > 100));
    let stuck = i64::try_from(ahead.len()).unwrap();
    assert!(stuck > 5);
    eventually_within("it is told", SETTLED_WITHIN, async || (node.series.stuck.get() == stuck).then_some(())).await;
    assert_eq!(topics.count(), before);
    node.kill().await;
    topics.state().messages.clear();
    // Nor does a checkpoint count that is beyond the log's end.
    node.start(&restored, &topics);
    published(&topics, &ahead).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_topic_lost_at_its_end_is_published_again() {
    let topics = Topics::new(13, 0);
    let commits = history(13, 200);
    let mut live = LiveView::new(MetricsProjector);
    live.apply(&commits);
    let facts = facts_of(&live.view());
    let lose =
        || topics.state().messages.values_mut().for_each(|messages| messages.truncate(messages.len().div_ceil(2)));
    let mut node = Node::of(&log_of(&commits).await);
    node.start(&live.view(), &topics);
    published(&topics, &facts).await;
    settled(&node).await;
    node.kill().await;
    lose();
    node.start(&live.view(), &topics);
    published(&topics, &facts).await;
    settled(&node).await;
    // A view that was something else than live meanwhile may belong to another log: everything is looked at again.
    lose();
    live.enter(ViewState::Starting);
    live.enter(ViewState::Live);
    published(&topics, &facts).await;
}

#[tokio::test(start_paused = true)]
async fn a_view_that_is_being_built_publishes_nothing() {
    let topics = Topics::new(14, 0);
    let commits = history(14, 100);
    let mut live = LiveView::new(MetricsProjector);
    let target = Position::new(100);
    live.enter(ViewState::CatchingUp { position: Position::START, target });
    live.apply(&commits[..50]);
    let mut node = Node::of(&log_of(&commits).await);
    node.start(&live.view(), &topics);
    eventually_within("it was looked at", SETTLED_WITHIN, async || (node.series.lag.get() == 50).then_some(())).await;
    assert_eq!(topics.count(), 0);
    live.apply(&commits[50..]);
    live.enter(ViewState::Live);
    published(&topics, &facts_of(&live.view())).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_begins_with_what_the_stream_would_have_kept() {
    let topics = Topics::new(15, 0);
    let commits = history(15, 300);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let from = commits[200].commit.recorded_at;
    let all = facts_of(&view);
    let mut kept = all.clone();
    for facts in kept.values_mut() {
        let old = facts.iter().take_while(|fact| fact.recorded_at < from).count();
        facts.drain(..old);
    }
    let count = |facts: &BTreeMap<String, Vec<MetricFact>>| facts.values().map(Vec::len).sum::<usize>();
    assert!(count(&kept) > 50 && count(&kept) < count(&all) / 2);
    let mut node = Node::of(&log_of(&commits).await);
    node.keep = Duration::from_millis(u64::try_from(NOW.as_millis() - from.as_millis()).unwrap());
    node.start(&view, &topics);
    published(&topics, &kept).await;
    settled(&node).await;
    assert_eq!((topics.count(), node.series.gaps.get()), (count(&kept), 0));
}

#[tokio::test(start_paused = true)]
async fn facts_that_were_forgotten_before_they_were_published_are_counted() {
    let topics = Topics::new(16, 0);
    let mut commits = history(16, 400);
    for recorded in &mut commits[200..] {
        recorded.commit.recorded_at = recorded.commit.recorded_at + Duration::from_hours(60 * 24);
    }
    let mut live = LiveView::new(MetricsProjector);
    live.apply(&commits[..50]);
    let mut node = Node::of(&log_of(&commits).await);
    node.start(&live.view(), &topics);
    published(&topics, &facts_of(&live.view())).await;
    settled(&node).await;
    live.apply(&commits[50..100]);
    settled(&node).await;
    assert_eq!(node.series.gaps.get(), 0);
    node.kill().await;
    live.apply(&commits[100..]);
    node.start(&live.view(), &topics);
    settled(&node).await;
    assert!(node.series.gaps.get() > 5, "{}", node.series.gaps.get());
}

#[tokio::test(start_paused = true)]
async fn a_topic_with_a_newer_definition_is_told_and_holds_up_no_other() {
    let topics = Topics::new(18, 0);
    let commits = history(18, 100);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let log = log_of(&commits).await;
    let mut facts = facts_of(&view);
    let (subject, ours) = facts.pop_first().unwrap();
    let mut newer = ours[0].clone();
    (newer.version, newer.id) =
        (newer.version + 1, format!("{}.v{}.{}.0", newer.metric, newer.version + 1, newer.sequence));
    let newer = event::of(&newer, &history_of(log.as_ref()).await.unwrap()).unwrap();
    topics.state().messages.insert(subject.clone(), vec![(1, newer)]);
    topics.state().last = 1;
    let mut node = Node::of(&log);
    node.start(&view, &topics);
    published(&topics, &facts).await;
    settled(&node).await;
    assert_eq!((node.series.stuck.get(), topics.messages(&subject).len()), (1, 1));
}
