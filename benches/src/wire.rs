//! NATS's own protocol, as lean as it goes: raw publishes for the limits, and a look at what the events stream is given.
//!
//! Only for a server without credentials on this machine. Apart from the product's client, so that a limit is the server's.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is read at once, in bytes.
const READ_BYTES: usize = 256 * 1024;

/// A connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    read: BytesMut,
    /// What subscriptions got while an answer was waited for.
    kept: VecDeque<Heard>,
    asked: u64,
}

/// What a subscription got.
#[derive(Clone, Debug)]
pub struct Heard {
    pub subject: String,
    /// Of JetStream: where the message stands.
    pub reply: String,
    /// Without its headers.
    pub payload: Bytes,
}

impl Wire {
    /// Connects to `nats://host:port`.
    pub async fn connect(url: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("nats://")).await?;
        stream.set_nodelay(true)?;
        let mut wire = Self { stream, read: BytesMut::with_capacity(READ_BYTES), kept: VecDeque::new(), asked: 0 };
        wire.send(
            b"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n",
        )
        .await?;
        Ok(wire)
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub async fn subscribe(&mut self, subject: &str) -> io::Result<()> {
        self.asked += 1;
        let line = format!("SUB {subject} {}\r\n", self.asked);
        self.send(line.as_bytes()).await
    }

    /// A request to the JetStream API; an error in its answer is one here. What subscriptions get meanwhile is kept for `next`:
    /// a consumer delivers before the server has answered that it was made.
    pub async fn ask(&mut self, subject: &str, body: &Value) -> io::Result<Value> {
        self.asked += 1;
        let (inbox, body) = (format!("_INBOX.ask.{}.{}", std::process::id(), self.asked), body.to_string());
        let lines = format!("SUB {inbox} {}\r\nPUB {subject} {inbox} {}\r\n{body}\r\n", self.asked, body.len());
        self.send(lines.as_bytes()).await?;
        loop {
            let heard = self.arriving().await?;
            if heard.subject == inbox {
                let answer: Value = serde_json::from_slice(&heard.payload).map_err(io::Error::other)?;
                return match answer.get("error") {
                    Some(error) => Err(io::Error::other(error.to_string())),
                    None => Ok(answer),
                };
            }
            self.kept.push_back(heard);
        }
    }

    /// The next message, waiting for it.
    pub async fn next(&mut self) -> io::Result<Heard> {
        match self.kept.pop_front() {
            Some(heard) => Ok(heard),
            None => self.arriving().await,
        }
    }

    /// The next message that is not kept already.
    async fn arriving(&mut self) -> io::Result<Heard> {
        loop {
            if let Some(heard) = self.parsed().await? {
                return Ok(heard);
            }
            self.read.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// A message that has been read already, if there is a whole one.
    pub async fn waiting(&mut self) -> io::Result<Option<Heard>> {
        match self.kept.pop_front() {
            Some(heard) => Ok(Some(heard)),
            None => self.parsed().await,
        }
    }

    async fn parsed(&mut self) -> io::Result<Option<Heard>> {
        loop {
            let Some(end) = self.read.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
            let line = String::from_utf8_lossy(&self.read[..end]).into_owned();
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
            let last = words.len().saturating_sub(1);
            let (headers, total, replies) = match words.first().copied() {
                Some("MSG") => (0, number(last), words.len() == 5),
                Some("HMSG") => (number(last.saturating_sub(1)), number(last), words.len() == 6),
                Some("-ERR") => return Err(io::Error::other(line)),
                Some("PING") => {
                    self.read.advance(end + 2);
                    self.stream.write_all(b"PONG\r\n").await?;
                    continue;
                }
                _ => {
                    self.read.advance(end + 2);
                    continue;
                }
            };
            if self.read.len() < end + 2 + total + 2 {
                return Ok(None);
            }
            let reply = if replies { words[3].to_owned() } else { String::new() };
            let subject = words[1].to_owned();
            self.read.advance(end + 2);
            let mut message = self.read.split_to(total + 2);
            message.truncate(total);
            message.advance(headers.min(total));
            return Ok(Some(Heard { subject, reply, payload: message.freeze() }));
        }
    }
}

impl Heard {
    /// The stream sequence of what a consumer delivered: `$JS.ACK.<stream>.<consumer>.<times>.<sequence>.…`.
    pub fn sequence(&self) -> Option<u64> {
        self.reply.split('.').nth(5)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_is_published_is_stored_and_heard_with_its_sequence() {
        let nats = relevo_testkit::NatsServer::start().await;
        let mut wire = Wire::connect(&nats.url()).await.unwrap();
        let stream = json!({ "name": "T", "subjects": ["t.>"], "storage": "file" });
        wire.ask("$JS.API.STREAM.CREATE.T", &stream).await.unwrap();
        assert!(wire.ask("$JS.API.STREAM.INFO.NONE", &json!({})).await.is_err());
        wire.send(b"PUB t.a _INBOX.x 2\r\nhi\r\n").await.unwrap();
        wire.subscribe("d.t").await.unwrap();
        let config = json!({ "deliver_subject": "d.t", "ack_policy": "none", "deliver_policy": "all" });
        wire.ask("$JS.API.CONSUMER.CREATE.T", &json!({ "stream_name": "T", "config": config })).await.ok();
        wire.send(b"HPUB t.b 14 16\r\nNATS/1.0\r\n\r\n\r\nyo\r\n").await.ok();
        let heard = wire.next().await.unwrap();
        assert!(heard.payload == "hi" && heard.sequence() == Some(1), "{heard:?}");
    }
}
