//! Meta: handshake and signed posts.

use crate::world::{APP_SECRET, OLD_APP_SECRET, VERIFY_TOKEN, World, problem};

/// As Meta writes it: everything that is not ASCII is escaped, and so is the slash.
const ESCAPED: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"x":"\u00f1and\u00fa \ud83d\ude97 https:\/\/x.y\/z"}}]}]}"#;

#[tokio::test]
async fn the_handshake_answers_the_challenge_as_text_to_who_knows_the_token() {
    let world = World::start().await;
    let query =
        format!("/webhooks/meta/app?hub.mode=subscribe&hub.challenge=%3Cscript%3E1&hub.verify_token={VERIFY_TOKEN}");
    let response = world.get(&query).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(response.text().await.unwrap(), "<script>1");

    let shuffled =
        format!("/webhooks/meta/app?hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444&hub.mode=subscribe");
    assert_eq!(world.get(&shuffled).await.text().await.unwrap(), "1158201444");

    let wrong = "/webhooks/meta/app?hub.mode=subscribe&hub.challenge=1&hub.verify_token=other";
    problem(world.get(wrong).await, 403, "SIGNATURE_INVALID").await;
    let mode = format!("/webhooks/meta/app?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={VERIFY_TOKEN}");
    problem(world.get(&mode).await, 403, "SIGNATURE_INVALID").await;
    let bare = format!("/webhooks/meta/app?hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}");
    problem(world.get(&bare).await, 400, "INVALID_ARGUMENT").await;
    problem(world.get(&query.replace("/app", "/other")).await, 404, "ENDPOINT_NOT_FOUND").await;
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn a_signed_post_is_stored_byte_for_byte() {
    let world = World::start().await;
    assert_eq!(world.post_meta(APP_SECRET, ESCAPED).await.status(), 200);
    let stored = world.stored(1).await.input;
    assert_eq!(stored.body, ESCAPED.as_bytes());
    assert_eq!(stored.endpoint.as_str(), "app");
    assert_eq!(stored.kind, relevo_eventlog::InputKind::Meta);
    assert_eq!(stored.content_type, "application/json");
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_are_good() {
    let world = World::start().await;
    for secret in [APP_SECRET, OLD_APP_SECRET] {
        assert_eq!(world.post_meta(secret, "{}").await.status(), 200);
    }
    problem(world.post_meta("a third", "{}").await, 401, "SIGNATURE_INVALID").await;
    assert_eq!(world.count().await, 2);
}

#[tokio::test]
async fn the_signature_is_over_the_bytes_and_not_over_their_meaning() {
    let world = World::start().await;
    let signature = relevo_channels::signature::meta_sign(APP_SECRET.as_bytes(), ESCAPED.as_bytes());
    let same_meaning = serde_json::from_str::<serde_json::Value>(ESCAPED).unwrap().to_string();
    let request = world.http.post(world.url("/webhooks/meta/app")).header("x-hub-signature-256", signature);
    problem(request.body(same_meaning).send().await.unwrap(), 401, "SIGNATURE_INVALID").await;
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn what_is_signed_is_stored_whether_or_not_it_makes_sense() {
    let world = World::start().await;
    let bodies: [&[u8]; 5] = [b"", b"{", b"[]", b"\0\xff\xfe", b"{\"object\":7}"];
    for (index, body) in bodies.iter().enumerate() {
        assert_eq!(world.post_meta(APP_SECRET, *body).await.status(), 200);
        assert_eq!(world.stored(index as u64 + 1).await.input.body, *body);
    }
}

#[tokio::test]
async fn unsigned_garbage_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    for header in [None, Some(""), Some("sha256="), Some("sha256=zz"), Some("sha1=00"), Some("ñ")] {
        let mut request = world.http.post(world.url("/webhooks/meta/app"));
        if let Some(header) = header {
            request = request.header("x-hub-signature-256", header);
        }
        problem(request.body("{}").send().await.unwrap(), 401, "SIGNATURE_INVALID").await;
    }
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn errors_speak_the_callers_language_and_say_whether_to_repeat() {
    let world = World::start().await;
    let ask =
        |language: &str| world.http.post(world.url("/webhooks/meta/nobody")).header("accept-language", language).send();
    let spanish = problem(ask("es-AR").await.unwrap(), 404, "ENDPOINT_NOT_FOUND").await;
    let english = problem(ask("de, en;q=0.5").await.unwrap(), 404, "ENDPOINT_NOT_FOUND").await;
    assert_ne!(spanish["message"], english["message"]);
    assert_eq!(english["outcome"], "not_applied");
    assert_eq!(english["retryable"], false);
}
