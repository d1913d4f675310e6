//! The catalogue as the CLI uses it, and the API's enums in a person's words.

use relevo_catalogue::Language;
use relevo_proto::query::v1::{
    Actor, ActorKind, Assignee, AssignmentHow, BotState, ConversationStatus, Pause, PauseReason, Priority,
};

use super::text::Clock;

/// Texts in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    language: Language,
}

impl Words {
    pub(crate) const fn new(language: Language) -> Self {
        Self { language }
    }

    pub(crate) fn t(self, key: &str) -> String {
        relevo_catalogue::text(self.language, key, &[])
    }

    pub(crate) fn with(self, key: &str, arguments: &[(&str, &str)]) -> String {
        let arguments: Vec<(&str, relevo_catalogue::Arg<'_>)> =
            arguments.iter().map(|(name, value)| (*name, (*value).into())).collect();
        relevo_catalogue::text(self.language, key, &arguments)
    }

    /// A text that may not exist: of a word that comes from outside.
    pub(crate) fn find(self, key: &str) -> Option<String> {
        relevo_catalogue::find(self.language, key, &[])
    }

    /// A text that depends on a number.
    pub(crate) fn count(self, key: &str, count: u64) -> String {
        relevo_catalogue::text(self.language, key, &[("n", count.into())])
    }

    /// A number with its thousands set apart, as the language does it: `10.000`, `10,000`.
    pub(crate) fn grouped(self, number: u64) -> String {
        let separator = match self.language {
            Language::Es => '.',
            Language::En => ',',
        };
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() * 4 / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push(separator);
            }
            grouped.push(digit);
        }
        grouped
    }

    pub(crate) fn status(self, status: i32) -> String {
        match ConversationStatus::try_from(status) {
            Ok(ConversationStatus::Open) => self.t("status-open"),
            Ok(ConversationStatus::Pending) => self.t("status-pending"),
            Ok(ConversationStatus::Snoozed) => self.t("status-snoozed"),
            Ok(ConversationStatus::Resolved) => self.t("status-resolved"),
            Ok(ConversationStatus::Unspecified) | Err(_) => unknown(status),
        }
    }

    pub(crate) fn bot(self, bot: i32) -> String {
        match BotState::try_from(bot) {
            Ok(BotState::Active) => self.t("bot-active"),
            Ok(BotState::Paused) => self.t("bot-paused"),
            Ok(BotState::Unspecified) | Err(_) => unknown(bot),
        }
    }

    pub(crate) fn priority(self, priority: i32) -> String {
        match Priority::try_from(priority) {
            Ok(Priority::None) => self.t("priority-none"),
            Ok(Priority::Low) => self.t("priority-low"),
            Ok(Priority::Normal) => self.t("priority-normal"),
            Ok(Priority::High) => self.t("priority-high"),
            Ok(Priority::Urgent) => self.t("priority-urgent"),
            Ok(Priority::Unspecified) | Err(_) => unknown(priority),
        }
    }

    /// The priority if somebody has said one.
    pub(crate) fn priority_given(self, priority: i32) -> String {
        match Priority::try_from(priority) {
            Ok(Priority::Unspecified | Priority::None) => String::new(),
            Ok(Priority::Low | Priority::Normal | Priority::High | Priority::Urgent) | Err(_) => {
                self.priority(priority)
            }
        }
    }

    pub(crate) fn reason(self, reason: i32) -> String {
        match PauseReason::try_from(reason) {
            Ok(PauseReason::Unspecified) | Err(_) => unknown(reason),
            Ok(known) => self.t(&format!("reason-{}", reason_word(known))),
        }
    }

    pub(crate) fn how(self, how: i32) -> String {
        match AssignmentHow::try_from(how) {
            Ok(AssignmentHow::Manual) => self.t("how-manual"),
            Ok(AssignmentHow::Claim) => self.t("how-claim"),
            Ok(AssignmentHow::Unspecified) | Err(_) => unknown(how),
        }
    }

    /// Who did something, as people say it.
    pub(crate) fn actor(self, actor: Option<&Actor>) -> String {
        let Some(actor) = actor else { return String::new() };
        if !actor.name.is_empty() {
            return actor.name.clone();
        }
        if !actor.id.is_empty() {
            return actor.id.clone();
        }
        self.actor_kind(actor.kind)
    }

    pub(crate) fn actor_kind(self, kind: i32) -> String {
        match ActorKind::try_from(kind) {
            Ok(ActorKind::Customer) => self.t("actor-customer"),
            Ok(ActorKind::Staff) => self.t("actor-staff"),
            Ok(ActorKind::Bot) => self.t("actor-bot"),
            Ok(ActorKind::PhoneApp) => self.t("actor-phone_app"),
            Ok(ActorKind::Provider) => self.t("actor-provider"),
            Ok(ActorKind::System) => self.t("actor-system"),
            Ok(ActorKind::Unspecified) | Err(_) => unknown(kind),
        }
    }

    /// Who has it: `Laura`, `Laura (Recepción)`, `Recepción`, or nobody.
    pub(crate) fn assignee(self, assignee: Option<&Assignee>) -> String {
        let name = |id: &str, name: &str| if name.is_empty() { id.to_owned() } else { name.to_owned() };
        let Some(assignee) = assignee else { return self.t("assignee-nobody") };
        match (assignee.agent_id.is_empty(), assignee.team_id.is_empty()) {
            (true, true) => self.t("assignee-nobody"),
            (false, true) => name(&assignee.agent_id, &assignee.agent_name),
            (true, false) => name(&assignee.team_id, &assignee.team_name),
            (false, false) => format!(
                "{} ({})",
                name(&assignee.agent_id, &assignee.agent_name),
                name(&assignee.team_id, &assignee.team_name)
            ),
        }
    }

    /// Why, by whom, and whether Relevo decided it: `queja · Laura`.
    pub(crate) fn pause(self, pause: &Pause, clock: &Clock) -> String {
        let by = if pause.automatic { self.t("pause-automatic") } else { self.actor(pause.by.as_ref()) };
        let mut text = format!("{} · {by}", self.reason(pause.reason));
        let noticed = super::suggestion::noticed(self, pause.detection.as_ref());
        if !noticed.is_empty() {
            text.push_str(" · ");
            text.push_str(&noticed);
        }
        let terms = self.pause_end(pause, clock);
        if !terms.is_empty() {
            text.push_str(" · ");
            text.push_str(&terms);
        }
        if !pause.note.is_empty() {
            text.push_str(" · ");
            text.push_str(&pause.note);
        }
        text
    }

    /// When a pause ends by itself, or that only supervisors end it; empty for one that anybody of the staff does.
    pub(crate) fn pause_end(self, pause: &Pause, clock: &Clock) -> String {
        match &pause.until {
            Some(until) => self.with("pause-until", &[("time", &clock.short(Some(until)))]),
            None if pause.locked => self.t("pause-locked"),
            None => String::new(),
        }
    }

    /// What a message is, if it is not simply text.
    pub(crate) fn kind(self, kind: &str) -> String {
        if matches!(kind, "" | "text" | "email") {
            return String::new();
        }
        relevo_catalogue::find(self.language, &format!("kind-{kind}"), &[]).unwrap_or_else(|| format!("[{kind}]"))
    }

    /// Whether a template can be used; the provider's own word where it is none of ours.
    pub(crate) fn template(self, status: &str) -> String {
        self.find(&format!("template-state-{status}")).unwrap_or_else(|| status.to_owned())
    }

    /// A part of a channel.
    pub(crate) fn part(self, part: &str) -> String {
        self.find(&format!("part-{part}")).unwrap_or_else(|| part.to_owned())
    }

    /// What kind of trouble a part of a channel has, where the provider gave no code.
    pub(crate) fn trouble(self, part: &str, class: &str) -> String {
        let words = [format!("trouble-{part}-{class}"), format!("trouble-{class}")];
        words.iter().find_map(|key| self.find(key)).unwrap_or_else(|| class.to_owned())
    }

    /// How far a message of the business came.
    pub(crate) fn delivery(self, status: &str) -> String {
        relevo_catalogue::find(self.language, &format!("delivery-{status}"), &[]).unwrap_or_else(|| status.to_owned())
    }
}

