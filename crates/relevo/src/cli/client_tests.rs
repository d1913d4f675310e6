//! The client against a real gRPC server on loopback whose answers are scripted: what is repeated, with which id, and how often.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use relevo_catalogue::Language;
use relevo_domain::ErrorCode;
use relevo_proto::command::v1::conversation_service_server::{ConversationService, ConversationServiceServer};
use relevo_proto::command::v1::{
    AcceptSuggestionRequest, AcceptSuggestionResponse, AddNoteRequest, AddNoteResponse, AddTagRequest, AddTagResponse,
    AssignRequest, AssignResponse, ChangePauseRequest, ChangePauseResponse, ClaimRequest, ClaimResponse,
    DismissSuggestionRequest, DismissSuggestionResponse, EscalateRequest, EscalateResponse, MarkReadRequest,
    MarkReadResponse, PauseBotRequest, PauseBotResponse, PreviewPauseRequest, PreviewPauseResponse, RemoveTagRequest,
    RemoveTagResponse, ReopenRequest, ReopenResponse, ResolveRequest, ResolveResponse, ResumeBotRequest,
    ResumeBotResponse, SetPendingRequest, SetPendingResponse, SetPriorityRequest, SetPriorityResponse, SnoozeRequest,
    SnoozeResponse, UnassignRequest, UnassignResponse, UnsnoozeRequest, UnsnoozeResponse,
};
use relevo_proto::problem::Problem;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::client::Client;
use super::failure::Failure;
use super::global::Global;

/// What the server saw of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    command_id: String,
    authorization: String,
    language: String,
}

/// Answers a claim with the next of its script, then with success.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<ErrorCode>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

fn unscripted<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not in the script"))
}

