//! The proof of bulks on a real broker: many conversations are counted, paused by a filter, the broker is killed half-way, goes on, and
//! everything is taken back that is still the same pause.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use relevo_proto::command::v1 as command;
use relevo_proto::command::v1::bulk_command_service_client::BulkCommandServiceClient;
use relevo_proto::command::v1::start_bulk_request::{Action, Selection};
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::bulk_service_client::BulkServiceClient;
use relevo_testkit::eventually_within;
use tonic::transport::Channel;

use crate::broker::Broker;
use crate::client::{Client, fresh_id};
use crate::webhook::post_meta;

/// Messages of one webhook POST.
const A_POST: usize = 250;
/// How long a bulk may take, a lease of the killed node included.
const FINISHED_WITHIN: Duration = Duration::from_mins(4);
/// Pauses that people change before the bulk is taken back: resumed, paused again, put on other terms.
const TOUCHED: usize = 6;

/// What was seen.
#[derive(Clone, Debug)]
pub struct Proof {
    pub conversations: usize,
    /// Results that were told when the broker was killed.
    pub at_kill: u32,
    /// Messages of the watch between start and end, those before the kill included.
    pub progress: usize,
    pub paused_in: Duration,
    pub undone_in: Duration,
    pub changed_since: usize,
}

/// Panics unless all of it holds.
pub async fn prove(conversations: usize) -> Proof {
    let mut broker = Broker::start().await;
    let already = open(&broker, conversations).await;
    let began = Instant::now();
    let (bulk_id, at_kill, mut progress) = killed_half_way(&mut broker, conversations).await;
    let client = broker.client("supervisor");
    let (bulk, more) = watched(&client, &bulk_id, "").await;
    progress += more;
    let paused_in = began.elapsed();

    let counts = bulk.progress.expect("progress");
    let total = u32::try_from(conversations).expect("a number of conversations");
    assert_eq!((counts.total, counts.done), (total, total));
    assert_eq!((counts.paused, counts.already), (total - 1, 1), "{counts:?}");
    let results = results(&client, &bulk_id).await;
    assert_eq!(results.len(), conversations, "one result each");
    assert_eq!(results[&already].outcome(), query::BulkOutcome::Already);
    for (id, result) in results.iter().take(50).filter(|(id, _)| **id != already) {
        assert_eq!(pauses(&client, id).await, 1, "{id} was paused once");
        assert_eq!(result.outcome(), query::BulkOutcome::Paused);
    }

    let touched = touch(&client, &broker.client("agent"), results.keys().filter(|id| **id != already)).await;
    let began = Instant::now();
    let undo = undo(&client, &bulk_id).await;
    assert!(!undo.already_so && undo.total == total - 1);
    let (undone, _) = watched(&client, &undo.bulk_id, &undo.position).await;
    let undone_in = began.elapsed();
    exactly(&client, &undo.bulk_id, &undone, &touched, total).await;
    let twice = self::undo(&client, &bulk_id).await;
    assert!(twice.already_so && twice.bulk_id == undo.bulk_id, "twice is already so");
    Proof { conversations, at_kill, progress, paused_in, undone_in, changed_since: touched.len() }
}

/// So many customers write; one of their conversations is paused by hand.
async fn open(broker: &Broker, conversations: usize) -> String {
    let numbers: Vec<usize> = (0..conversations).collect();
    for some in numbers.chunks(A_POST) {
        assert_eq!(post_meta(&broker.http, messages(some)).await, 200);
    }
    let client = broker.client("supervisor");
    let filter = query::ConversationFilter { bot: query::BotState::Active.into(), ..Default::default() };
    let list = || query::ListConversationsRequest { filter: Some(filter.clone()), page_size: 1, ..Default::default() };
    let first = eventually_within("everybody has written", FINISHED_WITHIN, async || {
        let answer = client.inbox().list_conversations(client.request(list())).await.ok()?.into_inner();
        (answer.total == conversations as u64).then(|| answer.conversations[0].conversation_id.clone())
    })
    .await;
    client.pause(&first, "a mano").await.expect("a pause");
    first
}

