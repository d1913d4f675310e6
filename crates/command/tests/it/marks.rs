//! What the customer is shown without a message, at a stand-in for Meta that keeps every mark: that theirs was read, that somebody
//! writes. And who is never seen to write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_command::grpc::Commands;
use relevo_command::{Mark, MarkWorker, Marks, ProviderMarks};
use relevo_domain::conversation::{MailPersonal, StoredFile};
use relevo_domain::{Caller, ChannelId, EntityId, Event, Role, TenantId, Timestamp};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::channel_command_service_server::ChannelCommandService as _;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::send_service_server::SendService as _;
use relevo_proto::query::v1 as wire;
use relevo_providers::{Account, AccountKind, Doors, FileLinks, Files, FilesError, MetaAccount, Secret, Tokens};
use relevo_testkit::fakes::{FakeMeta, MetaOptions};
use serde_json::{Value, json};
use tonic::{Response, Status};

use crate::house::{People, by, caller, carla, channel, code, fresh, laura, now, only_on, refused};
use crate::sending_house::{Business, NUMBER, said, send, template, words};

/// The channel `wa` at Meta.
struct Meta {
    doors: Doors,
    account: Account,
    receipts: AtomicBool,
}

#[async_trait]
impl ProviderMarks for Meta {
    fn takes(&self, _tenant: &TenantId, channel: &ChannelId) -> bool {
        *channel == self.account.channel && self.receipts.load(Ordering::SeqCst)
    }

    async fn mark(&self, mark: &Mark) {
        // Nobody is told.
        self.doors.mark_read(&self.account, &mark.provider_id, mark.typing).await.ok();
    }
}

/// Marks need no files.
struct NoFiles;

#[async_trait]
impl Files for NoFiles {
    async fn read(&self, _tenant: &TenantId, _sha256: &str) -> Result<Option<Bytes>, FilesError> {
        Ok(None)
    }
}

impl FileLinks for NoFiles {
    fn link(&self, _tenant: &TenantId, _file: &StoredFile, _lifetime: Duration) -> String {
        String::new()
    }
}

/// A node whose wishes are carried out when the test says so.
struct Desk {
    commands: Commands,
    worker: MarkWorker,
    port: Arc<Meta>,
    fake: FakeMeta,
}

impl Desk {
    async fn of(house: &Business) -> Self {
        let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
        let options = fake.options();
        let kind = AccountKind::Meta(MetaAccount {
            base_url: fake.base_url(),
            phone_number_id: options.phone_number_id.clone(),
            waba_id: None,
            access_token: Secret::new(&options.access_token),
            messages_per_second: 80,
            media_hosts: Vec::new(),
        });
        let account = Account { tenant: crate::sending_house::tenant(), channel: channel("wa"), revision: 1, kind };
        let doors = Doors::new(Arc::new(NoFiles), Arc::new(NoFiles), Tokens::new(now).unwrap(), now);
        let port = Arc::new(Meta { doors, account, receipts: AtomicBool::new(true) });
        let (marks, worker) = Marks::new(Arc::clone(&house.ledger), port.clone(), now);
        let commands = Commands::new(Arc::clone(&house.ledger), Arc::new(People), now).with_marks(marks);
        Self { commands, worker, port, fake }
    }

    async fn typing(
        &self,
        house: &Business,
        who: &Caller,
        conversation: EntityId,
    ) -> Result<Response<proto::ShowTypingResponse>, Status> {
        let request = proto::ShowTypingRequest { conversation_id: conversation.to_string() };
        self.commands.sends(house.ports.clone()).show_typing(by(who, request)).await
    }

    async fn read(&self, conversation: EntityId, through_version: Option<u64>) -> bool {
        let request = proto::MarkReadRequest {
            command_id: fresh(),
            conversation_id: conversation.to_string(),
            through_version,
            ..Default::default()
        };
        let answer = self.commands.conversations().mark_read(by(&laura(), request)).await;
        answer.unwrap().into_inner().already_so
    }

    /// Carries out what was wished, and tells what Meta got.
    async fn done(self) -> Vec<Value> {
        let Self { commands, worker, port: _port, fake } = self;
        drop(commands);
        worker.run(std::future::pending()).await;
        fake.marks()
    }
}

fn helper() -> Caller {
    caller("demo", Role::Bot, "helper")
}

fn read_mark(id: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "status": "read", "message_id": id })
}

fn typing_mark(id: &str) -> Value {
    let mut mark = read_mark(id);
    mark["typing_indicator"] = json!({ "type": "text" });
    mark
}

