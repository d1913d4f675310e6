//! Bots inside of the broker, and how all bots are given turns.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use relevo_bot::rules::{self, Rules};
use relevo_bot::webhook::{CALLS_MAX, SECRET_BYTES_MIN, SECRETS_MAX, TIMEOUT_MAX, WebhookSettings};
use relevo_bot::{HISTORY_MAX, Options, TURN_MAX};
use relevo_domain::conversation::CatchUp;
use relevo_domain::{AgentId, ChannelId};
use relevo_providers::HookAddress;

use super::super::file;
use super::super::{Bot, BotKind, Bots, Problem, Problems};
use super::server::one_of;
use super::{name, once, secrets};
use crate::span;

/// What is older than the window of every provider is nobody's turn.
const OLDEST_MAX: Duration = Duration::from_hours(24 * 7);

pub(super) fn options(bots: &file::Bots, problems: &mut Problems) -> Bots {
    let usual = Options::default();
    let turn = problems.keep(within("bots.turn", &bots.turn, TURN_MAX)).unwrap_or(usual.turn);
    let oldest = problems.keep(within("bots.oldest", &bots.oldest, OLDEST_MAX)).unwrap_or(usual.oldest);
    Bots { enabled: bots.enabled, options: Options { turn, oldest, ..usual } }
}

/// More than no time, and at most so much.
fn within(at: &str, text: &str, most: Duration) -> Result<Duration, Problem> {
    let wrong = || {
        let most = format!("{}s", most.as_secs());
        Problem::new(at, "config-span-most").with("value", text).with("most", most)
    };
    let seconds = span::seconds(text).map_err(|_known| wrong())?;
    let time = Duration::from_secs(seconds.into());
    if time.is_zero() || time > most { Err(wrong()) } else { Ok(time) }
}

pub(super) fn on_resume(at: &str, text: Option<&str>) -> Result<CatchUp, Problem> {
    let Some(text) = text else { return Ok(CatchUp::default()) };
    CatchUp::parse(text).ok_or_else(|| one_of(at, text, &CatchUp::ALL.map(CatchUp::as_str).join(", ")))
}

pub(super) fn bots(at: &str, bots: &[file::Bot], problems: &mut Problems) -> Vec<Bot> {
    let at = |index: usize| format!("{at}.bots[{index}]");
    once(bots.iter().enumerate().map(|(index, bot)| (format!("{}.id", at(index)), bot.id.as_str())), problems);
    bots.iter().enumerate().filter_map(|(index, one)| bot(&at(index), one, problems)).collect()
}

fn bot(at: &str, bot: &file::Bot, problems: &mut Problems) -> Option<Bot> {
    let id = problems.keep(name(format!("{at}.id"), &bot.id, AgentId::new));
    // A channel may be added later: until then its name grants nothing.
    let channel =
        |(index, id): (usize, &String)| problems.keep(name(format!("{at}.channels[{index}]"), id, ChannelId::new));
    let channels: BTreeSet<ChannelId> = bot.channels.iter().enumerate().filter_map(channel).collect();
    let kind = match (&bot.rules, &bot.webhook) {
        (Some(path), None) => {
            rules(&format!("{at}.rules"), path, problems).map(|rules| BotKind::Rules(Box::new(rules)))
        }
        (None, Some(hook)) => {
            webhook(&format!("{at}.webhook"), &bot.id, hook, problems).map(|hook| BotKind::Webhook(Box::new(hook)))
        }
        (Some(_), Some(_)) => {
            problems.add(Problem::new(format!("{at}.rules"), "config-excludes").with("other", "webhook"));
            None
        }
        (None, None) => {
            problems.add(Problem::new(at, "config-missing").with("key", "rules"));
            None
        }
    };
    Some(Bot { id: id?, channels, kind: kind? })
}

fn rules(at: &str, path: &Path, problems: &mut Problems) -> Option<Rules> {
    let text = match read(path) {
        Ok(text) => text,
        Err(reason) => {
            let reason = format!("{}: {reason}", path.display());
            problems.add(Problem::new(at, "config-unreadable").with("reason", reason));
            return None;
        }
    };
    match Rules::parse(&text) {
        Ok(rules) => Some(rules),
        Err(error) => {
            for problem in error.problems {
                let place = format!("{at} ({}:{}) {}", path.display(), problem.line, problem.path);
                let (key, args) = (problem.what.key(), problem.what.args());
                problems.add(Problem { at: place.trim_end().to_owned(), key, args });
            }
            None
        }
    }
}

/// The file, as far as it may be long: what is longer is refused by its length.
fn read(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let most = u64::try_from(rules::FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn webhook(at: &str, bot: &str, hook: &file::BotWebhook, problems: &mut Problems) -> Option<WebhookSettings> {
    let address = HookAddress::parse(&hook.url, hook.with_loopback).map_err(|error| {
        Problem::new(format!("{at}.url"), "config-hook-url").with("value", &hook.url).with("reason", error.to_string())
    });
    let address = problems.keep(address);
    let list = format!("{at}.secrets");
    let texts = secrets(&list, &hook.secrets, problems);
    if hook.secrets.len() > SECRETS_MAX {
        problems.add(too_large(&list, hook.secrets.len(), SECRETS_MAX));
    }
    for (index, _) in texts.iter().enumerate().filter(|(_, text)| text.len() < SECRET_BYTES_MIN) {
        let least = SECRET_BYTES_MIN.to_string();
        problems.add(Problem::new(format!("{list}[{index}]"), "config-token-key").with("least", least));
    }
    let timeout = hook.timeout.as_deref().map(|text| within(&format!("{at}.timeout"), text, TIMEOUT_MAX)).transpose();
    let timeout = problems.keep(timeout);
    if let Some(calls) = hook.calls.filter(|calls| *calls == 0 || *calls > CALLS_MAX) {
        problems.add(too_large(&format!("{at}.calls"), calls, CALLS_MAX));
    }
    if let Some(history) = hook.history.filter(|history| *history > HISTORY_MAX) {
        problems.add(too_large(&format!("{at}.history"), history as usize, HISTORY_MAX as usize));
    }
    let (_address, timeout) = (address?, timeout?);
    let secrets = texts.into_iter().map(relevo_providers::Secret::new).collect();
    let usual = WebhookSettings::new(bot, &hook.url, secrets);
    Some(WebhookSettings {
        with_loopback: hook.with_loopback,
        timeout: timeout.unwrap_or(usual.timeout),
        calls: hook.calls.unwrap_or(usual.calls),
        history: hook.history.unwrap_or(usual.history),
        ..usual
    })
}

fn too_large(at: &str, value: usize, most: usize) -> Problem {
    Problem::new(at, "config-too-large").with("value", value.to_string()).with("most", most.to_string())
}
