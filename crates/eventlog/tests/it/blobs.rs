//! Files by hash: one suite on the object store and on a folder, then what only one of them can do.

use bytes::Bytes;
use relevo_domain::TenantId;
use relevo_eventlog::blobs::BLOB_BYTES_MAX;
use relevo_eventlog::{Blobs, Connection, LogError};
use relevo_testkit::NatsServer;

use crate::jetstream::options;

/// SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn large() -> Bytes {
    (0..3_000_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>().into()
}

async fn conforms(blobs: &Blobs) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    assert_eq!(blobs.get(&acme, HELLO).await.unwrap(), None);
    assert_eq!(blobs.head(&acme, HELLO, 3).await.unwrap(), None);
    assert!(!blobs.exists(&acme, HELLO).await.unwrap());

    for _ in 0..2 {
        assert_eq!(blobs.put(&acme, Bytes::from_static(b"hello")).await.unwrap(), HELLO);
        assert_eq!(blobs.get(&acme, HELLO).await.unwrap().as_deref(), Some(b"hello".as_slice()));
        assert_eq!(blobs.size(&acme, HELLO).await.unwrap(), Some(5));
    }
    let head = blobs.head(&acme, HELLO, 3).await.unwrap().unwrap();
    assert_eq!((head.size_bytes, head.bytes.as_ref()), (5, b"hel".as_slice()));
    let head = blobs.head(&acme, HELLO, 300).await.unwrap().unwrap();
    assert_eq!((head.size_bytes, head.bytes.as_ref()), (5, b"hello".as_slice()));

    // Parts, wherever they are.
    let part = async |start, length| blobs.part(&acme, HELLO, start, length).await.unwrap();
    assert_eq!(part(1, 3).await.as_deref(), Some(b"ell".as_slice()));
    assert_eq!(part(0, 5).await.as_deref(), Some(b"hello".as_slice()));
    assert_eq!(part(5, 0).await.as_deref(), Some(b"".as_slice()));
    assert_eq!((part(1, 5).await, part(9, 1).await), (None, None));

    // Tenants are apart, whatever they store.
    assert!(!blobs.exists(&other, HELLO).await.unwrap());
    assert_eq!(blobs.get(&other, HELLO).await.unwrap(), None);

    let sha256 = blobs.put(&other, large()).await.unwrap();
    assert_eq!(blobs.get(&other, &sha256).await.unwrap(), Some(large()));
    let (start, end) = (11_999_990, 12_000_000);
    assert_eq!(blobs.part(&other, &sha256, start, 10).await.unwrap(), Some(large().slice(start as usize..end)));
    let usage = blobs.usage().await.unwrap();
    assert_eq!(usage.into_iter().collect::<Vec<_>>(), [(acme.clone(), 5), (other.clone(), 12_000_000)]);
    let space = blobs.space().await.unwrap();
    assert!(space.free_bytes > 0 && space.free_bytes < space.budget_bytes, "{space:?}");
    let empty = blobs.put(&acme, Bytes::new()).await.unwrap();
    assert_eq!(blobs.get(&acme, &empty).await.unwrap(), Some(Bytes::new()));

    let too_large = blobs.put(&acme, Bytes::from(vec![0; BLOB_BYTES_MAX + 1])).await;
    assert_eq!(too_large, Err(LogError::TooLarge { size: BLOB_BYTES_MAX + 1, limit: BLOB_BYTES_MAX }));

    for not_a_hash in ["", "..", "../../etc/passwd", &HELLO.to_uppercase(), &HELLO[1..], &HELLO.replace('2', "/")] {
        assert_eq!(blobs.get(&acme, not_a_hash).await.unwrap(), None, "{not_a_hash:?}");
        assert_eq!(blobs.size(&acme, not_a_hash).await.unwrap(), None, "{not_a_hash:?}");
        assert_eq!(blobs.head(&acme, not_a_hash, 1).await.unwrap(), None, "{not_a_hash:?}");
    }

    // Many at once, the same and others: each is whole for whoever is told that it is stored.
    let puts = (0..24u8).map(|number| {
        let (blobs, acme) = (blobs.clone(), acme.clone());
        tokio::spawn(async move {
            let bytes = Bytes::from(vec![number % 3; 200_000]);
            let sha256 = blobs.put(&acme, bytes.clone()).await.unwrap();
            assert_eq!(blobs.get(&acme, &sha256).await.unwrap(), Some(bytes));
        })
    });
    for put in puts.collect::<Vec<_>>() {
        put.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_conforms() {
    let server = NatsServer::start().await;
    conforms(&Connection::connect(options(&server)).await.unwrap().blobs()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_conforms_and_leaves_nothing_unfinished() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&Blobs::folder(folder.path().join("files"))).await;
    let unfinished = std::fs::read_dir(folder.path().join("files/.unfinished")).unwrap();
    assert_eq!(unfinished.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_folder_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("srv/files");
    let sha256 = Blobs::folder(&root).put(&tenant("acme"), Bytes::from_static(b"hello")).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = root.join("acme/2c/f2").join(sha256);
    assert_eq!(mode(&file), 0o600);
    let folders: Vec<_> =
        file.ancestors().skip(1).take(4).map(std::path::Path::to_owned).chain([root.join(".unfinished")]).collect();
    assert_eq!(folders.iter().map(|folder| mode(folder)).collect::<Vec<_>>(), [0o700; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_refuses_files_and_keeps_its_room_and_the_events() {
    let server = NatsServer::start().await;
    let connection = Connection::connect(options(&server)).await.unwrap();
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = || async { context.get_stream("OBJ_RELEVO_BLOBS").await.unwrap().cached_info().clone() };
    let mut config = stream().await.config;
    config.max_bytes = 1_000_000;
    context.update_stream(&config).await.unwrap();

    let (blobs, acme) = (connection.blobs(), tenant("acme"));
    let small = blobs.put(&acme, Bytes::from(vec![1; 100_000])).await.unwrap();
    let before = stream().await.state.bytes;
    for _ in 0..3 {
        assert_eq!(blobs.put(&acme, large()).await, Err(LogError::Full));
    }
    assert_eq!(stream().await.state.bytes, before);
    assert!(blobs.exists(&acme, &small).await.unwrap());
    // What is stored is found, whether or not there is room.
    assert_eq!(blobs.put(&acme, Bytes::from(vec![1; 100_000])).await, Ok(small));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_noticed_and_mended_by_storing_again() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, acme) = (Blobs::folder(folder.path()), tenant("acme"));
    let sha256 = blobs.put(&acme, Bytes::from_static(b"hello")).await.unwrap();
    let place = folder.path().join("acme/2c/f2").join(&sha256);
    std::fs::write(&place, b"hellO").unwrap();
    assert_eq!(blobs.get(&acme, &sha256).await.unwrap(), None);
    std::fs::write(&place, b"he").unwrap();
    assert_eq!(blobs.get(&acme, &sha256).await.unwrap(), None);
    blobs.put(&acme, Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(blobs.get(&acme, &sha256).await.unwrap().as_deref(), Some(b"hello".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_parts_are_gone_is_not_there() {
    let server = NatsServer::start().await;
    let blobs = Connection::connect(options(&server)).await.unwrap().blobs();
    let sha256 = blobs.put(&tenant("acme"), Bytes::from_static(b"hello")).await.unwrap();
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = context.get_stream("OBJ_RELEVO_BLOBS").await.unwrap();
    stream.purge().filter("$O.RELEVO_BLOBS.C.>").await.unwrap();
    assert_eq!(blobs.get(&tenant("acme"), &sha256).await.unwrap(), None);
}
