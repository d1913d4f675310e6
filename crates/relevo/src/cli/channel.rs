//! `relevo channel …`: the channels of a tenant; adding and removing them while the broker runs, trying their credentials.

mod add;
mod consent;
mod secret;

use clap::{Args, Subcommand};
use relevo_proto::admin::v1::{
    AddChannelRequest, AddChannelResponse, Channel, ChannelHealthState, CheckChannelRequest, CheckChannelResponse,
    ListChannelsRequest, RemoveChannelRequest,
};
use relevo_proto::command::v1::{PauseChannelRequest, ResumeChannelRequest};

use super::table::{Shrink, Table};
use super::write::{How, command_id};
use super::{Context, Failure, Output, text};
use add::Add;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every channel: what it does, how it is doing, what it lacks. For admins and ops.
    #[command(visible_alias = "ls")]
    List,
    /// Adds a channel to the running broker. For admins and ops.
    Add(Box<Add>),
    /// Tries every credential of a channel; says of each that it is good, or what is wrong and where to mend it. Its templates are
    /// read again. For admins and ops.
    Check(Named),
    /// Sends nothing from a channel until it is resumed; what comes in is taken all the same. For supervisors, admins and ops.
    Pause(Changed),
    /// Sends from a paused channel again. For supervisors, admins and ops.
    Resume(Changed),
    /// Takes back a channel that was added; its conversations stay. For admins and ops.
    Remove(Named),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Id of the channel, as in `relevo channel list`.
    #[arg(value_name = "CHANNEL")]
    channel_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Changed {
    /// Id of the channel, as in `relevo channel list`.
    #[arg(value_name = "CHANNEL")]
    channel_id: String,
    #[command(flatten)]
    how: How,
}

impl Command {
    /// The id of the command, if this is one.
    pub(super) fn command_id(&self) -> Option<String> {
        match self {
            Self::Pause(Changed { how, .. }) | Self::Resume(Changed { how, .. }) => Some(command_id(how)),
            Self::List | Self::Add(_) | Self::Check(_) | Self::Remove(_) => None,
        }
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        macro_rules! change {
            ($method:ident, $request:ident, $changed:expr, $key:literal) => {{
                let Changed { channel_id, how: How { expected_version, .. } } = $changed;
                let request = $request { command_id: command_id.to_owned(), expected_version, channel_id };
                let answer = client
                    .until_known(|| {
                        let mut service = client.channel_commands();
                        let request = client.request(request.clone());
                        async move { service.$method(request).await }
                    })
                    .await?;
                if out.json {
                    return out.message(&answer);
                }
                let sentence = format!("cli-{}-{}", if answer.already_so { "already" } else { "done" }, $key);
                let position = out.words.with("cli-position", &[("position", &answer.position)]);
                out.line(&format!("{} · {position}", out.words.t(&sentence)))
            }};
        }
        match self {
            Self::List => list(context).await,
            Self::Add(add) => add.run(context).await,
            Self::Check(Named { channel_id }) => check(context, channel_id).await,
            Self::Pause(changed) => change!(pause_channel, PauseChannelRequest, changed, "channel-pause"),
            Self::Resume(changed) => change!(resume_channel, ResumeChannelRequest, changed, "channel-resume"),
            Self::Remove(Named { channel_id }) => {
                let mut channels = client.channels();
                let answer = client.once(channels.remove_channel(client.request(RemoveChannelRequest { channel_id })));
                let answer = answer.await?;
                if out.json {
                    out.message(&answer)
                } else {
                    out.line(
                        &out.words
                            .t(&format!("cli-{}-channel-remove", if answer.already_so { "already" } else { "done" })),
                    )
                }
            }
        }
    }
}

/// Sends a definition and tells what has to be done at the provider now.
async fn send(context: &Context, definition: String, replace: bool) -> Result<(), Failure> {
    let (client, out) = (&context.client.anew(), &context.out);
    let mut channels = client.channels();
    let answer = client.once(channels.add_channel(client.request(AddChannelRequest { definition, replace }))).await?;
    if out.json {
        return out.message(&answer);
    }
    out.lines(added(out, &answer))
}

fn added(out: &Output, answer: &AddChannelResponse) -> Vec<String> {
    let words = out.words;
    let channel = answer.channel.clone().unwrap_or_default();
    let id = text::one_line(&channel.channel_id);
    let mut lines =
        vec![words.with(
            if answer.already_so { "cli-already-channel-add" } else { "cli-done-channel-add" },
            &[("channel", &id)],
        )];
    if !channel.webhook_url.is_empty() {
        lines.push(words.with("cli-channel-webhook", &[("url", &text::one_line(&channel.webhook_url))]));
    }
    if !answer.verify_token.is_empty() {
        lines.push(words.with("cli-channel-verify-token", &[("token", &text::one_line(&answer.verify_token))]));
    }
    lines.extend(channel.missing.iter().map(|missing| format!("  ! {}", text::one_line(missing))));
    lines.push(words.with("cli-channel-next", &[("channel", &id)]));
    lines
}