#[tonic::async_trait]
impl ConversationService for Scripted {
    async fn claim(&self, request: Request<ClaimRequest>) -> Result<Response<ClaimResponse>, Status> {
        let header = |name: &str| {
            request.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (authorization, language) = (header("authorization"), header("accept-language"));
        let command_id = request.into_inner().command_id;
        self.seen.lock().unwrap().push(Seen { command_id, authorization, language });
        match self.answers.lock().unwrap().pop_front() {
            Some(code) => Err(Problem::new(code).into()),
            None => Ok(Response::new(ClaimResponse { position: "p1-7".to_owned(), ..ClaimResponse::default() })),
        }
    }

    async fn pause_bot(&self, _request: Request<PauseBotRequest>) -> Result<Response<PauseBotResponse>, Status> {
        unscripted()
    }

    async fn resume_bot(&self, _request: Request<ResumeBotRequest>) -> Result<Response<ResumeBotResponse>, Status> {
        unscripted()
    }

    async fn change_pause(
        &self,
        _request: Request<ChangePauseRequest>,
    ) -> Result<Response<ChangePauseResponse>, Status> {
        unscripted()
    }

    async fn escalate(&self, _request: Request<EscalateRequest>) -> Result<Response<EscalateResponse>, Status> {
        unscripted()
    }

    async fn accept_suggestion(
        &self,
        _request: Request<AcceptSuggestionRequest>,
    ) -> Result<Response<AcceptSuggestionResponse>, Status> {
        unscripted()
    }

    async fn dismiss_suggestion(
        &self,
        _request: Request<DismissSuggestionRequest>,
    ) -> Result<Response<DismissSuggestionResponse>, Status> {
        unscripted()
    }

    async fn preview_pause(
        &self,
        _request: Request<PreviewPauseRequest>,
    ) -> Result<Response<PreviewPauseResponse>, Status> {
        unscripted()
    }

    async fn assign(&self, _request: Request<AssignRequest>) -> Result<Response<AssignResponse>, Status> {
        unscripted()
    }

    async fn resolve(&self, _request: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        unscripted()
    }

    async fn reopen(&self, _request: Request<ReopenRequest>) -> Result<Response<ReopenResponse>, Status> {
        unscripted()
    }

    async fn add_note(&self, _request: Request<AddNoteRequest>) -> Result<Response<AddNoteResponse>, Status> {
        unscripted()
    }

    async fn unassign(&self, _request: Request<UnassignRequest>) -> Result<Response<UnassignResponse>, Status> {
        unscripted()
    }

    async fn set_pending(&self, _request: Request<SetPendingRequest>) -> Result<Response<SetPendingResponse>, Status> {
        unscripted()
    }

    async fn snooze(&self, _request: Request<SnoozeRequest>) -> Result<Response<SnoozeResponse>, Status> {
        unscripted()
    }

    async fn unsnooze(&self, _request: Request<UnsnoozeRequest>) -> Result<Response<UnsnoozeResponse>, Status> {
        unscripted()
    }

    async fn add_tag(&self, _request: Request<AddTagRequest>) -> Result<Response<AddTagResponse>, Status> {
        unscripted()
    }

    async fn remove_tag(&self, _request: Request<RemoveTagRequest>) -> Result<Response<RemoveTagResponse>, Status> {
        unscripted()
    }

    async fn set_priority(
        &self,
        _request: Request<SetPriorityRequest>,
    ) -> Result<Response<SetPriorityResponse>, Status> {
        unscripted()
    }

    async fn mark_read(&self, _request: Request<MarkReadRequest>) -> Result<Response<MarkReadResponse>, Status> {
        unscripted()
    }
}

/// A claim against a server with this script, by a command that has `timeout`.
async fn claim(answers: &[ErrorCode], timeout: Duration) -> (Result<ClaimResponse, Failure>, Vec<Seen>) {
    let scripted = Scripted { answers: Arc::new(Mutex::new(answers.iter().copied().collect())), ..Scripted::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = ConversationServiceServer::new(scripted.clone());
    let server = tokio::spawn(
        tonic::transport::Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let client = Client::new(&Global {
        server: address.to_string(),
        api_key: Some("k".to_owned()),
        lang: Some(Language::En),
        json: false,
        timeout,
    })
    .unwrap();
    let request = ClaimRequest { command_id: "c-1".to_owned(), ..ClaimRequest::default() };
    let answer = client
        .until_known(|| {
            let mut service = client.conversations();
            let request = client.request(request.clone());
            async move { service.claim(request).await }
        })
        .await;
    server.abort();
    let seen = scripted.seen.lock().unwrap().clone();
    (answer, seen)
}

fn code(answer: Result<ClaimResponse, Failure>) -> ErrorCode {
    match answer {
        Err(Failure::Refused(problem)) => problem.code,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_repeated_with_the_same_command_id() {
    let (answer, seen) = claim(&[ErrorCode::OutcomeUnknown, ErrorCode::LogUnavailable], Duration::from_secs(20)).await;
    assert_eq!(answer.unwrap().position, "p1-7");
    let once = Seen { command_id: "c-1".to_owned(), authorization: "Bearer k".to_owned(), language: "en".to_owned() };
    assert_eq!(seen, [once.clone(), once.clone(), once]);
}

#[tokio::test]
async fn a_refusal_is_told_at_once() {
    for refusal in [ErrorCode::AlreadyAssigned, ErrorCode::Forbidden, ErrorCode::LogFull] {
        let (answer, seen) = claim(&[refusal], Duration::from_secs(20)).await;
        assert_eq!(code(answer), refusal);
        assert_eq!(seen.len(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn repeating_ends_with_the_commands_time_and_tells_the_last_refusal() {
    let (answer, seen) = claim(&[ErrorCode::LogUnavailable; 50], Duration::from_millis(500)).await;
    assert_eq!(code(answer), ErrorCode::LogUnavailable);
    assert!((2..10).contains(&seen.len()), "{}", seen.len());
}

#[tokio::test]
async fn nobody_at_the_address_is_not_an_unknown_outcome() {
    // Bound and never listened on: nothing else can take the port, and nothing answers.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let global = Global {
        server: taken.local_addr().unwrap().to_string(),
        api_key: Some("k".to_owned()),
        lang: None,
        json: false,
        timeout: Duration::from_secs(20),
    };
    let client = Client::new(&global).unwrap();
    let mut service = client.conversations();
    let answer = client.once(service.claim(client.request(ClaimRequest::default()))).await;
    assert!(matches!(answer, Err(Failure::Unreachable { .. })), "{answer:?}");
}
