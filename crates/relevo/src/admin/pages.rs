//! Page sizes of the operators' lists.

/// Rows of a page if the request does not say.
pub(super) const PAGE_SIZE_DEFAULT: usize = 25;
/// The most rows of a page; more is cut to this.
pub(super) const PAGE_SIZE_MAX: usize = 200;

/// The size that a request asks for, or nothing if it is negative.
pub(super) fn size(wanted: i32) -> Option<usize> {
    match usize::try_from(wanted) {
        Err(_negative) => None,
        Ok(0) => Some(PAGE_SIZE_DEFAULT),
        Ok(wanted) => Some(wanted.min(PAGE_SIZE_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_positive_and_bounded() {
        assert_eq!(size(-1), None);
        assert_eq!(size(0), Some(PAGE_SIZE_DEFAULT));
        assert_eq!(size(7), Some(7));
        assert_eq!(size(1_000_000_000), Some(PAGE_SIZE_MAX));
    }
}
