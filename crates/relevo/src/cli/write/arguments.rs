//! The arguments of the commands that change a conversation.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use relevo_proto::query::v1::{PauseReason, SnoozePreset};

use super::super::conversation::list::Urgency;
use super::super::text::instant;
use super::silence::Terms;

/// Which conversation, and how the command is called.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    pub(super) conversation_id: String,
    #[command(flatten)]
    pub(super) how: How,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// Id of this command, 1 to 128 visible ASCII characters: repeating a command with its id never does it twice. Default: a
    /// fresh UUID.
    #[arg(long, value_name = "ID")]
    pub(crate) command_id: Option<String>,
    /// Version that it must be at, as the last answer or list had it; else nothing is done. Default: any.
    #[arg(long, value_name = "VERSION")]
    pub(crate) expected_version: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    pub(super) target: Target,
    /// Why.
    #[arg(long, value_enum, default_value_t = Reason::HumanTakeover)]
    pub(super) reason: Reason,
    #[command(flatten)]
    pub(super) terms: Terms,
    /// Sends the customer this text as well, right after the pause: both or neither. Default: nothing.
    #[arg(long, value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
}

/// A conversation and a remark.
#[derive(Debug, Args)]
pub(crate) struct Noted {
    #[command(flatten)]
    pub(super) target: Target,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).multiple(true).args(["agent", "team"])))]
pub(crate) struct Assign {
    #[command(flatten)]
    pub(super) target: Target,
    /// Name of the agent in the configuration, for example `laura`. Default: no agent.
    #[arg(long, value_name = "AGENT")]
    pub(super) agent: Option<String>,
    /// Name of the team in the configuration. Default: no team.
    #[arg(long, value_name = "TEAM")]
    pub(super) team: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    #[command(flatten)]
    pub(super) target: Target,
    /// Why, in a word or two that can be counted, at most 64 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "WORD")]
    pub(super) reason: String,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("when").required(true).args(["for_time", "until", "until_reply"])))]
pub(crate) struct Snooze {
    #[command(flatten)]
    pub(super) target: Target,
    /// A usual time, from now; mornings are 09:00 in the tenant's time zone.
    #[arg(long = "for", value_enum, value_name = "TIME")]
    pub(super) for_time: Option<Preset>,
    /// An instant in the future, at most 366 days away: `2026-03-01T10:00:00-03:00`.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(super) until: Option<jiff::Timestamp>,
    /// Until the customer writes.
    #[arg(long)]
    pub(super) until_reply: bool,
    /// A remark for colleagues, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(super) note: String,
}

#[derive(Debug, Args)]
pub(crate) struct SetPriority {
    #[command(flatten)]
    pub(super) target: Target,
    /// How urgent it is; `none` takes an earlier word back.
    #[arg(value_enum, value_name = "PRIORITY")]
    pub(super) priority: Urgency,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tagging {
    /// Puts a tag of the workspace on the conversation.
    Add(AddTag),
    /// Takes a tag off the conversation.
    Remove(Tagged),
}

#[derive(Debug, Args)]
pub(crate) struct Tagged {
    #[command(flatten)]
    pub(super) target: Target,
    /// Name of the tag in any case, or its id, `tag_…`.
    #[arg(value_name = "TAG")]
    pub(super) tag: String,
}

#[derive(Debug, Args)]
pub(crate) struct AddTag {
    #[command(flatten)]
    pub(super) tagged: Tagged,
    /// Makes the tag if there is none of that name.
    #[arg(long, requires = "colour")]
    pub(super) create: bool,
    /// Colour of a tag that is made, `#rrggbb`; a tag that exists keeps its own.
    #[arg(long, value_name = "COLOUR", default_value = "", hide_default_value = true, alias = "color")]
    pub(super) colour: String,
}

#[derive(Debug, Args)]
pub(crate) struct Note {
    #[command(flatten)]
    pub(super) target: Target,
    /// The note, 1 to 4,000 characters.
    #[arg(value_name = "TEXT")]
    pub(super) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct MarkRead {
    #[command(flatten)]
    pub(super) target: Target,
    /// Version of the conversation up to which it was read, as a list showed it; what came later stays unread. Default: everything.
    #[arg(long, value_name = "VERSION")]
    pub(super) through: Option<u64>,
}

/// The usual times to snooze for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// One hour.
    #[value(name = "1h")]
    OneHour,
    /// Two hours.
    #[value(name = "2h")]
    TwoHours,
    /// Four hours.
    #[value(name = "4h")]
    FourHours,
    /// Tomorrow at 09:00.
    Tomorrow,
    /// Next Monday at 09:00; on a Monday the one in a week.
    Monday,
}

impl From<Preset> for SnoozePreset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::OneHour => Self::OneHour,
            Preset::TwoHours => Self::TwoHours,
            Preset::FourHours => Self::FourHours,
            Preset::Tomorrow => Self::TomorrowMorning,
            Preset::Monday => Self::NextMonday,
        }
    }
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
