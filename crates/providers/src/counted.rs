//! A connection that counts what was written to it, so that a broken one can tell what the other side cannot have got; and that
//! gives no byte away before it is asked for, until TLS begins: what stands in a buffer then was said by anybody.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes that the system has taken so far; what it has not taken has certainly not been sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<AtomicU64>);

/// The first byte of a TLS handshake (RFC 8446, 5.1). No SMTP command begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// The connection.
#[derive(Debug)]
pub(crate) struct Counted {
    stream: TcpStream,
    written: Written,
    /// We have begun TLS: whoever reads checks what they read.
    tls: bool,
}

// === impl Written ===

impl Written {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Counted ===

impl Counted {
    pub(crate) fn new(stream: TcpStream) -> (Self, Written) {
        let written = Written::default();
        (Self { stream, written: written.clone(), tls: false }, written)
    }

    fn count(&self, done: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &done {
            self.written.0.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        done
    }
}

impl AsyncTokioStream for Counted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.tls || into.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        // The reader of lines keeps what follows the one that it wants, also over the beginning of TLS (RFC 3207, 6). It gets no
        // more than it wants: what was sent too early meets TLS, which refuses it.
        let (mut byte, stream) = ([0], Pin::new(&mut self.stream));
        let mut one = ReadBuf::new(&mut byte);
        let read = stream.poll_read(context, &mut one);
        into.put_slice(one.filled());
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.tls |= bytes.first() == Some(&TLS_HANDSHAKE);
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find_map(|part| part.first());
        self.tls |= first == Some(&TLS_HANDSHAKE);
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.count(done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
