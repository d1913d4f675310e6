//! A stream that is never waited for in vain and never believed: reads that stall fail, and so does an answer that is longer
//! than what was asked for, or that trickles: a byte now and then keeps nobody waiting for ever.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes a second that an answer has to bring on the whole, beyond what it may stall once: slower ones are given up. The largest
/// mail of the default size takes ten minutes at it.
const BYTES_PER_SECOND_MIN: u64 = 64 * 1024;
/// Stalls that a greeting and a login may have together: they are several answers, and tokens are asked for between them.
const LOGIN_STALLS: u32 = 5;

/// What is allowed now; shared with whoever sends the commands.
#[derive(Debug)]
pub(crate) struct Allowance {
    made: Instant,
    stall_ms: AtomicU64,
    /// When everything has to be there, in milliseconds since it was made.
    end_ms: AtomicU64,
    bytes: AtomicU64,
}

impl Allowance {
    /// For everything up to the login.
    pub(crate) fn new(stall: Duration, bytes: u64) -> Self {
        let (stall_ms, end_ms, bytes) = (AtomicU64::new(millis(stall)), AtomicU64::new(0), AtomicU64::new(bytes));
        let allowance = Self { made: Instant::now(), stall_ms, end_ms, bytes };
        allowance.end_in(stall * LOGIN_STALLS);
        allowance
    }

    /// From now on a read may wait for `stall`, and `bytes` may be read: all of them in the time that their number allows.
    pub(crate) fn set(&self, stall: Duration, bytes: u64) {
        self.stall_ms.store(millis(stall), Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.end_in(stall + Duration::from_secs(bytes / BYTES_PER_SECOND_MIN));
    }

    fn end_in(&self, time: Duration) {
        self.end_ms.store(millis(self.made.elapsed() + time), Ordering::Relaxed);
    }

    fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms.load(Ordering::Relaxed))
    }

    fn end(&self) -> Instant {
        self.made + Duration::from_millis(self.end_ms.load(Ordering::Relaxed))
    }

    /// False if more was read than is allowed.
    fn spend(&self, read: u64) -> bool {
        let before = self.bytes.load(Ordering::Relaxed);
        self.bytes.store(before.saturating_sub(read), Ordering::Relaxed);
        before >= read
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server has stopped answering")
}

/// The stream itself.
pub(crate) struct Guarded<S> {
    inner: S,
    allowance: Arc<Allowance>,
    /// Armed while a read or a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl<S> Guarded<S> {
    pub(crate) const fn new(inner: S, allowance: Arc<Allowance>) -> Self {
        Self { inner, allowance, waiting: None }
    }

    pub(crate) fn into_inner(self) -> S {
        self.inner
    }

    /// Fails once the wait has been too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let until = (Instant::now() + self.allowance.stall()).min(self.allowance.end());
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        Poll::Ready(too_slow())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                self.waiting = None;
                let read = u64::try_from(buffer.filled().len() - before).unwrap_or(u64::MAX);
                if self.allowance.end() < Instant::now() {
                    return Poll::Ready(Err(too_slow()));
                }
                if self.allowance.spend(read) {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the server says more than was asked for")))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(context).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_write(context, bytes) {
            Poll::Ready(written) => {
                self.waiting = None;
                Poll::Ready(written)
            }
            Poll::Pending => self.wait(context).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_flush(context) {
            Poll::Ready(flushed) => {
                self.waiting = None;
                Poll::Ready(flushed)
            }
            Poll::Pending => self.wait(context).map(Err),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_read_that_stalls_and_one_that_is_too_long_fail() {
        let (near, mut far) = duplex(64);
        let allowance = Arc::new(Allowance::new(Duration::from_secs(30), 10));
        let mut guarded = Guarded::new(near, Arc::clone(&allowance));
        far.write_all(b"12345").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(guarded.read(&mut buffer).await.unwrap(), 5);
        let started = Instant::now();
        assert_eq!(guarded.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 30);
        far.write_all(b"123456").await.unwrap();
        assert_eq!(guarded.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        allowance.set(Duration::from_secs(1), 6);
        far.write_all(b"123456").await.unwrap();
        assert_eq!(guarded.read(&mut buffer).await.unwrap(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_trickles_ends_in_the_time_that_its_size_allows() {
        let (near, mut far) = duplex(64);
        let allowance = Arc::new(Allowance::new(Duration::from_mins(1), 64));
        let mut guarded = Guarded::new(near, Arc::clone(&allowance));
        let trickle = tokio::spawn(async move {
            while far.write_all(b"1").await.is_ok() {
                tokio::time::sleep_until(Instant::now() + Duration::from_secs(59)).await;
            }
        });
        for (bytes, seconds) in [(64, 60), (BYTES_PER_SECOND_MIN * 120, 180)] {
            allowance.set(Duration::from_mins(1), bytes);
            let started = Instant::now();
            let mut buffer = [0; 64];
            let ended = loop {
                match guarded.read(&mut buffer).await {
                    Ok(_one) => assert!(started.elapsed().as_secs() <= seconds, "it goes on after {seconds} s"),
                    Err(error) => break error,
                }
            };
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
            assert_eq!(started.elapsed().as_secs(), seconds);
        }
        drop(guarded);
        trickle.await.unwrap();
    }
}
