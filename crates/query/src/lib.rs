//! The query side: the gRPC services of `relevo.query.v1` over the views.
//!
//! Every RPC is five short moves: parse the request into a typed query, authorise the caller, wait until the view is fresh
//! enough, read from one snapshot (on a blocking thread, unless it is short and in memory), render. Nothing here writes, knows
//! the log, or decides; what a caller may see is decided by `Caller::sees` on every row. All pages of a list show one moment
//! (see [`moment`]).

mod access;
mod contact_name;
mod cursor;
mod directory;
mod due;
mod error;
mod files;
mod filter;
mod grpc;
mod history;
mod mail_html;
mod moment;
mod page_token;
mod paging;
mod render;
mod request;
mod sending;
mod tally;
mod watch;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vocabulary_tests;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use relevo_domain::Clock;
use relevo_projection::{View, ViewSnapshot};
use relevo_proto::query::v1::assignment_service_server::AssignmentServiceServer;
use relevo_proto::query::v1::bulk_service_server::BulkServiceServer;
use relevo_proto::query::v1::file_service_server::FileServiceServer;
use relevo_proto::query::v1::inbox_service_server::InboxServiceServer;
use relevo_proto::query::v1::metrics_service_server::MetricsServiceServer;
use relevo_proto::query::v1::pause_service_server::PauseServiceServer;
use relevo_proto::query::v1::quick_reply_service_server::QuickReplyServiceServer;
use relevo_proto::query::v1::template_service_server::TemplateServiceServer;
use tokio_util::sync::CancellationToken;

pub use directory::{ChannelLabels, Directory, TenantDirectory};
pub use files::{Addressed, FileSource};
pub use grpc::{Files, Templates};
pub use history::{History, HistoryError, NoHistory, When};
pub use moment::KEPT_FOR;
pub use request::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, THREAD_PAGE_SIZE_DEFAULT};
pub use sending::SendingChannels;

/// The HTML of a mail that staff writes, without what must not be sent: scripts, forms, what reaches out. Pictures from elsewhere stay.
pub fn sanitised_mail(html: &str) -> String {
    mail_html::sanitise(html, std::collections::HashMap::new(), true).html
}
pub use watch::{HEARTBEAT, WATCHES_PER_CALLER_MAX, WATCHES_PER_NODE_MAX, WATCHES_PER_TENANT_MAX, WatchStream};

use due::Dues;
use error::QueryError;
use grpc::Pasts;
use moment::Moments;
use page_token::PageTokens;
use tally::Tallies;
use watch::presence::Presences;
use watch::{Turns, Watches};

/// The largest request, in bytes: ids, a filter with every field full and a page token, with room.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// The largest answer, in bytes: a page of a thread with long mails.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The four views that are read.
#[derive(Clone, Debug)]
pub struct QueryViews {
    pub inbox: Arc<View>,
    pub assignment: Arc<View>,
    pub pause: Arc<View>,
    pub metrics: Arc<View>,
}

/// What the services need beside the views.
#[derive(Clone)]
pub struct Ports {
    /// Tells what is due, and what lies in the future.
    pub now: Clock,
    /// Where reads of the past come from.
    pub history: Arc<dyn History>,
    /// Cancelled when the node stops: ends every watch.
    pub ending: CancellationToken,
}

/// Implements the four query services. Cheap to clone.
///
/// The caller is taken from the request's extensions, where the binary's interceptor put a [`relevo_domain::Caller`]; without
/// one every RPC answers `UNAUTHENTICATED`.
#[derive(Clone)]
pub struct Query {
    inner: Arc<Inner>,
}

struct Inner {
    views: QueryViews,
    directory: Directory,
    ports: Ports,
    tokens: PageTokens,
    moments: Moments,
    dues: Dues,
    tallies: Tallies,
    watches: Watches,
    turns: Turns,
    presences: Presences,
    pasts: Pasts,
}

impl Query {
    /// `page_key` signs page tokens: random, and of this process alone.
    pub fn new(views: QueryViews, directory: Directory, page_key: [u8; 32], ports: Ports) -> Self {
        // Only tells processes apart; a clock that stands still costs a wrong error code, nothing else.
        let boot = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        let tokens = PageTokens::new(page_key, boot);
        Self {
            inner: Arc::new(Inner {
                views,
                directory,
                ports,
                tokens,
                moments: Moments::default(),
                dues: Dues::default(),
                tallies: Tallies::default(),
                watches: Watches::default(),
                turns: Turns::default(),
                presences: Presences::default(),
                pasts: Pasts::default(),
            }),
        }
    }

    pub fn inbox_server(&self) -> InboxServiceServer<Self> {
        InboxServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn assignment_server(&self) -> AssignmentServiceServer<Self> {
        AssignmentServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn file_server(&self, source: Arc<dyn FileSource>) -> FileServiceServer<Files> {
        FileServiceServer::new(Files::new(self.clone(), source))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn pause_server(&self) -> PauseServiceServer<Self> {
        PauseServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn bulk_server(&self) -> BulkServiceServer<Self> {
        BulkServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn template_server(&self, channels: Arc<dyn SendingChannels>) -> TemplateServiceServer<Templates> {
        TemplateServiceServer::new(Templates::new(self.clone(), channels))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn quick_reply_server(&self) -> QuickReplyServiceServer<Self> {
        QuickReplyServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    pub fn metrics_server(&self) -> MetricsServiceServer<Self> {
        MetricsServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }
}

/// Reads on a blocking thread: RocksDB may touch the disk.
async fn read<A: Send + 'static>(
    work: impl FnOnce() -> Result<A, QueryError> + Send + 'static,
) -> Result<A, QueryError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(QueryError::Stopping))
}

/// Reads where the request stands if all of it is in memory, as it nearly always is: going to a blocking thread and back costs as
/// much as a short list. What needs the disk is read again there. Only for work that takes little time in memory.
async fn read_near<A: Send + 'static>(
    rows: &ViewSnapshot,
    work: impl Fn(&ViewSnapshot) -> Result<A, QueryError> + Send + 'static,
) -> Result<A, QueryError> {
    let near = rows.in_memory();
    let found = work(&near);
    if !near.missed() {
        return found;
    }
    let rows = rows.clone();
    read(move || work(&rows)).await
}
