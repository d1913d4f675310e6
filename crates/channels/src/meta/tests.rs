//! Rules that no sample payload shows, and what holds for any input.

use proptest::prelude::*;
use relevo_domain::identity::IdentifierKind;
use serde_json::{Value, json};

use super::updates;
use crate::fact::{Class, Fact, Identifier, NotUnderstoodReason, Target, Update, What};
use crate::testing::testdata;

fn envelope(field: &str, value: Value) -> Vec<u8> {
    let change = json!({"field": field, "value": value});
    let entry = json!({"id": "102290129340398", "changes": [change]});
    json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string().into_bytes()
}

fn value(name: &str, elements: Value) -> Value {
    json!({"metadata": {"phone_number_id": "106540352242922", "display_phone_number": "15550783881"}, name: elements})
}

fn messages(elements: Value) -> Vec<Update> {
    updates(&envelope("messages", value("messages", elements)))
}

fn fact(update: &Update) -> &Fact {
    update.content.as_ref().unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// The only fact of one message.
fn one(message: Value) -> Fact {
    let mut all = messages(json!([message]));
    assert_eq!(all.len(), 1);
    all.remove(0).content.unwrap()
}

fn refusal(message: Value) -> (NotUnderstoodReason, String) {
    let refused = messages(json!([message])).remove(0).content.unwrap_err();
    assert_eq!(refused.class, Some(Class::Message));
    (refused.reason, refused.at)
}

const AT: &str = "/entry/0/changes/0/value/messages/0";

#[test]
fn one_bad_message_never_costs_its_neighbours() {
    let good = |id: &str| json!({"from": "1", "id": id, "type": "text", "text": {"body": id}});
    let all = messages(json!([good("a"), 5, null, {"from": "1", "type": "text"}, {"id": "x"}, "text", good("b")]));
    let seen: Vec<_> = all
        .iter()
        .map(|update| match &update.content {
            Ok(fact) => fact.key.provider_id.clone(),
            Err(refused) => refused.reason.as_str().to_owned(),
        })
        .collect();
    assert_eq!(seen, ["a", "wrong_type", "wrong_type", "missing_id", "missing_sender", "wrong_type", "b"]);
}

#[test]
fn what_is_refused_says_where() {
    let at = |rest: &str| format!("{AT}{rest}");
    assert_eq!(refusal(json!({"from": "1", "id": {}})), (NotUnderstoodReason::MissingId, at("/id")));
    assert_eq!(refusal(json!({"id": "w", "from": " "})), (NotUnderstoodReason::MissingSender, at("")));
    assert_eq!(
        refusal(json!({"id": "w", "from": "1", "group_id": "g"})),
        (NotUnderstoodReason::NotYet, at("/group_id"))
    );
    let reaction = json!({"id": "w", "from": "1", "type": "reaction", "reaction": {"emoji": "x"}});
    assert_eq!(refusal(reaction), (NotUnderstoodReason::WrongType, at("/reaction/message_id")));
    let edit = json!({"id": "w", "from": "1", "type": "edit", "edit": {"original_message_id": "o", "message": {"type": "text", "text": []}}});
    assert_eq!(refusal(edit), (NotUnderstoodReason::WrongType, at("/edit/message/text")));
}

#[test]
fn bodies_that_are_no_envelope() {
    let nowhere = |body: &[u8]| match updates(body).as_slice() {
        [Update { target: Target::Nowhere, content: Err(refused) }] => refused.reason,
        other => panic!("{other:?}"),
    };
    for body in [&b""[..], b"{", b"[]", b"null", b"\"x\"", b"\xff\x00", b"{\"a\":1}"] {
        assert_eq!(nowhere(body), NotUnderstoodReason::Malformed, "{body:?}");
    }
    assert_eq!(nowhere(br#"{"object":"whatsapp_business_account","entry":{}}"#), NotUnderstoodReason::WrongType);
    assert_eq!(nowhere(br#"{"object":"whatsapp_business_account","entry":["x"]}"#), NotUnderstoodReason::WrongType);
}

#[test]
fn empty_envelopes_and_other_objects_say_nothing() {
    let account = r#"{"object":"whatsapp_business_account""#;
    for rest in [
        "}",
        r#","entry":null}"#,
        r#","entry":[]}"#,
        r#","entry":[{"id":"1","time":5}]}"#,
        r#","entry":[{"id":"1","changes":null}]}"#,
        r#","entry":[{"id":"1","changes":[{"field":"messages"}]}]}"#,
        r#","entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":null,"statuses":[],"contacts":[]}}]}]}"#,
        r#","entry":[{"id":"1","changes":[{"field":"history","value":{"metadata":{},"history":[]}}]}]}"#,
    ] {
        assert_eq!(updates(format!("{account}{rest}").as_bytes()), [], "{rest}");
    }
    assert_eq!(updates(b"{}"), []);
    assert_eq!(updates(br#"{"object":"page","entry":[{"id":"1","messaging":[{}]}]}"#), []);
}

#[test]
fn a_hidden_phone_in_all_of_its_forms_is_the_same_person() {
    let hidden =
        [json!({"from_user_id": "AR.1"}), json!({"from": "", "from_user_id": "AR.1"}), json!({"from": "AR.1"})];
    for mut message in hidden {
        message["id"] = json!("w");
        let fact = one(message.clone());
        let bsuid = &fact.identifiers[0];
        assert_eq!(
            (bsuid.kind, bsuid.value.as_str(), fact.identifiers.len()),
            (IdentifierKind::Bsuid, "AR.1", 1),
            "{message}"
        );
        let What::Message(message) = fact.what else { panic!() };
        assert_eq!(message.sender_address.as_deref(), Some("AR.1"));
    }
}

#[test]
fn a_redelivery_has_the_same_key_after_the_bsuid_was_learnt() {
    let before = one(json!({"id": "w", "from": "1"}));
    let after = one(json!({"id": "w", "from_user_id": "AR.1"}));
    assert_eq!(before.key, after.key);
}

#[test]
fn status_keys_tell_status_recipient_and_error_apart() {
    let status = |status: &str, to: &str, code: u32| json!({"id": "w", "status": status, "recipient_id": to, "errors": [{"code": code}]});
    let elements = json!([
        status("sent", "1", 0),
        status("read", "1", 0),
        status("read", "2", 0),
        status("read", "2", 5),
        status("read", "2", 5)
    ]);
    let all = updates(&envelope("messages", value("statuses", elements)));
    let keys: std::collections::BTreeSet<_> = all.iter().map(|update| fact(update).key.clone()).collect();
    assert_eq!((all.len(), keys.len()), (5, 4));
}

#[test]
fn a_status_without_id_or_word_is_refused() {
    let all = updates(&envelope(
        "messages",
        value("statuses", json!([{"status": "sent"}, {"id": "w", "status": 5}, {"id": "w"}])),
    ));
    let reasons: Vec<_> = all.iter().map(|update| update.content.as_ref().map_err(|refused| refused.reason)).collect();
    assert_eq!(reasons[0], Err(NotUnderstoodReason::MissingId));
    assert!(reasons[1].is_ok(), "a number is a word");
    assert_eq!(reasons[2], Err(NotUnderstoodReason::WrongType));
}

#[test]
fn a_status_of_a_group_belongs_to_no_customer() {
    for participant in ["recipient_participant_id", "participant_recipient_id", "recipient_participant_user_id"] {
        let element =
            json!({"id": "w", "status": "read", "recipient_id": "g", "recipient_type": "group", participant: "5"});
        let all = updates(&envelope("messages", value("statuses", json!([element]))));
        let What::Status(status) = &fact(&all[0]).what else { panic!() };
        assert_eq!((status.recipient.as_deref(), fact(&all[0]).identifiers.len()), (Some("5"), 0));
    }
}

#[test]
fn a_changed_number_names_both_sides() {
    let system = json!({"type": "user_changed_user_id", "user_id": "AR.2", "previous_user_id": "AR.1", "body": "b"});
    let fact = one(json!({"id": "w", "from_user_id": "AR.2", "type": "system", "system": system}));
    let What::IdentityChanged { previous, current, message } = fact.what else { panic!() };
    assert_eq!((previous[0].value.as_str(), current[0].value.as_str()), ("AR.1", "AR.2"));
    assert_eq!((message.text.as_deref(), fact.identifiers), (Some("b"), previous));

    let hash = json!({"type": "customer_identity_changed", "wa_id": "1", "identity": "h"});
    let fact = one(json!({"id": "w", "from": "1", "type": "system", "system": hash}));
    assert!(matches!(fact.what, What::Message(_)));
}

#[test]
fn an_unknown_field_is_kept_and_known_again() {
    let body = envelope("standby", json!({"b": 1, "a": [1, 2]}));
    let all = updates(&body);
    let What::ProviderUpdate { field, json } = &fact(&all[0]).what else { panic!() };
    assert_eq!((field.as_str(), json.as_str(), all.len()), ("standby", r#"{"a":[1,2],"b":1}"#, 1));
    assert_eq!(all[0].target, Target::Account { waba_id: "102290129340398".to_owned(), display_phone_number: None });
    assert_eq!(updates(&body), all);
    let other = updates(&envelope("standby", json!({"b": 2, "a": [1, 2]})));
    assert_ne!(fact(&other[0]).key, fact(&all[0]).key);
}

#[test]
fn unknown_arrays_beside_messages_are_updates() {
    let mut both = value("messages", json!([{"id": "w", "from": "1"}]));
    both["polls"] = json!([{"id": "p1"}, 7]);
    let all = updates(&envelope("messages", both));
    let classes: Vec<_> = all.iter().map(|update| fact(update).class()).collect();
    assert_eq!(classes, [Class::Message, Class::Other, Class::Other]);
    assert_eq!(fact(&all[1]).key.provider_id, "p1");
}

#[test]
fn errors_beside_different_messages_are_different() {
    let body = |id: &str| {
        let mut value = value("messages", json!([{"id": id, "from": "1"}]));
        value["errors"] = json!([{"code": 131_000}]);
        envelope("messages", value)
    };
    let key = |id| fact(&updates(&body(id))[1]).key.clone();
    assert_eq!(key("a"), key("a"));
    assert_ne!(key("a"), key("b"));
}

#[test]
fn echoes_are_about_the_customer() {
    let echo = json!({"id": "w", "from": "15550783881", "to_user_id": "AR.1", "type": "text", "text": {"body": "x"}});
    let reaction = json!({"id": "r", "from": "15550783881", "to": "1", "type": "reaction", "reaction": {"message_id": "m", "emoji": "x"}});
    let all = updates(&envelope("smb_message_echoes", value("message_echoes", json!([echo, reaction, {"id": "n"}]))));
    assert!(matches!(fact(&all[0]).what, What::Echo(_)));
    assert_eq!(fact(&all[0]).identifiers[0].value, "AR.1");
    assert_eq!(fact(&all[1]).class(), Class::Other);
    let refused = all[2].content.as_ref().unwrap_err();
    assert_eq!((refused.reason, refused.class), (NotUnderstoodReason::MissingSender, Some(Class::Other)));
}

#[test]
fn echoes_that_name_both_sides_the_other_way_round_are_about_the_customer_too() {
    let mut value =
        value("message_echoes", json!([{"id": "w", "from": "549115", "to": "15550783881", "type": "text"}]));
    value["metadata"]["display_phone_number"] = json!("+1 555-078-3881");
    let all = updates(&envelope("smb_message_echoes", value));
    let What::Echo(echo) = &fact(&all[0]).what else { panic!() };
    assert_eq!(
        (fact(&all[0]).identifiers[0].value.as_str(), echo.sender_address.as_deref()),
        ("549115", Some("15550783881"))
    );
}

#[test]
fn an_edit_quotes_nothing_new() {
    let edited = json!({"context": {"id": "M0"}, "type": "image", "image": {"id": "m", "caption": "c"}});
    let fact =
        one(json!({"id": "w", "from": "1", "type": "edit", "edit": {"original_message_id": "o", "message": edited}}));
    let What::Edit { original_provider_id, message, by_business } = fact.what else { panic!() };
    assert_eq!((original_provider_id.as_str(), by_business), ("o", false));
    assert_eq!((message.text.as_deref(), message.quoted_provider_id, message.attachments.len()), (Some("c"), None, 1));
}

#[test]
fn thousands_of_updates_in_one_body() {
    let element = |number: usize| json!({"id": format!("w{number}"), "from": number.to_string(), "type": "text", "text": {"body": "x"}});
    let mut value = value("messages", (0..5000).map(element).collect());
    value["contacts"] = (0..5000)
        .map(|number| json!({"wa_id": number.to_string(), "profile": {"name": format!("n{number}")}}))
        .collect();
    let all = updates(&envelope("messages", value));
    assert_eq!(all.len(), 5000);
    assert_eq!(fact(&all[4999]).name.as_deref(), Some("n4999"));
}

#[test]
fn composed_payloads_as_facts() {
    for name in SNAPSHOTS {
        let settings = crate::testing::snapshots();
        settings.bind(|| {
            insta::assert_debug_snapshot!(format!("meta__{name}"), updates(&testdata(&format!("meta/{name}.json"))));
        });
    }
}

const SNAPSHOTS: [&str; 10] = [
    "batch_messages_statuses_calls_same_value",
    "batch_two_numbers_messages_and_statuses",
    "msg_contacts_without_name_and_wa_id",
    "msg_document_without_filename",
    "msg_flow_reply_response_invalid_json",
    "msg_system_user_changed_number_with_bsuid",
    "msg_text_bsuid_phone_omitted",
    "msg_unknown_future_type",
    "status_failed_bsuid_recipient",
    "template_status_disabled",
];

/// Any JSON of moderate size, with the names that the reader looks for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["text", "system", "edit", "reaction", "image", "AR.1", "5491155550101"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let names = prop::sample::select(vec![
            "object",
            "entry",
            "changes",
            "value",
            "field",
            "id",
            "from",
            "from_user_id",
            "type",
            "text",
            "body",
            "system",
            "wa_id",
            "user_id",
            "edit",
            "original_message_id",
            "message",
            "reaction",
            "message_id",
            "messages",
            "statuses",
            "status",
            "contacts",
            "errors",
            "code",
            "metadata",
            "phone_number_id",
            "context",
            "profile",
            "name",
            "image",
            "timestamp",
            "recipient_id",
            "group_id",
            "message_echoes",
            "to",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..400)) {
        updates(&body);
    }

    #[test]
    fn any_value_is_survived_and_read_the_same_twice(
        field in prop::sample::select(vec!["messages", "smb_message_echoes", "calls", "history", "new"]),
        value in any_json(),
    ) {
        let body = envelope(field, value);
        prop_assert_eq!(updates(&body), updates(&body));
    }

    #[test]
    fn every_element_is_one_update(elements in prop::collection::vec(any_json(), 0..8)) {
        let all = messages(Value::from(elements.clone()));
        prop_assert_eq!(all.len(), elements.len());
        for update in &all {
            let class = match &update.content {
                Ok(fact) => Some(fact.class()),
                Err(refused) => refused.class,
            };
            prop_assert_eq!(class, Some(Class::Message));
        }
    }

    #[test]
    fn any_element_beside_a_good_one_leaves_it_alone(element in any_json()) {
        let good = json!({"from": "1", "id": "good", "type": "text", "text": {"body": "x"}});
        let all = messages(json!([element, good]));
        prop_assert_eq!(&fact(&all[1]).key.provider_id, "good");
    }

    #[test]
    fn a_cut_body_is_survived(cut in 0_usize..2000) {
        let body = testdata("meta/batch_two_numbers_messages_and_statuses.json");
        updates(&body[..cut.min(body.len())]);
    }
}

/// The values of a fact's identifiers.
fn values(identifiers: &[Identifier]) -> Vec<&str> {
    identifiers.iter().map(|identifier| identifier.value.as_str()).collect()
}

fn from_own(extra: &Value, contacts: Value) -> Fact {
    let mut message = json!({"id": "w", "from": "15550783881", "type": "text", "text": {"body": "x"}});
    message.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let mut value = value("messages", json!([message]));
    value["metadata"]["display_phone_number"] = json!("+1 555-078-3881");
    value["contacts"] = contacts;
    updates(&envelope("messages", value)).remove(0).content.unwrap()
}

#[test]
fn the_businesss_own_number_identifies_no_customer() {
    let nothing = json!({});
    for from in ["15550783881", "+15550783881", "106540352242922"] {
        let fact = from_own(&json!({"from": from}), json!([{"wa_id": "5491155550101", "profile": {"name": "Ana"}}]));
        assert_eq!((values(&fact.identifiers), fact.name.as_deref()), (vec!["5491155550101"], Some("Ana")), "{from}");
        let What::Message(message) = &fact.what else { panic!() };
        assert_eq!(message.sender_address.as_deref(), Some(from), "what was received is shown");
    }
    let fact = from_own(&json!({"from_user_id": "AR.15550783881"}), json!([]));
    assert_eq!(values(&fact.identifiers), ["AR.15550783881"], "an id of a user is no number");

    // Nobody else is named: the message is kept, and belongs to nobody that another one could belong to.
    let alone = from_own(&nothing, json!([]));
    assert!(matches!(alone.what, What::Message(_)));
    assert_eq!(alone.identifiers, []);
    let itself = from_own(&nothing, json!([{"wa_id": "15550783881", "profile": {"name": "Negocio"}}]));
    assert_eq!((itself.identifiers, itself.name), (vec![], None));
}

#[test]
fn no_customer_changes_to_or_from_the_businesss_own_number() {
    let system = |system: Value| from_own(&json!({"type": "system", "system": system}), json!([]));
    let from = system(json!({"type": "user_changed_number", "customer": "111", "wa_id": "222"}));
    assert_eq!(values(&from.identifiers), ["111"]);
    let What::IdentityChanged { previous, current, .. } = &from.what else { panic!() };
    assert_eq!((values(previous), values(current)), (vec!["111"], vec!["222"]));

    // To the own number, or from nothing but the own number: said in the thread, but nobody is merged.
    let to = system(json!({"type": "user_changed_number", "customer": "111", "wa_id": "15550783881"}));
    assert_eq!(values(&to.identifiers), ["111"]);
    assert!(matches!(to.what, What::Message(_)));
    let both = system(json!({"type": "user_changed_number", "customer": "15550783881", "wa_id": "222"}));
    assert_eq!(both.identifiers, []);
    assert!(matches!(both.what, What::Message(_)));
}

#[test]
fn what_stands_beside_many_updates_is_not_copied_for_each_if_it_is_too_long_to_be_an_id() {
    let long = "7".repeat(10_000);
    let elements: Vec<Value> =
        (0..100).map(|_| json!({"from": "5491155550101", "id": "wamid.x", "errors": []})).collect();
    let value = json!({
        "metadata": {"phone_number_id": long, "display_phone_number": long},
        "contacts": [{"wa_id": "5491155550101", "profile": {"name": "ñ".repeat(5_000), "username": long}}],
        "messages": elements, "errors": [{}],
    });
    let entry = json!({"id": long, "time": long, "changes": [{"field": "messages", "value": value}]});
    let body = json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string();
    let updates = updates(body.as_bytes());
    assert_eq!(updates.len(), 101);
    assert!(format!("{updates:?}").len() < 4 * body.len(), "{} of {}", format!("{updates:?}").len(), body.len());
    assert!(updates.iter().all(|update| update.target == Target::Nowhere));
    assert_eq!(fact(&updates[0]).name.as_ref().map(|name| name.chars().count()), Some(200));
}
