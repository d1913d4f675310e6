//! The providers' known answers, when the fixtures are there, and the rules that no vector covers.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::testing::fixture;

const URL: &str = "https://hooks.example.test/webhooks/twilio/demo";

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} in {case}"))
}

/// The cases of a vectors file, and the file itself.
fn vectors(path: &str) -> Option<(Value, Vec<Value>)> {
    let file: Value = serde_json::from_slice(&fixture(path)?).unwrap();
    let cases = file["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    Some((file, cases))
}

#[test]
fn meta_known_answers() {
    let Some((file, cases)) = vectors("meta/signature_vectors.json") else { return };
    let secret = text(&file, "app_secret");
    for case in cases {
        let body = text(&case, "body_utf8").as_bytes();
        let (valid, header) = (case["valid"].as_bool().unwrap(), text(&case, "header"));
        assert_eq!(meta_signature_valid(&[secret], Some(header), body), valid, "{}", case["name"]);
        if valid {
            assert_eq!(meta_sign(secret.as_bytes(), body), header.to_lowercase(), "{}", case["name"]);
        }
    }
}

#[test]
fn meta_handshake_known_answers() {
    let Some((_, cases)) = vectors("meta/handshake_vectors.json") else { return };
    for case in cases {
        let answer = meta_handshake(&[text(&case, "verify_token")], text(&case, "query"));
        let expected = match case["status"].as_u64().unwrap() {
            200 => Handshake::Challenge(text(&case, "body").to_owned()),
            403 => Handshake::Refused,
            400 => Handshake::NoChallenge,
            other => panic!("{other}"),
        };
        assert_eq!(answer, expected, "{}", case["what"]);
    }
}

#[test]
fn twilio_known_answers() {
    let Some((file, cases)) = vectors("twilio/signature_vectors.json") else { return };
    let token = text(&file, "auth_token");
    for case in cases {
        let body = match (&case["params"], &case["form_body"], &case["body"]) {
            (Value::Array(parameters), _, _) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for pair in parameters {
                    form.append_pair(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
                }
                form.finish()
            }
            (_, Value::String(body), _) | (_, _, Value::String(body)) => body.clone(),
            _ => panic!("{case}"),
        };
        let (url, header) = (text(&case, "url"), text(&case, "signature"));
        let valid = twilio_signature_valid(&[token], url, body.as_bytes(), Some(header));
        assert_eq!(valid, case["valid"].as_bool().unwrap(), "{}", case["name"]);
    }
}

#[test]
fn any_of_several_secrets_fits_and_an_empty_one_never() {
    let body = b"{}";
    let header = meta_sign(b"new", body);
    assert!(meta_signature_valid(&["old", "new"], Some(&header), body));
    assert!(!meta_signature_valid(&["old"], Some(&header), body));
    assert!(!meta_signature_valid(&["new"], None, body));
    let nobody: [&str; 0] = [];
    assert!(!meta_signature_valid(&nobody, Some(&header), body));

    assert!(!meta_signature_valid(&[""], Some(&meta_sign(b"", body)), body));
    assert!(!twilio_signature_valid(&[""], URL, b"a=1", Some(&twilio_sign(b"", URL, b"a=1"))));
    assert!(!token_valid(&[""], Some("")));
}

#[test]
fn keys_longer_than_a_block_are_hashed_first() {
    // RFC 4231, test case 6.
    let expected = "sha256=60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
    assert_eq!(meta_sign(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"), expected);
}

#[test]
fn twilio_reads_malformed_percent_and_foreign_bytes_in_every_way() {
    let token = b"12345";
    for body in [&b"From=x&Body=%ZZ&MessageSid=SMx"[..], b"Body=%", b"Body=%4", b"Body=%ff%fe&a=%C3", b"Body=\xff"] {
        assert!(twilio_signature_valid(&[token], URL, body, Some(&twilio_sign(token, URL, body))));
    }
    let replaced = twilio_text(token, URL, "Body\u{fffd}".as_bytes());
    assert!(twilio_signature_valid(&[token], URL, b"Body=%ff", Some(&replaced)));
}

#[test]
fn twilio_get_signs_the_address_alone_and_never_the_fragment() {
    let signed = twilio_sign(b"t", "https://h.example/x?From=a%20b", b"");
    assert!(twilio_signature_valid(&["t"], "https://h.example/x?From=a%20b#rc=5&rp=all", b"", Some(&signed)));
    assert!(!twilio_signature_valid(&["t"], "https://h.example/x?From=a", b"", Some(&signed)));
}

#[test]
fn address_variants_know_users_and_ipv6() {
    let variants = |url| url_variants(url).into_iter().collect::<Vec<_>>();
    assert_eq!(variants("https://a:b@h.test/x"), ["https://a:b@h.test/x", "https://a:b@h.test:443/x"]);
    assert_eq!(variants("http://[::1]:8080/x"), ["http://[::1]/x", "http://[::1]:8080/x"]);
    assert_eq!(variants("http://[::1]?q"), ["http://[::1]:80?q", "http://[::1]?q"]);
    assert_eq!(variants("nonsense"), ["nonsense"]);
}

#[test]
fn bearer_tokens() {
    assert_eq!(bearer(Some("Bearer abc")), Some("abc"));
    assert_eq!(bearer(Some("bearer  abc ")), Some("abc"));
    assert_eq!(bearer(Some("Basic abc")), None);
    assert_eq!(bearer(None), None);
    assert!(token_valid(&["old", "abc"], Some("abc")));
    assert!(!token_valid(&["abc"], Some("ab")));
    assert!(!token_valid(&["abc"], None));
}

proptest! {
    #[test]
    fn a_changed_byte_is_noticed(body in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>()) {
        let header = meta_sign(b"secret", &body);
        prop_assert!(meta_signature_valid(&["secret"], Some(&header), &body));
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1;
        prop_assert!(!meta_signature_valid(&["secret"], Some(&header), &changed));
    }

    #[test]
    fn any_form_can_be_signed_and_checked(body in prop::collection::vec(any::<u8>(), 0..200), url in any::<String>()) {
        if body_hash(&url).is_none() {
            prop_assert!(twilio_signature_valid(&["t"], &url, &body, Some(&twilio_sign(b"t", &url, &body))));
        }
        prop_assert!(!twilio_signature_valid(&["t"], &url, &body, Some("no")));
    }
}
