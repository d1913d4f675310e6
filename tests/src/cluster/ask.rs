//! One question to one nats-server, which may not be there: nothing of it waits, and nothing panics.

use std::io::{Error, ErrorKind, Result};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes: far more than the state of a stream.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Asks an API subject of the server at this URL. Whoever calls it says how long that may take.
pub async fn ask(url: &str, subject: &str) -> Result<Value> {
    let mut stream = BufReader::new(TcpStream::connect(url.trim_start_matches("nats://")).await?);
    let words = format!(
        "CONNECT {{\"verbose\":false,\"headers\":true,\"no_responders\":true}}\r\nSUB _INBOX.harness 1\r\nPUB {subject} \
         _INBOX.harness 0\r\n\r\n"
    );
    stream.get_mut().write_all(words.as_bytes()).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match line.split_whitespace().next() {
            Some("MSG") => {
                let length = line.split_whitespace().last().and_then(|word| word.parse().ok()).unwrap_or(usize::MAX);
                if length > ANSWER_BYTES_MAX {
                    return Err(ErrorKind::FileTooLarge.into());
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await?;
                return serde_json::from_slice(&body).map_err(Error::from);
            }
            // Nobody answers.
            Some("HMSG" | "-ERR") => return Err(ErrorKind::NotConnected.into()),
            Some("PING") => stream.get_mut().write_all(b"PONG\r\n").await?,
            _ => {}
        }
    }
}
