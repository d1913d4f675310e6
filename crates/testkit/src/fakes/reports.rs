//! Posts status webhooks as the providers do: signed, again and again until they are taken, independently of each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Webhooks that are posted at a time.
const AT_A_TIME: usize = 64;
/// A webhook that is not taken is posted again after this pause, up to so often: two minutes, in which a server can restart.
/// The real ones take hours.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
const ATTEMPTS_MAX: usize = 600;
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// One webhook, ready to be posted.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// Where it is posted.
    pub(crate) url: String,
    pub(crate) content_type: &'static str,
    pub(crate) signature: (&'static str, String),
    pub(crate) body: Bytes,
}

/// Posts webhooks. What is not posted when it is dropped is lost.
pub(crate) struct Reporter {
    http: Client<HttpConnector, Full<Bytes>>,
    permits: Arc<Semaphore>,
    pending: Arc<AtomicUsize>,
    tasks: Mutex<JoinSet<()>>,
}

// === impl Reporter ===

impl Default for Reporter {
    fn default() -> Self {
        Self {
            http: Client::builder(TokioExecutor::new()).build_http(),
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
            pending: Arc::default(),
            tasks: Mutex::default(),
        }
    }
}

impl Reporter {
    /// Posts them one after the other, in the background.
    pub(crate) fn post_later(&self, webhooks: Vec<Webhook>) {
        let (http, permits, pending) = (self.http.clone(), Arc::clone(&self.permits), Arc::clone(&self.pending));
        pending.fetch_add(1, Ordering::SeqCst);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            for webhook in webhooks {
                let Ok(permit) = permits.acquire().await else { break };
                insist(&http, &webhook).await;
                drop(permit);
            }
            pending.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Posts it before going on, once; says whether it was taken.
    pub(crate) async fn post_now(&self, webhook: &Webhook) -> bool {
        post(&self.http, webhook).await
    }

    /// Messages of which not every report has been taken.
    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    /// Fetches a file, as a provider does that is given an address.
    pub(crate) async fn fetch(&self, url: &str) -> Option<Bytes> {
        let request = Request::get(url).body(Full::default()).ok()?;
        let answer = timeout(ANSWER_MAX, self.http.request(request)).await.ok()?.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        Some(timeout(ANSWER_MAX, answer.into_body().collect()).await.ok()?.ok()?.to_bytes())
    }
}

async fn insist(http: &Client<HttpConnector, Full<Bytes>>, webhook: &Webhook) {
    for _ in 0..ATTEMPTS_MAX {
        if post(http, webhook).await {
            return;
        }
        sleep(AGAIN_AFTER).await;
    }
}

async fn post(http: &Client<HttpConnector, Full<Bytes>>, webhook: &Webhook) -> bool {
    let (name, signature) = &webhook.signature;
    let request = Request::post(&webhook.url)
        .header("content-type", webhook.content_type)
        .header(*name, signature)
        .body(Full::new(webhook.body.clone()));
    let Ok(request) = request else { return false };
    let answer = timeout(ANSWER_MAX, http.request(request)).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().is_success()))
}
