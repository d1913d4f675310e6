//! The facts of all topics travel together, and one that cannot does not keep the others back.

use std::time::Duration;

use relevo_projection::testing::{LiveView, fold, history};
use relevo_projector_metrics::MetricsProjector;
use relevo_testkit::eventually_within;

use super::tests::{Node, SETTLED_WITHIN, Topics, facts_of, published, settled};

#[tokio::test(start_paused = true)]
async fn a_busy_second_is_a_few_appends_of_all_topics() {
    const COMMITS_A_SECOND: usize = 400;
    let commits = history(21, 2 * COMMITS_A_SECOND);
    let (before, busy) = commits.split_at(COMMITS_A_SECOND);
    let mut live = LiveView::new(MetricsProjector);
    live.apply(before);
    let topics = Topics::new(21, 0);
    let mut node = Node::new();
    node.start(&live.view(), &topics);
    settled(&node).await;
    let counted = || {
        let (appends, parts) = {
            let state = topics.state();
            (state.appends, state.parts)
        };
        (appends, parts, topics.count())
    };
    let first = counted();
    for commit in busy {
        live.apply(std::slice::from_ref(commit));
        // The clock is the test's own: nothing is waited for.
        tokio::time::advance(Duration::from_secs(1) / u32::try_from(COMMITS_A_SECOND).unwrap()).await;
    }
    settled(&node).await;
    let last = counted();
    let (appends, parts, facts) = (last.0 - first.0, last.1 - first.1, last.2 - first.2);
    // Every fact that the view still has; the history is longer than what it keeps.
    for (subject, facts) in facts_of(&live.view()) {
        let published: Vec<String> = topics.messages(&subject).into_iter().map(|event| event.id).collect();
        assert!(published.ends_with(&facts.into_iter().map(|fact| fact.id).collect::<Vec<_>>()), "{subject}");
    }
    // One every tenth of a second, some more where an append is full or the seconds do not meet.
    assert!(appends <= 15 && parts > 5 * appends, "{appends} appends of {parts} parts with {facts} facts");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_refused_keeps_nobody_else_back() {
    let commits = history(22, 200);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let mut facts = facts_of(&view);
    let (subject, _) = facts.pop_last().unwrap();
    let topics = Topics::new(22, 10);
    topics.state().refused = Some(subject.clone());
    let mut node = Node::new();
    node.start(&view, &topics);
    published(&topics, &facts).await;
    eventually_within("it is told", SETTLED_WITHIN, async || (node.series.stuck.get() == 1).then_some(())).await;
    assert_eq!(topics.messages(&subject).len(), 0);
    topics.state().refused = None;
    published(&topics, &facts_of(&view)).await;
    settled(&node).await;
    assert_eq!(node.series.stuck.get(), 0);
}
