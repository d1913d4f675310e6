//! `relevo replay`: events of the past, in order, as JSON lines or onto a NATS subject.

use clap::Args;
use relevo_proto::admin::v1::log_point::At;
use relevo_proto::admin::v1::{LogPoint, ReplayFilter, ReplayLogRequest};

use super::{Context, Failure};
use crate::admin::log::line::line;

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// First point, included: a position (`p1-42`, or 42), a time (`2026-11-21T10:00:00Z`), or a local one (`2026-11-21`,
    /// `2026-11-21T10:00`). Default: the beginning of the log.
    #[arg(long, value_name = "POINT")]
    from: Option<String>,
    /// Last point, written the same; a position is included, a time is not. Default: where the log ends now.
    #[arg(long, value_name = "POINT")]
    to: Option<String>,
    /// Only matching events: `type=MessageReceived`, `entity=ctc_…`, `conversation=cnv_…` or `actor=laura`. Several of one kind: any
    /// of them (one actor only); of several kinds: all.
    #[arg(long, value_name = "KIND=VALUE")]
    filter: Vec<String>,
    /// Multiple of the original pace: 1 as it was, 60 a minute in a second, 0 as fast as possible.
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    speed: f64,
    /// Publishes the events there instead of printing them: `relevo.replay.<tenant>.<name>`.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Leaves out what is personal: names, addresses, texts.
    #[arg(long)]
    without_personal: bool,
}

impl Replay {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = ReplayLogRequest {
            from: point("--from", self.from.as_deref())?,
            to: point("--to", self.to.as_deref())?,
            filter: Some(filter(&self.filter)?),
            speed: self.speed,
            subject: self.subject.unwrap_or_default(),
            without_personal: self.without_personal,
        };
        let onto = !request.subject.is_empty();
        let mut log = client.log();
        let mut answers = client.stream(log.replay(client.request(request))).await?;
        while let Some(answer) = answers.next().await? {
            if let Some(event) = &answer.event {
                out.line(&line(event).map_err(|error| Failure::Output(error.to_string()))?)?;
            }
            let Some(progress) = &answer.progress else { continue };
            let (events, unreadable) = (progress.events.to_string(), progress.unreadable.to_string());
            let arguments =
                [("events", events.as_str()), ("position", &progress.position), ("unreadable", &unreadable)];
            if !progress.done {
                out.progress(&out.words.with("cli-replay-progress", &arguments));
            } else if onto {
                out.progress_done();
                if out.json {
                    out.message(&answer)?;
                } else {
                    out.line(&out.words.with("cli-replay-done", &arguments))?;
                }
            }
        }
        Ok(())
    }
}

/// A point of the log as a person writes it.
pub(super) fn point(flag: &'static str, text: Option<&str>) -> Result<Option<LogPoint>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let position = text.parse::<u64>().map(|sequence| format!("p1-{sequence}"));
    let at = match position.or_else(|_not_a_number| text.strip_prefix("p1-").map(|_| text.to_owned()).ok_or(())) {
        Ok(position) => At::Position(position),
        Err(()) => At::Time(time(text).ok_or_else(|| Failure::bad_value(flag, text, "p1-42, 2026-11-21T10:00:00Z"))?),
    };
    Ok(Some(LogPoint { at: Some(at) }))
}

/// A time with its zone, else one in the zone of the reader's machine.
fn time(text: &str) -> Option<prost_types::Timestamp> {
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_local) => {
            let local: jiff::civil::DateTime = text.parse().ok()?;
            local.to_zoned(jiff::tz::TimeZone::system()).ok()?.timestamp()
        }
    };
    Some(prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() })
}

fn filter(words: &[String]) -> Result<ReplayFilter, Failure> {
    let mut filter = ReplayFilter::default();
    for word in words {
        let refused = || Failure::bad_value("--filter", word, "type=, entity=, conversation=, actor=");
        let (kind, value) = word.split_once('=').ok_or_else(refused)?;
        match kind {
            "type" => filter.event_types.push(value.to_owned()),
            "entity" | "conversation" => filter.entity_ids.push(value.to_owned()),
            "actor" if filter.actor.is_empty() => value.clone_into(&mut filter.actor),
            _ => return Err(refused()),
        }
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<At> {
        point("--from", Some(text)).unwrap().unwrap().at
    }

    #[test]
    fn a_point_is_a_position_a_sequence_or_a_time() {
        assert_eq!(at("p1-42"), Some(At::Position("p1-42".to_owned())));
        assert_eq!(at("42"), Some(At::Position("p1-42".to_owned())));
        let time = prost_types::Timestamp { seconds: 1_795_255_200, nanos: 0 };
        assert_eq!(at("2026-11-21T10:00:00Z"), Some(At::Time(time)));
        assert_eq!(at("2026-11-21T07:00:00-03:00"), Some(At::Time(time)));
        assert!(matches!(at("2026-11-21"), Some(At::Time(_))));
        for bad in ["", "yesterday", "-1", "2026-13-01"] {
            assert!(point("--from", Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn filters_are_sorted_by_what_they_are_about() {
        let words = ["type=BotPaused", "type=BotResumed", "conversation=cnv_x", "entity=ctc_y", "actor=staff:laura"];
        let found = filter(&words.map(str::to_owned)).unwrap();
        assert_eq!(found.event_types, ["BotPaused", "BotResumed"]);
        assert_eq!(
            (found.entity_ids, found.actor),
            (vec!["cnv_x".to_owned(), "ctc_y".to_owned()], "staff:laura".to_owned())
        );
        for bad in [&["BotPaused"][..], &["kind=x"], &["actor=a", "actor=b"]] {
            let words: Vec<_> = bad.iter().map(|word| (*word).to_owned()).collect();
            assert!(filter(&words).is_err(), "{bad:?}");
        }
    }
}
