//! Mail both ways through the real binary, Dovecot and Exim. The whole table is `make delivery`.

use std::sync::Arc;

use relevo_tests::delivery::{Rig, Wanted, bad, mail, types};

async fn rig() -> Arc<Rig> {
    Arc::new(Rig::start(Wanted { mail: true, ..Wanted::default() }).await)
}

#[tokio::test]
async fn a_mail_is_in_the_inbox_by_idle_within_a_second() {
    let rig = rig().await;
    let mut seen = Vec::new();
    // On a machine that compiles beside it one may take longer; `make delivery` takes none for that.
    for _ in 0..3 {
        match mail::arrives_by_idle(&rig).await {
            Ok(_) => return,
            Err(wrong) => seen.push(wrong),
        }
    }
    panic!("{seen:?}");
}

#[tokio::test]
async fn mails_thread_both_ways_and_bounces_fail_what_they_are_about() {
    mail::cases(&rig().await).all_right().await;
}

#[tokio::test]
async fn every_type_of_mail_is_accepted_fails_and_is_unknown() {
    let rig = rig().await;
    types::cases(&rig).only("mail ").all_right().await;
    assert_eq!((rig.doubles(), rig.lost().await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn bad_input_has_a_class_and_holds_up_nobody() {
    bad::cases(&rig().await).all_right().await;
}
