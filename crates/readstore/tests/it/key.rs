//! Keys read back as written, and their bytes sort like their values.

use proptest::prelude::*;
use relevo_readstore::key::prefix_end;
use relevo_readstore::{Key, KeyError, KeyReader};

const TABLE: u8 = 7;

/// Texts that try the escape: many zero bytes, and bytes around the escape's own.
fn a_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\u{0}\u{1}\u{ff}a]{0,6}"]
}

type Fields = (u8, u32, u64, u64, i64, i64, [u8; 16], String);

fn some_fields() -> impl Strategy<Value = Fields> {
    (any::<u8>(), any::<u32>(), any::<u64>(), any::<u64>(), any::<i64>(), any::<i64>(), any::<[u8; 16]>(), a_text())
}

fn key(fields: &Fields) -> Vec<u8> {
    let (byte, short, long, long_desc, signed, signed_desc, id, text) = fields;
    let key = Key::new(TABLE).u8(*byte).u32(*short).u64(*long).u64_desc(*long_desc);
    key.i64(*signed).i64_desc(*signed_desc).bytes(id).text(text).finish()
}

proptest! {
    #[test]
    fn every_field_reads_back(fields in some_fields()) {
        let bytes = key(&fields);
        let mut read = KeyReader::new(TABLE, &bytes).unwrap();
        let again = (
            read.u8().unwrap(), read.u32().unwrap(), read.u64().unwrap(), read.u64_desc().unwrap(),
            read.i64().unwrap(), read.i64_desc().unwrap(), read.bytes::<16>().unwrap(), read.text().unwrap(),
        );
        prop_assert_eq!(again, fields);
        prop_assert_eq!(read.finish(), Ok(()));
    }

    #[test]
    fn byte_order_is_logical_order(a in any::<(u64, i64)>(), b in any::<(u64, i64)>()) {
        let up = |(u, i): (u64, i64)| Key::new(TABLE).i64(i).u64(u).finish();
        let down = |(u, i): (u64, i64)| Key::new(TABLE).i64_desc(i).u64_desc(u).finish();
        prop_assert_eq!(up(a).cmp(&up(b)), (a.1, a.0).cmp(&(b.1, b.0)));
        prop_assert_eq!(down(a).cmp(&down(b)), (b.1, b.0).cmp(&(a.1, a.0)));
    }

    #[test]
    fn texts_sort_as_texts_and_none_is_a_prefix_of_another(a in a_text(), b in a_text(), tail in any::<u64>()) {
        let of = |text: &str| Key::new(TABLE).text(text).finish();
        prop_assert_eq!(of(&a).cmp(&of(&b)), a.as_bytes().cmp(b.as_bytes()));
        let longer = Key::new(TABLE).text(&b).u64(tail).finish();
        prop_assert_eq!(longer.starts_with(&of(&a)), a == b);
    }

    #[test]
    fn a_prefix_ends_before_the_first_key_that_lacks_it(prefix in prop::collection::vec(any::<u8>(), 0..4), other in prop::collection::vec(any::<u8>(), 0..6)) {
        let inside = other >= prefix && prefix_end(&prefix).is_none_or(|end| other < end);
        prop_assert_eq!(inside, other.starts_with(&prefix));
    }

    #[test]
    fn hostile_keys_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(mut read) = KeyReader::new(TABLE, &bytes) {
            let text = read.text();
            prop_assert!(text.is_ok() || text == Err(KeyError::Text));
        }
    }
}

#[test]
fn extremes_sort_and_read_back() {
    let keys: Vec<_> = [i64::MIN, -1, 0, 1, i64::MAX].map(|value| Key::new(TABLE).i64(value).finish()).into();
    assert!(keys.is_sorted());
    let keys: Vec<_> = [u64::MAX, 1, 0].map(|value| Key::new(TABLE).u64_desc(value).finish()).into();
    assert!(keys.is_sorted());
    assert_eq!(Key::new(TABLE).text("").finish(), [TABLE, 0, 1]);
    assert_eq!(prefix_end(&[255, 255]), None);
    assert_eq!(prefix_end(&[1, 255]), Some(vec![2]));
}

#[test]
fn a_key_of_another_layout_is_refused_by_name() {
    assert_eq!(KeyReader::new(TABLE, &[8]).err(), Some(KeyError::Table));
    assert_eq!(KeyReader::new(TABLE, &[]).err(), Some(KeyError::Short));
    assert_eq!(KeyReader::new(TABLE, &[TABLE, 0]).unwrap().u64(), Err(KeyError::Short));
    assert_eq!(KeyReader::new(TABLE, &[TABLE, b'a', 0, 2]).unwrap().text(), Err(KeyError::Text));
    assert_eq!(KeyReader::new(TABLE, &[TABLE, 0xC3, 0, 1]).unwrap().text(), Err(KeyError::Text));
    assert_eq!(KeyReader::new(TABLE, &[TABLE, 0]).unwrap().finish(), Err(KeyError::Long));
}
