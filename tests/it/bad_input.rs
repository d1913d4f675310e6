//! Bad input gets a clear status, loses nothing, and costs its neighbours nothing.

use relevo_tests::webhook::{meta_text, post, post_mail, post_meta, post_twilio};
use relevo_tests::{Broker, Counters};

#[tokio::test]
async fn unsigned_or_wrongly_signed_input_is_refused_and_not_stored() {
    let broker = Broker::start().await;
    let body = meta_text("5491155550101", "María", "wamid.1", "Hola").into_bytes();
    let meta = format!("{}/webhooks/meta/demo", broker.http);
    for headers in [vec![], vec![("x-hub-signature-256", "sha256=00")], vec![("x-hub-signature-256", "nonsense")]] {
        assert!(matches!(post(&meta, &headers, body.clone()).await, 401 | 403));
    }
    let mail = format!("{}/webhooks/email/demo-mail", broker.http);
    assert!(matches!(
        post(&mail, &[("authorization", "Bearer wrong")], b"From: a@b\r\n\r\n".to_vec()).await,
        401 | 403
    ));
    assert_eq!(post(&format!("{}/webhooks/meta/nobody", broker.http), &[], body).await, 404);
    assert_eq!(broker.client("admin").settled(0).await.posts(), 0);
}

#[tokio::test]
async fn signed_nonsense_is_kept_parked_and_answered_200() {
    let broker = Broker::start().await;
    let admin = broker.client("admin");
    let bodies: [&[u8]; 5] =
        [b"{", b"[]", b"\0\0\0", b"{\"object\":\"whatsapp_business_account\",\"entry\":7}", b"nul\0l"];
    for body in bodies {
        assert_eq!(post_meta(&broker.http, body).await, 200);
    }
    let status = admin.settled(5).await;
    status.assert_balanced();
    assert_eq!(status.total().messages, 0);
    assert!(status.total().parked >= 3, "{status:?}");
    // And the next good one is stored.
    assert_eq!(post_meta(&broker.http, meta_text("5491155550101", "María", "wamid.1", "Hola")).await, 200);
    assert_eq!(admin.settled(6).await.total().messages, 1);
}

#[tokio::test]
async fn an_unconfigured_number_is_unrouted_and_its_neighbours_are_stored() {
    let broker = Broker::start().await;
    let stray = meta_text("5491155550101", "María", "wamid.1", "Hola").replace("106540352242922", "999999999999999");
    let good = meta_text("5491155550102", "Ana", "wamid.2", "Hola");
    let (mut both, stray): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&good).unwrap(), serde_json::from_str(&stray).unwrap());
    both["entry"].as_array_mut().unwrap().push(stray["entry"][0].clone());
    assert_eq!(post_meta(&broker.http, both.to_string()).await, 200);
    let status = broker.client("admin").settled(1).await;
    assert_eq!(status.unrouted, Counters { updates: 1, parked: 1, ..Counters::default() });
    assert_eq!(status.total(), Counters { updates: 2, messages: 1, parked: 1, ..Counters::default() });
}

#[tokio::test]
async fn bodies_above_the_limit_are_413_and_below_it_are_stored() {
    let broker = Broker::start().await;
    let mail = |megabytes: usize| {
        let mut mail = b"From: ana@example.com\r\nSubject: grande\r\nMessage-ID: <big@example.com>\r\n\r\n".to_vec();
        mail.resize(megabytes * 1024 * 1024, b'x');
        mail
    };
    assert!(matches!(post_mail(&broker.http, mail(10)).await, 200 | 202));
    assert_eq!(post_mail(&broker.http, mail(70)).await, 413);
    let huge = meta_text("5491155550101", "María", "wamid.1", &"x".repeat(10 * 1024 * 1024));
    assert_eq!(post_meta(&broker.http, huge).await, 413);
    assert_eq!(broker.client("admin").settled(1).await.total().messages, 1);
}

#[tokio::test]
async fn nul_bytes_and_hostile_names_do_no_harm() {
    let broker = Broker::start().await;
    let text = meta_text("5491155550101", "Mar\u{0}ía\u{1b}[31m", "wamid.1", "Ho\u{0}la \u{1b}]0;x\u{7}");
    assert_eq!(post_meta(&broker.http, text).await, 200);
    assert_eq!(post_twilio(&broker.http, "MessageSid=SM1&From=whatsapp%3A%2B549&Body=%00%ZZ%F0").await, 200);
    let admin = broker.client("admin");
    assert_eq!(admin.settled(2).await.total().messages, 2);
    let (code, out, err) = relevo_tests::broker::cli(&broker, "admin", &["conversation", "list"]);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains('\u{1b}') && !out.contains('\u{0}'), "{out:?}");
}
