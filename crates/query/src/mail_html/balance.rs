//! HTML written anew so that reading it costs no more than its length: every element is closed in its turn, none stands deeper
//! than [`DEPTH_MAX`], and what is not for reading is gone.
//!
//! A browser's rules for unclosed elements let a quarter of a megabyte of tags become millions of elements. This pass guarantees
//! that there is nothing to repair; what is safe to show is decided after it, by others. It need not read broken HTML as a
//! browser does: whatever it reads, it writes in one way only.

/// Elements inside elements. Real mails have at most some hundred, where an answer quotes many.
const DEPTH_MAX: usize = 256;
/// Attributes of one element; real ones have a dozen.
const ATTRIBUTES_MAX: usize = 64;

/// Elements without content.
const VOID: [&str; 5] = ["br", "col", "hr", "img", "wbr"];
/// Elements that are left out with all that is in them.
const LEFT_OUT: [&str; 21] = [
    "applet",
    "audio",
    "embed",
    "frameset",
    "iframe",
    "math",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "video",
    "xmp",
    "listing",
];
/// Elements that close an open paragraph.
const BLOCKS: [&str; 33] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
    "main",
    "menu",
];
/// What neither a missing nor a stray end reaches beyond.
const WALLS: [&str; 4] = ["table", "td", "th", "caption"];
/// The parts of a table, whose ends do.
const TABLE: [&str; 9] = ["table", "caption", "colgroup", "tbody", "thead", "tfoot", "tr", "td", "th"];

/// The same HTML, balanced. `keep` says which elements stay; of others the content stays.
pub(super) fn balanced(html: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut out = Balanced { text: String::with_capacity(html.len() + html.len() / 4), open: Vec::new() };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.text.push_str(&rest[..at]);
        rest = &rest[at..];
        match Token::read(rest) {
            Token::Text => {
                out.text.push_str("&lt;");
                rest = &rest[1..];
            }
            Token::Skip(length) => rest = &rest[length..],
            Token::End { name, length } => {
                out.end(&name);
                rest = &rest[length..];
            }
            Token::Start { name, attributes, length } => {
                rest = &rest[length..];
                if LEFT_OUT.contains(&name.as_str()) {
                    rest = behind_end(rest, &name);
                } else if keep(&name) {
                    out.start(name, &attributes);
                }
            }
        }
    }
    out.text.push_str(rest);
    out.close_from(0);
    out.text
}

/// What is written, and what of it is open.
struct Balanced {
    text: String,
    open: Vec<String>,
}

impl Balanced {
    fn start(&mut self, name: String, attributes: &[(&str, &str)]) {
        self.imply_ends(&name);
        let void = VOID.contains(&name.as_str());
        if !void && self.open.len() >= DEPTH_MAX {
            return;
        }
        self.text.push('<');
        self.text.push_str(&name);
        for (attribute, value) in attributes {
            self.text.push(' ');
            self.text.push_str(attribute);
            self.text.push_str("=\"");
            self.text.push_str(&value.replace('"', "&quot;"));
            self.text.push('"');
        }
        self.text.push('>');
        if !void {
            self.open.push(name);
        }
    }

    /// Closes what the beginning of another element ends.
    fn imply_ends(&mut self, name: &str) {
        if BLOCKS.contains(&name) {
            self.close_nearest(&["p"], &WALLS);
        }
        match name {
            "li" => self.close_nearest(&["li"], &["ul", "ol", "table", "td", "th"]),
            "dd" | "dt" => self.close_nearest(&["dd", "dt"], &["dl", "table", "td", "th"]),
            "td" | "th" => self.close_nearest(&["td", "th", "caption"], &["table"]),
            "tr" => self.close_nearest(&["tr", "caption"], &["table"]),
            "tbody" | "thead" | "tfoot" => {
                self.close_nearest(&["tr", "caption"], &["table"]);
                self.close_nearest(&["tbody", "thead", "tfoot"], &["table"]);
            }
            // One inside another is taken for two, one after the other.
            "a" => self.close_nearest(&["a"], &WALLS),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "table" => self.close_nearest(&["table"], &[]),
            name if TABLE.contains(&name) => self.close_nearest(&[name], &["table"]),
            name => self.close_nearest(&[name], &WALLS),
        }
    }

    /// Closes the nearest of `names`, and what is open inside it, unless a wall is before it.
    fn close_nearest(&mut self, names: &[&str], walls: &[&str]) {
        let nearest =
            self.open.iter().rposition(|open| names.contains(&open.as_str()) || walls.contains(&open.as_str()));
        if let Some(at) = nearest.filter(|at| names.contains(&self.open[*at].as_str())) {
            self.close_from(at);
        }
    }

    fn close_from(&mut self, at: usize) {
        for name in self.open.drain(at..).rev() {
            self.text.push_str("</");
            self.text.push_str(&name);
            self.text.push('>');
        }
    }
}

/// What stands at a `<`.
enum Token<'t> {
    /// Nothing but itself.
    Text,
    /// So many bytes that say nothing: a comment, a declaration, a tag without an end.
    Skip(usize),
    End {
        name: String,
        length: usize,
    },
    Start {
        name: String,
        attributes: Vec<(&'t str, &'t str)>,
        length: usize,
    },
}

