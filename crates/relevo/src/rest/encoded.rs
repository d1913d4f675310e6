//! Percent-encoding of paths and queries. What is not UTF-8 is refused, not guessed.

/// The pairs of a query, in their order; `None` if one is not text.
pub(super) fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?))
    });
    decoded.collect()
}

/// The text of a segment.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_and_what_is_none_is_refused() {
        assert_eq!(decoded("a%C3%B1o%3A%2F+").as_deref(), Some("año:/+"));
        for broken in ["%", "%4", "%zz", "%+1", "%C3", "%FF"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
        let some = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("a=1&&b=x+y%2B&c&a=2%263"),
            Some(vec![some("a", "1"), some("b", "x y+"), some("c", ""), some("a", "2&3")])
        );
        assert_eq!(pairs("a=%FF"), None);
    }
}
