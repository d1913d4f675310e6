//! What Relevo notices by itself, through the real door: a posted webhook pauses the bot or suggests it, in the commit of the message;
//! staff answers what is suggested; a tenant says what it wants noticed.

use relevo_proto::Problem;
use relevo_proto::admin::v1 as admin;
use relevo_proto::admin::v1::log_service_client::LogServiceClient;
use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::workspace_service_client::WorkspaceServiceClient;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::pause_service_client::PauseServiceClient;
use relevo_proto::query::v1::thread_entry::Entry;
use relevo_testkit::{NatsServer, eventually};
use relevo_tests::client::fresh_id;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client, Setup};
use tonic::Status;

/// Customers who write, each in a conversation of their own.
struct Customers<'b> {
    broker: &'b Broker,
    admin: Client,
    posts: u64,
}

impl<'b> Customers<'b> {
    fn new(broker: &'b Broker) -> Self {
        Self { broker, admin: broker.client("admin"), posts: 0 }
    }

    /// Posts a message of the `n`-th customer, waits until it is stored, and gives the names of its commit's events.
    async fn says(&mut self, n: usize, text: &str) -> Vec<String> {
        self.posts += 1;
        let id = format!("wamid.{}", self.posts);
        let post = meta_text(&format!("549115550{n:04}"), &format!("Cliente {n}"), &id, text);
        assert_eq!(post_meta(&self.broker.http, post).await, 200);
        self.admin.settled(self.posts).await;
        let last = self.commits(n).await.pop().unwrap();
        let names: Vec<String> = last.events.into_iter().map(|event| event.name).collect();
        // What it begins with depends on what was before.
        let said = names.iter().position(|name| name == "MessageReceived").unwrap();
        names[said..].to_vec()
    }

    async fn id(&self, n: usize) -> String {
        let name = format!("Cliente {n}");
        let found = eventually("the inbox shows the customer", async || {
            self.admin.conversations().await.into_iter().find(|row| row.contact_name == name)
        });
        found.await.conversation_id
    }

    /// The conversation's commits, from the log itself.
    async fn commits(&self, n: usize) -> Vec<admin::LogCommit> {
        commits(&self.admin, &self.id(n).await).await
    }

    async fn pause(&self, n: usize) -> query::GetPauseResponse {
        let conversation_id = self.id(n).await;
        let end = self.commits(n).await.pop().unwrap().sequence;
        let request =
            query::GetPauseRequest { conversation_id, min_position: format!("p1-{end}"), ..Default::default() };
        pauses(&self.admin).get_pause(self.admin.request(request)).await.unwrap().into_inner()
    }
}

async fn commits(admin: &Client, conversation: &str) -> Vec<admin::LogCommit> {
    let of = Some(admin::show_log_request::Of::EntityId(conversation.to_owned()));
    let request = admin::ShowLogRequest { of, ..Default::default() };
    let mut log = LogServiceClient::new(admin.channel());
    log.show(admin.request(request)).await.unwrap().into_inner().commits
}

fn pauses(client: &Client) -> PauseServiceClient<tonic::transport::Channel> {
    PauseServiceClient::new(client.channel())
}

fn workspace(client: &Client) -> WorkspaceServiceClient<tonic::transport::Channel> {
    WorkspaceServiceClient::new(client.channel())
}

async fn suggestions(client: &Client, rule: &str, channel: &str) -> Vec<query::Suggestion> {
    let channel_ids = Some(channel.to_owned()).filter(|channel| !channel.is_empty()).into_iter().collect();
    let request = query::ListSuggestionsRequest { rule: rule.to_owned(), channel_ids, ..Default::default() };
    pauses(client).list_suggestions(client.request(request)).await.unwrap().into_inner().suggestions
}

fn code(status: &Status) -> &'static str {
    Problem::from_status(status).map_or("not ours", |problem| problem.code.as_str())
}

const PAUSED: [&str; 3] = ["MessageReceived", "SituationDetected", "BotPaused"];
const SUGGESTED: [&str; 2] = ["MessageReceived", "SituationDetected"];
const NOTHING: [&str; 1] = ["MessageReceived"];