/// The word of a reason on the command line, `frustrated_customer`.
pub(crate) fn reason_word(reason: PauseReason) -> String {
    reason.as_str_name().trim_start_matches("PAUSE_REASON_").to_lowercase()
}

/// A value that a newer server knows and this client does not.
fn unknown(value: i32) -> String {
    format!("?{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 2] = [Language::Es, Language::En];

    #[test]
    fn every_word_of_the_api_has_a_text_in_every_language() {
        for words in LANGUAGES.map(Words::new) {
            let mut texts = Vec::new();
            texts.extend((1..=10).map(|value| words.reason(value)));
            texts.extend((1..=6).map(|value| words.actor_kind(value)));
            texts.extend((1..=2).map(|value| words.bot(value)));
            texts.extend((1..=4).map(|value| words.status(value)));
            texts.extend((1..=5).map(|value| words.priority(value)));
            texts.extend((1..=2).map(|value| words.how(value)));
            for kind in
                ["image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "button"]
            {
                texts.push(words.kind(kind));
            }
            for kind in ["order", "system", "unsupported", "request_welcome", "note"] {
                texts.push(words.kind(kind));
            }
            for text in texts {
                let bare = text.contains('-') || text.starts_with(['?', '[']) || text.is_empty();
                assert!(!bare, "{text:?} is a key or a number, not a word");
            }
            for status in ["queued", "accepted", "sent", "delivered", "read", "played", "failed", "deleted", "warning"]
            {
                assert!(
                    relevo_catalogue::find(words.language, &format!("delivery-{status}"), &[]).is_some(),
                    "{status}"
                );
            }
        }
    }

    #[test]
    fn a_word_from_the_future_is_shown_as_it_is() {
        let words = Words::new(Language::En);
        assert_eq!(words.reason(99), "?99");
        assert_eq!(words.kind("hologram"), "[hologram]");
        assert_eq!(words.delivery("teleported"), "teleported");
    }

    #[test]
    fn an_assignee_is_a_name_a_team_or_both() {
        let words = Words::new(Language::Es);
        let assignee = |agent: &str, team: &str| Assignee {
            agent_id: agent.to_lowercase(),
            agent_name: agent.to_owned(),
            team_id: team.to_lowercase(),
            team_name: team.to_owned(),
        };
        assert_eq!(words.assignee(Some(&assignee("Laura", ""))), "Laura");
        assert_eq!(words.assignee(Some(&assignee("", "Ventas"))), "Ventas");
        assert_eq!(words.assignee(Some(&assignee("Laura", "Ventas"))), "Laura (Ventas)");
        assert_eq!(words.assignee(Some(&assignee("", ""))), "—");
        assert_eq!(words.assignee(None), "—");
    }
}
