//! `relevo conversation pause|resume|assign|claim|resolve|reopen|note`: the commands that change a conversation.
//!
//! Each carries a command id, so that repeating it is safe; each is repeated by itself while its outcome is unknown.

use clap::{Args, Subcommand, ValueEnum};
use relevo_proto::command::v1::{
    AddNoteRequest, AssignRequest, ClaimRequest, ConversationState, PauseBotRequest, ReopenRequest, ResolveRequest,
    ResumeBotRequest,
};
use relevo_proto::query::v1::{BotState, ConversationStatus, PauseReason};
use uuid::Uuid;

use super::{Context, Failure, Output, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Write {
    /// Silences the bot in this conversation until it is resumed. The customer is not told.
    Pause(Pause),
    /// Lets the bot answer again.
    Resume(Resume),
    /// Gives the conversation to an agent, a team, or an agent through a team; replaces the assignment before.
    Assign(Assign),
    /// Takes the conversation, if no other agent has it.
    Claim(Target),
    /// Ends the current episode.
    Resolve(Resolve),
    /// Opens the resolved episode again.
    Reopen(Target),
    /// Adds a private note to the thread; it is never sent to the customer.
    Note(Note),
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    /// Id of this command, 1 to 128 visible ASCII characters: repeating a command with its id never does it twice. Default: a
    /// fresh UUID.
    #[arg(long, value_name = "ID")]
    command_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    target: Target,
    /// Why.
    #[arg(long, value_enum, default_value_t = Reason::HumanTakeover)]
    reason: Reason,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    note: String,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    target: Target,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    note: String,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).multiple(true).args(["agent", "team"])))]
pub(crate) struct Assign {
    #[command(flatten)]
    target: Target,
    /// Name of the agent in the configuration, for example `laura`. Default: no agent.
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Name of the team in the configuration. Default: no team.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    #[command(flatten)]
    target: Target,
    /// Why, in a word or two that can be counted, at most 64 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "WORD")]
    reason: String,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    note: String,
}

#[derive(Debug, Args)]
pub(crate) struct Note {
    #[command(flatten)]
    target: Target,
    /// The note, 1 to 4,000 characters.
    #[arg(value_name = "TEXT")]
    text: String,
}

/// The reasons that a person may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// The question is beyond the bot.
    ComplexQuery,
    /// The customer is losing patience.
    FrustratedCustomer,
    /// The customer complains.
    Complaint,
    /// The bot answered wrongly.
    BotError,
    /// Staff writes first.
    ProactiveMessage,
    /// A person takes over.
    HumanTakeover,
    /// The bot gave the conversation away.
    BotHandoff,
    /// Anything else; say what in the note.
    Other,
}

impl From<Reason> for PauseReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::ComplexQuery => Self::ComplexQuery,
            Reason::FrustratedCustomer => Self::FrustratedCustomer,
            Reason::Complaint => Self::Complaint,
            Reason::BotError => Self::BotError,
            Reason::ProactiveMessage => Self::ProactiveMessage,
            Reason::HumanTakeover => Self::HumanTakeover,
            Reason::BotHandoff => Self::BotHandoff,
            Reason::Other => Self::Other,
        }
    }
}

/// What every answer of a write says.
struct Done {
    position: String,
    already_so: bool,
    conversation: Option<ConversationState>,
    /// Ids of bot messages that were on the wire before a pause.
    too_late: Vec<String>,
}

impl Write {
    fn target(&self) -> &Target {
        match self {
            Self::Pause(pause) => &pause.target,
            Self::Resume(resume) => &resume.target,
            Self::Assign(assign) => &assign.target,
            Self::Claim(target) | Self::Reopen(target) => target,
            Self::Resolve(resolve) => &resolve.target,
            Self::Note(note) => &note.target,
        }
    }

    /// The id that the person gave, or a fresh one.
    pub(crate) fn command_id(&self) -> String {
        self.target().command_id.clone().unwrap_or_else(|| Uuid::now_v7().to_string())
    }

