//! Templates are kept as the provider has them, and a provider that cannot be asked changes nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use relevo_command::decision::EntityState;
use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_domain::template::{Template, TemplateStatus};
use relevo_providers::{Account, AccountKind, Accounts, Health, HealthBoard, Part};
use relevo_sender::{TemplateSource, TemplateSync, TemplateSyncParts, delivery};
use relevo_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::world::{Node, World, account, channel, failure, key, now, tenant};

/// What a provider says when it is asked.
struct Shelf {
    templates: Mutex<Result<Vec<Template>, FailureClass>>,
    asked: AtomicUsize,
}

#[async_trait]
impl TemplateSource for Shelf {
    async fn templates(&self, _account: &Account) -> Result<Vec<Template>, SendFailure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.templates.lock().unwrap().clone().map_err(|class| failure(class, "190"))
    }
}

/// How often each channel was asked for; none has templates.
#[derive(Default)]
struct Asked(Mutex<BTreeMap<String, usize>>);

#[async_trait]
impl TemplateSource for Asked {
    async fn templates(&self, account: &Account) -> Result<Vec<Template>, SendFailure> {
        *self.0.lock().unwrap().entry(account.channel.to_string()).or_default() += 1;
        Ok(Vec::new())
    }
}

impl Asked {
    fn counts(&self) -> [usize; 3] {
        ["wa", "wb", "wc"].map(|name| self.0.lock().unwrap().get(name).copied().unwrap_or_default())
    }
}

fn template(name: &str, status: TemplateStatus) -> Template {
    Template {
        name: name.to_owned(),
        language: "es".to_owned(),
        provider_id: None,
        status,
        category: "utility".to_owned(),
        header: None,
        body: "Hola {{1}}".to_owned(),
        footer: None,
        buttons: Vec::new(),
        reason: None,
    }
}

fn known(node: &Node) -> Vec<(String, TemplateStatus)> {
    let entity = node.ledger.load(&tenant(), &key().channel(&channel("wa"))).unwrap();
    let EntityState::Channel(state) = entity.state else { panic!("not a channel") };
    state.templates.into_values().map(|template| (template.name, template.status)).collect()
}