async fn pause(house: &Business, conversation: EntityId) {
    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: conversation.to_string(),
        reason: wire::PauseReason::Complaint.into(),
        ..Default::default()
    };
    house.commands.conversations().pause_bot(by(&carla(), pause)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_is_shown_once_in_a_while_and_nothing_is_stored() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = Desk::of(&house).await;
    let before = house.last_sequence().await;
    assert!(!desk.typing(&house, &laura(), id).await.unwrap().into_inner().already_so);
    for who in [laura(), helper()] {
        assert!(desk.typing(&house, &who, id).await.unwrap().into_inner().already_so, "less than 10 seconds ago");
    }
    assert_eq!(house.last_sequence().await, before);
    assert_eq!(desk.done().await, [typing_mark("wamid.1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_bot_is_never_seen_to_write() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = Desk::of(&house).await;
    // It wished before the pause; nothing was carried out yet.
    assert!(!desk.typing(&house, &helper(), id).await.unwrap().into_inner().already_so);
    // The pause is made on another node, which tells this one nothing.
    let other = house.another().await;
    pause(&other, id).await;
    let problem = refused(desk.typing(&house, &helper(), id).await);
    assert_eq!((problem.code.as_str(), problem.subject("by")), ("BOT_PAUSED", Some("staff:carla")));
    assert_eq!(problem.subject("reason"), Some("complaint"));
    assert!(desk.typing(&house, &laura(), id).await.is_ok(), "people may");
    assert_eq!(desk.done().await, [] as [Value; 0], "not even what it had wished for before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_has_read_the_customer_sees_once() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = Desk::of(&house).await;
    assert!(!desk.read(id, None).await);
    assert!(desk.read(id, None).await, "read before");
    for n in [2, 3] {
        house.happens(id, vec![Event::Conversation(said(n, NUMBER))]).await;
    }
    // Versions 3, 5 and 6 are messages of the customer: what is still unread is not said to be read.
    assert!(!desk.read(id, Some(5)).await);
    assert!(!desk.read(id, Some(6)).await);
    let mut marks = desk.done().await;
    marks.sort_by_key(|mark| mark["message_id"].to_string());
    assert_eq!(marks, [read_mark("wamid.1"), read_mark("wamid.3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_conversation_is_read_whatever_the_provider_says() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = Desk::of(&house).await;
    desk.fake.set_token("revoked");
    assert!(!desk.read(id, None).await);
    desk.typing(&house, &laura(), id).await.unwrap();
    assert_eq!(desk.done().await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_no_receipts_shows_no_typing_either() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = Desk::of(&house).await;
    desk.port.receipts.store(false, Ordering::SeqCst);
    assert!(!desk.read(id, None).await);
    let typing = refused(desk.typing(&house, &laura(), id).await);
    assert_eq!((typing.code.as_str(), typing.subject("what")), ("CHANNEL_CANNOT_SEND", Some("typing")));
    assert_eq!(desk.done().await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_that_cannot_be_shown_is_refused_by_name() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let mail = house.mail(8, "ana@example.com", MailPersonal::default()).await;
    let desk = Desk::of(&house).await;
    let elsewhere = refused(desk.typing(&house, &laura(), mail).await);
    assert_eq!((elsewhere.code.as_str(), elsewhere.subject("what")), ("CHANNEL_CANNOT_SEND", Some("typing")));
    assert_eq!(code(desk.typing(&house, &only_on("mail"), id).await), "CONVERSATION_NOT_FOUND");
    assert_eq!(code(desk.typing(&house, &caller("demo", Role::Analyst, "eva"), id).await), "FORBIDDEN");
    let request = proto::ShowTypingRequest { conversation_id: "cnv_1".to_owned() };
    let sends = desk.commands.sends(house.ports.clone());
    assert_eq!(code(sends.show_typing(by(&laura(), request.clone())).await), "INVALID_ARGUMENT");
    let without = house.commands.sends(house.ports.clone());
    let request = proto::ShowTypingRequest { conversation_id: id.to_string() };
    assert_eq!(code(without.show_typing(by(&laura(), request)).await), "CHANNEL_CANNOT_SEND");

    // Somebody who was written to, and has not answered.
    house.with_templates().await;
    let start = proto::StartConversationRequest {
        command_id: fresh(),
        channel_id: "wa".to_owned(),
        recipient: "+34 600 111 222".to_owned(),
        message: send(id, template("aviso", "Eva")).message,
        ..Default::default()
    };
    let started = sends.start_conversation(by(&laura(), start)).await.unwrap().into_inner();
    let silent = started.conversation.unwrap().conversation_id;
    let request = proto::ShowTypingRequest { conversation_id: silent };
    assert_eq!(code(sends.show_typing(by(&laura(), request)).await), "MESSAGE_NOT_FOUND");

    let pause = proto::PauseChannelRequest { command_id: fresh(), channel_id: "wa".to_owned(), ..Default::default() };
    desk.commands.channels(house.ports.clone()).pause_channel(by(&carla(), pause)).await.unwrap();
    assert_eq!(code(desk.typing(&house, &laura(), id).await), "CHANNEL_PAUSED");
    assert_eq!(code(sends.send_message(by(&laura(), send(id, words("Hola")))).await), "CHANNEL_PAUSED");
    drop(sends);
    assert_eq!(desk.done().await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bots_mark_is_a_commit_that_a_pause_comes_before_or_tells_of() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let second = house.mail(8, "ana@example.com", MailPersonal::default()).await;
    let desk = Desk::of(&house).await;
    let pause = async |conversation: EntityId| {
        let pause = proto::PauseBotRequest {
            command_id: fresh(),
            conversation_id: conversation.to_string(),
            reason: wire::PauseReason::Complaint.into(),
            ..Default::default()
        };
        house.commands.conversations().pause_bot(by(&carla(), pause)).await.unwrap().into_inner()
    };
    assert!(!desk.typing(&house, &helper(), id).await.unwrap().into_inner().already_so);
    let before = house.last_sequence().await;
    assert_eq!(desk.done().await, [typing_mark("wamid.1")]);
    assert_eq!(house.last_sequence().await, before + 1, "claimed");
    let told = pause(id).await.signal_until.expect("one may be on its way");
    let ahead = Timestamp::from_seconds(told.seconds + 1).since(now());
    assert!(ahead > Duration::ZERO && ahead <= Duration::from_secs(8), "{ahead:?}");
    assert_eq!(pause(second).await.signal_until, None, "nothing was claimed there");
}
