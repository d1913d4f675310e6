//! `relevo conversation pause|resume|assign|…`: the commands that change a conversation.
//!
//! Each carries a command id, so that repeating it is safe; each is repeated by itself while its outcome is unknown.

mod arguments;
mod silence;

use clap::Subcommand;
use relevo_proto::command::v1::add_tag_request::Tag as AddedTag;
use relevo_proto::command::v1::remove_tag_request::Tag as RemovedTag;
use relevo_proto::command::v1::snooze_request::When;
use relevo_proto::command::v1::{
    AcceptSuggestionRequest, AddNoteRequest, AddTagRequest, AssignRequest, ChangePauseRequest, ClaimRequest,
    ConversationState, DismissSuggestionRequest, EscalateRequest, MarkReadRequest, PauseBotRequest, RemoveTagRequest,
    ReopenRequest, ResolveRequest, ResumeBotRequest, SetPendingRequest, SetPriorityRequest, SnoozeRequest,
    UnassignRequest, UnsnoozeRequest,
};
use relevo_proto::query::v1::{BotState, ConversationStatus, PauseReason, Priority, SnoozePreset};
use uuid::Uuid;

pub(crate) use arguments::{How, Reason};
pub(crate) use silence::{PreviewPause, Terms, wish};

use super::metrics::wire;
use super::paint::{Paint, Painted};
use super::{Context, Failure, Output, text};
use arguments::{AddTag, Assign, MarkRead, Note, Noted, Pause, Resolve, SetPriority, Snooze, Tagged, Tagging, Target};
use silence::{Accept, Answering, ChangePause, Escalate, Resume, Suggested};

/// What a tag's id begins with; no name of a tag can be mistaken for one, because ids have 26 characters behind it.
const TAG_ID_PREFIX: &str = "tag_";
const TAG_ID_CHARS: usize = TAG_ID_PREFIX.len() + 26;

#[derive(Debug, Subcommand)]
pub(crate) enum Write {
    /// Silences the bot in this conversation until it is resumed, or until a time. The customer is not told.
    Pause(Pause),
    /// Lets the bot answer again, after a last message if one is given.
    Resume(Resume),
    /// The bot stays paused, on other terms; they replace those before as a whole.
    ChangePause(ChangePause),
    /// Answers a suggestion of Relevo to pause the bot (`relevo suggestion list`).
    #[command(subcommand)]
    Suggestion(Answering),
    /// Asks a supervisor or admin to take over: locks the pause, gives them the conversation and leaves them a note.
    Escalate(Escalate),
    /// Gives the conversation to an agent, a team, or an agent through a team; replaces the assignment before.
    Assign(Assign),
    /// Gives the conversation back: it is no agent's and no team's.
    Unassign(Target),
    /// Takes the conversation, if no other agent has it.
    Claim(Target),
    /// Ends the current episode.
    Resolve(Resolve),
    /// Opens the resolved episode again; also opens what is pending or snoozed.
    Reopen(Target),
    /// The conversation waits for the customer or for a third party; the customer's next message opens it.
    Pending(Noted),
    /// Puts the conversation out of sight until a time, or until the customer writes.
    Snooze(Snooze),
    /// Opens a snoozed conversation.
    Unsnooze(Target),
    /// Says how urgent the conversation is.
    Priority(SetPriority),
    /// Puts a tag on the conversation, or takes one off.
    #[command(subcommand)]
    Tag(Tagging),
    /// Adds a private note to the thread; it is never sent to the customer.
    Note(Note),
    /// Says that staff has read the conversation.
    Read(MarkRead),
}

/// What every answer of a write says.
pub(super) struct Done {
    pub(super) position: String,
    pub(super) already_so: bool,
    pub(super) conversation: Option<ConversationState>,
    /// Ids of bot messages that were on the wire before a pause.
    pub(super) too_late: Vec<String>,
}

/// A command on its way.
struct Asked<'c> {
    context: &'c Context,
    key: &'static str,
    command_id: String,
    conversation_id: String,
    expected_version: Option<u64>,
}

