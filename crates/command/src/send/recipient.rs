//! Whom a message goes to: identifiers as they were received, and numbers and addresses as people write them.

use relevo_domain::conversation::{Medium, Recipient};
use relevo_domain::identity::IdentifierKind;

/// Digits of a number with its country: E.164 allows 15, and what is shorter than 7 is no subscriber.
const DIGITS_MIN: usize = 7;
const DIGITS_MAX: usize = 15;
/// Bytes of a mail address and of the part before its `@` (RFC 5321).
const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;
/// Characters of WhatsApp's user ids.
const BSUID_CHARS_MAX: usize = 128;

/// The identifier that somebody wrote from, with its kind.
pub(super) fn received(medium: Medium, address: &str) -> Recipient {
    let bare = address.strip_prefix("whatsapp:").unwrap_or(address);
    let kind = match medium {
        Medium::Email => IdentifierKind::Email,
        Medium::WhatsApp | Medium::Sms => {
            if is_bsuid(bare) {
                IdentifierKind::Bsuid
            } else if bare.len() < address.len() || bare.starts_with('+') {
                IdentifierKind::Phone
            } else {
                IdentifierKind::WaId
            }
        }
    };
    Recipient { kind, value: address.to_owned() }
}

/// WhatsApp's ids of people have a dot, numbers do not.
fn is_bsuid(text: &str) -> bool {
    text.contains('.') && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// What a person wrote as a recipient, in the one form that is bound and sent to.
pub(super) fn written(medium: Medium, text: &str) -> Option<Recipient> {
    let text = text.trim();
    match medium {
        Medium::Email => address(text).map(|value| Recipient { kind: IdentifierKind::Email, value }),
        Medium::WhatsApp if is_bsuid(text) => {
            let plain = text.len() <= BSUID_CHARS_MAX && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            plain.then(|| Recipient { kind: IdentifierKind::Bsuid, value: text.to_owned() })
        }
        Medium::WhatsApp | Medium::Sms => digits(text).map(|value| Recipient { kind: IdentifierKind::WaId, value }),
    }
}

/// The digits of a phone number in any spelling, with its country.
fn digits(text: &str) -> Option<String> {
    let text = text.strip_prefix("whatsapp:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text).trim();
    let (text, with_plus) = text.strip_prefix('+').map_or((text, false), |rest| (rest, true));
    let mut digits = String::with_capacity(DIGITS_MAX);
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{202f}' | '\u{2010}'..='\u{2015}' => {}
            _ => return None,
        }
    }
    if !with_plus && let Some(rest) = digits.strip_prefix("00") {
        digits = String::from(rest);
    }
    // No country's code begins with 0: a number with a trunk prefix lacks its country.
    let whole = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && !digits.starts_with('0');
    whole.then_some(digits)
}

/// A mail address, lower case; `None` if it is none, or one that could break a header.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let local_fits = !local.is_empty() && local.len() <= LOCAL_BYTES_MAX && local.chars().all(atext);
    let dots_fit = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let label = |label: &str| {
        let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        !label.is_empty() && label.len() <= 63 && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    let fits = text.len() <= ADDRESS_BYTES_MAX && local_fits && dots_fit && domain.split('.').all(label);
    fits.then(|| text.to_ascii_lowercase())
}

/// The numbers under which WhatsApp may know whoever has this one. Argentina and Mexico have mobile numbers with a digit that
/// people leave out and WhatsApp does not, or the other way round.
pub(super) fn spellings(digits: &str) -> Vec<String> {
    let other = |prefix: &str, mobile: &str, subscriber: usize| {
        let rest = digits.strip_prefix(prefix)?;
        match rest.strip_prefix(mobile) {
            Some(bare) if bare.len() == subscriber => Some(format!("{prefix}{bare}")),
            Some(_) | None if rest.len() == subscriber => Some(format!("{prefix}{mobile}{rest}")),
            Some(_) | None => None,
        }
    };
    let other = other("54", "9", 10).or_else(|| other("52", "1", 10));
    std::iter::once(digits.to_owned()).chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_is_answered_exactly() {
        let cases = [
            (Medium::WhatsApp, "5491155550101", IdentifierKind::WaId),
            (Medium::WhatsApp, "whatsapp:+5491155550101", IdentifierKind::Phone),
            (Medium::WhatsApp, "+5491155550101", IdentifierKind::Phone),
            (Medium::WhatsApp, "AR.1349", IdentifierKind::Bsuid),
            (Medium::WhatsApp, "whatsapp:AR.1349", IdentifierKind::Bsuid),
            (Medium::Email, "Ana@Example.com", IdentifierKind::Email),
        ];
        for (medium, address, kind) in cases {
            assert_eq!(received(medium, address), Recipient { kind, value: address.to_owned() }, "{address}");
        }
    }

    #[test]
    fn a_number_is_read_in_any_spelling() {
        let number = |text: &str| written(Medium::WhatsApp, text).map(|to| to.value);
        let spelled = [
            "5491155550101",
            "+54 9 11 5555-0101",
            "0054 (9) 11/5555.0101",
            "whatsapp:+5491155550101",
            " tel:+54-9-11\u{2011}5555\u{a0}0101 ",
        ];
        for text in spelled {
            assert_eq!(number(text).as_deref(), Some("5491155550101"), "{text}");
        }
        for bad in [
            "",
            "+",
            "12345",
            "011 5555-0101",
            "1234567890123456",
            "+54 9 11 5555-0101 x2",
            "ana@example.com",
            "５４９１１５５５５",
            "54\n911",
        ] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert_eq!(written(Medium::WhatsApp, "AR.1349").map(|to| to.kind), Some(IdentifierKind::Bsuid));
        assert_eq!(written(Medium::WhatsApp, "AR.13 49"), None);
        assert_eq!(written(Medium::Sms, "AR.1349"), None);
    }

    #[test]
    fn an_address_cannot_break_a_header() {
        assert_eq!(address(" Ana+x@Example.COM ").as_deref(), Some("ana+x@example.com"));
        let bad = [
            "",
            "ana",
            "@x.y",
            "a@",
            "a b@x.y",
            "a@x..y",
            "a@-x.y",
            "a\r\nBcc: b@x.y",
            "a@x.y\r\nBcc: b@x.y",
            "\"a\"@x.y",
            "a@x.y,b@x.y",
            "<a@x.y>",
            ".a@x.y",
            "ñ@x.y",
        ];
        for text in bad {
            assert_eq!(address(text), None, "{text}");
        }
        assert_eq!(address(&format!("{}@x.y", "a".repeat(65))), None);
    }

    #[test]
    fn a_mobile_of_argentina_or_mexico_has_two_spellings() {
        assert_eq!(spellings("541155550101"), ["541155550101", "5491155550101"]);
        assert_eq!(spellings("5491155550101"), ["5491155550101", "541155550101"]);
        assert_eq!(spellings("525512345678"), ["525512345678", "5215512345678"]);
        assert_eq!(spellings("34600111222"), ["34600111222"]);
    }
}
