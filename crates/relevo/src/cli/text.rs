//! Makes what strangers wrote safe and readable on a terminal: customers' texts, names and file names may hold escape
//! sequences, direction marks and line breaks. Nothing that came from outside is printed without passing through here.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr as _;

/// Stands for a character that would act on the terminal instead of showing itself.
const NEUTRALISED: char = '\u{FFFD}';

/// Stands for what was cut off.
const ELLIPSIS: &str = "…";

/// `text` on one line: line breaks and tabs become spaces, everything that could act on the terminal is neutralised.
pub(crate) fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { visible(c) }).collect();
    let mut line = String::with_capacity(clean.len());
    for word in clean.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The lines of `text`, each safe to print.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.chars().map(|c| if c == '\t' { ' ' } else { visible(c) }).collect()).collect()
}

/// Control characters (C0, DEL, C1), and the marks that reorder or hide what follows them.
fn visible(character: char) -> char {
    let acts = character.is_control()
        || matches!(character,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}');
    if acts { NEUTRALISED } else { character }
}

/// How many columns `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `columns`, with an ellipsis if anything had to go.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut end = 0;
    for (index, character) in text.char_indices() {
        let next = index + character.len_utf8();
        if width(&text[..next]) > room {
            break;
        }
        end = next;
    }
    format!("{}{ELLIPSIS}", &text[..end])
}

/// `text` broken into lines of at most `columns`, at spaces where there are any.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            out.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push(line);
    out
}

/// An instant on the command line: `2026-03-01T10:00:00Z` (any offset), or a day, which is its midnight in UTC.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    text.parse().ok().or_else(day).ok_or_else(|| "2026-03-01, 2026-03-01T10:00:00Z".to_owned())
}

/// When something happened, in the zone of the reader's machine.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    now: Timestamp,
}

impl Clock {
    pub(crate) fn here() -> Self {
        Self { zone: TimeZone::system(), now: Timestamp::now() }
    }

    #[cfg(test)]
    pub(crate) fn at(now: &str) -> Self {
        Self { zone: TimeZone::UTC, now: now.parse().unwrap() }
    }

    /// `10:42` today, `20/11 10:42` this year, `20/11/2025 10:42` before that. Empty if there is no time.
    pub(crate) fn short(&self, time: Option<&prost_types::Timestamp>) -> String {
        let Some(at) = self.zoned(time) else { return String::new() };
        let now = self.now.to_zoned(self.zone.clone());
        let format = if at.date() == now.date() {
            "%H:%M"
        } else if at.year() == now.year() {
            "%d/%m %H:%M"
        } else {
            "%d/%m/%Y %H:%M"
        };
        at.strftime(format).to_string()
    }

    /// `2026-11-21 10:42:07`. Empty if there is no time.
    pub(crate) fn long(&self, time: Option<&prost_types::Timestamp>) -> String {
        self.zoned(time).map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }

    /// Today's date, `2026-11-21`.
    pub(crate) fn today(&self) -> jiff::civil::Date {
        self.now.to_zoned(self.zone.clone()).date()
    }

    fn zoned(&self, time: Option<&prost_types::Timestamp>) -> Option<jiff::Zoned> {
        let time = time?;
        Timestamp::new(time.seconds, time.nanos).ok().map(|at| at.to_zoned(self.zone.clone()))
    }
}

/// A duration a person can read: `850 ms`, `12 s`, `4 min 5 s`, `3 h 12 min`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A size a person can read: `512 B`, `12 kB`, `3.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const KILO: u64 = 1000;
    match bytes {
        0..KILO => format!("{bytes} B"),
        KILO..1_000_000 => format!("{} kB", bytes / KILO),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> prost_types::Timestamp {
        let time: Timestamp = text.parse().unwrap();
        prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_gets_through() {
        let hostile = "a\u{1b}[2Jb\u{7}c\u{9b}31md\u{202e}e\u{7f}\0";
        for clean in [one_line(hostile), lines(hostile).concat()] {
            assert!(!clean.chars().any(|c| c.is_control() || c == '\u{202e}'), "{clean:?}");
            assert!(clean.contains("[2Jb"), "{clean:?}");
        }
    }

    #[test]
    fn lines_and_spaces_fold_into_one_line() {
        assert_eq!(one_line(" hola\r\n\tmundo  "), "hola mundo");
        assert_eq!(lines("uno\ndos\r\ntres"), ["uno", "dos", "tres"]);
        assert_eq!(one_line("familia 👨‍👩‍👧 ñandú"), "familia 👨‍👩‍👧 ñandú");
    }

    #[test]
    fn cutting_counts_columns_and_not_characters() {
        assert_eq!(cut("cita mañana", 20), "cita mañana");
        assert_eq!(cut("cita mañana", 6), "cita …");
        assert_eq!(width(&cut("日本語日本語", 7)), 7);
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_loses_nothing() {
        assert_eq!(wrap("uno dos tres", 7), ["uno dos", "tres"]);
        assert_eq!(wrap("larguísimo", 4), ["larguísimo"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn times_are_as_short_as_they_can_be() {
        let clock = Clock::at("2026-11-21T15:00:00Z");
        assert_eq!(clock.short(Some(&at("2026-11-21T10:42:07Z"))), "10:42");
        assert_eq!(clock.short(Some(&at("2026-11-20T10:42:07Z"))), "20/11 10:42");
        assert_eq!(clock.short(Some(&at("2025-11-20T10:42:07Z"))), "20/11/2025 10:42");
        assert_eq!(clock.long(Some(&at("2026-11-21T10:42:07Z"))), "2026-11-21 10:42:07");
        assert_eq!(clock.short(None), "");
    }

    #[test]
    fn durations_and_sizes_have_a_unit() {
        assert_eq!(
            [duration(850), duration(12_000), duration(245_000), duration(11_520_000)],
            ["850 ms", "12 s", "4 min 5 s", "3 h 12 min"]
        );
        assert_eq!(
            [size(512), size(12_345), size(3_456_789), size(7_000_000_000)],
            ["512 B", "12 kB", "3.4 MB", "7.0 GB"]
        );
    }
}