fn messages(numbers: &[usize]) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    let from = |n: usize| format!("54911{:08}", 55_000_000 + n);
    let contacts =
        numbers.iter().map(|n| serde_json::json!({ "profile": { "name": format!("Cliente {n}") }, "wa_id": from(*n) }));
    let messages = numbers.iter().map(|n| {
        serde_json::json!({ "from": from(*n), "id": format!("wamid.bulk-{n}"), "timestamp": now.to_string(), "type": "text",
            "text": { "body": "Hola" } })
    });
    serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "contacts": contacts.collect::<Vec<_>>(),
            "messages": messages.collect::<Vec<_>>()
        } }] }]
    })
    .to_string()
}

/// Counts, begins, kills the broker once some results are told, and starts it again. Answers with the bulk, its results at the kill, and
/// the messages of its watch until then.
async fn killed_half_way(broker: &mut Broker, conversations: usize) -> (String, u32, usize) {
    let client = broker.client("supervisor");
    let start = |dry_run| {
        let wish = command::BulkPauseAction { reason: query::PauseReason::Other.into(), ..Default::default() };
        let open = vec![query::ConversationStatus::Open.into()];
        let filter = query::ConversationFilter { statuses: open, ..Default::default() };
        command::StartBulkRequest {
            command_id: fresh_id(),
            action: Some(Action::Pause(wish)),
            selection: Some(Selection::Filter(filter)),
            dry_run,
            ..Default::default()
        }
    };
    let counted = commands(&client).start_bulk(client.request(start(true))).await.expect("a count").into_inner();
    assert_eq!((counted.total as usize, counted.bulk_id.as_str()), (conversations, ""));
    assert!(list(&client).await.is_empty(), "counting begins nothing");
    let begun = commands(&client).start_bulk(client.request(start(false))).await.expect("a bulk").into_inner();
    assert_eq!(begun.total as usize, conversations);

    let request = query::WatchBulkRequest { bulk_id: begun.bulk_id.clone(), from_position: begun.position };
    let mut watch = bulks(&client).watch_bulk(client.request(request)).await.expect("a watch").into_inner();
    let (mut progress, mut told) = (0, 0);
    while let Some(message) = watch.message().await.expect("a message") {
        let Some(now) = message.bulk.and_then(|bulk| bulk.progress) else { continue };
        progress += 1;
        told = now.done;
        if told > 0 {
            assert!(now.seconds_left.is_some());
            break;
        }
    }
    broker.kill9();
    assert!((told as usize) < conversations, "it was killed half-way, not at the end: {told}");
    broker.restart().await;
    (begun.bulk_id, told, progress)
}

/// Follows a bulk to its end. Answers with it as it is then, and how many messages there were.
async fn watched(client: &Client, bulk_id: &str, position: &str) -> (query::Bulk, usize) {
    let mut messages = 0;
    let last = async {
        let request = query::WatchBulkRequest { bulk_id: bulk_id.to_owned(), from_position: position.to_owned() };
        let mut watch = bulks(client).watch_bulk(client.request(request)).await.expect("a watch").into_inner();
        loop {
            let message = watch.message().await.expect("a message").expect("the stream goes on");
            messages += 1;
            if let Some(bulk) = message.bulk.filter(|bulk| bulk.finished_at.is_some()) {
                return bulk;
            }
        }
    };
    let bulk = tokio::time::timeout(FINISHED_WITHIN, last).await.expect("the bulk is finished in time");
    (bulk, messages)
}

