//! WhatsApp messages and status callbacks as Twilio posts them.

use super::ids::Ids;
use super::meta::Person;

/// The demo's Twilio account and the number that customers write to.
const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
const TO: &str = "whatsapp:+15550783881";

/// A form, in the order of posting.
pub(super) type Form = Vec<(&'static str, String)>;

/// A message of `person`; `image` adds one picture.
pub(super) fn message(ids: Ids, person: Person, name: &str, body: &str, image: bool) -> Form {
    let sid = ids.sid(if image { "MM" } else { "SM" }, name);
    let mut form = vec![
        ("SmsMessageSid", sid.clone()),
        ("NumMedia", if image { "1" } else { "0" }.to_owned()),
        ("ProfileName", person.name.to_owned()),
        ("MessageType", if image { "image" } else { "text" }.to_owned()),
        ("SmsSid", sid.clone()),
        ("WaId", person.phone.to_owned()),
        ("SmsStatus", "received".to_owned()),
        ("Body", body.to_owned()),
        ("To", TO.to_owned()),
        ("NumSegments", "1".to_owned()),
        ("MessageSid", sid.clone()),
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("From", format!("whatsapp:+{}", person.phone)),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    if image {
        form.push(("MediaContentType0", "image/jpeg".to_owned()));
        form.push((
            "MediaUrl0",
            format!(
                "https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}/Media/{}",
                ids.sid("ME", name)
            ),
        ));
    }
    form
}

/// What became of a message that the business sent to `person`.
pub(super) fn status(ids: Ids, person: Person, name: &str, status: &str) -> Form {
    let sid = ids.sid("SM", name);
    vec![
        ("ChannelPrefix", "whatsapp".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("MessageStatus", status.to_owned()),
        ("SmsSid", sid.clone()),
        ("SmsStatus", status.to_owned()),
        ("To", format!("whatsapp:+{}", person.phone)),
        ("From", TO.to_owned()),
        ("MessageSid", sid),
        ("AccountSid", ACCOUNT_SID.to_owned()),
    ]
}
