//! Meta's door: what is sent, and what each answer is taken for.

use std::time::Duration;

use relevo_channels::failure;
use relevo_domain::conversation::{Body, FailureClass, MediaKind, OutgoingMail, Recipient};
use relevo_domain::identity::IdentifierKind;
use relevo_providers::{AccountKind, CheckPart, Deadline, FetchFailure, MediumRef, Outcome, Secret};
use relevo_testkit::fakes::{Behaviour, FakeMeta, MetaOptions, Provider, When, refusals};
use serde_json::json;

use crate::world::{CLAIM, WA_ID, World, clock, failed, is_unknown, later, media, message, meta, outgoing, text};

async fn fake() -> FakeMeta {
    FakeMeta::start(MetaOptions::default()).await.unwrap()
}

#[tokio::test]
async fn a_text_is_accepted_under_the_providers_id_and_carries_ours() {
    let (world, fake) = (World::new(), fake().await);
    let outcome = world.send(&meta(&fake), &text(1)).await;
    let [taken] = fake.accepted().try_into().unwrap();
    assert_eq!(outcome, Outcome::Accepted { provider_id: taken.id });
    assert_eq!(taken.callback, Some(message(1).to_string()));
    assert_eq!(taken.to, WA_ID);
    assert_eq!(taken.body["text"]["body"], "Hola");
}

#[tokio::test]
async fn somebody_without_a_number_is_reached_by_their_id() {
    let (world, fake) = (World::new(), fake().await);
    let to = Recipient { kind: IdentifierKind::Bsuid, value: "AR.13491208655302741918".to_owned() };
    let outgoing = outgoing(1, to, Body::Text { text: "Hola".to_owned(), preview_url: false });
    assert!(matches!(world.send(&meta(&fake), &outgoing).await, Outcome::Accepted { .. }));
    assert_eq!(fake.received("AR.13491208655302741918"), 1);
}

