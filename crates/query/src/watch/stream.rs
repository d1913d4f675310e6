//! What tonic reads a watch from: its messages, and when there are no more the reason why it ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tonic::Status;

/// Messages of one watch. A reason needs no room: a client that reads slowly gets it after what waits for it.
#[derive(Debug)]
pub struct WatchStream<M> {
    messages: mpsc::Receiver<M>,
    reason: Option<oneshot::Receiver<Status>>,
}

/// Ends a stream with a reason.
#[derive(Debug)]
pub(crate) struct Ended(oneshot::Sender<Status>);

pub(crate) fn ending<M>(messages: mpsc::Receiver<M>) -> (Ended, WatchStream<M>) {
    let (sender, reason) = oneshot::channel();
    (Ended(sender), WatchStream { messages, reason: Some(reason) })
}

impl Ended {
    pub(crate) fn with(self, reason: Status) {
        // The client may have gone meanwhile.
        self.0.send(reason).ok();
    }
}

impl<M> Stream for WatchStream<M> {
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = ready!(self.messages.poll_recv(context)) {
            return Poll::Ready(Some(Ok(message)));
        }
        let Some(reason) = &mut self.reason else { return Poll::Ready(None) };
        let reason = ready!(Pin::new(reason).poll(context));
        self.reason = None;
        // A task that ended without a reason has panicked: the client must not take that for a good end.
        Poll::Ready(Some(Err(reason.unwrap_or_else(|_dropped| Status::internal("watch ended unexpectedly")))))
    }
}
