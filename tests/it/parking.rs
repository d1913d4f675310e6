//! Parked items as operators see them: listed, shown, retried and given up.

use relevo_proto::admin::v1::{DiscardParkedRequest, GetParkedRequest, ListParkedRequest, RetryParkedRequest};
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client};

#[tokio::test]
async fn parked_items_are_paged_shown_retried_and_given_up() {
    let broker = Broker::start().await;
    let admin = broker.client("admin");
    let stray = |n: usize| {
        meta_text("5491155550101", "María", &format!("wamid.{n}"), "Hola").replace("106540352242922", "999999999999999")
    };
    // Made once: a body holds the second in which it was made.
    let bodies = [stray(0), stray(1), stray(2)];
    for body in &bodies {
        assert_eq!(post_meta(&broker.http, body.clone()).await, 200);
    }
    admin.settled(3).await.assert_balanced();

    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListParkedRequest { endpoint: String::new(), page_size: 1, page_token };
        let page = admin.intake().list_parked(admin.request(request)).await.unwrap().into_inner();
        assert_eq!(page.total, 3);
        ids.extend(page.items.iter().map(|item| item.parked_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(ids.len(), 3);

    // Strangers are handled side by side and parked in any order; an id says how they came.
    ids.sort_unstable();
    for (&parked_id, body) in ids.iter().zip(&bodies) {
        let shown = admin.intake().get_parked(admin.request(GetParkedRequest { parked_id })).await.unwrap();
        let shown = shown.into_inner();
        assert!(!shown.body_withheld);
        assert_eq!(shown.body, body.as_bytes());
    }

    let request = RetryParkedRequest { parked_ids: vec![], all: true };
    let retried = admin.intake().retry_parked(admin.request(request)).await.unwrap().into_inner();
    assert_eq!((retried.retried, retried.stored, retried.parked_again), (3, 0, 3));

    let request = DiscardParkedRequest { parked_ids: ids.clone() };
    let discarded = admin.intake().discard_parked(admin.request(request)).await.unwrap().into_inner();
    assert_eq!(discarded.discarded, 3);
    let gone = admin.intake().get_parked(admin.request(GetParkedRequest { parked_id: ids[0] })).await;
    assert_eq!(gone.unwrap_err().code(), tonic::Code::NotFound);
    let status = admin.settled(3).await;
    status.assert_balanced();
    assert_eq!(status.unrouted.parked, 3);
}

/// A number that was configured nowhere gets a channel, of another tenant of the same app: what had been parked is retried by
/// whoever saw it parked, becomes the tenant's message, and moves to the tenant's counts.
#[tokio::test]
async fn a_stray_message_is_stored_once_its_channel_is_configured() {
    const CHANNEL: &str = r#"
        [[tenants]]
        name = "acme"
        time_zone = "America/Argentina/Buenos_Aires"
        language = "es"
        [[tenants.channels]]
        id = "wa-nueve"
        kind = "meta"
        label = "Nueve"
        app = "demo"
        phone_number_id = "999999999999999"
        [[tenants.agents]]
        id = "jefa"
        name = "La Jefa"
        role = "admin"
        [[api_keys]]
        tenant = "acme"
        name = "jefa"
        role = "admin"
        key_hash = "sha256:"#;
    let mut broker = Broker::start().await;
    let stray = meta_text("5491155550101", "Ana", "wamid.1", "Hola").replace("106540352242922", "999999999999999");
    assert_eq!(post_meta(&broker.http, stray).await, 200);
    broker.client("admin").settled(1).await;

    broker.stop();
    let file = broker.data().join("acme.toml");
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"acme-key"));
    std::fs::write(&file, format!("{CHANNEL}{hash}\"\n")).unwrap();
    broker.add_args(&["--config", file.to_str().unwrap()]);
    broker.restart().await;

    let admin = broker.client("admin");
    let request = RetryParkedRequest { parked_ids: vec![1], all: false };
    let retried = admin.intake().retry_parked(admin.request(request)).await.unwrap().into_inner();
    assert_eq!((retried.stored, retried.parked_again), (1, 0));
    let jefa = Client::new(&broker.grpc, "acme-key");
    relevo_tests::eventually_within(
        "the message is in acme's inbox",
        relevo_tests::client::SETTLED_WITHIN,
        async || (jefa.conversations().await.len() == 1).then_some(()),
    )
    .await;
    assert_eq!(jefa.intake_status().await.unwrap().total().messages, 1);
    assert_eq!(admin.settled(1).await.unrouted.updates, 0);
    assert!(admin.conversations().await.is_empty());
}
