//! The worker on a real log, with a real view and real stores; only the provider is a script.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use relevo_domain::conversation::{
    Attachment, Author, Content, ContentPersonal, ConversationEvent, FailureClass, Medium, Message, MessageFlags,
    MessageKind,
};
use relevo_domain::{
    Actor, CommandId, Commit, CommitId, EndpointId, EntityKind, Event, IntakePointer, RawId, Recorded, Timestamp,
};
use relevo_eventlog::{Append, Connection, InputKind, Log, Notes, Options, Outcome, RawInput};
use relevo_projection::{Runtime, Views};
use relevo_providers::{AccountKind, Health, MetaAccount, Part, Secret};
use relevo_testkit::NatsServer;
use tokio::time::Instant;

use super::*;
use crate::DeliveryProjector;

const DEADLINE: Duration = Duration::from_secs(20);
const NOW: i64 = 1_760_000_000_000;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const META: &str = "wa-ventas";
const BROKEN: &str = "wa-roto";
const MAIL: &str = "soporte";

fn tenant() -> TenantId {
    TenantId::new("demo").unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

/// Answers by the id of the medium, one answer after the other, the last one for ever.
#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, Vec<Result<Bytes, FetchFailure>>>>,
    asked: Mutex<Vec<String>>,
    hanging: AtomicUsize,
}

impl Script {
    fn on(&self, id: &str, answers: Vec<Result<Bytes, FetchFailure>>) {
        self.answers.lock().unwrap().insert(id.to_owned(), answers);
    }

    fn asked(&self, id: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == id).count()
    }
}

#[async_trait]
impl Fetcher for Script {
    async fn fetch(&self, account: &Account, medium: &MediumRef, _limit: usize) -> Result<FetchedMedium, FetchFailure> {
        if account.channel.as_str().starts_with(BROKEN) {
            self.hanging.fetch_add(1, Ordering::Relaxed);
            return std::future::pending().await;
        }
        let id = medium.provider_id.clone().unwrap();
        self.asked.lock().unwrap().push(id.clone());
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(&id).unwrap_or_else(|| panic!("nobody expects {id}"));
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        answer.map(|bytes| FetchedMedium { bytes, mime_type: None })
    }
}

/// Appends without a command's rules: those are tested where they are.
struct Direct(Arc<dyn Log>);

#[async_trait]
impl MediumLog for Direct {
    async fn record(&self, which: Which<'_>, outcome: FetchOutcome) -> Result<(), RecordError> {
        let MediumTurn { index, mark, sequence: _ } = which.turn;
        let event = ConversationEvent::MediumFetched { message: which.message, index, medium: mark, outcome };
        append(&*self.0, which.conversation, vec![event], None, now()).await;
        Ok(())
    }

    async fn stored_before(&self, which: Which<'_>) -> Result<Option<StoredFile>, RecordError> {
        let commits = self.0.tail(&tenant(), &which.conversation, 0).await.unwrap();
        let mut events = commits.into_iter().flat_map(|commit| commit.commit.events);
        Ok(events.find_map(|event| match event {
            Event::Conversation(ConversationEvent::MediumFetched {
                medium,
                outcome: FetchOutcome::Stored(file),
                ..
            }) if medium == which.turn.mark => Some(file),
            _ => None,
        }))
    }
}

async fn append(
    log: &dyn Log,
    conversation: EntityId,
    events: Vec<ConversationEvent>,
    intake: Option<IntakePointer>,
    at: Timestamp,
) {
    loop {
        let tail = log.tail(&tenant(), &conversation, 0).await.unwrap();
        let last: Option<&Recorded> = tail.last();
        let commit = Commit {
            id: CommitId::new(rand::random()),
            tenant: tenant(),
            entity: conversation,
            first_version: last.map_or(1, |last| last.commit.last_version() + 1),
            command_id: CommandId::new(format!("{:x}", rand::random::<u64>()).as_str()).unwrap(),
            occurred_at: at,
            recorded_at: at,
            actor: Actor::System,
            causation: None,
            correlation: None,
            previous_hash: last.map_or([0; 32], |last| last.hash),
            intake,
            events: events.iter().cloned().map(Event::Conversation).collect(),
        };
        let batch = vec![Append { commit, expected: last.map_or(0, |last| last.sequence) }];
        if matches!(log.append(batch).await.unwrap(), Outcome::Applied { .. }) {
            return;
        }
    }
}

