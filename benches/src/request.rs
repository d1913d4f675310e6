//! A line of the trace as the bytes that its provider posts, signed, made before anything is timed; and as a line of JSON for a peer.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use bytes::Bytes;
use relevo_tests::webhook::{MAIL_TOKEN, TWILIO_TOKEN, meta_signature, twilio_signature};
use serde_json::{Value, json};

use crate::trace::{Kind, Line, Plan, lines};

/// One POST.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Head and body.
    pub bytes: Bytes,
    /// Bytes of the body alone: the raw payload.
    pub payload: usize,
    /// The message that it brings for the first time: it is waited for.
    pub number: Option<u32>,
    /// A number for its sender, so that one client posts all that one customer writes.
    pub sender: u64,
}

/// How long before the first POST the trace's day began, in seconds: what was written lies in the past.
pub const BEGAN_BEFORE_S: u64 = 3_600;

/// Prepares lines for a broker. `began` is the Unix time at which the trace's day began, in seconds.
pub fn prepare(lines: &[Line], http: &str, began: u64) -> Vec<Prepared> {
    lines.iter().map(|line| prepared(line, http, began)).collect()
}

fn prepared(line: &Line, http: &str, began: u64) -> Prepared {
    let host = http.trim_start_matches("http://");
    let at = began + line.at_ms / 1_000;
    let (path, headers, body) = match line.kind {
        Kind::Meta | Kind::Status => {
            let body = meta(line, at);
            let signature = meta_signature(body.as_bytes());
            let headers = format!("content-type: application/json\r\nx-hub-signature-256: {signature}\r\n");
            ("/webhooks/meta/demo", headers, body)
        }
        Kind::Twilio => {
            let (path, body) = ("/webhooks/twilio/demo-twilio", twilio(line));
            let signature = twilio_signature(TWILIO_TOKEN, &format!("{http}{path}"), body.as_bytes());
            let kind = "content-type: application/x-www-form-urlencoded\r\n";
            (path, format!("{kind}x-twilio-signature: {signature}\r\n"), body)
        }
        Kind::Mail => {
            let headers = format!("content-type: message/rfc822\r\nauthorization: Bearer {MAIL_TOKEN}\r\n");
            ("/webhooks/email/demo-mail", headers, mail(line, at))
        }
    };
    let length = body.len();
    let bytes = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    let number = line.number.filter(|_| !line.again);
    Prepared { bytes: bytes.into(), payload: length, number, sender: fnv(&line.sender) }
}

fn meta(line: &Line, at: u64) -> String {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
    });
    if line.kind == Kind::Status {
        value["statuses"] = json!([{
            "id": line.id, "status": "delivered", "timestamp": at.to_string(), "recipient_id": line.sender,
            "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility" },
        }]);
    } else {
        value["contacts"] = json!([{ "profile": { "name": name(line) }, "wa_id": line.sender }]);
        value["messages"] = json!([{
            "from": line.sender, "id": line.id, "timestamp": at.to_string(), "type": "text", "text": { "body": line.text },
        }]);
    }
    let changes = json!([{ "field": "messages", "value": value }]);
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": changes }] })
        .to_string()
}

fn twilio(line: &Line) -> String {
    let fields = [
        ("SmsMessageSid", line.id.clone()),
        ("NumMedia", "0".to_owned()),
        ("ProfileName", name(line)),
        ("MessageType", "text".to_owned()),
        ("SmsSid", line.id.clone()),
        ("WaId", line.sender.clone()),
        ("SmsStatus", "received".to_owned()),
        ("Body", line.text.clone()),
        ("To", "whatsapp:+15550783881".to_owned()),
        ("NumSegments", "1".to_owned()),
        ("MessageSid", line.id.clone()),
        ("AccountSid", "AC0123456789abcdef0123456789abcdef".to_owned()),
        ("From", format!("whatsapp:+{}", line.sender)),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    pairs.join("&")
}

fn mail(line: &Line, at: u64) -> String {
    let answered = line
        .in_reply_to
        .as_ref()
        .map_or_else(String::new, |id| format!("In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n"));
    format!(
        "From: {} <{}>\r\nTo: hola@relevo.example\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}>\r\n{answered}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        name(line),
        line.sender,
        line.subject,
        date(at),
        line.id,
        line.text
    )
}

/// `Sat, 21 Nov 2026 12:00:00 +0000`.
fn date(at: u64) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(at).unwrap_or_default()).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn name(line: &Line) -> String {
    const NAMES: [&str; 8] =
        ["Lucia Prado", "Ana Ruiz", "Bruno Gil", "Carla Soto", "Diego Paz", "Elena Vera", "Juan Mora", "Ines Sosa"];
    NAMES[(fnv(&line.sender) % NAMES.len() as u64) as usize].to_owned()
}

/// As a form's value is escaped.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The line as `benches/peers/README.md` says.
fn exported(line: &Line) -> Value {
    let kind = match line.kind {
        Kind::Meta | Kind::Twilio => "whatsapp",
        Kind::Mail => "mail",
        Kind::Status => "status",
    };
    let mut value =
        json!({ "kind": kind, "id": line.id, "sender": line.sender, "text": line.text, "at_ms": line.at_ms });
    if line.kind == Kind::Mail {
        value["subject"] = json!(line.subject);
    }
    if let Some(id) = &line.in_reply_to {
        value["in_reply_to"] = json!(id);
    }
    if line.again {
        value["duplicate_of"] = json!(line.id);
    }
    value
}

/// Writes a trace for a peer, a line of JSON each; how many.
pub fn export(file: &Path, plan: Plan) -> io::Result<u64> {
    let mut out = BufWriter::new(File::create(file)?);
    let lines = lines(plan);
    for line in &lines {
        writeln!(out, "{}", exported(line))?;
    }
    out.flush()?;
    Ok(lines.len() as u64)
}

/// 64-bit FNV-1a.
pub fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::marked;

    #[test]
    fn every_kind_becomes_a_request_with_its_length() {
        let lines = lines(Plan { seed: 1, part: 1, lines: 200 });
        for (line, request) in lines.iter().zip(prepare(&lines, "http://127.0.0.1:9", 1_780_000_000)) {
            let text = String::from_utf8(request.bytes.to_vec()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert_eq!(body.len(), request.payload);
            assert!(head.contains(&format!("content-length: {}", request.payload)));
            assert_eq!(marked(body.as_bytes(), 1), line.number, "{body}");
            assert_eq!(request.number.is_some(), line.number.is_some() && !line.again);
        }
    }

    #[test]
    fn a_date_is_a_mails() {
        assert_eq!(date(1_780_315_200), "Mon, 01 Jun 2026 12:00:00 +0000");
    }
}
