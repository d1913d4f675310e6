//! What a provider's update says about a template, for the channel that keeps them.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::template::TemplateStatus;
use serde_json::Value;

/// The word that Meta writes where there is no reason.
const NO_REASON: &str = "NONE";
/// Characters kept of a name and of a language: the provider allows 512 and has codes of five.
const NAME_CHARS_MAX: usize = 512;
/// Characters kept of a reason: the provider's are words; an explanation is a sentence.
const REASON_CHARS_MAX: usize = 500;

/// The change of a template's status that the update is, if it is one. Other updates about templates (quality, category,
/// components) are kept as they came; the next synchronisation reads what they changed.
pub(crate) fn status_changed(field: &str, json: &str) -> Option<ChannelEvent> {
    if field != "message_template_status_update" {
        return None;
    }
    let update: Value = serde_json::from_str(json).ok()?;
    let word = |name: &str| {
        let text = update.get(name)?.as_str()?.trim();
        (!text.is_empty() && text.chars().count() <= NAME_CHARS_MAX).then(|| text.to_owned())
    };
    let (name, language) = (word("message_template_name")?, word("message_template_language")?);
    let event = word("event")?;
    if event.eq_ignore_ascii_case("DELETED") {
        return Some(ChannelEvent::TemplateRemoved { name, language });
    }
    let explained = ["/disable_info/reason", "/rejection_info/reason", "/other_info/description"];
    let explained = || explained.into_iter().find_map(|at| update.pointer(at)?.as_str().map(str::to_owned));
    let reason = word("reason").filter(|reason| !reason.eq_ignore_ascii_case(NO_REASON)).or_else(explained);
    let reason = reason.map(|reason| reason.trim().chars().take(REASON_CHARS_MAX).collect::<String>());
    Some(ChannelEvent::TemplateStatusChanged {
        name,
        language,
        status: status(&event),
        reason: reason.filter(|reason| !reason.is_empty()),
    })
}

/// Meta's words for events in the words for states: some say what happened, not how it stands.
fn status(event: &str) -> TemplateStatus {
    match event.to_ascii_uppercase().as_str() {
        "REINSTATED" | "UNARCHIVED" | "FLAGGED" => TemplateStatus::Approved,
        "IN_APPEAL" => TemplateStatus::Pending,
        _ => TemplateStatus::parse(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(update: &Value) -> Option<ChannelEvent> {
        status_changed("message_template_status_update", &update.to_string())
    }

    fn told(update: &Value) -> ChannelEvent {
        read(update).unwrap()
    }

    fn update(event: &str, reason: Value) -> Value {
        json!({ "event": event, "message_template_id": 5, "message_template_name": "recordatorio",
                "message_template_language": "es_AR", "reason": reason })
    }

    fn changed(status: TemplateStatus, reason: Option<&str>) -> ChannelEvent {
        let (name, language) = ("recordatorio".to_owned(), "es_AR".to_owned());
        ChannelEvent::TemplateStatusChanged { name, language, status, reason: reason.map(str::to_owned) }
    }

    #[test]
    fn a_status_is_told_with_its_reason() {
        assert_eq!(told(&update("APPROVED", json!("NONE"))), changed(TemplateStatus::Approved, None));
        assert_eq!(
            told(&update("REJECTED", json!("INVALID_FORMAT"))),
            changed(TemplateStatus::Rejected, Some("INVALID_FORMAT"))
        );
        assert_eq!(told(&update("PAUSED", Value::Null)), changed(TemplateStatus::Paused, None));
        assert_eq!(told(&update("REINSTATED", Value::Null)), changed(TemplateStatus::Approved, None));
        assert_eq!(told(&update("LOCKED", Value::Null)), changed(TemplateStatus::Other("locked".to_owned()), None));
        let mut explained = update("PAUSED", json!("NONE"));
        explained["other_info"] = json!({ "title": "FIRST_PAUSE", "description": "Too many people blocked it." });
        assert_eq!(told(&explained), changed(TemplateStatus::Paused, Some("Too many people blocked it.")));
    }

    #[test]
    fn a_deleted_template_is_gone() {
        let gone = ChannelEvent::TemplateRemoved { name: "recordatorio".to_owned(), language: "es_AR".to_owned() };
        assert_eq!(read(&update("DELETED", Value::Null)), Some(gone));
    }

    #[test]
    fn what_names_no_template_changes_none() {
        for broken in [json!({}), json!([]), json!("x"), json!({ "event": "APPROVED", "message_template_name": "a" })] {
            assert_eq!(read(&broken), None, "{broken}");
        }
        let other = update("APPROVED", Value::Null).to_string();
        assert_eq!(status_changed("message_template_quality_update", &other), None);
        assert_eq!(status_changed("message_template_status_update", "{"), None);
    }
}
