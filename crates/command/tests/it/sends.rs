//! What the sender records: one winner of a claim, and each fact once.

use relevo_command::{Claimed, MediumTurn, SendRef};
use relevo_domain::conversation::{FailureClass, FetchOutcome, SendFailure};
use relevo_domain::{EntityId, MessageId};
use relevo_proto::command::v1::send_service_server::SendService as _;

use crate::house::{by, channel, in_time, laura, now, pass};
use crate::sending_house::{Business, key, message_id, send, tenant, words};

async fn queued(house: &Business, id: EntityId, text: &str) -> SendRef {
    let desk = house.commands.sends(house.ports.clone());
    let sent = desk.send_message(by(&laura(), send(id, words(text)))).await.unwrap().into_inner();
    let message: MessageId = sent.message_id.parse().unwrap();
    SendRef { tenant: tenant(), conversation: id, message }
}

fn failure() -> SendFailure {
    SendFailure { class: FailureClass::Transient, code: Some("131000".to_owned()), detail: None }
}

/// The attempt that a claim won.
const fn attempt(claimed: Claimed) -> Option<u32> {
    match claimed {
        Claimed::Yes { attempt, .. } => Some(attempt),
        Claimed::Lost => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_on_two_nodes_one_wins() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let other = house.another().await;
    for round in 0..6 {
        let of = queued(&house, id, &format!("mensaje {round}")).await;
        let claims = (0..6).map(|n| {
            let sends = if n % 2 == 0 { house.sends.clone() } else { other.sends.clone() };
            let of = of.clone();
            async move { (n, sends.claim(&of, &format!("c-{round}-{n}"), in_time(), now()).await.unwrap()) }
        });
        let answers = futures::future::join_all(claims).await;
        let won: Vec<_> = answers.iter().filter(|(_, claimed)| attempt(*claimed) == Some(1)).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        // The winner whose answer got lost asks again, on whichever node.
        let name = format!("c-{round}-{}", won[0].0);
        for node in [&house, &other] {
            assert_eq!(attempt(node.sends.claim(&of, &name, in_time(), now()).await.unwrap()), Some(1));
        }
        house.sends.accepted(&of, 1, &channel("wa"), &format!("wamid.{round}"), now()).await.unwrap();
    }
    let claimed = house.events_of(id).await.into_iter().filter(|event| *event == "SendStarted").count();
    assert_eq!(claimed, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fact_is_recorded_once_and_every_node_finds_the_message() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let of = queued(&house, id, "uno").await;
    assert_eq!(attempt(house.sends.claim(&of, "a", in_time(), now()).await.unwrap()), Some(1));
    let retry = Some(now() + std::time::Duration::from_secs(2));
    for _twice in 0..2 {
        house.sends.failed(&of, 1, failure(), retry, now()).await.unwrap();
    }
    assert_eq!(house.sends.claim(&of, "b", in_time(), now()).await.unwrap(), Claimed::Lost, "its time has not come");
    pass(2_000);
    // A claim that lost is not remembered as lost.
    assert_eq!(attempt(house.sends.claim(&of, "b", in_time(), now()).await.unwrap()), Some(2));
    house.sends.unknown(&of, 2, now()).await.unwrap();
    for _twice in 0..2 {
        house.sends.accepted(&of, 2, &channel("wa"), "wamid.x", now()).await.unwrap();
        house.sends.give_up(&of, failure(), now()).await.unwrap();
    }
    let events = house.events_of(id).await;
    assert_eq!(events[5..], ["SendStarted", "SendFailed", "SendStarted", "SendOutcomeUnknown", "MessageAccepted"]);

    // By our id and by the provider's, on this node at once and on another from its store.
    let alias = key().message(&channel("wa"), "wamid.x");
    let other = house.another().await;
    for node in [&house, &other] {
        assert_eq!(node.ledger.sent(&tenant(), alias).unwrap(), Some((id, of.message)));
        let (conversation, sequence) = node.ledger.message(&tenant(), of.message).unwrap().unwrap();
        let (at, accepted) = node.ledger.accepted(&tenant(), of.message).unwrap().unwrap();
        assert_eq!((conversation, at), (id, id));
        assert!(sequence < accepted);
        assert_eq!(
            node.ledger.message(&tenant(), message_id(1)).unwrap().map(|(of, _)| of),
            Some(id),
            "the customer's"
        );
        assert_eq!(node.ledger.message(&tenant(), message_id(99)).unwrap(), None);
        assert_eq!(node.ledger.sent(&tenant(), message_id(99)).unwrap(), None);
    }
    let elsewhere = relevo_domain::TenantId::new("otro").unwrap();
    assert_eq!(house.ledger.message(&elsewhere, of.message).unwrap(), None, "tenants are apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_ended_is_claimed_by_nobody() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let of = queued(&house, id, "uno").await;
    house.sends.give_up(&of, failure(), now()).await.unwrap();
    assert_eq!(house.sends.claim(&of, "a", in_time(), now()).await.unwrap(), Claimed::Lost);
    let nothing = SendRef { message: message_id(99), ..of.clone() };
    assert_eq!(house.sends.claim(&nothing, "a", in_time(), now()).await.unwrap(), Claimed::Lost);
    let nowhere = SendRef { conversation: EntityId::WORKSPACE, ..of };
    assert_eq!(house.sends.claim(&nowhere, "a", in_time(), now()).await.unwrap(), Claimed::Lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_an_edit_brings_again_is_known_by_its_mark() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let of = SendRef { tenant: tenant(), conversation: id, message: message_id(1) };
    let (_, sequence) = house.ledger.message(&tenant(), of.message).unwrap().unwrap();
    let came = MediumTurn { index: 0, mark: Some(7), sequence };
    let edited = MediumTurn { sequence: sequence + 5, ..came };
    assert_eq!(house.sends.stored_before(&of, edited).await.unwrap(), None, "it was not fetched yet");
    let file = relevo_domain::conversation::StoredFile {
        sha256: "00".repeat(32),
        mime_type: "image/png".to_owned(),
        size_bytes: 3,
        file_name: None,
    };
    house.sends.medium(&of, came, FetchOutcome::Stored(file.clone()), now()).await.unwrap();
    assert_eq!(house.sends.stored_before(&of, edited).await.unwrap(), Some(file));
    for other in [
        MediumTurn { mark: Some(8), ..edited },
        MediumTurn { mark: None, ..edited },
        MediumTurn { index: 1, ..edited },
        came,
    ] {
        assert_eq!(house.sends.stored_before(&of, other).await.unwrap(), None, "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_medium_is_recorded_once() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let of = SendRef { tenant: tenant(), conversation: id, message: message_id(1) };
    let first = MediumTurn { index: 0, mark: None, sequence: 3 };
    for _twice in 0..2 {
        let gone = FetchOutcome::Unavailable { reason: "gone".to_owned() };
        house.sends.medium(&of, first, gone, now()).await.unwrap();
    }
    assert_eq!(house.events_of(id).await[3..], ["MediumFetched"]);
    // The one that an edit has brought is another turn.
    let gone = FetchOutcome::Unavailable { reason: "gone".to_owned() };
    house.sends.medium(&of, MediumTurn { sequence: 9, ..first }, gone, now()).await.unwrap();
    assert_eq!(house.events_of(id).await[3..], ["MediumFetched", "MediumFetched"]);
}
