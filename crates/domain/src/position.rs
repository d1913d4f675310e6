//! A position: how far the log has been written or read. Opaque to clients, ordered for us.

use std::fmt;
use std::str::FromStr;

/// A point on the events log. Clients pass it back unread (`min_position`); its text is not a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(u64);

impl Position {
    /// Before the first commit.
    pub const START: Self = Self(0);

    pub const fn new(sequence: u64) -> Self {
        Self(sequence)
    }

    pub const fn sequence(self) -> u64 {
        self.0
    }
}

/// A position that Relevo never gave out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a position that Relevo gave out")]
pub struct PositionError;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p1-{}", self.0)
    }
}

impl FromStr for Position {
    type Err = PositionError;
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let digits = text.strip_prefix("p1-").ok_or(PositionError)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PositionError);
        }
        digits.parse().map(Self).map_err(|_overflow| PositionError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_and_nothing_else_does() {
        assert_eq!(Position::new(7).to_string().parse(), Ok(Position::new(7)));
        for bad in ["", "7", "p1-", "p1--7", "p1-+7", "p2-7", "p1-99999999999999999999999"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
