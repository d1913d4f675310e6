//! Percentiles, and the table that is printed at the end.

use std::fmt::Write as _;
use std::time::Duration;

/// Times of one kind of call.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

/// One line of the table: ours next to the echo of the same bytes.
#[derive(Clone, Debug)]
pub struct Line {
    pub what: String,
    pub ours: Times,
    pub echo: Times,
    /// What the issue allows for the 99th percentile; `None` for a line that only explains.
    pub limit: Option<Duration>,
}

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that so many of a hundred do not exceed; zero if there is none.
    pub fn percentile(&self, percent: usize) -> Duration {
        self.permille(percent * 10)
    }

    /// The same of a thousand.
    pub fn permille(&self, permille: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * permille).div_ceil(1_000).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }
}

impl Line {
    pub fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.ours.percentile(99) < limit)
    }
}

/// The table, a line each, in milliseconds.
pub fn table(lines: &[Line]) -> String {
    let mut lined = format!(
        "{:<58} {:>6} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}\n",
        "", "n", "p50 ms", "p99 ms", "echo p50", "echo p99", "x p50", "x p99", "limit"
    );
    for line in lines {
        let (p50, p99) = (line.ours.percentile(50), line.ours.percentile(99));
        let (echo50, echo99) = (line.echo.percentile(50), line.echo.percentile(99));
        let ratio = |ours: Duration, echo: Duration| {
            if echo.is_zero() { "-".to_owned() } else { format!("{:.1}", ours.as_secs_f64() / echo.as_secs_f64()) }
        };
        let limit = match line.limit {
            None => String::new(),
            Some(limit) => format!("{} {}", limit.as_millis(), if line.holds() { "ok" } else { "OVER" }),
        };
        // Writing to a `String` cannot fail.
        writeln!(
            lined,
            "{:<58} {:>6} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}",
            line.what,
            line.ours.len(),
            text(p50),
            text(p99),
            text(echo50),
            text(echo99),
            ratio(p50, echo50),
            ratio(p99, echo99),
            limit
        )
        .ok();
    }
    lined.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// In milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn text(time: Duration) -> String {
    format!("{:.2}", ms(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut times = Times::default();
        assert_eq!(times.percentile(99), Duration::ZERO);
        (1..=200).rev().for_each(|ms| times.add(Duration::from_millis(ms)));
        assert_eq!(times.percentile(50), Duration::from_millis(100));
        assert_eq!(times.percentile(99), Duration::from_millis(198));
        assert_eq!(times.percentile(100), Duration::from_millis(200));
        assert_eq!(times.permille(999), Duration::from_millis(200));
        assert_eq!(times.permille(5), Duration::from_millis(1));
    }

    #[test]
    fn a_line_that_is_over_its_limit_says_so() {
        let mut line = Line {
            what: "x".to_owned(),
            ours: Times::default(),
            echo: Times::default(),
            limit: Some(Duration::from_millis(5)),
        };
        line.ours.add(Duration::from_millis(4));
        assert!(line.holds() && table(std::slice::from_ref(&line)).contains("5 ok"));
        line.ours.add(Duration::from_millis(5));
        assert!(!line.holds() && table(&[line]).contains("5 OVER"));
    }
}
