//! A line to a server that breaks at the worst moment: the server has everything, and its answer does not come back.
//!
//! It does not look into what is said, which is TLS: it counts. What a client sends beyond so many bytes can only be the text
//! of a mail, so the answer that follows is the one to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Bytes of a connection that only a mail's text can have: a handshake and an envelope are far less.
pub const TEXT_BYTES_MIN: u64 = 30_000;

/// What happens to answers to a mail's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Whole = 0,
    /// The connection is closed instead.
    Cuts = 1,
    /// Nothing comes, and the connection stays.
    Swallows = 2,
}

/// The line. Gone when dropped.
pub struct Proxy {
    pub port: u16,
    mode: Arc<AtomicU8>,
    swallowed: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, swallowed) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicU64::new(0)));
        let shared = (Arc::clone(&mode), Arc::clone(&swallowed));
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mode, swallowed) = shared.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
                    let sent = Arc::new(AtomicU64::new(0));
                    let onward = tokio::spawn(onward(client_in, server_out, Arc::clone(&sent)));
                    back(server_in, client_out, &sent, &mode, &swallowed).await;
                    onward.abort();
                });
            }
        });
        Self { port, mode, swallowed, serving }
    }

    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// Answers that did not come back so far.
    pub fn swallowed(&self) -> u64 {
        self.swallowed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn onward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, sent: Arc<AtomicU64>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        sent.fetch_add(read as u64, Ordering::SeqCst);
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn back(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    sent: &AtomicU64,
    mode: &AtomicU8,
    swallowed: &AtomicU64,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        let mode = mode.load(Ordering::SeqCst);
        if mode != Mode::Whole as u8 && sent.load(Ordering::SeqCst) >= TEXT_BYTES_MIN {
            swallowed.fetch_add(1, Ordering::SeqCst);
            if mode == Mode::Cuts as u8 {
                return;
            }
            continue;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