impl<'t> Token<'t> {
    fn read(text: &'t str) -> Self {
        if let Some(comment) = text.strip_prefix("<!--") {
            return Self::Skip(comment.find("-->").map_or(text.len(), |end| 4 + end + 3));
        }
        let closes = text[1..].starts_with('/');
        let begin = 1 + usize::from(closes);
        if !text[begin..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            let says_nothing = closes || text[1..].starts_with(['!', '?']);
            let end = || text.find('>').map_or(text.len(), |end| end + 1);
            return if says_nothing { Self::Skip(end()) } else { Self::Text };
        }
        let tail = &text[begin..];
        let name_length = tail.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(tail.len());
        let name = tail[..name_length].to_ascii_lowercase();
        let Some((attributes, length)) = attributes(text, begin + name_length) else { return Self::Skip(text.len()) };
        if closes { Self::End { name, length } } else { Self::Start { name, attributes, length } }
    }
}

/// The attributes of a tag from `at` on, and where it ends; `None` if it does not.
fn attributes(text: &str, mut at: usize) -> Option<(Vec<(&str, &str)>, usize)> {
    let mut found = Vec::new();
    loop {
        at += text[at..].find(|c: char| !c.is_ascii_whitespace() && c != '/')?;
        if text[at..].starts_with('>') {
            return Some((found, at + 1));
        }
        // The first character belongs to the name whatever it is, so that this always goes on.
        let first = text[at..].chars().next().map_or(1, char::len_utf8);
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
        let name_end = at + first + text[at + first..].find(ends)?;
        let name = &text[at..name_end];
        at = name_end + text[name_end..].find(|c: char| !c.is_ascii_whitespace())?;
        let mut value = "";
        if text[at..].starts_with('=') {
            at += 1 + text[at + 1..].find(|c: char| !c.is_ascii_whitespace())?;
            let quote = text[at..].chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let (begin, end) = match quote {
                Some(quote) => (at + 1, at + 1 + text[at + 1..].find(quote)?),
                None => (at, at + text[at..].find(|c: char| c.is_ascii_whitespace() || c == '>')?),
            };
            value = &text[begin..end];
            at = end + usize::from(quote.is_some());
        }
        let usual = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if usual && found.len() < ATTRIBUTES_MAX {
            found.push((name, value));
        }
    }
}

/// What follows the end of an element that is left out; nothing if it never ends.
fn behind_end<'t>(text: &'t str, name: &str) -> &'t str {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = text[at..].find("</") {
        let begin = at + found + 2;
        let end = begin + name.len();
        if bytes.get(begin..end).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
            && bytes.get(end).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        {
            return text[end..].find('>').map_or("", |close| &text[end + close + 1..]);
        }
        at = begin;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(html: &str) -> String {
        balanced(html, |_| true)
    }

    #[test]
    fn what_is_missing_is_written_and_what_is_stray_is_left_out() {
        let table = [
            ("<p>a<p>b", "<p>a</p><p>b</p>"),
            ("<ul><li>a<li>b<ul><li>c</ul></ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
            (
                "<table><tr><td>a<td>b<tr><td>c</table>d",
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d",
            ),
            ("<b><p>x</b></p>", "<b><p>x</p></b>"),
            ("<table><td></b></div>x</table>", "<table><td>x</td></table>"),
            ("a</p></b></table>b", "ab"),
            ("<p>a<div>b</div>", "<p>a</p><div>b</div>"),
            ("a < b <3 & c &lt; <", "a &lt; b &lt;3 & c &lt; &lt;"),
            ("<A HREF='x\"y' b c = d/e f=>t</A >", "<a HREF=\"x&quot;y\" b=\"\" c=\"d/e\" f=\"\">t</a>"),
            ("<br/><img src=a.png /><hr>", "<br><img src=\"a.png\"><hr>"),
            ("a<!-- <b> -->b<!doctype x><?xml?></ >c", "abc"),
            ("a<!-- <b>", "a"),
            ("a<b title='", "a"),
            ("<script>a</scripty></SCRIPT >b<style>", "b"),
            ("<a>1<a>2</a>", "<a>1</a><a>2</a>"),
            ("<p o%n=1 onx=2 é=3>x", "<p onx=\"2\">x</p>"),
        ];
        for (html, wanted) in table {
            assert_eq!(all(html), wanted, "{html}");
            assert_eq!(all(&all(html)), wanted, "{html}");
        }
        assert_eq!(balanced("<x>a<b>c</b></x>", |name| name == "b"), "a<b>c</b>");
    }

    #[test]
    fn nothing_is_deeper_than_allowed_and_nothing_takes_long() {
        let deep = all(&"<div>".repeat(50_000));
        assert_eq!(deep.matches("<div>").count(), DEPTH_MAX);
        assert_eq!(deep.matches("</div>").count(), DEPTH_MAX);
        for hostile in ["<a href='", "<", "<!--", "</", "<p ", "<b><p>", "<table><td>", "<script>", "<a b=", "</script"]
        {
            let out = all(&hostile.repeat(250_000 / hostile.len()));
            assert!(out.len() < 2_500_000, "{hostile}: {}", out.len());
        }
    }
}
