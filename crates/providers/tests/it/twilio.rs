//! Twilio's door: what is sent, and what each answer is taken for.

use std::time::Duration;

use relevo_channels::failure;
use relevo_domain::conversation::{FailureClass, MediaKind};
use relevo_providers::{AccountKind, CheckPart, Deadline, Outcome, Secret};
use relevo_testkit::fakes::{Behaviour, FakeTwilio, Provider, TwilioOptions, When, refusals};

use crate::world::{CLAIM, TWILIO_TO, World, clock, failed, is_unknown, later, media, message, text, twilio};

async fn fake() -> FakeTwilio {
    FakeTwilio::start(TwilioOptions::default()).await.unwrap()
}

#[tokio::test]
async fn a_text_is_accepted_under_its_sid_and_its_callback_carries_our_id() {
    let (world, fake) = (World::new(), fake().await);
    let outcome = world.send(&twilio(&fake), &text(1)).await;
    let [taken] = fake.accepted().try_into().unwrap();
    assert_eq!(outcome, Outcome::Accepted { provider_id: taken.id });
    assert_eq!(taken.callback, Some(message(1).to_string()));
    assert_eq!((taken.body["To"].as_str(), taken.body["Body"].as_str()), (Some(TWILIO_TO), Some("Hola")));
    assert_eq!(taken.body["From"], "whatsapp:+15550783881");
}

#[tokio::test]
async fn a_file_goes_as_an_address_and_is_not_read_here() {
    let (world, fake) = (World::new(), fake().await);
    let mut file = world.store("image/jpeg", b"jpeg", "foto.jpg");
    file.sha256 = "not-on-the-shelf".to_owned();
    let outcome = world.send(&twilio(&fake), &media(1, MediaKind::Image, file)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(fake.accepted()[0].body["MediaUrl"], "https://relevo.example/acme/not-on-the-shelf");
}

#[tokio::test]
async fn every_row_of_the_table_has_its_outcome_and_nobody_gets_the_message() {
    let (world, fake) = (World::new(), fake().await);
    let rows: Vec<_> =
        refusals().iter().filter(|row| row.provider == Provider::Twilio && row.when == When::Send).collect();
    assert!(rows.len() > 10);
    for row in rows {
        fake.script(TWILIO_TO, [Behaviour::Refuse(row.code.to_owned())]);
        let outcome = world.send(&twilio(&fake), &text(1)).await;
        if row.status >= 500 {
            // Twilio does not say that it was not taken.
            assert!(is_unknown(&outcome), "{row:?}: {outcome:?}");
            continue;
        }
        let class = failure::twilio(row.code.parse().ok(), row.status).class;
        let wish = row.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
        assert_eq!(failed(&outcome), (class, Some(row.code), wish), "{row:?}");
        assert_ne!(class, FailureClass::Unknown, "{row:?}");
    }
    assert_eq!(fake.received(TWILIO_TO), 0);
}

#[tokio::test]
async fn the_codes_that_matter_most_have_the_class_that_people_rely_on() {
    let (world, fake) = (World::new(), fake().await);
    for (code, class) in [
        ("20003", FailureClass::Auth),
        ("20429", FailureClass::Throttled),
        ("21610", FailureClass::Recipient),
        ("21656", FailureClass::Template),
        ("63007", FailureClass::Account),
    ] {
        fake.next([Behaviour::Refuse(code.to_owned())]);
        assert_eq!(failed(&world.send(&twilio(&fake), &text(1)).await).0, class, "{code}");
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
        fake.script(TWILIO_TO, [behaviour.clone()]);
        let outcome = world.send(&twilio(&fake), &text(1)).await;
        assert!(is_unknown(&outcome), "{behaviour:?}: {outcome:?}");
    }
    assert_eq!(fake.received(TWILIO_TO), taken.len());
}

#[tokio::test]
async fn an_answer_that_never_comes_is_an_unknown_outcome() {
    let (world, fake) = (World::new(), fake().await);
    fake.next([Behaviour::SilentAfterAccepting]);
    assert!(is_unknown(&world.send(&twilio(&fake), &text(1)).await));
    assert_eq!(fake.received(TWILIO_TO), 1);
}

#[tokio::test]
async fn a_claim_whose_time_is_over_is_not_called_with() {
    let (world, fake) = (World::new(), fake().await);
    let by = Deadline::within(CLAIM, clock);
    later(CLAIM);
    let outcome = world.send_by(&twilio(&fake), &text(1), by).await;
    assert_eq!(failed(&outcome), (FailureClass::Transient, None, None));
    assert_eq!(fake.received(TWILIO_TO), 0);
    assert!(matches!(world.send(&twilio(&fake), &text(1)).await, Outcome::Accepted { .. }), "another claim is");
}

#[tokio::test]
async fn what_cannot_be_reached_certainly_has_not_got_it() {
    let (world, fake) = (World::new(), fake().await);
    let account = twilio(&fake);
    drop(fake);
    assert_eq!(failed(&world.send(&account, &text(1)).await).0, FailureClass::Transient);
}

#[tokio::test]
async fn a_look_at_the_account_says_what_is_wrong_with_the_key() {
    let (world, fake) = (World::new(), fake().await);
    let mut account = twilio(&fake);
    let lines = world.doors.check(&account).await;
    assert_eq!(lines.iter().map(|line| (line.part, line.ok)).collect::<Vec<_>>(), [(CheckPart::Account, true)]);
    if let AccountKind::Twilio(twilio) = &mut account.kind {
        twilio.password = Secret::new("wrong");
    }
    let [line] = world.doors.check(&account).await.try_into().unwrap();
    assert_eq!((line.ok, line.class, line.code.as_deref()), (false, Some(FailureClass::Auth), Some("20003")));
}

#[tokio::test]
async fn read_marks_are_left_out() {
    let (world, fake) = (World::new(), fake().await);
    world.doors.mark_read(&twilio(&fake), "SM1", true).await.unwrap();
    assert_eq!(fake.accepted(), []);
}