/// Situations 2, 3 and 4 of document 000, every example at the message at which it is found.
#[tokio::test]
async fn every_example_is_found_at_its_message_and_in_its_commit() {
    let broker = Broker::start().await;
    let mut customers = Customers::new(&broker);
    let pausing = [
        ("No entiendo, solo quiero UNA CITA", query::PauseReason::FrustratedCustomer),
        ("error", query::PauseReason::FrustratedCustomer),
        ("NO FUNCIONA ESTO", query::PauseReason::FrustratedCustomer),
        ("¿hay alguien ahí?", query::PauseReason::FrustratedCustomer),
        ("QUIERO QUE ME ATIENDAN BIEN", query::PauseReason::FrustratedCustomer),
        ("El corte que me hicieron la semana pasada quedó mal", query::PauseReason::Complaint),
        ("Me cobraron de más", query::PauseReason::Complaint),
        ("El peluquero fue grosero", query::PauseReason::Complaint),
        ("Quiero cancelar mi suscripción", query::PauseReason::Complaint),
    ];
    for (n, (text, reason)) in pausing.into_iter().enumerate() {
        assert_eq!(customers.says(n, "Hola, buenas").await, NOTHING, "{text}");
        assert_eq!(customers.says(n, text).await, PAUSED, "{text}");
        let pause = customers.pause(n).await.pause.unwrap();
        assert_eq!((pause.reason, pause.automatic), (i32::from(reason), true), "{text}");
        assert_eq!(pause.by.unwrap().kind, i32::from(query::ActorKind::System), "{text}");
        assert_eq!(pause.detection.unwrap().message_ids.len(), 1, "{text}");
        assert_eq!(customers.says(n, text).await, NOTHING, "{text}: it is paused");
    }
    let suggesting = [
        "¿Puedo agendar para 3 personas al mismo tiempo?",
        "Tengo una discapacidad, ¿tienen accesibilidad?",
        "¿Aceptan seguro médico?",
        "Necesito hablar con el dueño",
        "¿Cuánto cuesta el servicio X?",
    ];
    for (n, text) in (20..).zip(suggesting) {
        assert_eq!(customers.says(n, text).await, SUGGESTED, "{text}");
        assert_eq!(customers.says(n, text).await, NOTHING, "{text}: once is enough");
        assert_eq!(customers.pause(n).await.pause, None, "{text}");
    }
    for (n, text) in (40..).zip(["DNI", "OK", "SÍ", "AV CORRIENTES 1234 PISO 5 CABA", "el error fue mío"]) {
        assert_eq!(customers.says(n, text).await, NOTHING, "{text}");
    }
    let reason = i32::from(query::PauseReason::Complaint);
    let counts = pauses(&customers.admin)
        .get_pause_counts(customers.admin.request(query::GetPauseCountsRequest::default()))
        .await
        .unwrap();
    let complaints = counts.into_inner().counts.into_iter().find(|count| count.reason == reason).unwrap();
    assert_eq!((complaints.manual, complaints.automatic), (0, 4));
}

