//! A bot's end of a stream.

use std::time::Duration;

use relevo_proto::Problem;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::bot::v1::bot_service_client::BotServiceClient;
use relevo_proto::bot::v1::converse_request::Message as Says;
use relevo_proto::bot::v1::converse_response::Message as Told;
use relevo_proto::command::v1 as command;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::world::fresh;

/// How long a test waits for something that should come at once.
const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Bot {
    says: mpsc::Sender<pb::ConverseRequest>,
    told: Streaming<pb::ConverseResponse>,
    pub(crate) welcome: pb::Welcome,
}

pub(crate) fn hello() -> pb::Hello {
    pb::Hello::default()
}

pub(crate) fn says(message: Says) -> pb::ConverseRequest {
    pb::ConverseRequest { message: Some(message) }
}

/// Opens a stream whose first message is this.
pub(crate) async fn open(
    mut client: BotServiceClient<Channel>,
    first: Says,
    caller: &str,
) -> Result<(mpsc::Sender<pb::ConverseRequest>, Streaming<pb::ConverseResponse>), Status> {
    let (sender, receiver) = mpsc::channel(64);
    sender.send(says(first)).await.unwrap();
    let mut request = Request::new(ReceiverStream::new(receiver));
    request.metadata_mut().insert("caller", caller.parse().unwrap());
    Ok((sender, client.converse(request).await?.into_inner()))
}

pub(crate) fn code(status: &Status) -> String {
    Problem::from_status(status).map_or_else(|| format!("{status:?}"), |problem| problem.code.as_str().to_owned())
}

pub(crate) fn text(text: &str) -> command::OutgoingMessage {
    let body = command::OutgoingText { text: text.to_owned(), preview_url: false };
    command::OutgoingMessage {
        body: Some(command::outgoing_message::Body::Text(body)),
        ..command::OutgoingMessage::default()
    }
}

pub(crate) fn reply(words: &str, more: bool) -> Action {
    Action::Reply(pb::Reply { message: Some(text(words)), more })
}

pub(crate) fn act(turn: &pb::Turn, action: Action) -> pb::ActRequest {
    pb::ActRequest {
        command_id: fresh(),
        conversation_id: turn.conversation_id.clone(),
        turn: turn.turn,
        action: Some(action),
    }
}

impl Bot {
    pub(crate) async fn connect(client: BotServiceClient<Channel>, hello: pb::Hello) -> Self {
        let (says, mut told) = open(client, Says::Hello(hello), "bot@demo").await.unwrap();
        let first = timeout(SOON, told.message()).await.unwrap().unwrap().unwrap();
        let Some(Told::Welcome(welcome)) = first.message else { panic!("no welcome: {first:?}") };
        Self { says, told, welcome }
    }

    pub(crate) async fn next(&mut self) -> Told {
        timeout(SOON, self.told.message()).await.expect("something is told").unwrap().unwrap().message.unwrap()
    }

    /// How the stream ends; what is told before is passed over.
    pub(crate) async fn end(&mut self) -> Option<Status> {
        let ends = async {
            loop {
                match self.told.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(status) => return Some(status),
                }
            }
        };
        timeout(SOON, ends).await.expect("the stream ends")
    }

    pub(crate) async fn turn(&mut self) -> pb::Turn {
        match self.next().await {
            Told::Turn(turn) => turn,
            other => panic!("no turn: {other:?}"),
        }
    }

    pub(crate) async fn over(&mut self) -> pb::TurnOver {
        match self.next().await {
            Told::Over(over) => over,
            other => panic!("nothing is over: {other:?}"),
        }
    }

    /// Nothing is told for a while.
    pub(crate) async fn nothing(&mut self, time: Duration) {
        if let Ok(told) = timeout(time, self.told.message()).await {
            panic!("told: {told:?}");
        }
    }

    pub(crate) async fn say(&self, request: pb::ActRequest) {
        self.says.send(says(Says::Act(request))).await.unwrap();
    }

    pub(crate) async fn does(&mut self, request: pb::ActRequest) -> pb::ActResponse {
        self.say(request).await;
        match self.next().await {
            Told::Result(result) => result,
            other => panic!("no result: {other:?}"),
        }
    }

    /// What the action was refused with.
    pub(crate) async fn refused(&mut self, request: pb::ActRequest) -> pb::Refusal {
        let result = self.does(request).await;
        result.refusal.expect("refused")
    }
}
