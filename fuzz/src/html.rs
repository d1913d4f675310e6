//! The HTML of a mail, made safe: whatever comes, nothing of the result runs, loads, submits or moves.

use std::collections::HashMap;

use crate::borrowed::mail_html::{REMOTE_ATTRIBUTE, sanitise};

/// Bytes of output for a byte of input: `<a>` becomes `<a rel="noopener noreferrer" target="_blank"></a>`.
const GROWTH_MAX: usize = 24;
const BESIDE: usize = 1_024;
/// Where the picture that the mail has is.
const PICTURE: &str = "/v1/files/x";
/// Elements of which nothing may be left.
const NEVER: [&str; 24] = [
    "script", "style", "iframe", "object", "embed", "applet", "form", "input", "button", "textarea", "select",
    "option", "svg", "math", "link", "meta", "base", "frame", "frameset", "template", "noscript", "title", "video",
    "audio",
];
/// How letters of an attribute's value are written; the ampersand last, as it begins the others.
const ESCAPES: [(&str, &str); 5] = [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")];
/// Attributes that mails may have; whatever else is left is a hole.
const ATTRIBUTES: [&str; 42] = [
    "style",
    "align",
    "valign",
    "bgcolor",
    "width",
    "height",
    "dir",
    "color",
    "face",
    "size",
    "border",
    "cellpadding",
    "cellspacing",
    "href",
    "src",
    "alt",
    "title",
    "lang",
    "rel",
    "target",
    "cite",
    "datetime",
    "start",
    "type",
    "reversed",
    "value",
    "colspan",
    "rowspan",
    "headers",
    "scope",
    "span",
    "char",
    "charoff",
    "summary",
    "frame",
    "rules",
    "hreflang",
    "clear",
    "noshade",
    "abbr",
    "axis",
    REMOTE_ATTRIBUTE,
];

pub fn run(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    let inline = || HashMap::from([("logo@b".to_owned(), PICTURE.to_owned())]);
    for load_remote in [false, true] {
        let safe = sanitise(&html, inline(), load_remote);
        if load_remote {
            assert_eq!(safe, sanitise(&html, inline(), load_remote), "the same every time");
        }
        let (length, limit) = (safe.html.len(), GROWTH_MAX * html.len() + BESIDE);
        assert!(length <= limit, "{length} bytes of {}", html.len());
        let marked = check(&safe.html, load_remote);
        assert_eq!(usize::try_from(safe.remote_images), Ok(marked), "what was not loaded is counted");
    }
    // A browser reads what was written, and repairs it in its own way (links in tables): that is safe, too.
    let once = sanitise(&html, HashMap::new(), true).html;
    let twice = sanitise(&once, HashMap::new(), true).html;
    check(&twice, true);
    assert!(twice.len() <= 2 * once.len() + BESIDE, "{} of {}", twice.len(), once.len());
}

/// Reads what was written, which is always of one form, and answers how many pictures were left out.
fn check(html: &str, load_remote: bool) -> usize {
    let mut marked = 0;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let closing = rest.starts_with('/');
        let name: String = rest.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(!name.is_empty(), "a bracket that opens nothing: <{rest:.40}");
        assert!(!NEVER.contains(&name.as_str()), "<{name}> is left");
        rest = &rest[usize::from(closing) + name.len()..];
        while let Some(attribute) = rest.strip_prefix(' ') {
            let (key, after) = attribute.split_once("=\"").expect("an attribute has a value");
            let (value, after) = after.split_once('"').expect("a value ends");
            assert!(ATTRIBUTES.contains(&key), "attribute {key:?} of <{name}>");
            check_value(&name, key, value, load_remote);
            marked += usize::from(key == REMOTE_ATTRIBUTE);
            rest = after;
        }
        rest = rest.strip_prefix('>').unwrap_or_else(|| panic!("<{name} does not end: {rest:.40}"));
    }
    marked
}

fn check_value(name: &str, key: &str, value: &str, load_remote: bool) {
    let lower = value.to_ascii_lowercase();
    match key {
        "href" | "cite" => {
            let allowed =
                ["http:", "https:", "mailto:", "tel:"].iter().any(|scheme| lower.trim_start().starts_with(scheme));
            assert!(allowed, "{key}={value:?}");
        }
        "src" => {
            let own = value == PICTURE || lower.starts_with("data:image/") && !lower.starts_with("data:image/svg");
            let remote = lower.starts_with("http://") || lower.starts_with("https://");
            assert!(name == "img" && (own || load_remote && remote), "<{name} src={value:?}>");
        }
        "style" => {
            for bad in ["url", "expression", "import", "behavior", "\\", "position", "@"] {
                // As a word in a font's name it does no harm; as a call or an escape it does.
                assert!(!lower.contains(&format!("{bad}(")) && !lower.contains('\\'), "style={value:?}");
            }
            let meant = ESCAPES.iter().fold(lower, |text, (escape, letter)| text.replace(escape, letter));
            let said = without_strings(&meant).expect("a string in a style ends");
            let open = said.chars().try_fold(0_usize, |open, letter| match letter {
                '(' => Some(open + 1),
                ')' => open.checked_sub(1),
                ';' if open > 0 => None,
                _ => Some(open),
            });
            assert_eq!(open, Some(0), "style={value:?}");
            let fixed = said.split(';').any(|one| one.trim_start().starts_with("position"));
            assert!(!fixed, "style={value:?}");
        }
        "target" => assert_eq!(value, "_blank"),
        _ if key == REMOTE_ATTRIBUTE => assert!(!load_remote && lower.starts_with("http"), "{value:?}"),
        _ => {}
    }
}

/// What a style says outside of its strings, which do no harm. `None` if one does not end.
fn without_strings(style: &str) -> Option<String> {
    let mut quote = None;
    let mut said = String::new();
    for letter in style.chars() {
        match quote {
            Some(open) => quote = quote.filter(|_| letter != open),
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None => said.push(letter),
        }
    }
    quote.is_none().then_some(said)
}
