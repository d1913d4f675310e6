//! A few words of NATS's own protocol, for what no client of Relevo may do: plant a break in a stream, listen to a subject.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the server may take for anything.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A connection to a server without credentials.
pub struct Wire {
    stream: BufReader<TcpStream>,
    inbox: u64,
}

/// What was received.
pub struct Message {
    pub subject: String,
    pub headers: String,
    pub data: Vec<u8>,
}

/// What a stream holds.
pub struct Kept {
    pub subject: String,
    pub sequence: u64,
    pub data: Vec<u8>,
}

impl Wire {
    pub async fn connect(url: &str) -> Self {
        let address = url.trim_start_matches("nats://");
        let stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut wire = Self { stream, inbox: 0 };
        wire.line().await;
        wire.send(b"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n").await;
        wire.flushed().await;
        wire
    }

    pub async fn subscribe(&mut self, subject: &str) {
        self.send(format!("SUB {subject} 1\r\n").as_bytes()).await;
        self.flushed().await;
    }

    pub async fn publish(&mut self, subject: &str, data: &[u8]) {
        self.send(format!("PUB {subject} {}\r\n", data.len()).as_bytes()).await;
        self.send(data).await;
        self.send(b"\r\n").await;
        self.flushed().await;
    }

    /// A request to the JetStream API.
    pub async fn ask(&mut self, subject: &str, body: &str) -> Value {
        self.inbox += 1;
        let inbox = format!("_INBOX.wire.{}", self.inbox);
        self.send(format!("SUB {inbox} {}\r\n", 100 + self.inbox).as_bytes()).await;
        self.send(format!("PUB {subject} {inbox} {}\r\n{body}\r\n", body.len()).as_bytes()).await;
        let answer = self.message().await;
        serde_json::from_slice(&answer.data).unwrap()
    }

    /// The last message of a stream whose subject is this one.
    pub async fn last_message(&mut self, stream: &str, subject: &str) -> Kept {
        let body = json!({ "last_by_subj": subject }).to_string();
        let answer = self.ask(&format!("$JS.API.STREAM.MSG.GET.{stream}"), &body).await;
        let message = &answer["message"];
        Kept {
            subject: message["subject"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(),
            sequence: message["seq"].as_u64().unwrap(),
            data: STANDARD.decode(message["data"].as_str().unwrap()).unwrap(),
        }
    }

    /// The next message of any subscription.
    pub async fn message(&mut self) -> Message {
        loop {
            let line = self.line().await;
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |word: Option<&&str>| word.unwrap().parse::<usize>().unwrap();
            let (headers, total) = match words.first().copied() {
                Some("MSG") => (0, number(words.last())),
                Some("HMSG") => (number(words.get(words.len() - 2)), number(words.last())),
                Some("PING") => {
                    self.send(b"PONG\r\n").await;
                    continue;
                }
                Some("-ERR") => panic!("{line}"),
                _ => continue,
            };
            let mut bytes = vec![0; total + 2];
            timeout(ANSWER_WITHIN, self.stream.read_exact(&mut bytes)).await.unwrap().unwrap();
            let subject = words[1].to_owned();
            let headers_text = String::from_utf8(bytes[..headers].to_vec()).unwrap();
            return Message { subject, headers: headers_text, data: bytes[headers..total].to_vec() };
        }
    }

    /// Everything that was sent has been handled.
    async fn flushed(&mut self) {
        self.send(b"PING\r\n").await;
        loop {
            let line = self.line().await;
            assert!(!line.starts_with("-ERR"), "{line}");
            if line.starts_with("PONG") {
                return;
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(ANSWER_WITHIN, self.stream.read_line(&mut line)).await.unwrap().unwrap();
        line
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }
}
