//! Bots: what they are served with, and those of the configuration, which work inside of this node.

use std::collections::BTreeSet;
use std::sync::Arc;

use relevo_bot::rules::{Rules, RulesBot};
use relevo_bot::webhook::WebhookBot;
use relevo_bot::{Bots, BotsParts, Taker};
use relevo_command::grpc::TurnCommands;
use relevo_domain::{AgentId, Caller, Role, Scope};
use relevo_providers::Hooks;
use relevo_query::Query;

use super::broker::now;
use super::{Installation, ServeError};
use crate::config::{Bot, BotKind, Config, DEMO_BOT, Tenant};

/// Whose bot the demo's is, and what it is called: as in deploy/demo.toml.
const DEMO_TENANT: &str = "demo";
const DEMO_NAME: &str = "asistente";

/// Serves bots until the installation ends. Those of the configuration begin when the id keys were checked.
pub(super) fn serve(
    config: &Config,
    commands: TurnCommands,
    query: Query,
    installation: &Installation,
) -> Result<Bots, ServeError> {
    let view = |name: &str| {
        let missing = || ServeError::NotStarted { reason: format!("there is no view {name}") };
        installation.views.get(name).ok_or_else(missing)
    };
    let bots = Bots::new(BotsParts {
        commands,
        view: view(relevo_bot::turns::NAME)?,
        inbox: view(relevo_projector_inbox::NAME)?,
        query,
        clock: now,
        options: config.bots.options,
        // Nodes do not know of each other: this is enough for no two to be called the same.
        node: format!("{:016x}", rand::random::<u64>()),
        ending: installation.ending.clone(),
    });
    work(config, &bots, installation)?;
    Ok(bots)
}

/// The demo's tenant gets a bot that answers.
pub(super) fn demonstrate(config: &mut Config) -> Result<(), ServeError> {
    let refused = |reason: String| ServeError::NotStarted { reason };
    let rules = Rules::parse(DEMO_BOT).map_err(|error| refused(error.to_string()))?;
    let id = AgentId::new(DEMO_NAME).map_err(|error| refused(error.to_string()))?;
    let bot = Bot { id, channels: BTreeSet::new(), kind: BotKind::Rules(Box::new(rules)) };
    for tenant in config.tenants.iter_mut().filter(|tenant| tenant.name.as_str() == DEMO_TENANT) {
        tenant.bots.push(bot.clone());
    }
    Ok(())
}

fn work(config: &Config, bots: &Bots, installation: &Installation) -> Result<(), ServeError> {
    if !config.bots.enabled || config.tenants.iter().all(|tenant| tenant.bots.is_empty()) {
        return Ok(());
    }
    let refused = |error: &dyn std::error::Error| ServeError::NotStarted { reason: error.to_string() };
    // Only the machine's certificate authorities can be missing.
    let hooks = Hooks::new().map_err(|error| refused(&error))?;
    for tenant in &config.tenants {
        for bot in &tenant.bots {
            let taker: Arc<dyn Taker> = match &bot.kind {
                BotKind::Rules(rules) => Arc::new(RulesBot::new(rules.as_ref().clone())),
                BotKind::Webhook(settings) => {
                    let bot = WebhookBot::new(settings.as_ref().clone(), hooks.clone(), now);
                    Arc::new(bot.map_err(|error| refused(&error))?)
                }
            };
            let (bots, caller, language) = (bots.clone(), caller(tenant, bot), tenant.language.tag());
            let (checked, ending) = (installation.checked.clone(), installation.ending.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = ending.cancelled() => return,
                    () = checked.cancelled() => {}
                }
                bots.take(caller, language, taker, ending).await;
            });
        }
    }
    Ok(())
}

/// A bot of the configuration is as one with a key: its channels, and every team.
fn caller(tenant: &Tenant, bot: &Bot) -> Caller {
    let teams = tenant.teams.iter().map(|team| team.id.clone()).collect();
    let scope = Scope::Granted { channels: bot.channels.clone(), teams };
    Caller { tenant: tenant.name.clone(), role: Role::Bot, name: bot.id.clone(), scope }
}
