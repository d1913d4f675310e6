//! Colours of the terminal: the states of the bot, and each tag in its own. Never into a pipe, a file or JSON, and never if
//! `NO_COLOR` is set; nothing is said by colour alone.

use relevo_proto::query::v1::{BotState, Tag};

use super::text;

/// How a text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Paint {
    /// As the terminal shows everything.
    #[default]
    Plain,
    /// The bot may answer: green.
    Active,
    /// The bot is silent: orange.
    Paused,
    /// A colour of somebody's choice.
    Rgb(u8, u8, u8),
}

/// Back to how everything is shown.
const RESET: &str = "\u{1b}[0m";

/// A text in pieces of one colour each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Painted {
    pieces: Vec<(String, Paint)>,
}

impl Paint {
    /// The colour of the bot's state.
    pub(crate) fn bot(bot: i32) -> Self {
        match BotState::try_from(bot) {
            Ok(BotState::Active) => Self::Active,
            Ok(BotState::Paused) => Self::Paused,
            Ok(BotState::Unspecified) | Err(_) => Self::Plain,
        }
    }

    /// The colour `#rrggbb`; anything else is plain.
    pub(crate) fn hex(colour: &str) -> Self {
        let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
        let part = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
        match (part(0), part(2), part(4)) {
            (Some(red), Some(green), Some(blue)) => Self::Rgb(red, green, blue),
            _ => Self::Plain,
        }
    }

    fn begin(self) -> String {
        match self {
            Self::Plain => String::new(),
            Self::Active => "\u{1b}[32m".to_owned(),
            Self::Paused => "\u{1b}[38;5;208m".to_owned(),
            Self::Rgb(red, green, blue) => format!("\u{1b}[38;2;{red};{green};{blue}m"),
        }
    }
}

impl Painted {
    /// A text of one colour, made safe to print.
    pub(crate) fn new(content: &str, paint: Paint) -> Self {
        Self { pieces: vec![(text::one_line(content), paint)] }
    }

    /// Tags, each in its own colour.
    pub(crate) fn tags(tags: &[Tag]) -> Self {
        let mut pieces = Vec::with_capacity(tags.len() * 2);
        for tag in tags {
            if !pieces.is_empty() {
                pieces.push((" ".to_owned(), Paint::Plain));
            }
            pieces.push((format!("#{}", text::one_line(&tag.name)), Paint::hex(&tag.colour)));
        }
        Self { pieces }
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(piece, _)| text::width(piece)).sum()
    }

    /// The text, cut to so many columns; in colour only if it is asked for.
    pub(crate) fn show(&self, columns: usize, colour: bool) -> String {
        let whole = self.width() <= columns;
        let mut left = columns;
        let mut shown = String::new();
        for (piece, paint) in &self.pieces {
            let room = if whole { text::width(piece) } else { left };
            if room == 0 {
                break;
            }
            // The piece that is cut gets the ellipsis; one that ends exactly at the edge loses its last column to it.
            let cut = if !whole && text::width(piece) >= room {
                text::cut(&format!("{piece} "), room)
            } else {
                text::cut(piece, room)
            };
            left = left.saturating_sub(text::width(&cut));
            if colour && *paint != Paint::Plain {
                shown.push_str(&paint.begin());
                shown.push_str(&cut);
                shown.push_str(RESET);
            } else {
                shown.push_str(&cut);
            }
        }
        shown
    }
}

impl From<String> for Painted {
    fn from(content: String) -> Self {
        Self::new(&content, Paint::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str, colour: &str) -> Tag {
        Tag { name: name.to_owned(), colour: colour.to_owned(), ..Tag::default() }
    }

    #[test]
    fn the_states_have_the_colours_of_the_panel() {
        let bot = |bot: BotState| Painted::new("x", Paint::bot(bot.into())).show(9, true);
        assert_eq!(bot(BotState::Active), "\u{1b}[32mx\u{1b}[0m");
        assert_eq!(bot(BotState::Paused), "\u{1b}[38;5;208mx\u{1b}[0m");
        assert_eq!(Painted::new("x", Paint::Active).show(9, false), "x");
    }

    #[test]
    fn tags_have_their_own_colours_and_a_bad_one_has_none() {
        let tags = Painted::tags(&[tag("vip", "#ff8000"), tag("a\u{1b}[31mb", "red")]);
        assert_eq!(tags.show(99, true), "\u{1b}[38;2;255;128;0m#vip\u{1b}[0m #a\u{fffd}[31mb");
        assert_eq!(tags.show(99, false), "#vip #a\u{fffd}[31mb");
    }

    #[test]
    fn what_is_cut_keeps_its_colour_and_its_width() {
        let tags = Painted::tags(&[tag("vip", "#ff8000"), tag("reclamo", "#112233")]);
        for columns in 0..=13 {
            let shown = tags.show(columns, false);
            assert!(text::width(&shown) <= columns, "{columns}: {shown:?}");
            assert_eq!(shown.contains('…'), (1..13).contains(&columns), "{columns}: {shown:?}");
            let painted = tags.show(columns, true);
            assert_eq!(painted.matches("\u{1b}[38").count(), painted.matches(RESET).count());
        }
    }
}
