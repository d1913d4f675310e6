//! What is known of a raw input beside its bytes: written by whoever took it, kept in headers of ours.

use async_nats::HeaderMap;

const HEADER_QUERY: &str = "Relevo-Query";
const HEADER_IMPORTED: &str = "Relevo-Imported";
const HEADER_TRUNCATED: &str = "Relevo-Truncated";

/// Bytes of a query that are kept: our own parameter needs 38.
pub const QUERY_BYTES_MAX: usize = 128;

/// Notes on an input. `Default` is an input of which there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Notes {
    /// The parameters of the address that are ours (`message=msg_…`), as they came; at most [`QUERY_BYTES_MAX`] bytes, more is
    /// left out as a whole. Holds no personal data: whoever takes the input keeps nothing else.
    pub query: String,
    /// History: said before Relevo listened, brought in afterwards.
    pub imported: bool,
    /// The whole had this many bytes, and the body is only its beginning.
    pub truncated_from: Option<u64>,
}

impl Notes {
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if keepable(&self.query) {
            headers.insert(HEADER_QUERY, self.query.as_str());
        }
        if self.imported {
            headers.insert(HEADER_IMPORTED, "1");
        }
        if let Some(bytes) = self.truncated_from {
            headers.insert(HEADER_TRUNCATED, bytes.to_string().as_str());
        }
    }

    pub(crate) fn read(headers: Option<&HeaderMap>) -> Self {
        let header = |name: &str| headers.and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str);
        Self {
            query: header(HEADER_QUERY).filter(|query| keepable(query)).unwrap_or_default().to_owned(),
            imported: header(HEADER_IMPORTED) == Some("1"),
            truncated_from: header(HEADER_TRUNCATED).and_then(|bytes| bytes.parse().ok()),
        }
    }
}

/// Whether the query can stand in a header as it is.
pub(super) fn keepable(query: &str) -> bool {
    !query.is_empty() && query.len() <= QUERY_BYTES_MAX && query.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(notes: &Notes) -> Notes {
        let mut headers = HeaderMap::new();
        notes.write(&mut headers);
        Notes::read(Some(&headers))
    }

    #[test]
    fn notes_come_back_as_they_were() {
        let notes = Notes { query: "message=msg_1".to_owned(), imported: true, truncated_from: Some(60_000_000) };
        assert_eq!(round(&notes), notes);
        assert_eq!(round(&Notes::default()), Notes::default());
        assert_eq!(Notes::read(None), Notes::default());
    }

    #[test]
    fn a_query_that_could_end_a_header_or_fill_it_is_left_out() {
        for query in ["a\r\nRelevo-Imported: 1".to_owned(), "a b".to_owned(), "é".to_owned(), "a".repeat(129)] {
            assert_eq!(round(&Notes { query, ..Notes::default() }), Notes::default());
        }
    }
}
