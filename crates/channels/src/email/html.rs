//! HTML to plain text, for mails that have nothing else. A scanner, not a browser: one pass, no tree, and so no
//! nesting that could exhaust memory or stack. The HTML itself is kept as it came; this is what people search and read.

use mail_parser::decoders::html::add_html_token;

/// Quote marks before a line; deeper quotes look like this one.
const QUOTE_DEPTH_MAX: usize = 5;
/// Longest character entity (`&CounterClockwiseContourIntegral;`).
const ENTITY_BYTES_MAX: usize = 40;

/// Elements whose content is not for reading.
const HIDDEN: [&str; 5] = ["style", "script", "title", "template", "noscript"];

/// The text that a person would read.
pub(super) fn to_text(html: &str) -> String {
    let mut out = Page::default();
    let mut unclosed = [false; HIDDEN.len()];
    let mut rest = html;
    // After the last `>` there is no tag; looking for one again and again would make the scan quadratic.
    let tail = html.rfind('>').map_or(html.len(), |last| html.len() - last - 1);
    while let Some(open) = rest.find('<').filter(|open| rest.len() - open > tail) {
        out.text(&rest[..open]);
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(tag) = Tag::read(rest) else {
            out.text("<");
            rest = &rest[1..];
            continue;
        };
        rest = &rest[tag.length..];
        if let Some(hidden) = HIDDEN.iter().position(|name| tag.is(name)).filter(|_| !tag.closes) {
            // What is never closed is searched once; a second search would make the scan quadratic.
            let end = if unclosed[hidden] { None } else { end_of(rest, HIDDEN[hidden]) };
            unclosed[hidden] = end.is_none();
            rest = &rest[end.unwrap_or(0)..];
            continue;
        }
        out.tag(&tag);
    }
    out.text(rest);
    out.text
}

/// A tag as it stands in the text.
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    closes: bool,
    length: usize,
}

impl<'a> Tag<'a> {
    /// The tag at the beginning of `text`, if it is one.
    fn read(text: &'a str) -> Option<Self> {
        let inner = &text[1..];
        let closes = inner.starts_with('/');
        let name_start = 1 + usize::from(closes);
        let first = text[name_start..].chars().next()?;
        if !first.is_ascii_alphabetic() && !matches!(first, '!' | '?') {
            return None;
        }
        let end = tag_end(text)?;
        let body = &text[name_start..end];
        let name_length = body.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(body.len());
        Some(Self { name: &body[..name_length], attributes: &body[name_length..], closes, length: end + 1 })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }
}

/// Index of the `>` that ends the tag: one inside a quoted value does not count unless the quote never ends.
fn tag_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut after_equals) = (None, false);
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (None, b'"' | b'\'') if after_equals => quote = Some(*byte),
            (None, b'>') => return Some(at),
            _ => {}
        }
        after_equals = *byte == b'=' || after_equals && byte.is_ascii_whitespace();
    }
    bytes.iter().position(|byte| *byte == b'>')
}

/// Index of `</name`.
fn end_of(text: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find("</") {
        let at = from + found;
        let rest = &text.as_bytes()[at + 2..];
        if rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return Some(at);
        }
        from = at + 2;
    }
    None
}

/// The text as it grows.
#[derive(Default)]
struct Page {
    text: String,
    /// Line breaks owed before the next character: two make a blank line.
    breaks: usize,
    /// A blank owed before the next character.
    space: bool,
    quotes: usize,
    preformatted: usize,
}

