//! How a message that the business sent stands: ticks and words, what went wrong, and its times.

use relevo_proto::query::v1::{Attachment, AttachmentState, CancelCause, Message, Outgoing, SendState};

use super::super::{Output, Words, text};

/// `✓✓ leído`. Nothing for what was not sent with Relevo.
pub(super) fn state(words: Words, outgoing: &Outgoing) -> String {
    let state = [tick(outgoing.state).to_owned(), word(words, outgoing.state)];
    let cause = match CancelCause::try_from(outgoing.cancel_cause) {
        Ok(CancelCause::BotPaused) => words.t("cli-cancelled-bot-paused"),
        Ok(CancelCause::Staff | CancelCause::Unspecified) | Err(_) => String::new(),
    };
    let parts = state.into_iter().chain([cause]).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// The state as one sign; empty if there is none. Beside it stands its word, wherever there is room.
pub(crate) fn tick(state: i32) -> &'static str {
    match SendState::try_from(state) {
        Ok(SendState::Queued | SendState::Sending) => "…",
        Ok(SendState::Accepted | SendState::Sent) => "✓",
        Ok(SendState::Delivered | SendState::Read | SendState::Played) => "✓✓",
        Ok(SendState::Failed) => "✗",
        Ok(SendState::Unknown) => "?",
        Ok(SendState::Cancelled) => "⊘",
        Ok(SendState::Unspecified) | Err(_) => "",
    }
}

/// The state as a word; empty if there is none.
pub(crate) fn word(words: Words, state: i32) -> String {
    match SendState::try_from(state) {
        Ok(SendState::Unspecified) => String::new(),
        Ok(state) => words.delivery(&state.as_str_name().trim_start_matches("SEND_STATE_").to_lowercase()),
        Err(_) => format!("?{state}"),
    }
}

/// What went wrong, below the text: `✗ 131047: …`, and when it is tried again. Once it has arrived, that is past.
pub(super) fn troubles(out: &Output, message: &Message) -> Vec<String> {
    let Some(outgoing) = &message.outgoing else { return Vec::new() };
    let waits = outgoing.state == i32::from(SendState::Queued);
    let failed = outgoing.state == i32::from(SendState::Failed);
    let mut lines = Vec::new();
    if let Some(failure) = outgoing.failure.as_ref().filter(|_| waits || failed) {
        let name = if failure.code.is_empty() { &failure.class } else { &failure.code };
        lines.push(text::one_line(&format!("✗ {name}: {}", failure.explanation)));
    }
    if waits && outgoing.next_attempt_at.is_some() {
        let at = out.clock.long(outgoing.next_attempt_at.as_ref());
        lines.push(format!("↻ {}", out.words.with("cli-next-attempt", &[("at", &at)])));
    }
    if outgoing.state == i32::from(SendState::Unknown) {
        lines.push(format!("? {}", out.words.t("cli-outcome-unknown")));
    }
    lines
}

/// What Relevo itself knows of its way, with the times; what the provider reported stands in its reports.
pub(super) fn times(out: &Output, outgoing: &Outgoing) -> Vec<String> {
    let all = [
        (&outgoing.queued_at, "queued"),
        (&outgoing.accepted_at, "accepted"),
        (&outgoing.unknown_since, "unknown"),
        (&outgoing.failed_at, "failed"),
        (&outgoing.cancelled_at, "cancelled"),
    ];
    let known = all.into_iter().filter(|(time, _)| time.is_some());
    known.map(|(time, state)| format!("{} {}", out.clock.long(time.as_ref()), out.words.delivery(state))).collect()
}

/// `📎 recibo.pdf (application/pdf, 12 kB)`, and whether it can be had.
pub(super) fn attachment(words: Words, attachment: &Attachment) -> String {
    let size = attachment.size_bytes.map(|bytes| format!(", {}", text::size(bytes))).unwrap_or_default();
    let name = if attachment.file_name.is_empty() { String::new() } else { format!("{} ", attachment.file_name) };
    let state = match AttachmentState::try_from(attachment.state) {
        Ok(AttachmentState::Pending) => format!(" {}", words.t("cli-attachment-pending")),
        Ok(AttachmentState::Unavailable) => {
            let reason = attachment.unavailable_reason.replace('_', "-");
            let key = format!("cli-attachment-{reason}");
            let reason = words.find(&key).unwrap_or_else(|| attachment.unavailable_reason.clone());
            format!(" {}", words.with("cli-attachment-unavailable", &[("reason", &reason)]))
        }
        Ok(AttachmentState::Stored | AttachmentState::Unspecified) | Err(_) => String::new(),
    };
    format!("📎 {name}({}{size}){state}", attachment.mime_type)
}

#[cfg(test)]
mod tests {
    use relevo_catalogue::Language;
    use relevo_proto::query::v1::SendFailure;

    use super::*;

    fn out() -> Output {
        Output::new(Words::new(Language::Es), false)
    }

    #[test]
    fn every_state_has_a_sign_and_a_word_in_both_languages() {
        for language in [Language::Es, Language::En] {
            for state in 1..=10 {
                let (sign, word) = (tick(state), word(Words::new(language), state));
                assert!(!sign.is_empty() && !word.is_empty() && !word.contains('_'), "{state}: {sign} {word}");
            }
        }
        assert_eq!((tick(0), word(out().words, 0).as_str()), ("", ""));
        let outgoing = Outgoing { state: SendState::Read.into(), ..Outgoing::default() };
        assert_eq!(state(out().words, &outgoing), "✓✓ leído");
    }

    #[test]
    fn a_failure_is_explained_while_it_matters() {
        let failure =
            SendFailure { code: "131047".to_owned(), explanation: "Ventana.".to_owned(), ..Default::default() };
        let with = |state: SendState| {
            let outgoing = Outgoing { state: state.into(), failure: Some(failure.clone()), ..Outgoing::default() };
            troubles(&out(), &Message { outgoing: Some(outgoing), ..Message::default() })
        };
        assert_eq!(with(SendState::Failed), ["✗ 131047: Ventana."]);
        assert_eq!(with(SendState::Delivered), [] as [&str; 0]);
        assert_eq!(with(SendState::Unknown).len(), 1);
    }

    #[test]
    fn a_file_says_whether_it_can_be_had() {
        let file = |state: AttachmentState, reason: &str| {
            let file = Attachment {
                mime_type: "application/pdf".to_owned(),
                size_bytes: Some(12_345),
                file_name: "recibo.pdf".to_owned(),
                state: state.into(),
                unavailable_reason: reason.to_owned(),
                ..Attachment::default()
            };
            attachment(out().words, &file)
        };
        assert_eq!(file(AttachmentState::Stored, ""), "📎 recibo.pdf (application/pdf, 12 kB)");
        assert!(file(AttachmentState::Pending, "").ends_with("kB) · todavía no descargado"));
        assert!(
            file(AttachmentState::Unavailable, "not_the_type").ends_with("· no disponible: no es del tipo declarado")
        );
        assert!(file(AttachmentState::Unavailable, "eaten").ends_with("· no disponible: eaten"));
    }
}
