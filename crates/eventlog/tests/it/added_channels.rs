//! Added channels on a real server: one message each, in the order of their changes, and nobody writes over another.

use bytes::Bytes;
use relevo_domain::{ChannelId, TenantId};
use relevo_eventlog::{AddedChannels, Connection};
use relevo_testkit::NatsServer;

use crate::jetstream::options;

/// Every channel with what stands there, in the order of the changes behind a sequence.
async fn behind(channels: &AddedChannels, mut sequence: u64) -> Vec<(String, Option<Bytes>)> {
    let mut found = Vec::new();
    while let Some(next) = channels.next(sequence).await.unwrap() {
        sequence = next.sequence;
        found.push((format!("{}/{}", next.tenant, next.channel), next.sealed));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_what_was_said_last_and_nobody_writes_over_another() {
    let mut server = NatsServer::sync_always().await;
    let channels = Connection::connect(options(&server)).await.unwrap().added_channels();
    let (tenant, one, two) =
        (TenantId::new("demo").unwrap(), ChannelId::new("wa-1").unwrap(), ChannelId::new("wa-2").unwrap());
    let sealed = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    assert!(behind(&channels, 0).await.is_empty());

    let first = channels.put(&tenant, &one, sealed("a"), 0).await.unwrap().unwrap();
    let second = channels.put(&tenant, &two, sealed("b"), 0).await.unwrap().unwrap();
    assert_eq!(channels.put(&tenant, &one, sealed("x"), 0).await.unwrap(), None, "somebody was first");
    assert_eq!(
        behind(&channels, 0).await,
        [("demo/wa-1".to_owned(), sealed("a")), ("demo/wa-2".to_owned(), sealed("b"))]
    );
    assert_eq!(behind(&channels, first).await, [("demo/wa-2".to_owned(), sealed("b"))]);

    channels.put(&tenant, &one, sealed("c"), first).await.unwrap().unwrap();
    channels.put(&tenant, &two, None, second).await.unwrap().unwrap();
    assert_eq!(channels.put(&tenant, &two, sealed("d"), second).await.unwrap(), None, "it was taken back meanwhile");
    server.restart().await;
    assert_eq!(behind(&channels, 0).await, [("demo/wa-1".to_owned(), sealed("c")), ("demo/wa-2".to_owned(), None)]);
    assert_eq!(behind(&channels, second).await.len(), 2);
}