pub(super) struct World {
    _server: NatsServer,
    _folder: tempfile::TempDir,
    connection: Connection,
    log: Arc<dyn Log>,
    views: Views,
    script: Arc<Script>,
    pub(super) parts: MediaParts,
    ending: CancellationToken,
}

impl World {
    pub(super) async fn start(scanner: Option<&str>) -> Self {
        let server = NatsServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let options = Options { store_bytes: 4 << 30, ..Options::new(server.url()) };
        let connection = Connection::connect(options).await.unwrap();
        let log: Arc<dyn Log> = Arc::new(connection.events());
        let projectors: Vec<Arc<dyn relevo_projection::Projector>> = vec![Arc::new(DeliveryProjector)];
        let ending = CancellationToken::new();
        let options = relevo_projection::Options::default();
        let views = Runtime::start(projectors, Arc::clone(&log), folder.path(), options, ending.clone()).await.unwrap();
        let script = Arc::new(Script::default());
        let scanner = scanner.map(|script| ["sh", "-c", script].map(str::to_owned));
        let parts = MediaParts {
            view: views.get(crate::delivery::NAME).unwrap(),
            fetcher: Arc::clone(&script) as _,
            mails: Arc::new(connection.intake()),
            blobs: connection.blobs(),
            log: Arc::new(Direct(Arc::clone(&log))),
            accounts: Accounts::new([account(META, 1), account(BROKEN, 1)]),
            board: HealthBoard::default(),
            scanner: scanner.and_then(|command| Scanner::new(&command)),
            clock: now,
        };
        Self { _server: server, _folder: folder, connection, log, views, script, parts, ending }
    }

    fn work(&self) {
        tokio::spawn(MediaWorker::new(self.parts.clone()).run(self.ending.clone()));
    }

    /// A conversation of one message with these attachments.
    async fn receive(&self, number: u8, channel: &str, attachments: Vec<Attachment>) -> EntityId {
        self.receive_at(number, channel, attachments, None, now()).await
    }

    async fn receive_at(
        &self,
        number: u8,
        channel: &str,
        attachments: Vec<Attachment>,
        intake: Option<IntakePointer>,
        at: Timestamp,
    ) -> EntityId {
        let conversation = EntityId::new(EntityKind::Conversation, [number; 16]);
        let medium = if channel == MAIL { Medium::Email } else { Medium::WhatsApp };
        let events = vec![
            ConversationEvent::Opened {
                channel: ChannelId::new(channel).unwrap(),
                medium,
                contact: EntityId::new(EntityKind::Contact, [number; 16]),
            },
            ConversationEvent::MessageReceived(Box::new(Message {
                id: MessageId::new([number; 16]),
                author: Author::Customer,
                content: Content {
                    kind: MessageKind::Image,
                    attachments,
                    personal: ContentPersonal { provider_id: number.to_string(), ..ContentPersonal::default() },
                },
                provider_time: None,
                reply_to: None,
                flags: MessageFlags::default(),
            })),
        ];
        append(&*self.log, conversation, events, intake, at).await;
        conversation
    }

    /// What came of the media of a conversation, by index, once there are so many.
    async fn outcomes(&self, conversation: EntityId, count: usize) -> HashMap<u32, FetchOutcome> {
        let mut changes = self.parts.view.changes();
        let end = Instant::now() + DEADLINE;
        loop {
            let found = self.recorded(conversation).await;
            if found.len() >= count {
                return found.into_iter().collect();
            }
            assert!(Instant::now() < end, "only {found:?} after {DEADLINE:?}");
            timeout(IDLE_MAX, changes.recv()).await.ok();
        }
    }

