//! `relevo conversation counters`: how many conversations each tab holds for the caller.

use clap::Args;
use relevo_proto::query::v1::{GetCountersRequest, InboxCounters, TabCounts};

use super::super::table::{Shrink, Table};
use super::super::{Context, Failure, Output, Read};

#[derive(Debug, Args)]
pub(crate) struct Counters {
    #[command(flatten)]
    read: Read,
}

impl Counters {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = GetCountersRequest {
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut inbox = client.inbox();
        let answer = client.once(inbox.get_counters(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        out.table(&table(out, &answer.counters.unwrap_or_default()), "list-empty")
    }
}

/// A row a tab.
pub(super) fn table(out: &Output, counters: &InboxCounters) -> Table {
    let words = out.words;
    let headers = ["tab", "open", "pending", "snoozed", "resolved", "unread", "paused", "problems"];
    let headers = headers.map(|header| (words.t(&format!("table-{header}")), Shrink::Never));
    let mut table = Table::new(headers.into());
    for (key, counts) in [("mine", &counters.mine), ("unassigned", &counters.unassigned), ("all", &counters.all)] {
        let TabCounts { open, pending, snoozed, resolved, unread, paused, delivery_problems } =
            counts.unwrap_or_default();
        let [open, pending, snoozed] = [open, pending, snoozed].map(|count| count.to_string());
        let [resolved, unread, paused] = [resolved, unread, paused].map(|count| count.to_string());
        let problems = delivery_problems.to_string();
        table.row([words.t(&format!("tab-{key}")), open, pending, snoozed, resolved, unread, paused, problems]);
    }
    table
}

#[cfg(test)]
mod tests {
    use relevo_catalogue::Language;

    use super::super::super::Words;
    use super::*;

    #[test]
    fn each_tab_says_how_many_have_a_delivery_problem() {
        let all = TabCounts { open: 7, delivery_problems: 3, ..TabCounts::default() };
        let counters = InboxCounters { all: Some(all), ..InboxCounters::default() };
        for (language, header) in [(Language::En, "PROBLEMS"), (Language::Es, "PROBLEMAS")] {
            let table = table(&Output::new(Words::new(language), false), &counters);
            let lines = table.render(Some(120), false);
            assert!(lines[0].trim_end().ends_with(header), "{lines:?}");
            assert!(lines[3].trim_end().ends_with('3'), "{lines:?}");
        }
    }
}
