//! Tests of the mail adapter, by theme. Sample mails: `testdata/email` (our own) and the shared fixtures.

mod content;
mod corpus;
mod hostile;
mod quotes;

use crate::email::updates;
use crate::fact::{Fact, MailFact, Target, What};

/// The address of the channel that the sample mails were sent to.
const OWN: &str = "soporte@example.com";

/// The fact of a mail; panics if it was not understood.
fn fact(raw: &[u8]) -> Fact {
    let mut updates = updates(raw, &[OWN.to_owned()]);
    assert_eq!(updates.len(), 1);
    let update = updates.pop().unwrap();
    assert_eq!(update.target, Target::Endpoint);
    update.content.unwrap_or_else(|error| panic!("not understood: {error:?}"))
}

fn mail(raw: &[u8]) -> MailFact {
    match fact(raw).what {
        What::Mail(mail) => *mail,
        other => panic!("not a mail: {other:?}"),
    }
}

/// A plain mail with this body and these further header lines.
fn letter(more_headers: &str, body: &str) -> Vec<u8> {
    format!("From: Ana <ana@cliente.example.net>\r\nSubject: hola\r\n{more_headers}\r\n{body}").into_bytes()
}