#[tokio::test]
async fn templates_come_at_the_start_and_whenever_somebody_asks() {
    let world = World::new(&[]).await;
    let node = world.node().await;
    let shelf = Arc::new(Shelf { templates: Mutex::new(Ok(Vec::new())), asked: AtomicUsize::new(0) });
    let say = |templates| *shelf.templates.lock().unwrap() = templates;
    say(Ok(vec![template("a", TemplateStatus::Approved), template("b", TemplateStatus::Pending)]));
    let (accounts, board) = (Accounts::new([account("wa", 1)]), HealthBoard::default());
    let sync = TemplateSync::new(TemplateSyncParts {
        ledger: Arc::clone(&node.ledger),
        view: node.views.get(delivery::NAME).unwrap(),
        accounts: accounts.clone(),
        source: shelf.clone(),
        board: board.clone(),
        keys: Arc::new([(tenant(), key())].into()),
        clock: now,
    });
    let trigger = sync.trigger();
    let (token, wa) = (CancellationToken::new(), (tenant(), channel("wa")));
    let running = tokio::spawn(sync.run(token.clone()));
    let shown = async |expected: &[(&str, TemplateStatus)]| {
        let expected: Vec<_> = expected.iter().map(|(name, status)| ((*name).to_owned(), status.clone())).collect();
        eventually("the templates are known", async || (known(&node) == expected).then_some(())).await;
    };
    shown(&[("a", TemplateStatus::Approved), ("b", TemplateStatus::Pending)]).await;

    say(Ok(vec![template("b", TemplateStatus::Approved)]));
    trigger.trigger(&wa);
    shown(&[("b", TemplateStatus::Approved)]).await;

    // A provider that refuses changes nothing, and people are told.
    say(Err(FailureClass::Auth));
    trigger.trigger(&wa);
    let health = eventually("the board is told", async || match board.of(&wa).remove(&Part::Templates) {
        Some(Health::Broken { class, .. }) => Some(class),
        _ => None,
    });
    assert_eq!(health.await, FailureClass::Auth);
    assert_eq!(known(&node).len(), 1);

    // Another credential is tried at once.
    say(Ok(vec![template("c", TemplateStatus::Approved)]));
    accounts.replace([account("wa", 2)]);
    shown(&[("c", TemplateStatus::Approved)]).await;
    eventually("the board is told", async || {
        matches!(board.of(&wa).remove(&Part::Templates), Some(Health::Good { .. })).then_some(())
    })
    .await;
    token.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_has_not_changed_is_not_written_again() {
    let world = World::new(&[]).await;
    let (first, second) = (world.node().await, world.node().await);
    let shelf = Arc::new(Shelf { templates: Mutex::new(Ok(Vec::new())), asked: AtomicUsize::new(0) });
    *shelf.templates.lock().unwrap() = Ok(vec![template("a", TemplateStatus::Approved)]);
    let mut triggers = Vec::new();
    for node in [&first, &second] {
        let sync = TemplateSync::new(TemplateSyncParts {
            ledger: Arc::clone(&node.ledger),
            view: node.views.get(delivery::NAME).unwrap(),
            accounts: Accounts::new([account("wa", 1)]),
            source: shelf.clone(),
            board: HealthBoard::default(),
            keys: Arc::new([(tenant(), key())].into()),
            clock: now,
        });
        triggers.push(sync.trigger());
        tokio::spawn(sync.run(CancellationToken::new()));
    }
    eventually("both have asked", async || (shelf.asked.load(Ordering::SeqCst) >= 2).then_some(())).await;
    eventually("it is known", async || (!known(&first).is_empty()).then_some(())).await;

    let before = shelf.asked.load(Ordering::SeqCst);
    for trigger in &triggers {
        trigger.trigger(&(tenant(), channel("wa")));
    }

    eventually("both have asked again", async || (shelf.asked.load(Ordering::SeqCst) >= before + 2).then_some(()))
        .await;
    let commits = first.commits_of(key().channel(&channel("wa"))).await;
    let events: Vec<_> = commits.iter().flat_map(|recorded| &recorded.commit.events).collect();
    let [relevo_domain::Event::Channel(ChannelEvent::TemplateChanged(_))] = events[..] else { panic!("{events:?}") };
}

#[tokio::test]
async fn a_word_of_the_provider_about_templates_reaches_every_number_of_the_account_once() {
    let world = World::new(&[]).await;
    let node = world.node().await;
    let shelf = Arc::new(Asked::default());
    let of_account = |name: &str, waba: &str| {
        let mut account = account(name, 1);
        let AccountKind::Meta(meta) = &mut account.kind else { panic!("a number") };
        meta.waba_id = Some(waba.to_owned());
        account
    };
    let pause = Duration::from_millis(200);
    let sync = TemplateSync::new(TemplateSyncParts {
        ledger: Arc::clone(&node.ledger),
        view: node.views.get(delivery::NAME).unwrap(),
        accounts: Accounts::new([of_account("wa", "1"), of_account("wb", "1"), of_account("wc", "2")]),
        source: shelf.clone(),
        board: HealthBoard::default(),
        keys: Arc::new([(tenant(), key())].into()),
        clock: now,
    });
    tokio::spawn(sync.at_most_every(pause).run(CancellationToken::new()));
    let asked = |counts: [usize; 3]| {
        let shelf = Arc::clone(&shelf);
        async move {
            eventually("they are asked", async || (shelf.counts() == counts).then_some(())).await;
        }
    };
    asked([1, 1, 1]).await;

    let fields = ["message_template_quality_update", "template_category_update", "message_template_components_update"];
    for (times, field) in fields.into_iter().enumerate() {
        let personal = ProviderUpdatePersonal { json: "{}".to_owned() };
        let update = ChannelEvent::ProviderUpdated { field: field.to_owned(), personal };
        node.channel_says("wa", update).await;
        asked([times + 2, times + 2, 1]).await;
    }
}
