//! Two tenants see nothing of each other: by list, by id, by claim, by count.

use relevo_proto::Problem;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client};

#[tokio::test]
async fn two_tenants_see_nothing_of_each_other() {
    let broker = Broker::start().await;
    post_meta(&broker.http, meta_text("5491155550101", "María García", "wamid.1", "Hola")).await;
    let (ours, theirs) = (broker.client("admin"), Client::new(&broker.grpc, "relevo-demo-b-admin"));
    ours.settled(1).await;
    let id = ours.conversations().await.remove(0).conversation_id;

    assert!(theirs.conversations().await.is_empty());
    let status = theirs.intake_status().await.unwrap();
    assert_eq!(status.total().updates, 0);
    assert!(!status.channels.keys().any(|channel| ours_only(channel)), "{:?}", status.channels);
    for refused in [theirs.claim(&id).await.unwrap_err(), theirs.pause(&id, "").await.unwrap_err()] {
        assert_eq!(Problem::from_status(&refused).unwrap().code.as_str(), "CONVERSATION_NOT_FOUND");
    }
    let get = relevo_proto::query::v1::GetConversationRequest { conversation_id: id, ..Default::default() };
    let refused = theirs.inbox().get_conversation(theirs.request(get)).await.unwrap_err();
    assert_eq!(Problem::from_status(&refused).unwrap().code.as_str(), "CONVERSATION_NOT_FOUND");
}

fn ours_only(channel: &str) -> bool {
    matches!(channel, "demo-twilio" | "demo-mail")
}