impl Page {
    fn tag(&mut self, tag: &Tag<'_>) {
        if tag.is("br") {
            self.breaks = (self.breaks + 1).min(2);
        } else if tag.is("blockquote") {
            self.quotes = if tag.closes { self.quotes.saturating_sub(1) } else { self.quotes.saturating_add(1) };
            self.owe(1);
        } else if tag.is("pre") {
            self.preformatted = if tag.closes { self.preformatted.saturating_sub(1) } else { self.preformatted + 1 };
            self.owe(2);
        } else if tag.is("p") {
            // Word's paragraphs have no margin.
            let margin = !tag.attributes.contains("MsoNormal") && !tag.closes;
            self.owe(if margin { 2 } else { 1 });
        } else if tag.is_any(&["h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "hr"]) {
            self.owe(2);
        } else if tag.is("li") && !tag.closes {
            self.owe(1);
            self.text("- ");
        } else if tag.is_any(&[
            "div", "tr", "li", "dd", "dt", "dl", "section", "article", "header", "footer", "body", "center", "form",
            "address",
        ]) {
            self.owe(1);
        } else if tag.is_any(&["td", "th"]) {
            self.space = true;
        }
    }

    fn owe(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c == '&'
                && let Some((entity, length)) = entity(rest)
            {
                entity.chars().for_each(|c| self.character(if c == '\u{a0}' { ' ' } else { c }, true));
                rest = &rest[length..];
                continue;
            }
            self.character(c, false);
            rest = &rest[c.len_utf8()..];
        }
    }

    /// `literal`: a blank that stays a blank.
    fn character(&mut self, c: char, literal: bool) {
        if self.preformatted > 0 && c == '\n' {
            self.breaks = (self.breaks + 1).min(2);
            return;
        }
        if c.is_ascii_whitespace() && !literal && self.preformatted == 0 {
            self.space = true;
            return;
        }
        if self.breaks > 0 {
            if !self.text.is_empty() {
                (0..self.breaks).for_each(|_| self.text.push('\n'));
            }
            self.breaks = 0;
            self.space = false;
            self.quote();
        } else if self.text.is_empty() {
            self.space = false;
            self.quote();
        } else if self.space && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
        self.space = false;
        self.text.push(c);
    }

    fn quote(&mut self) {
        if self.quotes > 0 {
            self.text.extend(std::iter::repeat_n('>', self.quotes.min(QUOTE_DEPTH_MAX)));
            self.text.push(' ');
        }
    }
}

/// The character that an entity stands for, and its length in the text.
fn entity(text: &str) -> Option<(String, usize)> {
    let length = text.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';')? + 1;
    let mut decoded = String::new();
    add_html_token(&mut decoded, &text.as_bytes()[..length], false);
    (decoded != text[..length]).then_some((decoded, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_the_page() {
        let html = "<html><head><title>no</title><style>p{}</style></head><body><h1>Hola</h1><p>Uno &amp; dos&nbsp;tres<br>cuatro</p>\
                    <ul><li>pan<li>vino</ul><div>fin</div><!-- <p>oculto</p> --></body></html>";
        assert_eq!(to_text(html), "Hola\n\nUno & dos tres\ncuatro\n\n- pan\n- vino\n\nfin");
    }

    #[test]
    fn quotes_are_marked() {
        let html = "Sí<div class=gmail_quote>El lun escribió:<blockquote>Hola<br>¿vienes?<blockquote>no</blockquote></blockquote></div>";
        assert_eq!(to_text(html), "Sí\nEl lun escribió:\n> Hola\n> ¿vienes?\n>> no");
    }

    #[test]
    fn broken_markup_loses_no_text() {
        assert_eq!(to_text("2 < 3 & 4 > 1"), "2 < 3 & 4 > 1");
        assert_eq!(to_text("a<b title=\"x>y\">c</b>"), "ac");
        assert_eq!(to_text("<style>a"), "a");
        assert_eq!(to_text("x <a href=\"unclosed>link</a> y"), "x link y");
        assert_eq!(to_text("tail <"), "tail <");
    }

    #[test]
    fn hostile_markup_takes_linear_time() {
        for hostile in ["<div>", "<b a=\"", "<style>", "<!--", "<", "</", "&", "<blockquote>x", "<a b='>"] {
            let text = to_text(&hostile.repeat(200_000));
            assert!(text.len() <= 200_000 * (hostile.len() + QUOTE_DEPTH_MAX + 2), "{hostile}");
        }
    }
}