/// All results, page by page.
async fn results(client: &Client, bulk_id: &str) -> BTreeMap<String, query::BulkResult> {
    let (mut all, mut page_token) = (BTreeMap::new(), String::new());
    loop {
        let request = query::ListBulkResultsRequest {
            bulk_id: bulk_id.to_owned(),
            page_size: 200,
            page_token,
            ..Default::default()
        };
        let page = bulks(client).list_bulk_results(client.request(request)).await.expect("results").into_inner();
        for result in page.results {
            let id = result.conversation_id.clone();
            assert!(all.insert(id.clone(), result).is_none(), "{id} has two results");
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

async fn list(client: &Client) -> Vec<query::Bulk> {
    let request = client.request(query::ListBulksRequest::default());
    bulks(client).list_bulks(request).await.expect("bulks").into_inner().bulks
}

async fn pauses(client: &Client, id: &str) -> usize {
    let request = query::ListPauseHistoryRequest { conversation_id: id.to_owned(), ..Default::default() };
    let mut service = query::pause_service_client::PauseServiceClient::new(client.channel());
    let history = service.list_pause_history(client.request(request)).await.expect("a history").into_inner();
    let paused = i32::from(query::BotState::Paused);
    history.entries.iter().filter(|entry| entry.bot == paused && !entry.changed).count()
}

/// People change some of the pauses. Answers with who changed which.
async fn touch(
    supervisor: &Client,
    agent: &Client,
    ids: impl Iterator<Item = &String>,
) -> BTreeMap<String, &'static str> {
    let mut touched = BTreeMap::new();
    for (n, id) in ids.take(TOUCHED).enumerate() {
        let by = if n % 3 == 2 { "supervisor" } else { "agent" };
        if n % 3 == 2 {
            let change = command::ChangePauseRequest {
                command_id: fresh_id(),
                conversation_id: id.clone(),
                locked: true,
                ..Default::default()
            };
            supervisor.commands().change_pause(supervisor.request(change)).await.expect("other terms");
        } else {
            let resume =
                command::ResumeBotRequest { command_id: fresh_id(), conversation_id: id.clone(), ..Default::default() };
            agent.commands().resume_bot(agent.request(resume)).await.expect("a resumption");
            if n % 3 == 1 {
                supervisor.pause(id, "").await.expect("a pause again");
            }
        }
        touched.insert(id.clone(), by);
    }
    touched
}

async fn undo(client: &Client, bulk_id: &str) -> command::UndoBulkResponse {
    let request =
        command::UndoBulkRequest { command_id: fresh_id(), bulk_id: bulk_id.to_owned(), ..Default::default() };
    commands(client).undo_bulk(client.request(request)).await.expect("an undo").into_inner()
}

/// Everything was taken back but what people had changed; of that it is told who and when.
async fn exactly(
    client: &Client,
    undo_id: &str,
    undone: &query::Bulk,
    touched: &BTreeMap<String, &'static str>,
    total: u32,
) {
    let changed = u32::try_from(touched.len()).expect("few");
    let counts = undone.progress.expect("progress");
    assert_eq!((counts.resumed, counts.changed_since), (total - 1 - changed, changed), "{counts:?}");
    let results = results(client, undo_id).await;
    let since: HashSet<&String> = results
        .iter()
        .filter(|(_, result)| result.outcome() == query::BulkOutcome::ChangedSince)
        .map(|(id, _)| id)
        .collect();
    assert_eq!(since, touched.keys().collect());
    let actors: HashSet<String> = since.iter().map(|id| results[*id].changed_by.clone().expect("who").name).collect();
    assert!(actors.len() == 2 && since.iter().all(|id| results[*id].changed_at.is_some()), "who and when: {actors:?}");
    let paused = query::ConversationFilter { bot: query::BotState::Paused.into(), ..Default::default() };
    let request = query::ListConversationsRequest { filter: Some(paused), page_size: 200, ..Default::default() };
    let list = client.inbox().list_conversations(client.request(request)).await.expect("a list").into_inner();
    // The one by hand, and of those touched the ones that are paused again or on other terms.
    assert_eq!(list.total as usize, 1 + touched.len() * 2 / 3, "nothing else is paused");
}

fn commands(client: &Client) -> BulkCommandServiceClient<Channel> {
    BulkCommandServiceClient::new(client.channel())
}

fn bulks(client: &Client) -> BulkServiceClient<Channel> {
    BulkServiceClient::new(client.channel()).max_decoding_message_size(16 * 1024 * 1024)
}
