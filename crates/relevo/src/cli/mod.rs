//! The client commands: each speaks gRPC to a running broker, with the caller's role. No rules of the domain are here; what a
//! command means is decided by the server.

mod assignment;
mod audit;
mod bulk;
mod channel;
mod client;
#[cfg(test)]
mod client_tests;
pub(crate) mod completion;
mod contact;
mod conversation;
mod failure;
mod file;
pub(crate) mod global;
mod intake;
mod log;
mod metrics;
mod moment;
mod paint;
mod pause;
mod print;
mod quick_reply;
mod replay;
mod send;
mod suggestion;
mod table;
mod tag;
mod template;
mod text;
mod thread;
mod view;
mod words;
mod workspace;
mod write;

use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use client::Client;
pub(crate) use conversation::show_inbox as inbox_after;
pub(crate) use failure::Failure;
pub(crate) use global::Global;
pub(crate) use intake::settled;
pub(crate) use print::Output;
pub(crate) use words::Words;

/// The commands that need a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Conversations: read them, answer, pause their bot, assign, resolve.
    #[command(subcommand, visible_alias = "conv")]
    Conversation(conversation::Command),
    /// Contacts: who they are, which customer, and who is the same person.
    #[command(subcommand)]
    Contact(contact::Command),
    /// The tags of the workspace.
    #[command(subcommand)]
    Tag(tag::Command),
    /// Templates of WhatsApp channels, and what they say when they are filled in.
    #[command(subcommand)]
    Template(template::Command),
    /// Texts that staff uses again and again.
    #[command(subcommand)]
    QuickReply(quick_reply::Command),
    /// Quick replies and tags as a file.
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Attachments of messages.
    #[command(subcommand)]
    File(file::Command),
    /// The channels: add, check, pause and remove them while the broker runs.
    #[command(subcommand)]
    Channel(channel::Command),
    /// Paused bots: where, by whom, why, since when.
    #[command(subcommand)]
    Pause(pause::Command),
    /// Where Relevo suggests to pause the bot.
    #[command(subcommand, visible_alias = "suggestions")]
    Suggestion(suggestion::Command),
    /// One thing in many conversations: pause or resume their bots, follow it, take it back.
    #[command(subcommand)]
    Bulk(bulk::Command),
    /// Who has what.
    #[command(subcommand)]
    Assignment(assignment::Command),
    /// Figures: volumes, first response, pauses, deliveries.
    #[command(subcommand)]
    Metrics(metrics::Command),
    /// What arrived, what became of it, and what is parked. For admins and ops.
    #[command(subcommand)]
    Intake(intake::Command),
    /// The commits on the log. For admins and ops.
    #[command(subcommand)]
    Log(log::Command),
    /// Events of the past, in order, as JSON lines or onto a NATS subject. For admins and ops.
    Replay(replay::Replay),
    /// Who did what, when: to a conversation, or by an actor. For admins and ops.
    Audit(audit::Audit),
    /// The views: how far they are, rebuilding and verifying them. For admins and ops.
    #[command(subcommand)]
    View(view::Command),
}

/// What a command has at hand.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) out: Output,
}

impl Command {
    /// The id of the command, if this is a write.
    fn command_id(&self) -> Option<String> {
        match self {
            Self::Conversation(command) => command.command_id(),
            Self::Contact(command) => command.command_id(),
            Self::Tag(command) => command.command_id(),
            Self::Channel(command) => command.command_id(),
            Self::Bulk(command) => command.command_id(),
            Self::Workspace(command) => command.command_id(),
            Self::Pause(_)
            | Self::Suggestion(_)
            | Self::Assignment(_)
            | Self::Metrics(_)
            | Self::Intake(_)
            | Self::Log(_)
            | Self::Replay(_)
            | Self::Audit(_)
            | Self::View(_)
            | Self::Template(_)
            | Self::QuickReply(_)
            | Self::File(_) => None,
        }
    }

    /// Runs the command against the server that `global` names.
    pub(crate) async fn run(self, global: Global) -> ExitCode {
        let words = Words::new(global.language());
        // A write that the person did not name gets an id here, so that every error can say how to repeat it.
        let command_id = self.command_id();
        let done = async {
            let context = Context { client: Client::new(&global)?, out: Output::new(words, global.json) };
            match self {
                Self::Conversation(command) => command.run(&context, command_id.as_deref().unwrap_or_default()).await,
                Self::Contact(command) => command.run(&context, command_id.as_deref().unwrap_or_default()).await,
                Self::Tag(command) => command.run(&context, command_id.as_deref().unwrap_or_default()).await,
                Self::Channel(command) => command.run(&context, command_id.as_deref().unwrap_or_default()).await,
                Self::Pause(command) => command.run(&context).await,
                Self::Suggestion(command) => command.run(&context).await,
                Self::Bulk(command) => command.run(&context, command_id.as_deref().unwrap_or_default()).await,
                Self::Assignment(command) => command.run(&context).await,
                Self::Metrics(command) => command.run(&context).await,
                Self::Intake(command) => command.run(&context).await,
                Self::Log(command) => command.run(&context).await,
                Self::Replay(command) => command.run(&context).await,
                Self::Audit(command) => command.run(&context).await,
                Self::View(command) => command.run(&context).await,
                Self::Template(command) => command.run(&context).await,
                Self::QuickReply(command) => command.run(&context).await,
                Self::Workspace(command) => command.run(&context, command_id.as_deref().unwrap_or_default()).await,
                Self::File(command) => command.run(&context).await,
            }
        };
        match done.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                print::failure(&failure, words, global.json, command_id.as_deref());
                failure.exit_code()
            }
        }
    }
}

