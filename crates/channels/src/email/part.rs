//! Attachments of a mail, decoded: the bytes that the event lists by their size and hash.
//!
//! Nothing is unpacked: an archive, and a message inside the message, are files.

use std::collections::{BTreeMap, BTreeSet};

use super::header::split;
use super::{HTML_BYTES_MAX, mime};

/// The contents of the attachments at these places, as the mail's event counts them (`Attachment::provider_id`). A place at which
/// the mail has none is not among them. The mail is walked once; what comes out is together no larger than the mail.
pub fn attachments(raw: &[u8], wanted: &BTreeSet<usize>) -> BTreeMap<usize, Vec<u8>> {
    let (headers, body) = split(raw);
    let mime::Taken { mut attachments, count, html } = mime::take(&headers, body, wanted);
    // HTML that is too long for the event is listed after everything else.
    let html = html.join("\n");
    if html.len() > HTML_BYTES_MAX && wanted.contains(&count) {
        attachments.insert(count, html.into_bytes());
    }
    attachments
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use relevo_domain::conversation::Attachment;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::email::updates;
    use crate::fact::{Fact, What};
    use crate::testing::fixtures;

    fn listed(fact: Fact) -> Vec<Attachment> {
        match fact.what {
            What::Mail(mail) => mail.attachments,
            other => panic!("not a mail: {other:?}"),
        }
    }

    fn one(raw: &[u8], index: usize) -> Option<Vec<u8>> {
        attachments(raw, &BTreeSet::from([index])).remove(&index)
    }

    /// Every attachment of the mail has the bytes that its event says.
    fn check(raw: &[u8]) -> usize {
        // What is no mail has no attachments.
        let Ok(fact) = updates(raw, &[]).pop().unwrap().content else { return 0 };
        let listed = listed(fact);
        let all = attachments(raw, &(0..=listed.len()).collect());
        assert_eq!(all.len(), listed.len(), "each of them, and none that is not listed");
        for (index, attachment) in listed.iter().enumerate() {
            assert_eq!(attachment.provider_id, Some(index.to_string()));
            let bytes = one(raw, index).expect("attachment has no bytes");
            assert_eq!(all[&index], bytes);
            assert_eq!(Some(bytes.len() as u64), attachment.size_bytes);
            assert_eq!(Some(hex::encode(Sha256::digest(&bytes))), attachment.sha256);
        }
        assert_eq!(one(raw, listed.len()), None);
        listed.len()
    }

    #[test]
    fn every_attachment_of_every_sample_is_found_again() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/email");
        let folders = [Some(own), fixtures().map(|folder| folder.join("email"))];
        let mut found = 0;
        for entry in folders.into_iter().flatten().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "eml") {
                found += check(&std::fs::read(&path).unwrap());
            }
        }
        assert!(found >= 3, "{found}");
    }

    #[test]
    fn all_attachments_are_taken_in_one_walk() {
        const PARTS: usize = 300;
        let part = "--x\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n";
        let raw =
            format!("From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n{}--x--\n", part.repeat(PARTS));
        mime::DECODED.set(0);
        let all = attachments(raw.as_bytes(), &(0..PARTS).collect());
        assert_eq!((all.len(), mime::DECODED.get()), (PARTS, PARTS));
    }

    #[test]
    fn long_html_is_the_last_attachment() {
        let long = format!("<p>{}</p>", "á".repeat(HTML_BYTES_MAX));
        let raw = format!(
            "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html; charset=utf-8\n\n\
             {long}\n--x\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--x--\n"
        );
        assert_eq!(check(raw.as_bytes()), 2);
        assert_eq!(one(raw.as_bytes(), 0).as_deref(), Some(b"%PDF-".as_slice()));
        assert_eq!(one(raw.as_bytes(), 1), Some(long.into_bytes()));
    }

    #[test]
    fn an_inline_picture_keeps_the_id_that_the_html_names_it_by() {
        let raw = b"From: a@b.example\nContent-Type: multipart/related; boundary=x\n\n--x\nContent-Type: text/html\n\n\
            <img src=\"cid:logo@b\">\n--x\nContent-Type: image/png\nContent-ID: <logo@b>\n\nx\n--x\n\
            Content-Type: image/png\nContent-ID: <other@b>\n\ny\n--x--\n";
        let ids: Vec<_> = listed(updates(raw, &[]).pop().unwrap().content.unwrap())
            .into_iter()
            .map(|found| (found.inline, found.personal.content_id))
            .collect();
        assert_eq!(ids, [(true, Some("logo@b".to_owned())), (false, None)]);
    }
}
