//! The whole corpus of mails over IMAP: what comes out is what went in, byte for byte.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::rig::{Rig, USER};

/// `RELEVO_FIXTURES`, or `../shared/fixtures` beside the checkout; its mails.
fn corpus() -> Option<Vec<(String, Vec<u8>)>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("RELEVO_FIXTURES").map_or_else(|| root.join("../shared/fixtures"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(folder.join("email")) else {
        eprintln!("skipped: no fixtures in {}", folder.display());
        return None;
    };
    let mails = entries.flatten().filter(|entry| entry.path().extension().is_some_and(|extension| extension == "eml"));
    let mut mails: Vec<_> = mails
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect();
    mails.sort();
    Some(mails)
}

/// Lines as they are on the wire: IMAP has no others.
fn on_the_wire(mail: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(mail.len());
    let mut before = 0;
    for byte in mail {
        if *byte == b'\n' && before != b'\r' {
            wire.push(b'\r');
        }
        wire.push(*byte);
        before = *byte;
    }
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_is_stored_as_it_is() {
    let Some(corpus) = corpus() else { return };
    assert!(corpus.len() > 50, "the corpus has {} mails", corpus.len());
    let rig = Rig::start().await;
    let running = rig.connected().await;
    let mut wanted: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for (n, (_, mail)) in corpus.iter().enumerate() {
        rig.dovecot.drop_mail(USER, "INBOX", &format!("f{n}"), mail);
        *wanted.entry(on_the_wire(mail)).or_default() += 1;
    }
    let items = rig.items(corpus.len() as u64).await;
    assert_eq!(items.len(), corpus.len());
    let mut found: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for item in items {
        assert_eq!(item.notes, relevo_eventlog::Notes::default());
        *found.entry(item.body.to_vec()).or_default() += 1;
    }
    let wrong: Vec<&String> =
        corpus.iter().filter(|(_, mail)| !found.contains_key(&on_the_wire(mail))).map(|(name, _)| name).collect();
    assert!(wrong.is_empty(), "changed on the way: {wrong:?}");
    assert_eq!(found, wanted);
    eprintln!("{} fixtures, each byte for byte", corpus.len());
    running.stop().await;
}
