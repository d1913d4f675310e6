//! How long something lasts, as people write it: on the command line and in the configuration.

/// Whole seconds: `90s`, `10m`, `2h`, `3d`, or a bare number of seconds.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let known = || "90s, 10m, 2h, 3d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_not_a_number| known())?;
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(known()),
    };
    number.checked_mul(unit).ok_or_else(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_span_has_a_unit() {
        assert_eq!(
            [seconds("90"), seconds("90s"), seconds("10m"), seconds("2h"), seconds("3d")],
            [Ok(90), Ok(90), Ok(600), Ok(7200), Ok(259_200)]
        );
        for bad in ["", "m", "1w", "-1s", "99999999d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