#[tokio::test]
async fn a_file_is_uploaded_once_and_sent_by_its_id() {
    let (world, fake) = (World::new(), fake().await);
    let bytes = b"\xff\xd8\xff--looks\r\n\r\nlike a form\x00";
    let file = world.store("image/jpeg", bytes, "foto.jpg");
    for n in 1..=2 {
        let outcome = world.send(&meta(&fake), &media(n, MediaKind::Image, file.clone())).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let [uploaded] = fake.uploads().try_into().unwrap();
    let (mime_type, stored) = fake.medium(&uploaded).unwrap();
    assert_eq!((mime_type.as_str(), stored.as_ref()), ("image/jpeg", bytes.as_slice()));
    assert!(fake.accepted().iter().all(|taken| taken.body["image"]["id"] == uploaded.as_str()));
}

#[tokio::test]
async fn a_file_that_is_gone_or_cannot_be_read_now_never_leads_to_a_call() {
    let (world, fake) = (World::new(), fake().await);
    let mut file = world.store("image/jpeg", b"jpeg", "foto.jpg");
    file.sha256 = "elsewhere".to_owned();
    let gone = world.send(&meta(&fake), &media(1, MediaKind::Image, file.clone())).await;
    assert_eq!(failed(&gone), (FailureClass::File, Some("file-gone"), None));
    file.sha256 = "broken".to_owned();
    let away = world.send(&meta(&fake), &media(1, MediaKind::Image, file)).await;
    assert_eq!(failed(&away), (FailureClass::Transient, Some("files"), None));
    assert_eq!(fake.received(WA_ID), 0);
}

#[tokio::test]
async fn every_row_of_the_table_is_refused_with_its_class_and_nobody_gets_the_message() {
    let (world, fake) = (World::new(), fake().await);
    let account = meta(&fake);
    let rows: Vec<_> =
        refusals().iter().filter(|row| row.provider == Provider::Meta && row.when == When::Send).collect();
    assert!(rows.len() > 40);
    for row in rows {
        fake.script(WA_ID, [Behaviour::Refuse(row.code.to_owned())]);
        let outcome = world.send(&account, &text(1)).await;
        let verdict = failure::meta(row.code.parse().ok(), row.status);
        let wish = row.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
        assert_eq!(failed(&outcome), (verdict.class, Some(row.code), wish.max(verdict.retry_after)), "{row:?}");
        assert_ne!(verdict.class, FailureClass::Unknown, "{row:?}");
    }
    assert_eq!(fake.received(WA_ID), 0);
}

#[tokio::test]
async fn the_codes_that_matter_most_have_the_class_that_people_rely_on() {
    let (world, fake) = (World::new(), fake().await);
    for (code, class) in [
        ("190", FailureClass::Auth),
        ("130429", FailureClass::Throttled),
        ("131056", FailureClass::PairLimit),
        ("131048", FailureClass::Quality),
        ("131031", FailureClass::Integrity),
        ("131000", FailureClass::Transient),
        ("131047", FailureClass::Window),
        ("131026", FailureClass::Recipient),
        ("100", FailureClass::Content),
        ("132001", FailureClass::Template),
        ("131042", FailureClass::Account),
    ] {
        fake.next([Behaviour::Refuse(code.to_owned())]);
        assert_eq!(failed(&world.send(&meta(&fake), &text(1)).await).0, class, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_tell_is_an_unknown_outcome() {
    let (world, fake) = (World::new(), fake().await);
    let taken = [
        Behaviour::GatewayPageAfterAccepting,
        Behaviour::NotJson,
        Behaviour::WithoutId,
        Behaviour::CloseAfterAccepting,
    ];
    let not_taken = [Behaviour::GatewayPage, Behaviour::CloseWithoutAccepting];
    for behaviour in taken.iter().chain(&not_taken) {
        fake.script(WA_ID, [behaviour.clone()]);
        let outcome = world.send(&meta(&fake), &text(1)).await;
        assert!(is_unknown(&outcome), "{behaviour:?}: {outcome:?}");
    }
    assert_eq!(fake.received(WA_ID), taken.len());
}

#[tokio::test]
async fn an_answer_that_never_comes_or_never_ends_is_an_unknown_outcome_in_time() {
    use relevo_providers::Door as _;
    let (world, fake) = (World::new(), fake().await);
    fake.script("1", [Behaviour::SilentAfterAccepting]);
    fake.script("2", [Behaviour::SlowBody]);
    let account = meta(&fake);
    let to = |value: &str| {
        let to = Recipient { kind: IdentifierKind::WaId, value: value.to_owned() };
        outgoing(1, to, Body::Text { text: "Hola".to_owned(), preview_url: false })
    };
    let (silent, slow) = (to("1"), to("2"));
    let id = fake.put_medium("image/png", vec![7; 10]);
    fake.stall(&id);
    let medium = MediumRef { provider_id: Some(id), url: None };
    let all = async {
        tokio::join!(
            world.send(&account, &silent),
            world.send(&account, &slow),
            world.doors.fetch_medium(&account, &medium, 1_000)
        )
    };
    let limit = world.doors.call_limit();
    let (silent, slow, stalled) = tokio::time::timeout(limit, all).await.expect("within the limit");
    assert!(matches!(stalled, Err(FetchFailure::Transient { .. })), "{stalled:?}");
    assert!(is_unknown(&silent) && is_unknown(&slow), "{silent:?} {slow:?}");
    assert_eq!((fake.received("1"), fake.received("2")), (1, 1));
}

#[tokio::test]
async fn a_claim_whose_time_is_over_is_not_called_with() {
    let (world, fake) = (World::new(), fake().await);
    let by = Deadline::within(CLAIM, clock);
    later(CLAIM);
    let outcome = world.send_by(&meta(&fake), &text(1), by).await;
    assert_eq!(failed(&outcome), (FailureClass::Transient, None, None));
    assert_eq!(fake.received(WA_ID), 0);
    assert!(matches!(world.send(&meta(&fake), &text(1)).await, Outcome::Accepted { .. }), "another claim is");
}

#[tokio::test]
async fn what_cannot_be_reached_certainly_has_not_got_it() {
    let (world, fake) = (World::new(), fake().await);
    let mut account = meta(&fake);
    drop(fake);
    let outcome = world.send(&account, &text(1)).await;
    assert_eq!(failed(&outcome).0, FailureClass::Transient);
    // No TLS behind that port, and no such name.
    let plain = FakeMeta::start(MetaOptions::default()).await.unwrap();
    for base in [plain.base_url().replace("http://", "https://"), "http://relevo.invalid/v25.0".to_owned()] {
        if let AccountKind::Meta(meta) = &mut account.kind {
            meta.base_url = base;
        }
        assert_eq!(failed(&world.send(&account, &text(1)).await).0, FailureClass::Transient);
    }
    assert_eq!(plain.received(WA_ID), 0);
}

#[tokio::test]
async fn an_expired_token_waits_for_a_new_one() {
    let (world, fake) = (World::new(), fake().await);
    fake.set_token("the-new-one");
    let mut account = meta(&fake);
    assert_eq!(failed(&world.send(&account, &text(1)).await), (FailureClass::Auth, Some("190"), None));
    if let AccountKind::Meta(meta) = &mut account.kind {
        meta.access_token = Secret::new("the-new-one");
    }
    assert!(matches!(world.send(&account, &text(1)).await, Outcome::Accepted { .. }));
    if let AccountKind::Meta(meta) = &mut account.kind {
        meta.access_token = Secret::new("line\r\nbreak");
    }
    assert_eq!(failed(&world.send(&account, &text(1)).await), (FailureClass::Auth, Some("bad-token"), None));
}

#[tokio::test]
async fn a_refused_upload_is_told_before_the_call() {
    let (world, fake) = (World::new(), fake().await);
    let file = world.store("image/jpeg", b"jpeg", "foto.jpg");
    for (code, class) in [
        ("131053", FailureClass::File),
        ("2", FailureClass::Transient),
        ("190", FailureClass::Auth),
        ("100", FailureClass::Content),
    ] {
        fake.refuse(When::Upload, Some(code));
        let outcome = world.send(&meta(&fake), &media(1, MediaKind::Image, file.clone())).await;
        assert_eq!(failed(&outcome), (class, Some(code), None));
    }
    assert_eq!(fake.received(WA_ID), 0);
}

#[tokio::test]
async fn a_message_is_marked_as_read_and_typing_is_shown() {
    let (world, fake) = (World::new(), fake().await);
    world.doors.mark_read(&meta(&fake), "wamid.1", false).await.unwrap();
    world.doors.mark_read(&meta(&fake), "wamid.2", true).await.unwrap();
    let marks = fake.marks();
    assert_eq!(marks[0], json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1" }));
    assert_eq!(marks[1]["typing_indicator"], json!({ "type": "text" }));
    assert_eq!(fake.accepted(), []);
}

#[tokio::test]
async fn a_look_at_the_account_says_which_part_does_not_work() {
    let (world, fake) = (World::new(), fake().await);
    let mut account = meta(&fake);
    let lines = world.doors.check(&account).await;
    assert_eq!(
        lines.iter().map(|line| (line.part, line.ok)).collect::<Vec<_>>(),
        [(CheckPart::Number, true), (CheckPart::Templates, true),]
    );
    fake.refuse(When::Templates, Some("10"));
    if let AccountKind::Meta(meta) = &mut account.kind {
        meta.phone_number_id = "1".to_owned();
    }
    let lines = world.doors.check(&account).await;
    assert_eq!((lines[0].ok, lines[0].code.as_deref()), (false, Some("100")));
    assert_eq!((lines[1].ok, lines[1].class, lines[1].code.as_deref()), (false, Some(FailureClass::Auth), Some("10")));
}

#[tokio::test]
async fn a_mail_does_not_go_through_this_door() {
    let (world, fake) = (World::new(), fake().await);
    let outcome = world.send(&meta(&fake), &crate::world::mail(1, "ana@example.test", OutgoingMail::default())).await;
    assert!(matches!(failed(&outcome).0, FailureClass::Content | FailureClass::Recipient), "{outcome:?}");
}