/// Tells a failure of a command that is not in [`Command`] in the same form, and gives its exit status.
pub(crate) fn fail(failure: &Failure, global: &Global) -> ExitCode {
    print::failure(failure, Words::new(global.language()), global.json, None);
    failure.exit_code()
}

/// Flags of every reading command.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Read {
    /// A position from an earlier answer (`p1-42`): the answer includes everything up to it. Default: what the view has now.
    #[arg(long, value_name = "POSITION")]
    min_position: Option<String>,
}

/// Flags of every list.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Page {
    /// Rows to print, 1 to 200.
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=200))]
    limit: i32,
    /// Goes on where a list ended: the token that it printed. Valid for 60 seconds.
    #[arg(long, value_name = "TOKEN")]
    page_token: Option<String>,
}

/// Says how to see the next page, if there is one.
fn more(out: &Output, next_page_token: &str) -> Result<(), Failure> {
    if next_page_token.is_empty() {
        return Ok(());
    }
    out.line(&out.words.with("list-more", &[("token", next_page_token)]))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        global: Global,
        #[command(subcommand)]
        command: Command,
    }

    fn parse(line: &str) -> Result<Line, clap::Error> {
        Line::try_parse_from(std::iter::once("relevo").chain(line.split(' ')))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        <Line as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in [
            "--json --api-key k --server http://x:1 --lang en --timeout 1s conversation list",
            "conversation list --json --api-key k --server http://x:1 --lang en --timeout 1s",
        ] {
            let global = parse(line).unwrap().global;
            assert!(global.json);
            assert_eq!((global.api_key.as_deref(), global.server.as_str()), (Some("k"), "http://x:1"));
            assert_eq!(global.timeout, std::time::Duration::from_secs(1));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_sent() {
        for line in [
            "conversation assign cnv_x",
            "conversation list --limit 0",
            "conversation pause cnv_x --reason echo",
            "intake retry",
            "intake retry 1 --all",
            "intake parked discard",
            "intake parked --limit 0",
            "intake parked --limit 1 show 3",
            "assignment list --agent a --team b",
            "metrics show --from yesterday",
            "metrics series",
            "metrics republish",
            "metrics republish --subject x --from noon",
            "conversation snooze cnv_x",
            "conversation pause cnv_x --for 30m --until 2030-01-01T10:00:00Z",
            "conversation pause cnv_x --for 30m --locked",
            "conversation pause cnv_x --for soon",
            "conversation resume cnv_x --message a --quick-reply b",
            "conversation resume cnv_x --value 1=a",
            "conversation change-pause cnv_x --until 2030-01-01T10:00:00Z --locked",
            "conversation escalate cnv_x --to carla",
            "conversation escalate cnv_x --to carla --summary s --reason echo",
            "conversation snooze cnv_x --for 1h --until-reply",
            "conversation priority cnv_x soon",
            "conversation suggestion accept cnv_x",
            "conversation suggestion accept cnv_x 7 --for 1h --locked",
            "suggestion list --rule anger",
            "workspace detection set",
            "workspace detection set --act complaint",
            "workspace detection add unknown palabra",
            "conversation tag add cnv_x vip --create",
            "conversation list --waiting soon",
            "conversation list --watch --page-token t",
            "conversation messages cnv_x --watch --as-of p1-1",
            "tag create vip",
            "tag change tag_x",
            "contact merge ctc_x",
            "assignment queue --team a --no-team",
            "log tail --limit 0",
            "--lang de pause list",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_makes_sense_is_taken() {
        for line in [
            "conversation assign cnv_x --agent a --team b",
            "intake retry 1 2",
            "intake parked",
            "intake parked --limit 1 --page-token t --endpoint e",
            "intake parked list --limit 1",
            "intake parked show 3",
            "log show 42",
            "conversation list --status open,snoozed --status all --tag vip --tag x --priority high,urgent --waiting 10m --watch",
            "conversation thread cnv_x --as-of 2026-01-01T10:00:00Z --newest-first --reports",
            "conversation snooze cnv_x --for monday",
            "conversation pause cnv_x --reason complaint --for 30m --message hola",
            "conversation pause cnv_x --locked",
            "conversation resume cnv_x --template fin:es --value 1=Ana",
            "conversation change-pause cnv_x",
            "conversation escalate cnv_x --to carla --summary s",
            "conversation preview-pause cnv_x",
            "conversation suggestion accept cnv_x 7 --for 30m --note n",
            "conversation suggestion dismiss cnv_x 7",
            "suggestions list --rule complex_query --channel wa",
            "workspace detection show",
            "workspace detection set --act price_question=off --languages es,pt --repeats 2 --quiet 2h",
            "workspace detection remove complaint mal --language pt --exception",
            "conversation start wa 1 --template a --pause proactive_message",
            "conversation snooze cnv_x --until 2030-01-01T10:00:00-03:00 --expected-version 3",
            "conversation tag add cnv_x vip --create --colour #ff0000",
            "conversation read cnv_x --through 7",
            "contact search josé",
            "assignment queue --no-team --longer-than 2h --sort longest",
            "pause list --by automatic --sort waiting --longer-than 1d",
            "metrics series pauses first_response_human --bucket day --split agent,labels --watch",
        ] {
            parse(line).unwrap();
        }
    }

    #[test]
    fn a_bulk_is_of_a_filter_of_a_file_or_of_all() {
        for line in
            ["bulk pause --all --ids-file f", "bulk pause --all --for 1h --locked", "bulk results", "bulk undo", "bulk"]
        {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        for line in [
            "bulk pause --status open --bot active --reason other --for 2h --dry-run",
            "bulk resume --all --answer-missed --no-wait",
            "bulk pause --ids-file - --locked",
            "bulk results blk_x --outcome changed_since --limit 5",
            "bulk undo blk_x --answer-missed",
        ] {
            parse(line).unwrap();
        }
    }

    #[test]
    fn what_is_sent_is_said_in_one_way() {
        for line in [
            "conversation send cnv_x",
            "conversation send cnv_x --text a --template b",
            "conversation send cnv_x --react a",
            "conversation send cnv_x --text a --list b",
            "conversation send cnv_x --button a=b",
            "conversation start wa",
            "channel add meta wa --phone-number-id 1",
            "channel add meta wa --phone-number-id 1 --app a --app-secret @s",
            "channel add meta wa --phone-number-id 1 --app a --access-token EAAB",
            "channel add gmail m --address a@b --password @p --client-id c",
            "channel add fax f",
            "channel check",
            "template list",
            "workspace apply",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        for line in [
            "conversation send cnv_x --text a --button x=Y --button y=N --header h --sign --seen 7 --force",
            "conversation send cnv_x --text a --list b --row x=Y=Z --reply-to msg_x",
            "conversation send cnv_x --file a --file b --cc x@y --subject s --text t",
            "conversation send cnv_x --file a --as document --text caption",
            "conversation send cnv_x --location -34.6,-58.3 --place p",
            "conversation send cnv_x --contact Ana,+54911 --contact Luis",
            "conversation send cnv_x --react 👍 --to msg_x",
            "conversation start wa +5491155550101 --template t:es_AR --value 1=Ana --name Ana",
            "conversation cancel-send cnv_x msg_x --command-id again",
            "channel add meta wa --phone-number-id 1 --app-secret @s --access-token env:T --replace",
            "channel add office365 m --address a@b --client-id c --directory d --consent device",
            "channel add mail m --address a@b --password - --imap-host h --smtp-host h --folder A --folder B",
            "workspace apply - --dry-run --prune",
            "file get cnv_x msg_x --attachment 1 -o -",
        ] {
            parse(line).unwrap();
        }
    }

    #[test]
    fn a_write_has_an_id_of_its_own_unless_it_is_given_one() {
        let id = |line: &str| {
            let Command::Conversation(command) = parse(line).unwrap().command else { unreachable!("{line}") };
            command.command_id()
        };
        assert_eq!(id("conversation claim cnv_x --command-id again").as_deref(), Some("again"));
        assert_ne!(id("conversation claim cnv_x"), id("conversation claim cnv_x"));
        assert_eq!(id("conversation list"), None);
        let named = |line: &str| parse(line).unwrap().command.command_id();
        assert_eq!(named("tag delete tag_x --command-id again").as_deref(), Some("again"));
        assert_eq!(named("contact unlink ctc_x --command-id again").as_deref(), Some("again"));
        assert_eq!(named("conversation send cnv_x --text a --command-id again").as_deref(), Some("again"));
        assert_eq!(named("channel pause wa --command-id again").as_deref(), Some("again"));
        assert!(named("conversation start wa 5 --text a").is_some() && named("channel list").is_none());
        assert!(named("contact link ctc_x 4711").is_some() && named("contact show ctc_x").is_none());
    }

    #[test]
    fn every_flag_and_command_explains_itself() {
        fn visit(command: &clap::Command, path: &str, silent: &mut Vec<String>) {
            let ours = |argument: &&clap::Arg| !matches!(argument.get_id().as_str(), "help" | "version");
            for argument in command.get_arguments().filter(ours) {
                if argument.get_help().is_none() {
                    silent.push(format!("{path} {}", argument.get_id()));
                }
            }
            for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
                let path = format!("{path} {}", inner.get_name());
                if inner.get_about().is_none() {
                    silent.push(path.clone());
                }
                visit(inner, &path, silent);
            }
        }
        let mut silent = Vec::new();
        visit(&<Line as clap::CommandFactory>::command(), "relevo", &mut silent);
        assert_eq!(silent, Vec::<String>::new());
    }
}
