//! Everything that can be shown can be deleted and comes again, to the last byte.

use std::collections::BTreeMap;

use relevo_proto::admin::v1 as admin;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client};

async fn digests(client: &Client) -> BTreeMap<String, (String, String)> {
    let request = client.request(admin::GetViewStatusRequest { digest: true });
    let views = client.views().get_status(request).await.unwrap().into_inner().views;
    views.into_iter().map(|view| (view.name, (view.digest, view.digest_position))).collect()
}

async fn traffic(broker: &Broker) {
    for n in 0..30 {
        let from = format!("54911555501{:02}", n % 7);
        post_meta(&broker.http, meta_text(&from, &format!("Cliente {}", n % 7), &format!("wamid.{n}"), "Hola")).await;
    }
    let supervisor = broker.client("supervisor");
    broker.client("admin").settled(30).await;
    let rows = supervisor.conversations().await;
    for (n, row) in rows.iter().enumerate() {
        if n % 2 == 0 {
            supervisor.pause(&row.conversation_id, "nota").await.unwrap();
        } else {
            supervisor.claim(&row.conversation_id).await.unwrap();
        }
    }
    // Something is pending, so that the view of that is not empty.
    let snooze = ["conversation", "snooze", &rows[0].conversation_id, "--for", "monday"];
    let (code, _, err) = relevo_tests::broker::cli(broker, "supervisor", &snooze);
    assert_eq!((code, err.as_str()), (0, ""));
}

#[tokio::test]
async fn views_that_were_deleted_come_again_with_the_same_digests() {
    let mut broker = Broker::start().await;
    traffic(&broker).await;
    let ops = broker.client("ops");
    let status = broker.client("admin").intake_status().await.unwrap();
    let before = relevo_tests::eventually_within(
        "all views are at one position",
        relevo_tests::client::SETTLED_WITHIN,
        async || {
            let digests = digests(&ops).await;
            let positions: std::collections::BTreeSet<_> =
                digests.values().map(|(_, position)| position.clone()).collect();
            (positions.len() == 1 && digests.len() >= 5).then_some(digests)
        },
    )
    .await;
    broker.stop();
    std::fs::remove_dir_all(broker.data().join("views")).unwrap();
    broker.restart().await;
    let ops = broker.client("ops");
    relevo_tests::eventually_within("the same digests", relevo_tests::client::SETTLED_WITHIN, async || {
        (digests(&ops).await == before).then_some(())
    })
    .await;
    assert_eq!(broker.client("admin").settled(30).await.total(), status.total());
}

#[tokio::test]
async fn verify_rebuilds_each_view_and_finds_no_difference() {
    let broker = Broker::start().await;
    traffic(&broker).await;
    let ops = broker.client("ops");
    let request = ops.request(admin::VerifyViewsRequest { names: vec![] });
    let mut results = ops.views().verify(request).await.unwrap().into_inner();
    let mut same = 0;
    while let Some(step) = results.message().await.unwrap() {
        if let Some(result) = step.result {
            assert!(result.same, "{}: {result:?}", step.name);
            assert!(result.keys > 0, "{}", step.name);
            same += 1;
        }
    }
    assert!(same >= 5, "{same} views");
}
