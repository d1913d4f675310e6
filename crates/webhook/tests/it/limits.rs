//! Bodies that are too large, too slow, or too many.

use std::time::Duration;

use relevo_channels::signature::meta_sign;
use relevo_webhook::{META_BODY_BYTES_MAX, Options, TWILIO_BODY_BYTES_MAX};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::{APP_SECRET, MAIL_TOKEN, SHORT, World, chunk, problem};

#[tokio::test]
async fn the_providers_own_limit_fits_and_ten_megabytes_do_not() {
    let world = World::start().await;
    assert_eq!(world.post_meta(APP_SECRET, vec![b'x'; 3_000_000]).await.status(), 200);
    assert_eq!(world.post_meta(APP_SECRET, vec![b'x'; META_BODY_BYTES_MAX]).await.status(), 200);
    problem(world.post_meta(APP_SECRET, vec![b'x'; META_BODY_BYTES_MAX + 1]).await, 413, "TOO_LARGE").await;
    problem(world.post_meta(APP_SECRET, vec![b'x'; 10_000_000]).await, 413, "TOO_LARGE").await;
    let form = vec![b'x'; TWILIO_BODY_BYTES_MAX + 1];
    let twilio = world.http.post(world.url("/webhooks/twilio/twilio")).header("x-twilio-signature", "any").body(form);
    problem(twilio.send().await.unwrap(), 413, "TOO_LARGE").await;
    assert_eq!(world.count().await, 2);
}

#[tokio::test]
async fn the_limit_holds_for_a_body_that_does_not_tell_its_length() {
    let world = World::start().await;
    let signature = meta_sign(b"any", b"");
    let head = format!(
        "POST /webhooks/meta/app HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-hub-signature-256: {signature}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let mut pieces: Vec<Vec<u8>> = (0..8).map(|_| chunk(&vec![b'x'; 1_000_000])).collect();
    pieces.push(b"0\r\n\r\n".to_vec());
    let answer = world.raw(&head, &pieces).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn a_signed_body_in_pieces_is_stored_whole() {
    let world = World::start().await;
    let signature = meta_sign(APP_SECRET.as_bytes(), b"{\"a\":1}");
    let head = format!(
        "POST /webhooks/meta/app HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-hub-signature-256: {signature}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let answer = world.raw(&head, &[chunk(b"{\"a\""), chunk(b":1}"), b"0\r\n\r\n".to_vec()]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(world.stored(1).await.input.body, &b"{\"a\":1}"[..]);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let world = World::with(Options { body_timeout: SHORT, ..Options::default() }).await;
    let signature = meta_sign(APP_SECRET.as_bytes(), b"{");
    let head = format!(
        "POST /webhooks/meta/app HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-hub-signature-256: {signature}\r\n\
         content-length: 100\r\n\r\n"
    );
    let answer = world.raw(&head, &[b"{".to_vec()]).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"retryable\":true"), "{answer}");
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn when_the_memory_is_used_up_the_provider_is_asked_to_come_back() {
    let world =
        World::with(Options { memory_bytes: 1 << 20, body_timeout: Duration::from_secs(5), ..Options::default() })
            .await;
    let response = world.post_mail(MAIL_TOKEN, vec![b'x'; 2 << 20]).await;
    assert!(response.headers().contains_key("retry-after"));
    problem(response, 503, "LOG_UNAVAILABLE").await;
    assert_eq!(world.post_mail(MAIL_TOKEN, vec![b'x'; 1000]).await.status(), 202);
}

#[tokio::test]
async fn what_shows_no_signature_is_refused_before_its_body_is_read() {
    // Long enough that an answer that waits for the body would not come within the test's own limit.
    let world = World::with(Options { body_timeout: Duration::from_mins(5), ..Options::default() }).await;
    for (kind, header) in [
        ("meta/app", "x-other: 1"),
        ("meta/app", "x-hub-signature-256: sha256=00"),
        ("meta/app", "x-hub-signature-256: sha1=0123456789012345678901234567890123456789012345678901234567890123"),
        ("meta/app", "x-hub-signature-256: sha256=z123456789012345678901234567890123456789012345678901234567890123"),
        ("twilio/twilio", "x-other: 1"),
        ("twilio/twilio", "x-twilio-signature: "),
        ("email/mail", "x-other: 1"),
        ("email/mail", "authorization: Basic YTpi"),
    ] {
        let head = format!("POST /webhooks/{kind} HTTP/1.1\r\nhost: x\r\n{header}\r\ncontent-length: 100\r\n\r\n");
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        // Shorter than the pause after which a body is given up.
        let answered = timeout(Duration::from_secs(4), stream.read_exact(&mut status)).await;
        answered.unwrap_or_else(|_elapsed| panic!("{kind} with {header} waits for the body")).unwrap();
        assert_eq!(&status, b"HTTP/1.1 401", "{kind} with {header}");
    }
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn what_shows_no_signature_takes_no_place() {
    let world = World::with(Options { requests: 0, ..Options::default() }).await;
    problem(world.post_meta(APP_SECRET, "{}").await, 503, "LOG_UNAVAILABLE").await;
    for path in ["/webhooks/meta/app", "/webhooks/twilio/twilio", "/webhooks/email/mail"] {
        let unsigned = world.http.post(world.url(path)).body("{}").send().await.unwrap();
        problem(unsigned, 401, "SIGNATURE_INVALID").await;
    }
}

#[tokio::test]
async fn a_refused_client_sees_its_answer_and_can_go_on() {
    let world = World::start().await;
    for _ in 0..3 {
        let unsigned = world.http.post(world.url("/webhooks/meta/app")).body(vec![b'x'; 3_000_000]);
        problem(unsigned.send().await.unwrap(), 401, "SIGNATURE_INVALID").await;
    }
    assert_eq!(world.post_meta(APP_SECRET, "{}").await.status(), 200);
}

#[tokio::test]
async fn a_name_that_cannot_be_decoded_is_an_unknown_one() {
    let world = World::start().await;
    for path in ["/webhooks/meta/%ff", "/webhooks/twilio/%ff", "/webhooks/email/%ff", "/webhooks/meta/%zz", "/%ff"] {
        let answer = world.http.post(world.url(path)).body("{}").send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
        problem(answer, 404, "ENDPOINT_NOT_FOUND").await;
    }
    problem(world.get("/webhooks/meta/%ff?hub.mode=subscribe").await, 404, "ENDPOINT_NOT_FOUND").await;
}
