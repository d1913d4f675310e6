//! Who reads when many watches wake at once: few threads, each of which goes from one watch to the next.
//!
//! A change wakes every watch of a desk. A blocking thread for each would cost more than what it reads; so looks wait in a line
//! that few threads serve until it is empty. A watch has one look in the line at a time: the line is never
//! longer than there are watches.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::error::QueryError;

/// Threads that read for watches at the same time: more of them than cores only wait for each other.
const READERS_MAX: usize = 4;
/// The same for figures, each of whose looks reads a whole span: lists never wait for them.
const FIGURES_READERS_MAX: usize = 2;

type Look = Box<dyn FnOnce() + Send>;

/// Watches that take turns to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Lists and threads, where a look is quick.
    Lists,
    /// Figures.
    Figures,
}

/// The lines of a node's watches. Clones are the same lines.
#[derive(Clone, Default)]
pub(crate) struct Turns {
    lists: Arc<Mutex<Line>>,
    figures: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    looks: VecDeque<Look>,
    readers: usize,
}

impl Turns {
    /// Does the work where blocking is allowed, when it is its turn. Work that panics ends its own watch alone.
    pub(crate) async fn read<A: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> Result<A, QueryError> + Send + 'static,
    ) -> Result<A, QueryError> {
        let (line, readers_max) = match lane {
            Lane::Lists => (&self.lists, READERS_MAX),
            Lane::Figures => (&self.figures, FIGURES_READERS_MAX),
        };
        let (answer, answered) = oneshot::channel();
        let look = move || {
            // A watch that has gone asks for nothing any more.
            answer.send(work()).ok();
        };
        if lock(line).wants_reader(Box::new(look), readers_max) {
            let line = Arc::clone(line);
            tokio::task::spawn_blocking(move || serve(&line));
        }
        answered.await.unwrap_or(Err(QueryError::Stopping))
    }
}

impl Line {
    /// Takes a look into the line. Whether one more has to read.
    fn wants_reader(&mut self, look: Look, readers_max: usize) -> bool {
        self.looks.push_back(look);
        let wanted = self.readers < readers_max;
        self.readers += usize::from(wanted);
        wanted
    }

    /// `None` if nobody waits: whoever asked reads no more.
    fn next(&mut self) -> Option<Look> {
        let look = self.looks.pop_front();
        self.readers -= usize::from(look.is_none());
        look
    }
}

/// Reads until nobody waits.
fn serve(line: &Mutex<Line>) {
    loop {
        let Some(look) = lock(line).next() else { return };
        // Its sender is dropped with it, which ends its watch.
        catch_unwind(AssertUnwindSafe(look)).ok();
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_are_served_by_few_and_a_panic_ends_nobody_else() {
        let turns = Turns::default();
        let (reading, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut looks = JoinSet::new();
        for number in 0..200usize {
            let (turns, reading, most) = (turns.clone(), Arc::clone(&reading), Arc::clone(&most));
            looks.spawn(async move {
                let look = move || {
                    most.fetch_max(reading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    reading.fetch_sub(1, Ordering::SeqCst);
                    assert!(number != 7, "this one is broken");
                    Ok(number)
                };
                (number, turns.read(Lane::Lists, look).await.ok())
            });
        }
        for (number, answer) in looks.join_all().await {
            assert_eq!(answer, (number != 7).then_some(number));
        }
        assert!(most.load(Ordering::SeqCst) <= READERS_MAX);
        // Of the readers that a panic went through, each came back to the line.
        assert_eq!(turns.read(Lane::Lists, || Ok(1)).await.ok(), Some(1));
        assert!(lock(&turns.lists).readers <= READERS_MAX && lock(&turns.lists).looks.is_empty());
    }
}
