//! The log goes away and comes back: the provider keeps what it was not told to forget.

use std::time::Duration;

use relevo_testkit::eventually_within;
use relevo_webhook::Options;

use crate::world::{APP_SECRET, World};

#[tokio::test]
async fn without_the_log_the_answer_is_503_and_with_it_200_again() {
    let options = Options { append_timeout: Duration::from_secs(2), ..Options::default() };
    let mut world = World::with(options).await;
    assert_eq!(world.post_meta(APP_SECRET, "{\"n\":1}").await.status(), 200);

    world.nats.kill9();
    let response = world.post_meta(APP_SECRET, "{\"n\":2}").await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["retryable"], true, "{body}");

    world.nats.restart().await;
    let again = eventually_within("stored again", Duration::from_secs(20), async || {
        (world.post_meta(APP_SECRET, "{\"n\":3}").await.status() == 200).then_some(())
    });
    again.await;
    let last = world.count().await;
    assert_eq!(world.stored(1).await.input.body, &b"{\"n\":1}"[..]);
    assert_eq!(world.stored(last).await.input.body, &b"{\"n\":3}"[..]);
}
