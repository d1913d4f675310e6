//! Request bodies for Meta and forms for Twilio, one for each thing that can be said.

use serde_json::Value;

use super::*;
use crate::outgoing::{Problem, meta, twilio};
use crate::testing::snapshots;

const CALLBACK: &str = "https://relevo.example/webhooks/twilio/wa";

/// One of each, with the name of its snapshot.
fn every() -> Vec<(&'static str, Body)> {
    let emoji = |emoji: Option<&str>| Body::Reaction {
        target: MessageId::new([1; 16]),
        target_provider_id: "wamid.TARGET".to_owned(),
        emoji: emoji.map(str::to_owned),
    };
    let numbered = (1..=11).rev().map(|n| value(Part::Body, &n.to_string(), &format!("v{n}"))).collect();
    let named = vec![
        value(Part::Button(0), "1", "pedido-7"),
        value(Part::Body, "nombre", "Ana"),
        value(Part::Header, "1", "Turnos"),
    ];
    let mut with_file = template(Vec::new());
    with_file.header_file = Some(file("application/pdf", 1_000, Some("factura.pdf")));
    vec![
        ("text", Body::Text { text: "Hola\n¿cómo está?".to_owned(), preview_url: true }),
        ("image", media(MediaKind::Image, "image/jpeg", Some("La foto"))),
        ("audio", media(MediaKind::Audio, "audio/ogg", None)),
        ("video", media(MediaKind::Video, "video/mp4", None)),
        ("document", media(MediaKind::Document, "application/pdf", Some("Su factura"))),
        ("sticker", media(MediaKind::Sticker, "image/webp", None)),
        ("location", Body::Location(place())),
        ("contacts", Body::Contacts(vec![card(), ContactCard { name: "Ana".to_owned(), ..ContactCard::default() }])),
        ("reaction", emoji(Some("👍"))),
        ("reaction_removed", emoji(None)),
        ("buttons", buttons()),
        ("list", list()),
        ("template_plain", Body::Template(Box::new(template(Vec::new())))),
        ("template_numbered", Body::Template(Box::new(template(numbered)))),
        ("template_named", Body::Template(Box::new(template(named)))),
        ("template_file", Body::Template(Box::new(with_file))),
    ]
}

fn for_meta(outgoing: &Outgoing) -> Result<Value, Problem> {
    meta::body(outgoing, Some("MEDIA"), &outgoing.id.to_string(), &outgoing.personal.to)
}

#[test]
fn bodies_for_meta() {
    snapshots().bind(|| {
        for (name, body) in every() {
            insta::assert_json_snapshot!(format!("send_meta__{name}"), for_meta(&outgoing(body)).unwrap());
        }
    });
}

#[test]
fn forms_for_twilio() {
    snapshots().bind(|| {
        let all: Vec<_> = every()
            .into_iter()
            .map(|(name, body)| {
                let url = Some("https://relevo.example/files/x");
                (name, twilio::form(&outgoing(body), "whatsapp:+5491155550000", url, CALLBACK))
            })
            .collect();
        insta::assert_debug_snapshot!("send_twilio", all);
    });
}

#[test]
fn a_quote_is_named_and_a_reaction_quotes_nothing() {
    for (body, quotes) in [(text("Sí"), true), (every().swap_remove(8).1, false)] {
        let mut outgoing = outgoing(body);
        outgoing.personal.reply_to_provider_id = Some("wamid.Q".to_owned());
        let body = for_meta(&outgoing).unwrap();
        assert_eq!(body.pointer("/context/message_id").and_then(Value::as_str) == Some("wamid.Q"), quotes);
    }
}

