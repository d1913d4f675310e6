//! A web server that does what a test tells it, one behaviour for all calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the server does with a call.
#[derive(Clone)]
pub(super) enum Behaviour {
    /// Writes this and closes.
    Raw(Arc<[u8]>),
    /// Writes this and then nothing more, without closing.
    Stall(Arc<[u8]>),
    /// Writes this and then the letter `x` for as long as somebody reads.
    Flood(Arc<[u8]>),
    /// Waits until the test says so, then answers `{}`.
    Wait(Arc<Notify>),
}

impl Behaviour {
    pub(super) fn raw(text: &str) -> Self {
        Self::Raw(text.as_bytes().into())
    }

    pub(super) fn stall(text: &str) -> Self {
        Self::Stall(text.as_bytes().into())
    }

    pub(super) fn flood(text: &str) -> Self {
        Self::Flood(text.as_bytes().into())
    }

    pub(super) fn json(body: &str) -> Self {
        Self::ok("application/json; charset=utf-8", body)
    }

    pub(super) fn ok(media: &str, body: &str) -> Self {
        let length = body.len();
        Self::raw(&format!("HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}"))
    }

    pub(super) fn status(status: u16, more: &str) -> Self {
        Self::raw(&format!("HTTP/1.1 {status} Whatever\r\n{more}content-length: 0\r\n\r\n"))
    }
}

/// A call as it came.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) head: String,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> String {
        let found =
            self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    }
}

pub(super) struct Web {
    port: u16,
    state: Arc<State>,
}

struct State {
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<Received>>,
    running: AtomicUsize,
    most_running: AtomicUsize,
    came: Notify,
}

impl Web {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            behaviour: Mutex::new(behaviour),
            requests: Mutex::default(),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            came: Notify::new(),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { port, state }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().unwrap() = behaviour;
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(super) fn most_running(&self) -> usize {
        self.state.most_running.load(Ordering::SeqCst)
    }

    /// Returns when so many calls have come.
    pub(super) async fn came(&self, count: usize) {
        let enough = async {
            while self.requests().len() < count {
                self.state.came.notified().await;
            }
        };
        tokio::time::timeout(super::LONG, enough).await.expect("the calls");
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some(received) = read(&mut stream).await else { return };
    let running = state.running.fetch_add(1, Ordering::SeqCst) + 1;
    state.most_running.fetch_max(running, Ordering::SeqCst);
    state.requests.lock().unwrap().push(received);
    state.came.notify_one();
    let behaviour = state.behaviour.lock().unwrap().clone();
    match behaviour {
        Behaviour::Raw(bytes) => {
            let _gone = stream.write_all(&bytes).await;
        }
        Behaviour::Stall(bytes) => {
            let _gone = stream.write_all(&bytes).await;
            // Until the other side has had enough.
            let _gone = stream.read(&mut [0; 1]).await;
        }
        Behaviour::Flood(bytes) => {
            let mut written = stream.write_all(&bytes).await;
            while written.is_ok() {
                written = stream.write_all(&[b'x'; 4_096]).await;
            }
        }
        Behaviour::Wait(go) => {
            go.notified().await;
            let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        }
    }
    state.running.fetch_sub(1, Ordering::SeqCst);
    let _gone = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut received = Received { head, body: String::new() };
    let length: usize = received.header("content-length").parse().ok()?;
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&chunk[..count]);
    }
    received.body = String::from_utf8(body).ok()?;
    Some(received)
}
