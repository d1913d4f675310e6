//! Telephone numbers in any spelling. A number is found by its digits from any place on that leaves six: whoever leaves out the
//! country, the area or a prefix still finds it. Where a country writes the same number in two ways, it has both.

/// Digits that a number's ending has at least: with fewer, everybody would be found.
const ENDING_DIGITS_MIN: usize = 6;
/// Digits of a number that count: E.164 allows 15, and some customer records have more.
const DIGITS_MAX: usize = 24;

/// Whether a word can be a part of a number: digits, and what people put between them.
pub(super) fn is_part(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.' | '/'))
}

/// A number as it is compared: its digits without leading zeros, which are how one dials, not whom. `None` without digits.
pub(super) fn of(digits: &str) -> Option<String> {
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0');
    match (significant, digits.is_empty()) {
        (_, true) => None,
        ("", false) => Some("0".to_owned()),
        (significant, false) => Some(significant.chars().take(DIGITS_MAX).collect()),
    }
}

/// Everything that a telephone number is found by: at most 24 endings and 8 other spellings.
pub(super) fn spellings(value: &str) -> Vec<String> {
    let Some(number) = of(value) else { return Vec::new() };
    let mut found = endings(&number);
    if found.is_empty() {
        found.push(number.clone());
    }
    for other in other_spellings(&number) {
        found.extend(of(&other));
    }
    found
}

/// The number from every place on that leaves enough of it.
fn endings(number: &str) -> Vec<String> {
    let starts = 0..(number.len() + 1).saturating_sub(ENDING_DIGITS_MIN);
    starts.filter_map(|start| of(&number[start..])).collect()
}

/// How a country writes the same mobile number without being its ending.
fn other_spellings(number: &str) -> Vec<String> {
    let of_country = |prefix: &str, digits: usize| number.strip_prefix(prefix).filter(|rest| rest.len() == digits);
    let mut found = Vec::new();
    // Argentina: +54 9 11 5555 1234 is 011 15 5555 1234 at home, 15 5555 1234 in town, and +54 11 5555 1234 for many. Areas have
    // two to four digits.
    if let Some(national) = of_country("549", 10) {
        found.push(format!("54{national}"));
        for area in 2..=4 {
            let (area, local) = national.split_at(area);
            found.push(format!("{area}15{local}"));
            found.push(format!("15{local}"));
        }
    }
    // Mexico: +52 1 55 … was the mobile's number, +52 55 … is.
    if let Some(national) = of_country("521", 10) {
        found.push(format!("52{national}"));
    }
    // Brazil: the nine behind the area is young.
    if let Some(national) = of_country("55", 11)
        && let (area, Some(local)) = (&national[..2], national[2..].strip_prefix('9'))
    {
        found.push(format!("55{area}{local}"));
        found.push(format!("{area}{local}"));
    }
    found
}
