//! Rules that no sample form shows, and what holds for any input.

use proptest::prelude::*;
use relevo_domain::conversation::{Medium, MessageKind};
use relevo_domain::identity::IdentifierKind;

use super::updates;
use crate::fact::{Class, Fact, MessageFact, NotUnderstood, NotUnderstoodReason, StatusFact, Target, What};
use crate::testing::testdata;

fn read(form: &str) -> Result<Fact, NotUnderstood> {
    let mut all = updates(form.as_bytes(), "");
    assert_eq!((all.len(), &all[0].target), (1, &Target::Endpoint), "{form}");
    all.remove(0).content
}

fn message(form: &str) -> (Fact, MessageFact) {
    let fact = read(form).unwrap();
    let What::Message(message) = fact.what.clone() else { panic!("{fact:?}") };
    (fact, *message)
}

fn status(form: &str) -> StatusFact {
    let What::Status(status) = read(form).unwrap().what else { panic!("{form}") };
    status
}

fn identifiers(fact: &Fact) -> Vec<(IdentifierKind, &str)> {
    fact.identifiers.iter().map(|identifier| (identifier.kind, identifier.value.as_str())).collect()
}

#[test]
fn every_name_of_the_sender_counts() {
    let (fact, message) = message(
        "MessageSid=SM1&Body=x&From=whatsapp%3A%2B549115&WaId=549115&ExternalUserId=whatsapp%3AAR.1&ProfileName=Ana",
    );
    let expected =
        [(IdentifierKind::Bsuid, "AR.1"), (IdentifierKind::WaId, "549115"), (IdentifierKind::Phone, "+549115")];
    assert_eq!(identifiers(&fact), expected);
    assert_eq!((message.sender_address.as_deref(), fact.name.as_deref()), (Some("whatsapp:+549115"), Some("Ana")));
}

#[test]
fn a_bsuid_may_stand_where_the_phone_stood() {
    let (fact, received) = message("MessageSid=SM1&Body=x&From=whatsapp%3AAR.1&ExternalUserId=whatsapp%3AAR.1");
    assert_eq!(identifiers(&fact), [(IdentifierKind::Bsuid, "AR.1")]);
    assert_eq!((received.sender_address.as_deref(), fact.medium), (Some("whatsapp:AR.1"), Medium::WhatsApp));
    let (fact, _) = message("MessageSid=SM1&Body=x&ExternalUserId=whatsapp%3AAR.1");
    assert_eq!((identifiers(&fact), fact.medium), (vec![(IdentifierKind::Bsuid, "AR.1")], Medium::WhatsApp));
}

#[test]
fn an_unescaped_plus_is_the_same_number() {
    let (fact, _) = message("MessageSid=SM1&Body=x&From=whatsapp:+549115");
    assert_eq!(identifiers(&fact), [(IdentifierKind::Phone, "+549115")]);
}

#[test]
fn plain_numbers_are_sms() {
    let (fact, _) = message("MessageSid=SM1&Body=x&From=%2B1555&To=%2B1556");
    assert_eq!((fact.medium, identifiers(&fact)), (Medium::Sms, vec![(IdentifierKind::Phone, "+1555")]));
}

#[test]
fn what_is_refused_says_where() {
    let refusal = |form| {
        let refused = read(form).unwrap_err();
        (refused.reason, refused.at, refused.class)
    };
    let message = Some(Class::Message);
    assert_eq!(refusal("From=%2B1&Body=x"), (NotUnderstoodReason::MissingId, "MessageSid".to_owned(), message));
    assert_eq!(refusal("MessageSid=SM1&Body=x"), (NotUnderstoodReason::MissingSender, "From".to_owned(), message));
    assert_eq!(refusal("MessageSid=SM1&From=messenger%3A5"), (NotUnderstoodReason::NotYet, "From".to_owned(), message));
    assert_eq!(refusal("MessageStatus=sent&From=%2B1").2, Some(Class::Status));
    assert_eq!(refusal("{\"specversion\":\"1.0\"}").0, NotUnderstoodReason::Malformed);
    assert_eq!(updates(b"", ""), []);
}

#[test]
fn the_kind_without_a_type_comes_from_what_is_there() {
    let kind = |rest: &str| message(&format!("MessageSid=SM1&From=%2B1&{rest}")).1.kind;
    assert_eq!(kind("Body=x"), MessageKind::Text);
    assert_eq!(kind("MediaUrl0=u&MediaContentType0=Audio%2FOGG"), MessageKind::Audio);
    assert_eq!(kind("MediaUrl0=u&MediaContentType0=text%2Fvcard"), MessageKind::Contacts);
    assert_eq!(kind("MediaUrl0=u"), MessageKind::Document);
    assert_eq!(kind("Latitude=1&Longitude=2"), MessageKind::Location);
    assert_eq!(kind("ListId=a&ListTitle=b"), MessageKind::Interactive);
    assert_eq!(kind("ButtonPayload=a"), MessageKind::Button);
    assert_eq!(kind("MessageType=note"), MessageKind::Other("note".to_owned()));
}

