//! Lists of templates, page after page.

use relevo_domain::conversation::FailureClass;
use relevo_domain::template::{Header, Part, TemplateStatus};
use relevo_testkit::fakes::{FakeMeta, FakeTwilio, MetaOptions, TwilioOptions, When};
use serde_json::json;

use crate::world::{World, meta, twilio};

#[tokio::test]
async fn all_pages_of_metas_list_are_read() {
    let world = World::new();
    let fake = FakeMeta::start(MetaOptions { templates_a_page: 2, ..MetaOptions::default() }).await.unwrap();
    let mut templates: Vec<_> = (0..5)
        .map(|n| {
            json!({ "id": n.to_string(), "name": format!("t{n}"), "language": "es", "status": "APPROVED",
            "category": "UTILITY", "components": [{ "type": "BODY", "text": "Hola {{1}}" }] })
        })
        .collect();
    templates.push(
        json!({ "id": "9", "name": "recordatorio", "language": "es_AR", "status": "PAUSED", "category": "MARKETING",
        "rejected_reason": "NONE", "components": [
            { "type": "HEADER", "format": "IMAGE" },
            { "type": "BODY", "text": "Hola {{nombre}}" },
            { "type": "FOOTER", "text": "Tienda" },
            { "type": "BUTTONS", "buttons": [
                { "type": "QUICK_REPLY", "text": "Sí" },
                { "type": "URL", "text": "Ver", "url": "https://example.test/{{1}}" }] }] }),
    );
    // Authentication templates have no text of their own, and what is not a template is nothing.
    templates.extend([json!({ "name": "x", "language": "es", "status": "APPROVED", "components": [] }), json!(7)]);
    fake.set_templates(templates);
    let found = world.doors.templates(&meta(&fake)).await.unwrap();
    assert_eq!(
        found.iter().map(|template| template.name.as_str()).collect::<Vec<_>>(),
        ["t0", "t1", "t2", "t3", "t4", "recordatorio"]
    );
    let last = found.last().unwrap();
    assert_eq!((&last.status, last.category.as_str()), (&TemplateStatus::Paused, "marketing"));
    assert_eq!((&last.header, last.footer.as_deref(), &last.reason), (&Some(Header::Image), Some("Tienda"), &None));
    assert_eq!(last.variables(), [(Part::Body, "nombre".to_owned()), (Part::Button(1), "1".to_owned())]);
}

#[tokio::test]
async fn all_pages_of_twilios_list_are_read_from_the_configured_host() {
    let world = World::new();
    let fake = FakeTwilio::start(TwilioOptions { contents_a_page: 2, ..TwilioOptions::default() }).await.unwrap();
    fake.set_contents((0..5).map(|n| {
        json!({ "sid": format!("HX{n}"), "friendly_name": format!("f{n}"), "language": "es", "variables": { "1": "Ana" },
            "types": { "twilio/quick-reply": { "body": "Hola {{1}}", "actions": [{ "id": "si", "title": "Sí" }] } },
            "approval_requests": { "name": format!("t{n}"), "category": "UTILITY", "status": "approved", "rejection_reason": "" } })
    }));
    let found = world.doors.templates(&twilio(&fake)).await.unwrap();
    assert_eq!(found.len(), 5);
    let first = &found[0];
    assert_eq!(
        (first.name.as_str(), first.provider_id.as_deref(), &first.status),
        ("t0", Some("HX0"), &TemplateStatus::Approved)
    );
    assert_eq!((first.body.as_str(), first.buttons[0].text.as_str(), &first.reason), ("Hola {{1}}", "Sí", &None));
}

#[tokio::test]
async fn a_refused_list_is_a_failure_and_never_an_empty_list() {
    let world = World::new();
    let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
    for (code, class) in
        [("190", FailureClass::Auth), ("80007", FailureClass::Throttled), ("2", FailureClass::Transient)]
    {
        fake.refuse(When::Templates, Some(code));
        let failure = world.doors.templates(&meta(&fake)).await.unwrap_err();
        assert_eq!((failure.class, failure.code.as_deref()), (class, Some(code)));
    }
    let fake = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    for (code, class) in
        [("20003", FailureClass::Auth), ("20429", FailureClass::Throttled), ("20500", FailureClass::Transient)]
    {
        fake.refuse(When::Templates, Some(code));
        let failure = world.doors.templates(&twilio(&fake)).await.unwrap_err();
        assert_eq!((failure.class, failure.code.as_deref()), (class, Some(code)));
    }
}
