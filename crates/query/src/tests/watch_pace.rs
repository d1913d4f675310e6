//! How often a watch looks, whatever it finds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use relevo_catalogue::Language;
use relevo_domain::Position;

use super::live::{Live, idle};
use super::world::{World, supervisor};
use crate::error::QueryError;
use crate::request::Session;
use crate::watch::{Seen, Step, Watched};

/// Finds nothing, and counts how often.
struct Idle(Arc<AtomicUsize>);

impl Watched for Idle {
    type Message = ();
    const INTERVAL: Duration = Duration::from_secs(1);

    fn look(&mut self, _: &Seen<'_>) -> Result<Step<()>, QueryError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Step::Nothing)
    }

    fn heartbeat(&self, _: Position) {}
}

#[tokio::test(start_paused = true)]
async fn looks_are_an_interval_apart_also_if_they_find_nothing() {
    let mut live = Live::new(World::new().writes("demo", 1, "wa-main", "hola"));
    let looks = Arc::new(AtomicUsize::new(0));
    let session = Session { caller: supervisor(), language: Language::En, valid_until: None };
    let watched = Idle(Arc::clone(&looks));
    let _stream = live.query.watch(session, live.inbox.view(), watched, None).await.unwrap();
    // Quiet for longer than the interval: what the last message tells is old.
    idle(Duration::from_secs(2)).await;
    for _ in 0..40 {
        live.tell(|world| world.writes("demo", 1, "wa-main", "hola"));
        idle(Duration::from_millis(100)).await;
    }
    let found = looks.load(Ordering::Relaxed);
    assert!((4..=6).contains(&found), "{found} looks in six seconds, four of them busy");
}