/// One command: the request, the call, and what its answer says. The services differ in type, not in shape.
macro_rules! done {
    ($asked:ident, $method:ident, $request:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {{
        let Asked { context, command_id, conversation_id, expected_version, .. } = $asked;
        let client = &context.client;
        let request = $request { command_id, conversation_id, expected_version, $($field $(: $value)?),* };
        let call = || {
            let mut service = client.conversations();
            let request = client.request(request.clone());
            async move { service.$method(request).await }
        };
        let answer = client.until_known(call).await?;
        if context.out.json {
            return context.out.message(&answer);
        }
        (Done::of(answer.position.clone(), answer.already_so, answer.conversation.clone()), answer)
    }};
}

/// What staff says to a suggestion.
async fn answer(asked: Asked<'_>, answering: Answering) -> Result<(), Failure> {
    let (context, key) = (asked.context, asked.key);
    let done = match answering {
        Answering::Accept(Accept { suggested: Suggested { suggestion, .. }, terms, note }) => {
            let (ends, locked) = terms.of_suggestion();
            let (done, answer) =
                done!(asked, accept_suggestion, AcceptSuggestionRequest { suggestion, note, ends, locked });
            Done { too_late: answer.already_claimed, ..done }
        }
        Answering::Dismiss(Suggested { suggestion, .. }) => {
            done!(asked, dismiss_suggestion, DismissSuggestionRequest { suggestion }).0
        }
    };
    context.out.lines(told(&context.out, key, &done))
}

impl Done {
    /// What every answer to a command has.
    pub(super) const fn of(position: String, already_so: bool, conversation: Option<ConversationState>) -> Self {
        Self { position, already_so, conversation, too_late: Vec::new() }
    }
}

/// The id that the person gave, or a fresh one.
pub(crate) fn command_id(how: &How) -> String {
    how.command_id.clone().unwrap_or_else(|| Uuid::now_v7().to_string())
}

/// Whether this is a tag's id, and not its name.
fn is_tag_id(tag: &str) -> bool {
    tag.starts_with(TAG_ID_PREFIX) && tag.len() == TAG_ID_CHARS
}

impl Write {
    fn target(&self) -> &Target {
        match self {
            Self::Pause(Pause { target, .. })
            | Self::Resume(Resume { target, .. })
            | Self::ChangePause(ChangePause { target, .. })
            | Self::Escalate(Escalate { target, .. })
            | Self::Suggestion(
                Answering::Accept(Accept { suggested: Suggested { target, .. }, .. })
                | Answering::Dismiss(Suggested { target, .. }),
            )
            | Self::Pending(Noted { target, .. })
            | Self::Assign(Assign { target, .. })
            | Self::Resolve(Resolve { target, .. })
            | Self::Snooze(Snooze { target, .. })
            | Self::Priority(SetPriority { target, .. })
            | Self::Tag(
                Tagging::Add(AddTag { tagged: Tagged { target, .. }, .. }) | Tagging::Remove(Tagged { target, .. }),
            )
            | Self::Note(Note { target, .. })
            | Self::Read(MarkRead { target, .. })
            | Self::Unassign(target)
            | Self::Claim(target)
            | Self::Reopen(target)
            | Self::Unsnooze(target) => target,
        }
    }

    /// The id that the person gave, or a fresh one.
    pub(crate) fn command_id(&self) -> String {
        command_id(&self.target().how)
    }

    /// Key of the sentence that tells the result.
    const fn key(&self) -> &'static str {
        match self {
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::ChangePause(_) => "change-pause",
            Self::Escalate(_) => "escalate",
            Self::Suggestion(Answering::Accept(_)) => "suggestion-accept",
            Self::Suggestion(Answering::Dismiss(_)) => "suggestion-dismiss",
            Self::Assign(_) => "assign",
            Self::Unassign(_) => "unassign",
            Self::Claim(_) => "claim",
            Self::Resolve(_) => "resolve",
            Self::Reopen(_) => "reopen",
            Self::Pending(_) => "pending",
            Self::Snooze(_) => "snooze",
            Self::Unsnooze(_) => "unsnooze",
            Self::Priority(_) => "priority",
            Self::Tag(Tagging::Add(_)) => "tag-add",
            Self::Tag(Tagging::Remove(_)) => "tag-remove",
            Self::Note(_) => "note",
            Self::Read(_) => "read",
        }
    }

    pub(crate) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        if let Self::Pause(pause @ Pause { message: Some(text), .. }) = &self {
            return pause.and_send(context, command_id, text).await;
        }
        self.command(context, command_id).await
    }

    async fn command(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (key, command_id) = (self.key(), command_id.to_owned());
        let Target { conversation_id, how } = self.target();
        let (conversation_id, expected_version) = (conversation_id.clone(), how.expected_version);
        let asked = Asked { context, key, command_id, conversation_id, expected_version };
        let done = match self {
            Self::Pause(Pause { reason, note, terms, .. }) => {
                let (reason, (ends, locked)) = (PauseReason::from(reason).into(), terms.of_pause());
                let (done, answer) = done!(asked, pause_bot, PauseBotRequest { reason, note, ends, locked });
                Done { too_late: answer.already_claimed, ..done }
            }
            Self::Resume(resume) => {
                let (message, catch_up) = (resume.farewell()?, resume.catch_up());
                let note = resume.note;
                done!(asked, resume_bot, ResumeBotRequest { note, message, last_seen_version: None, catch_up }).0
            }
            Self::ChangePause(ChangePause { terms, note, .. }) => {
                let (ends, locked) = terms.of_change();
                done!(asked, change_pause, ChangePauseRequest { ends, locked, note }).0
            }
            Self::Escalate(Escalate { to: agent_id, summary, reason, .. }) => {
                let reason = PauseReason::from(reason).into();
                let (done, answer) = done!(asked, escalate, EscalateRequest { agent_id, reason, summary });
                Done { too_late: answer.already_claimed, ..done }
            }
            Self::Suggestion(answering) => return answer(asked, answering).await,
            Self::Assign(Assign { agent, team, .. }) => {
                let (agent_id, team_id) = (agent.unwrap_or_default(), team.unwrap_or_default());
                done!(asked, assign, AssignRequest { agent_id, team_id }).0
            }
            Self::Unassign(_) => done!(asked, unassign, UnassignRequest {}).0,
            Self::Claim(_) => done!(asked, claim, ClaimRequest {}).0,
            Self::Resolve(Resolve { reason, note, .. }) => done!(asked, resolve, ResolveRequest { reason, note }).0,
            Self::Reopen(_) => done!(asked, reopen, ReopenRequest {}).0,
            Self::Pending(Noted { note, .. }) => done!(asked, set_pending, SetPendingRequest { note }).0,
            Self::Snooze(snooze) => {
                let (when, note) = (Some(when(&snooze)), snooze.note);
                done!(asked, snooze, SnoozeRequest { when, note }).0
            }
            Self::Unsnooze(_) => done!(asked, unsnooze, UnsnoozeRequest {}).0,
            Self::Priority(SetPriority { priority, .. }) => {
                done!(asked, set_priority, SetPriorityRequest { priority: Priority::from(priority).into() }).0
            }
            Self::Tag(Tagging::Add(AddTag { tagged, create, colour })) => {
                done!(asked, add_tag, AddTagRequest { tag: Some(added(tagged.tag)), create, colour }).0
            }
            Self::Tag(Tagging::Remove(Tagged { tag, .. })) => {
                done!(asked, remove_tag, RemoveTagRequest { tag: Some(removed(tag)) }).0
            }
            Self::Note(Note { text, .. }) => done!(asked, add_note, AddNoteRequest { text }).0,
            Self::Read(MarkRead { through, .. }) => {
                done!(asked, mark_read, MarkReadRequest { through_version: through }).0
            }
        };
        context.out.lines(told(&context.out, key, &done))
    }
}

