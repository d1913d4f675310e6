//! Twilio: signed forms and queries, answered with empty instructions.

use relevo_channels::signature::twilio_sign;

use crate::world::{PUBLIC_URL, TWILIO_TOKEN, World, problem};

const FORM: &str = "MessageSid=SM1&Body=Hola+%F0%9F%9A%97&From=whatsapp%3A%2B5491155550101&Media=";

fn signature(query: &str, form: &str) -> String {
    twilio_sign(TWILIO_TOKEN.as_bytes(), &format!("{PUBLIC_URL}/webhooks/twilio/twilio{query}"), form.as_bytes())
}

async fn post(world: &World, query: &str, form: &'static str, signature: &str) -> reqwest::Response {
    let request = world.http.post(world.url(&format!("/webhooks/twilio/twilio{query}")));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.header("x-twilio-signature", signature).body(form).send().await.unwrap()
}

#[tokio::test]
async fn a_signed_form_is_stored_and_answered_with_no_instruction() {
    let world = World::start().await;
    let response = post(&world, "", FORM, &signature("", FORM)).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/xml"));
    assert!(response.text().await.unwrap().ends_with("<Response/>"));
    assert_eq!(world.stored(1).await.input.body, FORM.as_bytes());
}

#[tokio::test]
async fn the_query_of_a_callback_address_is_signed_too() {
    let world = World::start().await;
    assert_eq!(post(&world, "?m=1", FORM, &signature("?m=1", FORM)).await.status(), 200);
    problem(post(&world, "?m=2", FORM, &signature("?m=1", FORM)).await, 401, "SIGNATURE_INVALID").await;
    problem(post(&world, "", FORM, &signature("?m=1", FORM)).await, 401, "SIGNATURE_INVALID").await;
}

#[tokio::test]
async fn a_changed_form_or_a_missing_signature_is_refused() {
    let world = World::start().await;
    problem(post(&world, "", "MessageSid=SM2", &signature("", FORM)).await, 401, "SIGNATURE_INVALID").await;
    let bare = world.http.post(world.url("/webhooks/twilio/twilio")).body(FORM).send().await.unwrap();
    problem(bare, 401, "SIGNATURE_INVALID").await;
    let nobody = world.http.post(world.url("/webhooks/twilio/nobody")).body(FORM).send().await.unwrap();
    problem(nobody, 404, "ENDPOINT_NOT_FOUND").await;
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn by_get_the_query_is_what_would_have_been_the_form() {
    let world = World::start().await;
    let request = world.http.get(world.url(&format!("/webhooks/twilio/twilio?{FORM}")));
    let response = request.header("x-twilio-signature", signature(&format!("?{FORM}"), "")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(world.stored(1).await.input.body, FORM.as_bytes());
}

#[tokio::test]
async fn of_the_query_of_a_callback_our_id_is_kept_and_nothing_else() {
    let world = World::start().await;
    let id = relevo_domain::MessageId::new([7; 16]);
    for (query, kept) in [
        (format!("?x=5491155550101&message={id}"), format!("message={id}")),
        ("?message=hola".to_owned(), String::new()),
        (String::new(), String::new()),
    ] {
        assert_eq!(post(&world, &query, FORM, &signature(&query, FORM)).await.status(), 200);
        let stored = world.stored(world.count().await).await;
        assert_eq!(stored.input.notes, relevo_eventlog::Notes { query: kept, ..relevo_eventlog::Notes::default() });
    }
}