#[test]
fn recipients_as_the_provider_names_them() {
    let cases = [
        (IdentifierKind::WaId, "5491155550101", Some(("to", "5491155550101")), Some("whatsapp:+5491155550101")),
        (IdentifierKind::Phone, "+5491155550101", Some(("to", "+5491155550101")), Some("whatsapp:+5491155550101")),
        (IdentifierKind::Phone, "whatsapp:+549115", Some(("to", "+549115")), Some("whatsapp:+549115")),
        (IdentifierKind::Bsuid, "AR.1349", Some(("recipient", "AR.1349")), Some("whatsapp:AR.1349")),
        (IdentifierKind::Email, "a@x.example", None, None),
        (IdentifierKind::Username, "@ana", None, None),
        (IdentifierKind::ParentBsuid, "AR.9", None, None),
    ];
    for (kind, value, meta, twilio) in cases {
        let mut outgoing = outgoing(text("Hola"));
        outgoing.personal.to = Recipient { kind, value: value.to_owned() };
        match (for_meta(&outgoing), meta) {
            (Ok(body), Some((member, expected))) => {
                assert_eq!(body[member], expected);
                assert_eq!(["to", "recipient"].iter().filter(|name| body.get(**name).is_some()).count(), 1);
            }
            (Err(problem), None) => assert_eq!(problem, Problem::Recipient),
            (got, _) => panic!("{value}: {got:?}"),
        }
        let form = twilio::form(&outgoing, "MG0123", None, CALLBACK);
        let to = form.ok().and_then(|form| form.into_iter().find(|(name, _)| name == "To")).map(|(_, to)| to);
        assert_eq!(to.as_deref(), twilio, "{value}");
    }
}

#[test]
fn a_file_that_was_not_handed_over_is_a_problem() {
    let with_file = outgoing(media(MediaKind::Image, "image/png", None));
    assert_eq!(meta::body(&with_file, None, "m", &with_file.personal.to), Err(Problem::FileMissing));
    assert_eq!(twilio::form(&with_file, "MG0", None, CALLBACK), Err(Problem::FileMissing));
    let mail = outgoing(Body::Mail(Box::default()));
    assert!(for_meta(&mail).is_err());
}

#[test]
fn our_id_comes_back_from_the_callbacks_address() {
    let id = MessageId::new([7; 16]);
    for (base, expected) in [
        (CALLBACK, format!("{CALLBACK}?message={id}")),
        ("https://r.example/t?a=1", format!("https://r.example/t?a=1&message={id}")),
        ("https://r.example/t?", format!("https://r.example/t?message={id}")),
        ("https://r.example/t#rc=5&rp=all", format!("https://r.example/t?message={id}#rc=5&rp=all")),
    ] {
        let url = twilio::callback_url(base, id);
        assert_eq!(url, expected);
        let query = url.split('#').next().unwrap().split_once('?').unwrap().1;
        assert_eq!(twilio::message_of(query), Some(id));
        assert_eq!(twilio::own_query(query), Some(format!("message={id}")));
    }
    for other in ["", "message=", "message=msg_x", "messages=1", &format!("x={id}"), "message=%0d%0aX: y"] {
        assert_eq!(twilio::own_query(other), None, "{other}");
    }
}

#[test]
fn a_status_finds_our_message() {
    use crate::fact::What;
    let id = MessageId::new([7; 16]);
    let ours = |updates: Vec<crate::Update>| match updates.into_iter().next().unwrap().content.unwrap().what {
        What::Status(status) => status.ours,
        what => panic!("{what:?}"),
    };
    let form = b"MessageSid=SM1&MessageStatus=sent&To=whatsapp%3A%2B549115&From=whatsapp%3A%2B549110&AccountSid=AC1";
    assert_eq!(ours(crate::twilio::updates(form, &format!("message={id}"))), Some(id));
    assert_eq!(ours(crate::twilio::updates(form, "")), None);
    let as_query = [&form[..], format!("&message={id}").as_bytes()].concat();
    assert_eq!(ours(crate::twilio::updates(&as_query, "")), Some(id));
    let meta = |data: Value| {
        let status = serde_json::json!({ "id": "wamid.1", "status": "sent", "timestamp": "1800000000",
            "recipient_id": "5491155550101", "biz_opaque_callback_data": data });
        let value = serde_json::json!({ "metadata": { "phone_number_id": "1" }, "statuses": [status] });
        let body = serde_json::json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "w", "changes": [{ "field": "messages", "value": value }] }] });
        ours(crate::meta::updates(body.to_string().as_bytes()))
    };
    assert_eq!(meta(id.to_string().into()), Some(id));
    for other in [Value::Null, "order-7".into(), 5.into(), "msg_".into()] {
        assert_eq!(meta(other), None);
    }
}
