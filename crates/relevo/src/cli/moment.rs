//! A moment of the past on the command line: a position or a time.

use relevo_proto::query::v1 as proto;
use relevo_proto::query::v1::as_of::Moment;

use super::metrics::wire;
use super::text::instant;
pub(crate) use crate::span::seconds;

/// What the log had said by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AsOf {
    Position(String),
    Time(jiff::Timestamp),
}

/// A time, or else a position: the server knows whether it gave that out.
pub(crate) fn parse(text: &str) -> Result<AsOf, String> {
    if let Ok(time) = instant(text) {
        return Ok(AsOf::Time(time));
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !text.is_empty();
    if plain { Ok(AsOf::Position(text.to_owned())) } else { Err("p1-42, 2026-03-01T10:00:00Z".to_owned()) }
}

impl AsOf {
    pub(crate) fn wire(self) -> proto::AsOf {
        let moment = match self {
            Self::Position(position) => Moment::Position(position),
            Self::Time(time) => Moment::Time(wire(time)),
        };
        proto::AsOf { moment: Some(moment) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_position() {
        assert_eq!(parse("p1-42"), Ok(AsOf::Position("p1-42".to_owned())));
        assert_eq!(parse("2026-03-01"), Ok(AsOf::Time("2026-03-01T00:00:00Z".parse().unwrap())));
        assert_eq!(parse("2026-03-01T10:00:00-03:00"), Ok(AsOf::Time("2026-03-01T13:00:00Z".parse().unwrap())));
        for bad in ["", "yesterday at noon", "p1 42"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