    async fn recorded(&self, conversation: EntityId) -> Vec<(u32, FetchOutcome)> {
        let commits = self.log.tail(&tenant(), &conversation, 0).await.unwrap();
        let events = commits.into_iter().flat_map(|commit| commit.commit.events);
        let fetched = events.filter_map(|event| match event {
            Event::Conversation(ConversationEvent::MediumFetched { index, outcome, .. }) => Some((index, outcome)),
            _ => None,
        });
        fetched.collect()
    }

    async fn outcome(&self, conversation: EntityId) -> FetchOutcome {
        self.outcomes(conversation, 1).await.remove(&0).unwrap()
    }

    pub(super) async fn end(self) {
        self.ending.cancel();
        self.views.shutdown().await;
    }
}

fn account(channel: &str, revision: u64) -> Account {
    let meta = MetaAccount {
        base_url: "http://127.0.0.1:1".to_owned(),
        phone_number_id: "1".to_owned(),
        waba_id: None,
        access_token: Secret::new("secret"),
        messages_per_second: 80,
        media_hosts: Vec::new(),
    };
    Account { tenant: tenant(), channel: ChannelId::new(channel).unwrap(), revision, kind: AccountKind::Meta(meta) }
}

fn picture(id: &str) -> Attachment {
    Attachment { mime_type: "image/png".to_owned(), provider_id: Some(id.to_owned()), ..Attachment::default() }
}

fn transient() -> Result<Bytes, FetchFailure> {
    Err(FetchFailure::Transient { detail: "500".to_owned(), retry_after: None })
}

