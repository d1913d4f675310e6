//! Probes and metrics.

use crate::world::{APP_SECRET, World, problem};

#[tokio::test]
async fn alive_is_not_ready() {
    let world = World::start().await;
    assert_eq!(world.get("/healthz").await.status(), 200);
    let ready = world.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<serde_json::Value>().await.unwrap()["why"], "a test");
    problem(world.get("/").await, 404, "ENDPOINT_NOT_FOUND").await;
}

#[tokio::test]
async fn posts_are_counted_by_endpoint_and_outcome_and_never_by_what_a_caller_wrote() {
    let world = World::start().await;
    world.post_meta(APP_SECRET, "{}").await;
    world.post_meta(APP_SECRET, "{}").await;
    world.post_meta("wrong", "{}").await;
    world.http.post(world.url("/webhooks/meta/made-up-by-a-stranger")).send().await.unwrap();
    let text = world.get("/metrics").await.text().await.unwrap();
    for line in [
        "relevo_webhook_posts_total{kind=\"meta\",endpoint=\"app\",outcome=\"stored\"} 2",
        "relevo_webhook_posts_total{kind=\"meta\",endpoint=\"app\",outcome=\"bad_signature\"} 1",
        "relevo_webhook_posts_total{kind=\"meta\",endpoint=\"\",outcome=\"unknown_endpoint\"} 1",
        "relevo_webhook_stored_bytes_total 4",
        "relevo_webhook_append_seconds_count 2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("stranger"));
}
