//! Posts what providers post, signed as they sign it. The signatures are computed here, apart from the product's code.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

pub const META_SECRET: &str = "relevo-demo-app-secret";
pub const TWILIO_TOKEN: &str = "relevo-demo-twilio-token";
pub const MAIL_TOKEN: &str = "relevo-demo-mail-token";

/// The HTTP status of a signed Meta POST; 0 if there was no answer.
pub async fn post_meta(http: &str, body: impl Into<Vec<u8>>) -> u16 {
    let body = body.into();
    let signature = meta_signature(&body);
    let headers = [("x-hub-signature-256", signature.as_str()), ("content-type", "application/json")];
    post(&format!("{http}/webhooks/meta/demo"), &headers, body).await
}

/// What Meta puts into `X-Hub-Signature-256`.
pub fn meta_signature(body: &[u8]) -> String {
    signed(META_SECRET, body)
}

/// The same with the secret of another app.
pub fn signed(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac256(secret, body)))
}

pub async fn post_twilio(http: &str, form: impl Into<Vec<u8>>) -> u16 {
    let form = form.into();
    let url = format!("{http}/webhooks/twilio/demo-twilio");
    let signature = twilio_signature(TWILIO_TOKEN, &url, &form);
    let headers = [("x-twilio-signature", signature.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    post(&url, &headers, form).await
}

pub async fn post_mail(http: &str, mail: impl Into<Vec<u8>>) -> u16 {
    let token = format!("Bearer {MAIL_TOKEN}");
    let headers = [("authorization", token.as_str()), ("content-type", "message/rfc822")];
    post(&format!("{http}/webhooks/email/demo-mail"), &headers, mail.into()).await
}

pub async fn post(url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> u16 {
    let mut request = reqwest::Client::new().post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    match request.send().await {
        Ok(answer) => answer.status().as_u16(),
        Err(_broken) => 0,
    }
}

/// One text message to the demo's main number.
pub fn meta_text(from: &str, name: &str, id: &str, text: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "contacts": [{ "profile": { "name": name }, "wa_id": from }],
            "messages": [{ "from": from, "id": id, "timestamp": now.to_string(), "type": "text", "text": { "body": text } }]
        } }] }]
    })
    .to_string()
}

fn hmac256(key: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// What Twilio puts into `X-Twilio-Signature`.
pub fn twilio_signature(token: &str, url: &str, form: &[u8]) -> String {
    let mut fields: Vec<(String, String)> = form_fields(form);
    fields.sort();
    fields.dedup();
    let mut text = url.to_owned();
    for (name, value) in fields {
        text.push_str(&name);
        text.push_str(&value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

fn form_fields(form: &[u8]) -> Vec<(String, String)> {
    form.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            (unescape(halves.next().unwrap_or_default()), unescape(halves.next().unwrap_or_default()))
        })
        .collect()
}

fn unescape(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escaped = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (text[at], escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                at += 2;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
