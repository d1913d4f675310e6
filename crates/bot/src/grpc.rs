//! `relevo.bot.v1.BotService`: streams and single calls of bots.

use std::sync::Arc;

use relevo_command::grpc::refuse;
use relevo_domain::{Caller, ErrorCode, Role, ValidUntil};
use relevo_proto::Problem;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::bot_service_server::{BotService, BotServiceServer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::act::act;
use crate::dispatch::Bots;
use crate::dispatch::STREAMS_MAX;
use crate::session::{ANSWERS_MAX, Session};

/// The largest message of a bot, in bytes: a mail with a text and an HTML part. Files are stored before, and named.
const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The largest answer, in bytes: a turn with as many of the longest messages as it may tell.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Bots {
    /// The server of `relevo.bot.v1.BotService`, with its limits.
    pub fn server(&self) -> BotServiceServer<Self> {
        BotServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }
}

#[tonic::async_trait]
impl BotService for Bots {
    type ConverseStream = ReceiverStream<Result<pb::ConverseResponse, Status>>;

    async fn converse(
        &self,
        request: Request<Streaming<pb::ConverseRequest>>,
    ) -> Result<Response<Self::ConverseStream>, Status> {
        let language = language(&request);
        let caller = bot(&request, &language)?;
        let desk = self.inner.desk(&caller);
        let seat = desk.seat().ok_or_else(|| {
            refuse(
                &language,
                Problem::new(ErrorCode::LimitReached).about("what", "streams").about("limit", STREAMS_MAX),
            )
        })?;
        let valid_until = request.extensions().get::<ValidUntil>().map(|until| until.0);
        let (answers, stream) = mpsc::channel(ANSWERS_MAX);
        let inner = Arc::clone(&self.inner);
        let session = Session { inner, desk, caller, language, valid_until, answers };
        let messages = request.into_inner();
        self.inner.tasks.spawn(async move {
            session.run(messages).await;
            drop(seat);
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn act(&self, request: Request<pb::ActRequest>) -> Result<Response<pb::ActResponse>, Status> {
        let language = language(&request);
        let caller = bot(&request, &language)?;
        act(&self.inner, &caller, &language, request.into_inner()).await.map(Response::new)
    }
}

fn language<T>(request: &Request<T>) -> String {
    let accepted = request.metadata().get("accept-language").and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().to_owned()
}

/// The caller, if it is a bot: nobody else acts as one.
fn bot<T>(request: &Request<T>, language: &str) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    let caller = caller.ok_or_else(|| refuse(language, Problem::new(ErrorCode::Unauthenticated)))?;
    if caller.role == Role::Bot {
        return Ok(caller);
    }
    Err(refuse(language, Problem::new(ErrorCode::Forbidden).about("role", caller.role.as_str())))
}
