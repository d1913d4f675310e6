//! What is kept of a declared content type: the type, and what is needed to read the body.
//!
//! Other parameters are left out; `name=` and `filename=` hold what a customer called a file.

/// The longest content type that is kept, in characters; parameters that would make it longer are left out.
const CHARS_MAX: usize = 256;
/// The parameters without which a body cannot be read.
const KEPT: [&str; 2] = ["charset", "boundary"];

/// `type/subtype` with `charset` and `boundary`; empty if there is no type.
pub(super) fn reduced(declared: &str) -> String {
    let parts = parts(declared);
    let Some(mut reduced) = parts.first().and_then(|first| media_type(first)) else { return String::new() };
    for parameter in parts.iter().skip(1) {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let harmless = value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        let fits = reduced.len() + name.len() + value.len() + 3 <= CHARS_MAX;
        if KEPT.contains(&name.as_str()) && harmless && fits {
            reduced = format!("{reduced}; {name}={value}");
        }
    }
    reduced
}

/// The parts between semicolons; one in quotes separates nothing.
fn parts(declared: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in declared.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ';' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

fn media_type(text: &str) -> Option<String> {
    let (kind, rest) = text.trim().split_once('/')?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c);
    let subtype: String = rest.chars().take_while(|c| token(*c)).collect();
    let named = !kind.is_empty() && kind.chars().all(token) && !subtype.is_empty();
    let media_type = format!("{kind}/{subtype}");
    (named && media_type.len() <= CHARS_MAX).then_some(media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_people_are_left_out() {
        for (declared, kept) in [
            ("application/json", "application/json"),
            ("application/json; charset=utf-8", "application/json; charset=utf-8"),
            ("text/plain; name=\"Ana García.txt\"; Charset=UTF-8", "text/plain; charset=UTF-8"),
            ("multipart/mixed; boundary=\"a;name=b\"; filename=ana.pdf", "multipart/mixed; boundary=\"a;name=b\""),
            ("text/plain; x=\"\\\"; charset=ana; y=\"", "text/plain"),
            ("text/plain; charset=ñ", "text/plain"),
            ("text/plain\r\nRelevo-Kind: email", "text/plain"),
            ("ana@example.com", ""),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(reduced(declared), kept, "{declared}");
        }
        assert!(reduced(&format!("text/plain; boundary={}", "x".repeat(1000))).len() <= CHARS_MAX);
    }
}