#[tokio::test]
async fn a_suggestion_is_listed_for_who_may_see_it_until_it_is_answered() {
    let broker = Broker::start().await;
    let mut customers = Customers::new(&broker);
    for n in 1..=3 {
        customers.says(n, "¿Aceptan seguro médico?").await;
    }
    customers.says(3, "¿Cuánto cuesta el servicio X?").await;
    let admin = broker.client("admin");
    let rows =
        eventually("all are listed", async || Some(suggestions(&admin, "", "").await).filter(|rows| rows.len() == 4))
            .await;
    assert!(rows.is_sorted_by_key(|row| row.at.map(|at| (at.seconds, at.nanos))), "the oldest first");
    let ids = [customers.id(1).await, customers.id(2).await, customers.id(3).await];
    let of = |id: &str| rows.iter().find(|row| row.conversation_id == id).unwrap();
    let (first, second) = (of(&ids[0]), of(&ids[1]));
    let detection = first.detection.clone().unwrap();
    assert_eq!((detection.rule.as_str(), detection.count), ("complex_query", 1));
    assert!(detection.phrase.contains("seguro"), "{detection:?}");
    assert_eq!(suggestions(&admin, "price_question", "").await.len(), 1);
    assert_eq!(suggestions(&admin, "complex_query", &first.channel_id).await.len(), 3);
    let analyst = suggestions(&broker.client("analyst"), "", "").await;
    assert!(analyst.iter().all(|row| row.detection.as_ref().unwrap().phrase.is_empty()), "words are for who reads");
    let wrong = query::ListSuggestionsRequest { rule: "anger".to_owned(), ..Default::default() };
    let refused = pauses(&admin).list_suggestions(admin.request(wrong)).await.unwrap_err();
    assert_eq!(code(&refused), "INVALID_ARGUMENT");

    let laura = broker.client("agent");
    let accept = command::AcceptSuggestionRequest {
        command_id: fresh_id(),
        conversation_id: first.conversation_id.clone(),
        suggestion: first.suggestion,
        note: "la llamo".to_owned(),
        ..Default::default()
    };
    let accepted = laura.commands().accept_suggestion(laura.request(accept.clone())).await.unwrap().into_inner();
    assert_eq!(accepted.conversation.unwrap().bot, i32::from(query::BotState::Paused));
    let repeated = laura.commands().accept_suggestion(laura.request(accept.clone())).await.unwrap().into_inner();
    assert_eq!(repeated.position, accepted.position);
    let again = command::AcceptSuggestionRequest { command_id: fresh_id(), ..accept };
    let refused = laura.commands().accept_suggestion(laura.request(again)).await.unwrap_err();
    assert_eq!(code(&refused), "SUGGESTION_NOT_FOUND");
    let dismiss = command::DismissSuggestionRequest {
        command_id: fresh_id(),
        conversation_id: second.conversation_id.clone(),
        suggestion: second.suggestion,
        ..Default::default()
    };
    for who in ["bot", "analyst"] {
        let other = broker.client(who);
        let refused = other.commands().dismiss_suggestion(other.request(dismiss.clone())).await.unwrap_err();
        assert_eq!(code(&refused), "FORBIDDEN", "{who}");
    }
    laura.commands().dismiss_suggestion(laura.request(dismiss)).await.unwrap();
    assert_eq!(customers.says(2, "¿Aceptan seguro médico?").await, NOTHING, "not in this episode");
    eventually("two are left", async || {
        let left = suggestions(&admin, "", "").await;
        (left.len() == 2 && left.iter().all(|row| row.conversation_id == ids[2])).then_some(())
    })
    .await;
    let thread = admin.thread(&first.conversation_id).await;
    let kinds: Vec<_> = thread
        .iter()
        .filter_map(|entry| match &entry.entry {
            Some(Entry::Timeline(row)) => Some(row.kind()),
            _ => None,
        })
        .collect();
    assert!(kinds.contains(&query::TimelineKind::SituationDetected), "{kinds:?}");
    assert!(kinds.contains(&query::TimelineKind::SuggestionClosed), "{kinds:?}");
}