    /// Key of the sentence that tells the result.
    const fn key(&self) -> &'static str {
        match self {
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Assign(_) => "assign",
            Self::Claim(_) => "claim",
            Self::Resolve(_) => "resolve",
            Self::Reopen(_) => "reopen",
            Self::Note(_) => "note",
        }
    }

    pub(crate) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let client = &context.client;
        let key = self.key();
        let command_id = command_id.to_owned();
        let conversation_id = self.target().conversation_id.clone();
        // One arm a command: the request, the call, and what its answer says. The services differ in type, not in shape.
        macro_rules! call {
            ($method:ident, $request:expr) => {{
                let request = $request;
                let answer = client
                    .until_known(|| {
                        let mut service = client.conversations();
                        let request = client.request(request.clone());
                        async move { service.$method(request).await }
                    })
                    .await?;
                if context.out.json {
                    return context.out.message(&answer);
                }
                answer
            }};
        }
        macro_rules! done {
            ($answer:expr) => {{
                let answer = $answer;
                Done {
                    position: answer.position,
                    already_so: answer.already_so,
                    conversation: answer.conversation,
                    too_late: Vec::new(),
                }
            }};
        }
        let done = match self {
            Self::Pause(Pause { reason, note, .. }) => {
                let reason = PauseReason::from(reason).into();
                let answer = call!(pause_bot, PauseBotRequest { command_id, conversation_id, reason, note });
                let too_late = answer.already_claimed.clone();
                Done { too_late, ..done!(answer) }
            }
            Self::Resume(Resume { note, .. }) => {
                done!(call!(resume_bot, ResumeBotRequest { command_id, conversation_id, note }))
            }
            Self::Assign(Assign { agent, team, .. }) => {
                let (agent_id, team_id) = (agent.unwrap_or_default(), team.unwrap_or_default());
                done!(call!(assign, AssignRequest { command_id, conversation_id, agent_id, team_id }))
            }
            Self::Claim(_) => done!(call!(claim, ClaimRequest { command_id, conversation_id })),
            Self::Resolve(Resolve { reason, note, .. }) => {
                done!(call!(resolve, ResolveRequest { command_id, conversation_id, reason, note }))
            }
            Self::Reopen(_) => done!(call!(reopen, ReopenRequest { command_id, conversation_id })),
            Self::Note(Note { text, .. }) => {
                done!(call!(add_note, AddNoteRequest { command_id, conversation_id, text }))
            }
        };
        context.out.lines(told(&context.out, key, &done))
    }
}

/// The result in words: what was done (or already was so), the position, and the state of now.
fn told(out: &Output, key: &str, done: &Done) -> Vec<String> {
    let words = out.words;
    let sentence = if done.already_so { format!("cli-already-{key}") } else { format!("cli-done-{key}") };
    let position = words.with("cli-position", &[("position", &done.position)]);
    let mut lines = vec![format!("{} · {position}", words.t(&sentence))];
    if let Some(state) = &done.conversation {
        let mut parts = Vec::new();
        if ConversationStatus::try_from(state.status).is_ok_and(|status| status != ConversationStatus::Unspecified) {
            parts.push(words.status(state.status));
        }
        if BotState::try_from(state.bot).is_ok_and(|bot| bot != BotState::Unspecified) {
            let pause = state.pause.as_ref().map(|pause| format!(" ({})", words.pause(pause))).unwrap_or_default();
            parts.push(format!("bot {}{pause}", words.bot(state.bot)));
        }
        parts.push(words.assignee(state.assignee.as_ref()));
        let state = text::one_line(&format!("{} · {}", state.conversation_id, parts.join(" · ")));
        lines.push(format!("  {state}"));
    }
    if !done.too_late.is_empty() {
        let ids = done.too_late.join(" ");
        lines.push(words.with("cli-already-claimed", &[("ids", &ids)]));
    }
    lines
}

#[cfg(test)]
mod tests {
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