async fn list(context: &Context) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let words = out.words;
    let mut channels = client.channels();
    let answer = client.once(channels.list_channels(client.request(ListChannelsRequest {}))).await?;
    if out.json {
        return out.message(&answer);
    }
    let mut table = Table::new(vec![
        (words.t("table-channel"), Shrink::Never),
        (words.t("table-kind"), Shrink::Never),
        (words.t("table-label"), Shrink::Then(8)),
        (words.t("table-does"), Shrink::Never),
        (words.t("table-health"), Shrink::First(12)),
        (words.t("table-webhook"), Shrink::Drop(12)),
    ]);
    for channel in &answer.channels {
        table.row([
            channel.channel_id.clone(),
            channel.kind.clone(),
            channel.label.clone(),
            does(out, channel),
            health(out, channel),
            channel.webhook_url.clone(),
        ]);
    }
    out.table(&table, "list-empty")?;
    // What is said of several channels is said once.
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for channel in &answer.channels {
        let broken = channel.health.iter().filter(|part| !part.explanation.is_empty());
        let broken = broken.map(|part| format!("{}: {}", words.part(&part.part), part.explanation));
        for line in channel.missing.iter().cloned().chain(broken) {
            match said.iter_mut().find(|(known, _)| *known == line) {
                Some((_, channels)) => channels.push(channel.channel_id.clone()),
                None => said.push((line, vec![channel.channel_id.clone()])),
            }
        }
    }
    for (line, channels) in said {
        out.line(&format!("{}: {}", text::one_line(&channels.join(", ")), text::one_line(&line)))?;
    }
    Ok(())
}

/// What a channel can do, and whether somebody stopped it.
fn does(out: &Output, channel: &Channel) -> String {
    let words = out.words;
    let able = match (channel.receives, channel.sends) {
        (true, true) => "channel-does-both",
        (true, false) => "channel-does-receive",
        (false, true) => "channel-does-send",
        (false, false) => "channel-does-nothing",
    };
    if channel.paused { format!("{}, {}", words.t(able), words.t("channel-paused")) } else { words.t(able) }
}

fn health(out: &Output, channel: &Channel) -> String {
    let words = out.words;
    let bad = channel.health.iter().filter_map(|part| {
        let state = match ChannelHealthState::try_from(part.state) {
            Ok(ChannelHealthState::Good) => return None,
            Ok(ChannelHealthState::Ailing) => words.t("health-ailing"),
            Ok(ChannelHealthState::Broken) => words.t("health-broken"),
            Ok(ChannelHealthState::Unspecified) | Err(_) => format!("?{}", part.state),
        };
        let since = out.clock.short(part.since.as_ref());
        let why = why(out, &part.part, &part.failure_class, &part.code);
        Some(format!("{} {state} ({why}, {since})", words.part(&part.part)))
    });
    let bad: Vec<String> = bad.collect();
    match (bad.is_empty(), channel.health.is_empty()) {
        (false, _) => bad.join("; "),
        (true, false) => words.t("health-good"),
        (true, true) => words.t("health-unknown"),
    }
}

/// The provider's code, else what kind of trouble it is; empty if it is none of a provider's.
fn why(out: &Output, part: &str, class: &str, code: &str) -> String {
    if !code.is_empty() {
        code.to_owned()
    } else if class.is_empty() {
        String::new()
    } else {
        out.words.trouble(part, class)
    }
}

async fn check(context: &Context, channel_id: String) -> Result<(), Failure> {
    let (client, out) = (&context.client.patient(), &context.out);
    let mut channels = client.channels();
    let answer = client.once(channels.check_channel(client.request(CheckChannelRequest { channel_id }))).await?;
    if out.json {
        out.message(&answer)?;
    } else {
        out.lines(checks(out, &answer))?;
    }
    if answer.ok { Ok(()) } else { Err(Failure::ChannelNotGood) }
}

fn checks(out: &Output, answer: &CheckChannelResponse) -> Vec<String> {
    let line = |check: &relevo_proto::admin::v1::ChannelCheck| {
        let part = text::one_line(&out.words.part(&check.part));
        if check.ok {
            return format!("✓ {part}");
        }
        let why = text::one_line(&why(out, &check.part, &check.failure_class, &check.code));
        let why = if why.is_empty() { why } else { format!(" ({why})") };
        format!("✗ {part}{why}: {}", text::one_line(&check.explanation))
    };
    let lines = answer.checks.iter().map(line);
    // What is not good is said with the failure.
    lines.chain(answer.ok.then(|| out.words.t("cli-channel-good"))).collect()
}
