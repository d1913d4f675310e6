//! A moment of the past on the command line: a position or a time; and how long something lasts.

use relevo_proto::query::v1 as proto;
use relevo_proto::query::v1::as_of::Moment;

use super::metrics::wire;
use super::text::instant;

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

/// Whole seconds: `90s`, `10m`, `2h`, `3d`, or a bare number of seconds.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let known = || "90s, 10m, 2h, 3d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_not_a_number| known())?;
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(known()),
    };
    number.checked_mul(unit).ok_or_else(known)
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

    #[test]
    fn a_time_span_has_a_unit() {
        assert_eq!(
            [seconds("90"), seconds("90s"), seconds("10m"), seconds("2h"), seconds("3d")],
            [Ok(90), Ok(90), Ok(600), Ok(7200), Ok(259_200)]
        );
        for bad in ["", "m", "1w", "-1s", "99999999d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