#[test]
fn media_are_read_in_their_order() {
    let one = |n| format!("&MediaUrl{n}=https%3A%2F%2Fh%2FMedia%2FME{n}%3Fx&MediaContentType{n}=image%2Fpng");
    let media = (0..12).rev().map(one).collect::<Vec<_>>().concat();
    let (_, message) = message(&format!("MessageSid=SM1&From=%2B1&NumMedia=2{media}&MediaUrlX=y&ReferralMediaUrl=z"));
    let ids: Vec<_> = message.attachments.iter().map(|one| one.provider_id.clone().unwrap()).collect();
    assert_eq!(ids, (0..12).map(|n| format!("ME{n}")).collect::<Vec<_>>());
    let details = message.details_json.unwrap();
    assert_eq!(details, r#"{"other":{"MediaUrlX":"y"},"referral":{"media_url":"z"}}"#);
}

#[test]
fn answers_to_buttons_and_lists_are_text_too() {
    let (_, button) = message("MessageSid=SM1&From=%2B1&Body=&ButtonText=S%C3%AD&ButtonPayload=p");
    assert_eq!(
        (button.text.as_deref(), button.details_json.as_deref()),
        (Some("Sí"), Some(r#"{"button":{"payload":"p","text":"Sí"}}"#))
    );
    let (_, list) = message("MessageSid=SM1&From=%2B1&ListTitle=T&ListId=i");
    assert_eq!(list.text.as_deref(), Some("T"));
}

#[test]
fn broken_escapes_and_foreign_bytes_are_survived() {
    assert_eq!(message("MessageSid=SM1&From=%2B1&Body=%ZZ").1.text.as_deref(), Some("%ZZ"));
    assert_eq!(message("MessageSid=SM1&From=%2B1&Body=a%00b%ff%").1.text.as_deref(), Some("ab\u{fffd}%"));
}

#[test]
fn status_words() {
    for (word, ours) in [
        ("queued", "accepted"),
        ("accepted", "accepted"),
        ("scheduled", "accepted"),
        ("sending", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("undelivered", "failed"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("huh", "huh"),
    ] {
        let status = status(&format!("MessageSid=SM1&MessageStatus={word}&To=whatsapp%3A%2B1"));
        assert_eq!(status.status.as_str(), ours);
        assert!(status.details_json.unwrap().contains(word), "the provider's own word is kept");
    }
}

#[test]
fn status_keys_tell_words_apart_that_mean_the_same() {
    let key = |word: &str| read(&format!("MessageSid=SM1&MessageStatus={word}&To=%2B1")).unwrap().key;
    assert_ne!(key("failed"), key("undelivered"));
    assert_eq!(key("failed"), key("failed"));
}

#[test]
fn composed_forms_as_facts() {
    for name in
        ["in_button_without_payload", "in_ctwa_referral", "in_multi_media_sms_style", "status_undelivered_63016"]
    {
        let settings = crate::testing::snapshots();
        settings.bind(|| {
            insta::assert_debug_snapshot!(
                format!("twilio__{name}"),
                updates(&testdata(&format!("twilio/{name}.txt")), "")
            );
        });
    }
}

#[test]
fn a_medium_is_listed_once_however_often_it_is_named() {
    let form = "MessageSid=SM1&From=%2B1&MediaUrl0=https%3A%2F%2Fa&MediaUrl00=b&MediaUrl%2B0=c&MediaUrl1=d";
    let (_, message) = message(form);
    let urls: Vec<_> = message.attachments.iter().filter_map(|one| one.personal.url.as_deref()).collect();
    assert_eq!(urls, ["https://a", "d"]);
    assert_eq!(message.details_json.as_deref(), Some(r#"{"other":{"MediaUrl+0":"c","MediaUrl00":"b"}}"#));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(updates(&body, "").len() <= 1);
    }

    #[test]
    fn any_values_of_known_names_are_survived(values in prop::collection::vec(any::<String>(), 14)) {
        let names = ["MessageSid", "From", "To", "Body", "WaId", "ExternalUserId", "MessageType", "MediaUrl0", "MediaUrl1",
            "MediaContentType0", "NumMedia", "MessageStatus", "ErrorCode", "Latitude"];
        for skipped in 0..names.len() {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (at, value) in values.iter().enumerate().filter(|(at, _)| *at != skipped) {
                form.append_pair(names[at], value);
            }
            let body = form.finish().into_bytes();
            prop_assert_eq!(updates(&body, "").len(), 1);
            prop_assert_eq!(updates(&body, ""), updates(&body, ""));
        }
    }

    #[test]
    fn details_are_json(name in "[A-Za-z\"\\\\]{1,8}", value in any::<String>()) {
        let mut form = form_urlencoded::Serializer::new("MessageSid=SM1&From=%2B1".to_owned());
        form.append_pair(&name, &value);
        let (_, message) = message(&form.finish());
        if let Some(details) = message.details_json {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&details).is_ok(), "{}", details);
        }
    }
}
