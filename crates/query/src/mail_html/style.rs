//! The styles of a mail: declarations that call nothing, hide nothing and are written without an escape. Which properties there may
//! be is decided after this.

/// What a value may call.
const CALLS: [&str; 5] = ["rgb", "rgba", "hsl", "hsla", "calc"];

/// The declarations that call nothing but colours and sums. What would be written with an escape (a control character, a quote in
/// a string) is left out, so that there is no escape in what is shown.
pub(super) fn plain(style: &str) -> String {
    let style = style.replace(char::is_control, " ");
    let shown = |declaration: &&str| {
        // What stands before each opening bracket.
        let mut before: Vec<&str> = declaration.split('(').collect();
        before.pop();
        // A name that only ends like one, or a bracket by itself, is written without what is in it.
        let known = |before: &str| {
            let name = before.rsplit(|letter: char| !in_a_name(letter)).next().unwrap_or_default();
            CALLS.iter().any(|call| name.eq_ignore_ascii_case(call))
        };
        before.into_iter().all(known) && !has_an_exponent_for_a_unit(declaration)
    };
    without_inner_quotes(&simple_declarations(&style).into_iter().filter(shown).collect::<Vec<_>>().join(";"))
}

/// Whether a number has a unit that begins as an exponent does (`2e`, `2e-x`), which would be written with an escape. A negative
/// exponent itself (`1e-3px`) is taken for one; a mail can be read without it.
fn has_an_exponent_for_a_unit(declaration: &str) -> bool {
    declaration.split(|letter| !in_a_name(letter) && letter != '#').any(|word| {
        // A colour (`#00002e`) begins otherwise.
        let number = word.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
        let bytes = word.as_bytes();
        let exponent = |(at, pair): (usize, &[u8])| {
            let ends = bytes.get(at + 2).is_none_or(|next| matches!(next, b'-' | b'#'));
            pair[0].is_ascii_digit() && pair[1].eq_ignore_ascii_case(&b'e') && ends
        };
        number && bytes.windows(2).enumerate().any(exponent)
    })
}

/// What names of CSS, and numbers with their units, consist of.
fn in_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || !letter.is_ascii() || matches!(letter, '_' | '-')
}

/// The declarations of a style that end where their first semicolon is (an open bracket or string takes what stands behind it as its
/// own), and have no escape, no comment and no block.
fn simple_declarations(style: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quote, mut depth, mut simple) = (0, None, 0_usize, true);
    let mut letters = style.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (_, '\\') => {
                letters.next();
                simple = false;
            }
            (Some(open), _) => quote = quote.filter(|_| letter != open),
            (None, '"' | '\'') => quote = Some(letter),
            (None, '/') if style[at..].starts_with("/*") => {
                let end = style[at + 2..].find("*/").map_or(style.len(), |length| at + 2 + length + 2);
                while letters.next_if(|(at, _)| *at < end).is_some() {}
                simple = false;
            }
            (None, '(') => depth += 1,
            (None, ')') if depth > 0 => depth -= 1,
            (None, ';') if depth == 0 => {
                found.extend(Some(&style[start..at]).filter(|_| simple));
                (start, simple) = (at + 1, true);
            }
            (None, ')' | ';' | '[' | ']' | '{' | '}') => simple = false,
            (None, _) => {}
        }
    }
    found.extend(Some(&style[start..]).filter(|_| simple && quote.is_none() && depth == 0));
    found
}

/// A style without the quotes of one kind in strings of the other.
fn without_inner_quotes(style: &str) -> String {
    let mut within = None;
    let outer = |letter: &char| match (within, *letter) {
        (None, quote @ ('"' | '\'')) => {
            within = Some(quote);
            true
        }
        (Some(open), quote @ ('"' | '\'')) => {
            let closes = open == quote;
            within = within.filter(|_| !closes);
            closes
        }
        _ => true,
    };
    style.chars().filter(outer).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::sanitise;

    fn safe(html: &str) -> String {
        sanitise(html, HashMap::new(), false).html
    }

    /// A browser would read each of them as a plain name; written out, a part of it would be an escape.
    #[test]
    fn no_escape_is_shown_in_a_style() {
        for (style, shown) in [
            ("font-family:'a\u{e}b'", "font-family:&quot;a b&quot;"),
            ("font-family:'a\tb'", "font-family:&quot;a b&quot;"),
            ("font-family:'a&quot;b'", "font-family:&quot;ab&quot;"),
            ("font-family:&quot;Segoe UI&quot;,'Arial'", "font-family:&quot;Segoe UI&quot; , &quot;Arial&quot;"),
            ("color:red/*'*/;font-family:'a&quot;b'", "font-family:&quot;ab&quot;"),
            ("font-family:'a;&quot;;b'", "font-family:&quot;a;;b&quot;"),
            ("color:red;font-family:'\\';width:1px'", "color:red"),
            ("width:2e-px;height:-1.5E;color:#00002e", "color:#00002e"),
            ("width:calc(1px + 2e3e-x);height:2em;color:#2e2e2e", "height:2em;color:#2e2e2e"),
        ] {
            assert_eq!(safe(&format!("<p style=\"{style}\">x</p>")), format!("<p style=\"{shown}\">x</p>"), "{style}");
        }
    }

    /// What is never closed takes what stands behind it along: a browser reads one wrong width, and shows nothing of it.
    #[test]
    fn what_is_open_hides_nothing() {
        for (style, shown) in [
            ("color:red;width:calc(1px + 2p; position:fixed; b", "color:red"),
            ("width:calc(1px + (2px);color:red", ""),
            ("color:red;font-family:'a;position:fixed", "color:red"),
            ("width:calc(1px));color:red", "color:red"),
            ("width:calc(1px;)position:fixed;color:red", "color:red"),
            ("width:4calc(1px);height:calc (1px);color:-rgb(1,2,3);width:1px", "width:1px"),
            ("width:calc([1px);position:fixed];color:red", "color:red"),
            ("width:calc(1px + 2px);color:red", "width:calc(1px + 2px);color:red"),
        ] {
            assert_eq!(safe(&format!("<p style=\"{style}\">x</p>")), format!("<p style=\"{shown}\">x</p>"), "{style}");
        }
    }
}