#[tokio::test]
async fn a_tenant_says_what_is_noticed_from_the_next_message_on() {
    let broker = Broker::start().await;
    let mut customers = Customers::new(&broker);
    let supervisor = broker.client("supervisor");
    let phrase = |text: &str| command::DetectionPhrase {
        rule: "complaint".to_owned(),
        language: "es".to_owned(),
        text: text.to_owned(),
        ..Default::default()
    };
    assert_eq!(customers.says(1, "se cayó el flete").await, NOTHING);
    let set = command::SetDetectionRequest {
        command_id: fresh_id(),
        acts: vec![command::DetectionAct { rule: "price_question".to_owned(), act: "off".to_owned() }],
        add: vec![phrase("se cayo el flete")],
        ..Default::default()
    };
    let agent = broker.client("agent");
    let refused = workspace(&agent).set_detection(agent.request(set.clone())).await.unwrap_err();
    assert_eq!(code(&refused), "FORBIDDEN");
    let done = workspace(&supervisor).set_detection(supervisor.request(set.clone())).await.unwrap().into_inner();
    assert_eq!(done.policy.unwrap().added.len(), 1);
    let same = command::SetDetectionRequest { command_id: fresh_id(), ..set.clone() };
    assert!(workspace(&supervisor).set_detection(supervisor.request(same)).await.unwrap().into_inner().already_so);
    let repeated = workspace(&supervisor).set_detection(supervisor.request(set)).await.unwrap().into_inner();
    assert_eq!(repeated.position, done.position);

    assert_eq!(customers.says(1, "SE CAYÓ EL FLETE.").await, PAUSED);
    assert_eq!(customers.says(2, "¿Cuánto cuesta el servicio X?").await, NOTHING);
    let shown = workspace(&agent).get_detection(agent.request(command::GetDetectionRequest {})).await.unwrap();
    let policy = shown.into_inner().policy.unwrap();
    assert!(policy.acts.iter().any(|act| (act.rule.as_str(), act.act.as_str()) == ("price_question", "off")));
    let (exit, out, err) = relevo_tests::broker::cli(&broker, "agent", &["workspace", "detection", "show"]);
    assert_eq!((exit, err.as_str()), (0, ""));
    assert!(out.contains("se cayo el flete"), "{out}");

    for (bad, field) in [
        (command::SetDetectionRequest { repeats: Some(9), ..Default::default() }, "repeats"),
        (command::SetDetectionRequest { add: vec![phrase("..")], ..Default::default() }, "add[0]"),
        (
            command::SetDetectionRequest {
                add: (0..300).map(|n| phrase(&format!("palabra {n}"))).collect(),
                ..Default::default()
            },
            "add[299]",
        ),
        (
            command::SetDetectionRequest {
                acts: vec![command::DetectionAct { rule: "anger".to_owned(), act: "off".to_owned() }],
                ..Default::default()
            },
            "acts[0].rule",
        ),
        (command::SetDetectionRequest::default(), "acts"),
    ] {
        let bad = command::SetDetectionRequest { command_id: fresh_id(), ..bad };
        let refused = workspace(&supervisor).set_detection(supervisor.request(bad)).await.unwrap_err();
        let problem = Problem::from_status(&refused).unwrap();
        assert_eq!(problem.code.as_str(), "INVALID_ARGUMENT");
        assert_eq!(problem.violations[0].field, field);
    }
}

#[tokio::test]
async fn a_complaint_posted_to_two_nodes_pauses_once_and_a_policy_counts_on_both() {
    let nats = NatsServer::start().await;
    let env = vec![("RELEVO__NATS__URL".to_owned(), nats.url())];
    let a = Broker::start_with(Setup { env: env.clone(), ..Setup::default() }).await;
    let keys_from = Some(a.data().join("keys"));
    let b = Broker::start_with(Setup { env, keys_from, ..Setup::default() }).await;
    let admin = b.client("admin");
    for n in 0..10 {
        let post = meta_text(&format!("549115550{n:04}"), "Cliente", &format!("wamid.{n}"), "Me cobraron de más");
        let (first, second) = tokio::join!(post_meta(&a.http, post.clone()), post_meta(&b.http, post));
        assert_eq!((first, second), (200, 200));
    }
    admin.settled(20).await;
    let rows =
        eventually("all are there", async || Some(admin.conversations().await).filter(|rows| rows.len() == 10)).await;
    for row in rows {
        let commits = commits(&admin, &row.conversation_id).await;
        let names: Vec<_> = commits.iter().flat_map(|commit| &commit.events).map(|event| event.name.as_str()).collect();
        let opened = ["ConversationOpened", "EpisodeStarted"];
        assert_eq!(names, [&opened[..], &PAUSED[..]].concat(), "one commit, once");
    }
    // What is set on one node counts for what the other takes in.
    let supervisor = a.client("supervisor");
    let acts = vec![command::DetectionAct { rule: "complaint".to_owned(), act: "off".to_owned() }];
    let set = command::SetDetectionRequest { command_id: fresh_id(), acts, ..Default::default() };
    workspace(&supervisor).set_detection(supervisor.request(set)).await.unwrap();
    let mut n = 100;
    eventually("the other node knows", async || {
        n += 1;
        let post =
            meta_text(&format!("549115550{n:04}"), &format!("Otro {n}"), &format!("wamid.{n}"), "Me cobraron de más");
        assert_eq!(post_meta(&b.http, post).await, 200);
        let row = eventually("it is there", async || {
            admin.conversations().await.into_iter().find(|row| row.contact_name == format!("Otro {n}"))
        });
        let row = row.await;
        (row.bot == i32::from(query::BotState::Active)).then_some(())
    })
    .await;
}