fn added(tag: String) -> AddedTag {
    if is_tag_id(&tag) { AddedTag::TagId(tag) } else { AddedTag::Name(tag) }
}

fn removed(tag: String) -> RemovedTag {
    if is_tag_id(&tag) { RemovedTag::TagId(tag) } else { RemovedTag::Name(tag) }
}

/// The flags allow exactly one of them.
fn when(snooze: &Snooze) -> When {
    match (snooze.for_time, snooze.until) {
        (Some(preset), _) => When::Preset(SnoozePreset::from(preset).into()),
        (None, Some(until)) => When::Until(wire(until)),
        (None, None) => When::UntilReply(snooze.until_reply),
    }
}

/// The result in words: what was done (or already was so), the position, and the state of now.
pub(super) fn told(out: &Output, key: &str, done: &Done) -> Vec<String> {
    let words = out.words;
    let sentence = if done.already_so { format!("cli-already-{key}") } else { format!("cli-done-{key}") };
    let position = words.with("cli-position", &[("position", &done.position)]);
    let mut lines = vec![format!("{} · {position}", words.t(&sentence))];
    if let Some(state) = &done.conversation {
        let mut parts = Vec::new();
        if ConversationStatus::try_from(state.status).is_ok_and(|status| status != ConversationStatus::Unspecified) {
            let until = out.clock.short(state.snoozed_until.as_ref());
            parts.push([words.status(state.status), until].join(" ").trim_end().to_owned());
        }
        if BotState::try_from(state.bot).is_ok_and(|bot| bot != BotState::Unspecified) {
            let pause = |pause| format!(" ({})", text::one_line(&words.pause(pause, &out.clock)));
            let pause = state.pause.as_ref().map(pause).unwrap_or_default();
            let bot = out.painted(&Painted::new(&words.bot(state.bot), Paint::bot(state.bot)));
            parts.push(format!("bot {bot}{pause}"));
        }
        parts.push(text::one_line(&words.assignee(state.assignee.as_ref())));
        parts.push(words.priority_given(state.priority));
        parts.push(out.painted(&Painted::tags(&state.tags)));
        parts.push(words.with("cli-version", &[("version", &state.version.to_string())]));
        parts.retain(|part| !part.is_empty());
        lines.push(format!("  {} · {}", text::one_line(&state.conversation_id), parts.join(" · ")));
    }
    if !done.too_late.is_empty() {
        let ids = done.too_late.join(" ");
        lines.push(words.with("cli-already-claimed", &[("ids", &ids)]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::super::words::reason_word;
    use super::*;

    #[test]
    fn a_person_may_give_every_reason_that_is_not_relevos_own() {
        let given: Vec<PauseReason> =
            Reason::value_variants().iter().map(|reason| PauseReason::from(*reason)).collect();
        for value in 1..=10 {
            let reason = PauseReason::try_from(value).unwrap();
            let own = matches!(reason, PauseReason::Echo | PauseReason::Linked);
            assert_eq!(given.contains(&reason), !own, "{reason:?}");
        }
    }

    #[test]
    fn the_words_of_the_command_line_are_those_of_the_api() {
        for reason in Reason::value_variants() {
            let word = reason.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(word, reason_word((*reason).into()));
        }
    }
}