fn stored(outcome: &FetchOutcome) -> &relevo_domain::conversation::StoredFile {
    match outcome {
        FetchOutcome::Stored(file) => file,
        FetchOutcome::Unavailable { reason } => panic!("unavailable: {reason}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_of_two_messages_is_stored_once_and_the_type_is_that_of_its_content() {
    let world = World::start(None).await;
    world.script.on("first", vec![Ok(Bytes::from_static(PNG))]);
    world.script.on("second", vec![Ok(Bytes::from_static(PNG))]);
    world.script.on("liar", vec![Ok(Bytes::from_static(b"<html><script>alert(1)</script>"))]);
    let mut named = picture("first");
    named.personal.file_name = Some("foto.png".to_owned());
    let first = world.receive(1, META, vec![named]).await;
    let second = world.receive(2, META, vec![picture("second")]).await;
    let liar = world.receive(3, META, vec![picture("liar")]).await;
    world.work();

    let (one, two) = (world.outcome(first).await, world.outcome(second).await);
    assert_eq!(stored(&one).sha256, stored(&two).sha256);
    assert_eq!((stored(&one).mime_type.as_str(), stored(&one).size_bytes), ("image/png", PNG.len() as u64));
    assert_eq!(stored(&one).file_name.as_deref(), Some("foto.png"));
    let bytes = world.parts.blobs.get(&tenant(), &stored(&one).sha256).await.unwrap();
    assert_eq!(bytes.as_deref(), Some(PNG));
    let usage = world.connection.usage().await.unwrap();
    let liar = world.outcome(liar).await;
    assert_eq!(stored(&liar).mime_type, "text/html");
    let files = usage.streams.iter().find(|stream| stream.stream == relevo_eventlog::StreamName::Files).unwrap();
    // A part and an entry for each of two different files, at the most.
    assert!(files.messages <= 4, "{files:?}");

    // What comes later is found too, and everything is asked for once.
    world.script.on("later", vec![Ok(Bytes::from_static(PNG))]);
    let later = world.receive(4, META, vec![picture("later")]).await;
    stored(&world.outcome(later).await);
    for id in ["first", "second", "liar", "later"] {
        assert_eq!(world.script.asked(id), 1, "{id}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_caption_does_not_fetch_the_file_again() {
    let world = World::start(None).await;
    world.script.on("one", vec![Ok(Bytes::from_static(PNG)), Err(FetchFailure::Gone)]);
    world.script.on("two", vec![Ok(Bytes::from_static(b"two"))]);
    world.work();
    let file = |name: &str| Attachment { provider_id: Some(name.to_owned()), ..Attachment::default() };
    let conversation = world.receive(1, META, vec![file("one")]).await;
    let stored = world.outcome(conversation).await;
    let edit = |name: &str| {
        let content = Content {
            kind: MessageKind::Image,
            attachments: vec![file(name)],
            personal: ContentPersonal { text: Some("otra".to_owned()), ..ContentPersonal::default() },
        };
        vec![ConversationEvent::MessageEdited { message: MessageId::new([1; 16]), content: Box::new(content) }]
    };
    append(&*world.log, conversation, edit("one"), None, now()).await;
    let again = async || {
        let found = world.recorded(conversation).await;
        (found.len() == 2).then_some(found)
    };
    let found = relevo_testkit::eventually("the edit has its file", again).await;
    assert_eq!((&found[1].1, world.script.asked("one")), (&stored, 1));

    // Another file is another matter.
    append(&*world.log, conversation, edit("two"), None, now()).await;
    let third = async || (world.recorded(conversation).await.len() == 3).then_some(());
    relevo_testkit::eventually("the other file is fetched", third).await;
    assert_eq!(world.script.asked("two"), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_says_why_and_what_failed_for_a_moment_is_had_after_all() {
    let world = World::start(Some("if grep -q EICAR; then exit 1; fi")).await;
    world.script.on("vanished", vec![Err(FetchFailure::Gone)]);
    world.script.on("huge", vec![Err(FetchFailure::TooBig)]);
    world.script.on("private", vec![Err(FetchFailure::Refused("a private address"))]);
    world.script.on("ill", vec![Ok(Bytes::from_static(b"X5O EICAR"))]);
    world.script.on("flaky", vec![transient(), Ok(Bytes::from_static(PNG))]);
    let mut declared_huge = picture("never asked");
    declared_huge.size_bytes = Some(u64::MAX);
    let media = ["vanished", "huge", "private", "ill", "flaky"].map(picture).into_iter().chain([declared_huge]);
    let conversation = world.receive(1, META, media.collect()).await;
    world.work();

    let outcomes = world.outcomes(conversation, 6).await;
    let reason = |index: u32| match &outcomes[&index] {
        FetchOutcome::Unavailable { reason } => reason.as_str(),
        FetchOutcome::Stored(_) => "stored",
    };
    let reasons: Vec<_> = (0..6).map(reason).collect();
    assert_eq!(reasons, ["gone", "too_big", "refused", "infected", "stored", "too_big"]);
    assert_eq!(world.script.asked("flaky"), 2);
    let infected = "c008fef2316105dd6bc99903ce34143e676fabe98d25eeaa1d864fc72163ec0c";
    assert!(!world.parts.blobs.exists(&tenant(), infected).await.unwrap());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_hangs_or_whose_credential_is_refused_holds_up_no_other() {
    let world = World::start(None).await;
    for number in 10..40 {
        world.receive(number, BROKEN, vec![picture("hangs")]).await;
    }
    world.script.on("fine", vec![Ok(Bytes::from_static(PNG))]);
    world.script.on("refused", vec![Err(FetchFailure::Auth), Ok(Bytes::from_static(PNG))]);
    world.work();
    let fine = world.receive(1, META, vec![picture("fine")]).await;
    stored(&world.outcome(fine).await);

    // A refused credential stops its channel until somebody mends it, and then at once.
    let refused = world.receive(2, META, vec![picture("refused")]).await;
    let end = Instant::now() + DEADLINE;
    while world.script.asked("refused") == 0 {
        assert!(Instant::now() < end);
        tokio::task::yield_now().await;
    }
    assert_eq!(world.recorded(refused).await, Vec::new());
    let health = || world.parts.board.of(&(tenant(), ChannelId::new(META).unwrap())).remove(&Part::Media);
    while !matches!(health(), Some(Health::Broken { class: FailureClass::Auth, .. })) {
        assert!(Instant::now() < end, "{:?}", health());
        tokio::task::yield_now().await;
    }
    world.parts.accounts.replace([account(META, 2), account(BROKEN, 1)]);
    stored(&world.outcome(refused).await);
    while !matches!(health(), Some(Health::Good { .. })) {
        assert!(Instant::now() < end, "{:?}", health());
        tokio::task::yield_now().await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_channels_hang_the_others_go_on() {
    let world = World::start(None).await;
    let broken: Vec<String> = (0..20).map(|number| format!("{BROKEN}-{number}")).collect();
    world.parts.accounts.replace(broken.iter().map(String::as_str).chain([META]).map(|channel| account(channel, 1)));
    for (number, channel) in (10..).zip(broken.iter().flat_map(|channel| [channel; 3])) {
        world.receive(number, channel, vec![picture("hangs")]).await;
    }
    world.work();
    let end = Instant::now() + DEADLINE;
    // One of every channel, and all that channels share.
    while world.script.hanging.load(Ordering::Relaxed) < 36 {
        assert!(Instant::now() < end, "{:?}", world.script.hanging);
        tokio::task::yield_now().await;
    }
    world.script.on("fine", vec![Ok(Bytes::from_static(PNG))]);
    let fine = world.receive(1, META, vec![picture("fine")]).await;
    stored(&world.outcome(fine).await);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_week_it_is_given_up() {
    let world = World::start(None).await;
    world.script.on("lost", vec![transient()]);
    let week = now() - Duration::from_hours(7 * 24);
    let lost = world.receive_at(1, META, vec![picture("lost")], None, week).await;
    let unknown = world.receive_at(2, "removed", vec![picture("x")], None, week).await;
    world.work();
    for conversation in [lost, unknown] {
        assert_eq!(world.outcome(conversation).await, FetchOutcome::Unavailable { reason: "gone".to_owned() });
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_of_a_mail_are_cut_out_of_its_raw_bytes() {
    let world = World::start(None).await;
    let raw =
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nhola\n--x\n\
        Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjc=\n--x\n\
        Content-Type: image/png; name=b.png\n\n<svg onload=alert(1)>\n--x--\n";
    let input = RawInput {
        endpoint: EndpointId::new("mail-1").unwrap(),
        kind: InputKind::Email,
        received_at: now(),
        content_type: "message/rfc822".to_owned(),
        body: Bytes::from_static(raw),
        notes: Notes::default(),
    };
    // Among others that travel with it, and are not it. The log may be quicker than who appends: then the next ones do.
    let other = RawInput { body: Bytes::from_static(b"From: a@b.example\n\nhola\n"), ..input.clone() };
    let intake = world.connection.intake();
    let raw = loop {
        let (first, second, raw) =
            tokio::join!(intake.append(&other), intake.append(&other), async { intake.append(&input).await.unwrap() });
        assert!(first.is_ok() && second.is_ok());
        if raw.part > 0 {
            break raw;
        }
    };
    let at = |raw: RawId| Some(raw.update(0));
    let media = || vec![picture("0"), picture("1"), picture("7")];
    let mail = world.receive_at(1, MAIL, media(), at(raw), now()).await;
    let forgotten = world.receive_at(2, MAIL, vec![picture("0")], at(RawId::alone(raw.sequence + 1)), now()).await;
    world.work();

    let outcomes = world.outcomes(mail, 3).await;
    let pdf = stored(&outcomes[&0]);
    assert_eq!((pdf.mime_type.as_str(), pdf.size_bytes), ("application/pdf", 8));
    assert_eq!(stored(&outcomes[&1]).mime_type, "image/svg+xml");
    let gone = FetchOutcome::Unavailable { reason: "gone".to_owned() };
    assert_eq!(outcomes[&2], gone);
    assert_eq!(world.outcome(forgotten).await, gone);
    world.end().await;
}
