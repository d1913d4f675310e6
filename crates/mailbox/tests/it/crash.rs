//! Nodes that die at any moment: every mail is stored, and what is stored twice is what was on its way.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use relevo_testkit::eventually_within;

use crate::rig::{PATIENCE, Rig, USER, mail};

const MAILS: usize = 120;
const KILLS: usize = 15;
/// What is fetched at once may be on its way when a node dies.
const GROUP: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_a_mail_and_none_repeats_what_was_done() {
    let rig = Rig::start().await;
    rig.connected().await.stop().await;
    let options = relevo_mailbox::Options { lease: Duration::from_millis(100), ..crate::rig::quick() };
    for kill in 0..KILLS {
        for n in 0..MAILS / KILLS {
            let name = format!("k{kill}n{n}");
            rig.dovecot.drop_mail(USER, "INBOX", &name, &mail(&name));
        }
        let running = rig.run_with(options.clone());
        // After any of them was stored, and often before its position was; or before anything was.
        let point = rig.stored().await + rand::rng().random_range(0..=MAILS as u64 / KILLS as u64);
        eventually_within("the node comes to where it is killed", PATIENCE, async || {
            (rig.stored().await >= point).then_some(())
        })
        .await;
        running.kill().await;
    }
    let running = rig.run_with(options);
    let last = u32::try_from(MAILS).unwrap();
    eventually_within("everything is read", PATIENCE, async || {
        (rig.position("INBOX").await == Some(last)).then_some(())
    })
    .await;
    running.stop().await;
    let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for item in rig.all_items().await {
        *seen.entry(item.body.to_vec()).or_default() += 1;
    }
    assert_eq!(seen.len(), MAILS, "every mail is there");
    let repeated: usize = seen.values().map(|count| count - 1).sum();
    eprintln!("{MAILS} mails, {KILLS} kills, {repeated} repeats");
    assert!(repeated <= KILLS * GROUP, "{repeated}");
}
