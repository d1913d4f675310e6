//! A provider's connection: HTTP/1.1 with one request on its way, and nothing that costs the machine more than it must.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer that is read: a problem in JSON is far shorter.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// One connection, opened when it is first used and again after a fault.
#[derive(Debug)]
pub struct Door {
    address: String,
    stream: Option<TcpStream>,
    read: Vec<u8>,
}

impl Door {
    /// To `http://host:port`.
    pub fn new(http: &str) -> Self {
        Self { address: http.trim_start_matches("http://").to_owned(), stream: None, read: Vec::new() }
    }

    /// Opens the connection, so that the first POST does not pay for it.
    pub async fn open(&mut self) -> io::Result<()> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// The HTTP status; 0 if there was no answer.
    pub async fn post(&mut self, request: &[u8]) -> u16 {
        match self.exchange(request).await {
            Ok(status) => status,
            Err(_broken) => {
                self.stream = None;
                0
            }
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        if self.stream.is_none() {
            self.open().await?;
        }
        let Some(stream) = self.stream.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
        stream.write_all(request).await?;
        self.read.clear();
        loop {
            if let Some((status, length)) = head(&self.read)
                && self.read.len() >= length
            {
                return Ok(status);
            }
            if self.read.len() > ANSWER_BYTES_MAX || stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The status and the length of the whole answer, once its head is there.
fn head(read: &[u8]) -> Option<(u16, usize)> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..end]).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-"), None);
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), Some((200, 38)));
        let problem = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\n";
        assert_eq!(head(problem), Some((503, problem.len() + 7)));
    }
}
