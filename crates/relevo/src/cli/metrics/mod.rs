//! `relevo metrics …`: figures of the tenant, what they mean, and publishing their facts again.

mod definitions;
mod republish;
mod series;
mod show;

use clap::Subcommand;

use super::{Context, Failure};
pub(crate) use republish::wire;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The overview of some days, in the tenant's time zone: volumes, first response, pauses, reports.
    Show(show::Show),
    /// Any metric, by hour or day, split by channel, team, agent or labels.
    Series(series::Series),
    /// Every metric: its name, version, kind, labels and meaning.
    Definitions(definitions::Definitions),
    /// Publishes metric facts again, to a subject outside of the live topics. For admins and ops.
    Republish(republish::Republish),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run(context).await,
            Self::Series(series) => series.run(context).await,
            Self::Definitions(definitions) => definitions.run(context).await,
            Self::Republish(republish) => republish.run(context).await,
        }
    }
}
