//! The posted form: decoded leniently, looked up by name, and what is left over as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::outgoing::twilio::CALLBACK_PARAMETER;

/// Parameters by name, in the order of their names. Escapes that are none and bytes that are not UTF-8 are kept or
/// replaced, never refused; NUL is taken out.
pub(super) struct Form(BTreeMap<String, Vec<String>>);

/// Parameters that become members of a group in the details, named as in Meta's webhooks.
const GROUPED: [(&str, &str, &str); 18] = [
    ("Latitude", "location", "latitude"),
    ("Longitude", "location", "longitude"),
    ("Address", "location", "address"),
    ("Label", "location", "name"),
    ("ButtonText", "button", "text"),
    ("ButtonPayload", "button", "payload"),
    ("ButtonType", "button", "type"),
    ("ListId", "list_reply", "id"),
    ("ListTitle", "list_reply", "title"),
    ("ReferralBody", "referral", "body"),
    ("ReferralHeadline", "referral", "headline"),
    ("ReferralSourceId", "referral", "source_id"),
    ("ReferralSourceType", "referral", "source_type"),
    ("ReferralSourceUrl", "referral", "source_url"),
    ("ReferralMediaId", "referral", "media_id"),
    ("ReferralMediaContentType", "referral", "media_type"),
    ("ReferralMediaUrl", "referral", "media_url"),
    ("ReferralCtwaClid", "referral", "ctwa_clid"),
];

/// Parameters that are facts of their own, or say nothing about this message. `ChannelMetadata` repeats the others.
const TAKEN: [&str; 23] = [
    "AccountSid",
    "ApiVersion",
    "Body",
    "ChannelMetadata",
    "ErrorCode",
    "ExternalUserId",
    "Forwarded",
    "FrequentlyForwarded",
    "From",
    "MessageSid",
    "MessageType",
    "NumMedia",
    "NumSegments",
    "OriginalRepliedMessageSender",
    "OriginalRepliedMessageSid",
    "ProfileName",
    "ReferralNumMedia",
    "SmsMessageSid",
    "SmsSid",
    "SmsStatus",
    "To",
    "WaId",
    CALLBACK_PARAMETER,
];

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            parameters.entry(name.replace('\0', "")).or_default().push(value.replace('\0', ""));
        }
        Self(parameters)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of that name, unless it is blank.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.trim().is_empty())
    }

    /// The first value of that name, blank or not.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether any parameter is there by which a message or a callback is known. A JSON body, for one, has none.
    pub(super) fn looks_like_twilio(&self) -> bool {
        ["MessageSid", "SmsSid", "SmsMessageSid", "From", "AccountSid", "Body"]
            .into_iter()
            .any(|name| self.0.contains_key(name))
    }

    /// The word of a status callback; `None` for an inbound message, whose word is `received`.
    pub(super) fn status_word(&self) -> Option<&str> {
        let word = self.get("MessageStatus").or_else(|| self.get("SmsStatus"))?.trim();
        (!matches!(word, "received" | "receiving")).then_some(word)
    }

    /// The numbers of the media parameters, `MediaUrl0` to `MediaUrlN`, in order.
    pub(super) fn media(&self) -> Vec<u32> {
        let names = self.0.range("MediaUrl".to_owned()..).map(|(name, _)| name);
        let mut numbers: Vec<u32> = names.map_while(|name| name.strip_prefix("MediaUrl")).filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Everything that is not a fact of its own, as a JSON object's text.
    pub(super) fn details(&self) -> Option<String> {
        let mut groups: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for (name, values) in &self.0 {
            let is_blank = values.iter().all(|value| value.trim().is_empty());
            if is_blank || TAKEN.contains(&name.as_str()) || is_medium(name) {
                continue;
            }
            let value = match values.as_slice() {
                [value] => Value::from(value.as_str()),
                several => Value::from(several.to_vec()),
            };
            let (_, group, member) =
                GROUPED.into_iter().find(|(from, _, _)| from == name).unwrap_or(("", "other", name.as_str()));
            groups.entry(group).or_default().insert(member.to_owned(), value);
        }
        // Built by hand so that the order stays that of the names, whatever a JSON map keeps.
        let members: Vec<_> = groups.into_iter().map(|(group, map)| format!("\"{group}\":{}", sorted(map))).collect();
        (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
    }
}

fn sorted(map: Map<String, Value>) -> String {
    let members: BTreeMap<_, _> = map.into_iter().collect();
    let members: Vec<_> =
        members.into_iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
    format!("{{{}}}", members.join(","))
}

fn is_medium(name: &str) -> bool {
    let digits = name.strip_prefix("MediaUrl").or_else(|| name.strip_prefix("MediaContentType"));
    digits.and_then(number).is_some()
}

/// A medium's number as Twilio writes it. `MediaUrl00` and `MediaUrl+0` are not the first medium again: otherwise one address could
/// be listed a thousand times.
fn number(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}
