//! Mail: a raw mail a post, with a bearer token.

use crate::world::{MAIL_TOKEN, World, problem};

const MAIL: &[u8] = b"From: a@b.example\r\nSubject: =?utf-8?q?Hola?=\r\n\r\nTexto con \xf1 y \0.\r\n";

#[tokio::test]
async fn a_mail_is_stored_byte_for_byte() {
    let world = World::start().await;
    assert_eq!(world.post_mail(MAIL_TOKEN, MAIL).await.status(), 202);
    let stored = world.stored(1).await.input;
    assert_eq!(stored.body, MAIL);
    assert_eq!(stored.kind, relevo_eventlog::InputKind::Email);
}

#[tokio::test]
async fn a_mail_of_ten_megabytes_is_stored_byte_for_byte() {
    let world = World::start().await;
    let body: Vec<u8> = (0..10_000_000u32).map(|index| (index % 251) as u8).collect();
    assert_eq!(world.post_mail(MAIL_TOKEN, body.clone()).await.status(), 202);
    assert_eq!(world.stored(1).await.input.body, body);
}

#[tokio::test]
async fn a_wrong_token_is_refused_also_before_a_large_body() {
    let world = World::start().await;
    problem(world.post_mail("other", MAIL).await, 401, "SIGNATURE_INVALID").await;
    problem(world.post_mail("other", vec![b'x'; 5_000_000]).await, 401, "SIGNATURE_INVALID").await;
    let bare = world.http.post(world.url("/webhooks/email/mail")).body(MAIL).send().await.unwrap();
    problem(bare, 401, "SIGNATURE_INVALID").await;
    let nobody = world.http.post(world.url("/webhooks/email/nobody")).bearer_auth(MAIL_TOKEN).body(MAIL);
    problem(nobody.send().await.unwrap(), 404, "ENDPOINT_NOT_FOUND").await;
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn a_mail_inside_a_form_is_not_a_mail() {
    let world = World::start().await;
    let request = world.http.post(world.url("/webhooks/email/mail")).bearer_auth(MAIL_TOKEN);
    let request = request.header("content-type", "Multipart/Form-Data; boundary=x").body(MAIL);
    problem(request.send().await.unwrap(), 415, "INVALID_ARGUMENT").await;
    problem(world.get("/webhooks/email/mail").await, 405, "INVALID_ARGUMENT").await;
    assert_eq!(world.count().await, 0);
}
