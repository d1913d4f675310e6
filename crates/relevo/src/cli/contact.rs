//! `relevo contact …`: who writes, which customer it is, and who is the same person.

use clap::{Args, Subcommand};
use relevo_proto::command::v1::{
    ContactState, LinkCustomerRequest, LinkedCustomer, MergeContactsRequest, UnlinkCustomerRequest,
    UnmergeContactsRequest,
};
use relevo_proto::query::v1::{Contact, GetContactRequest, GetContactResponse, SearchContactsRequest};

use super::conversation::{customer_text, label_lines, list};
use super::table::{Shrink, Table};
use super::write::{How, command_id};
use super::{Context, Failure, Output, Read, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One contact and its conversations.
    Show(Show),
    /// Contacts whose name, customer, mail address or phone number begins with what is given; accents do not matter.
    Search(Search),
    /// Says which customer of the business's own records the contact is; replaces an earlier link.
    Link(Link),
    /// Says that the contact is no customer that is known.
    Unlink(Target),
    /// Says that two contacts are one person. For supervisors and admins.
    Merge(Pair),
    /// Says that two contacts are not one person after all. For supervisors and admins.
    Unmerge(Pair),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Exact id, `ctc_…`.
    #[arg(value_name = "CONTACT")]
    contact_id: String,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to look for; of several words each must match.
    #[arg(value_name = "TEXT")]
    query: String,
    /// Contacts to print, 1 to 200.
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=200))]
    limit: i32,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Exact id, `ctc_…`.
    #[arg(value_name = "CONTACT")]
    contact_id: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Link {
    #[command(flatten)]
    target: Target,
    /// Key of the customer in the business's own system, 1 to 128 characters.
    #[arg(value_name = "CUSTOMER")]
    customer_id: String,
    /// Name to show, at most 200 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Pair {
    #[command(flatten)]
    target: Target,
    /// Exact id of the other contact, `ctc_…`.
    #[arg(value_name = "OTHER")]
    other_contact_id: String,
}

impl Command {
    /// The id of the command, if this is a write.
    pub(super) fn command_id(&self) -> Option<String> {
        match self {
            Self::Show(_) | Self::Search(_) => None,
            Self::Link(Link { target, .. })
            | Self::Unlink(target)
            | Self::Merge(Pair { target, .. })
            | Self::Unmerge(Pair { target, .. }) => Some(command_id(&target.how)),
        }
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let command_id = command_id.to_owned();
        macro_rules! answer {
            ($method:ident, $request:expr) => {{
                let request = $request;
                let answer = client
                    .until_known(|| {
                        let mut service = client.contacts();
                        let request = client.request(request.clone());
                        async move { service.$method(request).await }
                    })
                    .await?;
                if out.json {
                    return out.message(&answer);
                }
                answer
            }};
        }
        let (done, paused) = match self {
            Self::Show(show) => return show.run(context).await,
            Self::Search(search) => return search.run(context).await,
            Self::Link(Link { target: Target { contact_id, how }, customer_id, name }) => {
                let (expected_version, customer) =
                    (how.expected_version, Some(LinkedCustomer { id: customer_id, name }));
                let request = LinkCustomerRequest { command_id, contact_id, expected_version, customer };
                let answer = answer!(link_customer, request);
                (Done::new("link", answer.already_so, answer.position, answer.contact), Vec::new())
            }
            Self::Unlink(Target { contact_id, how: How { expected_version, .. } }) => {
                let request = UnlinkCustomerRequest { command_id, contact_id, expected_version };
                let answer = answer!(unlink_customer, request);
                (Done::new("unlink", answer.already_so, answer.position, answer.contact), Vec::new())
            }
            Self::Merge(Pair { target: Target { contact_id, how }, other_contact_id }) => {
                let expected_version = how.expected_version;
                let request = MergeContactsRequest { command_id, contact_id, expected_version, other_contact_id };
                let answer = answer!(merge_contacts, request);
                let done = Done::new("merge", answer.already_so, answer.position, answer.contact);
                (done, answer.paused_conversation_ids)
            }
            Self::Unmerge(Pair { target: Target { contact_id, how }, other_contact_id }) => {
                let expected_version = how.expected_version;
                let request = UnmergeContactsRequest { command_id, contact_id, expected_version, other_contact_id };
                let answer = answer!(unmerge_contacts, request);
                (Done::new("unmerge", answer.already_so, answer.position, answer.contact), Vec::new())
            }
        };
        out.lines(done.told(out))?;
        if paused.is_empty() {
            Ok(())
        } else {
            out.line(&out.words.with("cli-merge-paused", &[("ids", &paused.join(" "))]))
        }
    }
}

/// What every answer of a write says.
struct Done {
    key: &'static str,
    already_so: bool,
    position: String,
    contact: Option<ContactState>,
}

impl Done {
    const fn new(key: &'static str, already_so: bool, position: String, contact: Option<ContactState>) -> Self {
        Self { key, already_so, position, contact }
    }

    fn told(&self, out: &Output) -> Vec<String> {
        let words = out.words;
        let how = if self.already_so { "already" } else { "done" };
        let position = words.with("cli-position", &[("position", &self.position)]);
        let mut lines = vec![format!("{} · {position}", words.t(&format!("cli-{how}-{}", self.key)))];
        if let Some(contact) = &self.contact {
            let version = words.with("cli-version", &[("version", &contact.version.to_string())]);
            let customer = contact.customer.as_ref().map(|customer| format!(" · {} {}", customer.id, customer.name));
            let line = format!("{}{} · {version}", contact.contact_id, customer.unwrap_or_default());
            lines.push(format!("  {}", text::one_line(&line)));
        }
        lines
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = GetContactRequest {
            contact_id: self.contact_id,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut inbox = client.inbox();
        let answer = client.once(inbox.get_contact(client.request(request))).await?;
        if out.json { out.message(&answer) } else { print(out, &answer) }
    }
}

fn print(out: &Output, answer: &GetContactResponse) -> Result<(), Failure> {
    let contact = answer.contact.clone().unwrap_or_default();
    let name = if contact.name.is_empty() { contact.contact_id.clone() } else { contact.name.clone() };
    let mut facts = vec![
        ("contact", format!("{name} · {}", contact.contact_id)),
        ("customer", contact.customer.as_ref().map(customer_text).unwrap_or_default()),
        ("merged", contact.merged_contact_ids.join(" ")),
    ];
    for identifier in &contact.identifiers {
        facts.push(("identifier", format!("{} {} ({})", identifier.kind, identifier.value, identifier.channel_id)));
    }
    facts.push(("position", answer.position.clone()));
    out.lines(label_lines(out, &facts))?;
    out.line("")?;
    out.table(&list::table(out, &answer.conversations), "list-empty")
}

impl Search {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = SearchContactsRequest {
            query: self.query,
            page_size: self.limit,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut inbox = client.inbox();
        let answer = client.once(inbox.search_contacts(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        out.table(&table(out, &answer.contacts), "list-empty")?;
        if answer.truncated { out.line(&out.words.t("list-search-truncated")) } else { Ok(()) }
    }
}

fn table(out: &Output, contacts: &[Contact]) -> Table {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-id"), Shrink::Never),
        (words.t("table-contact"), Shrink::Then(8)),
        (words.t("table-customer"), Shrink::Then(8)),
        (words.t("table-identifiers"), Shrink::First(12)),
        (words.t("table-conversations"), Shrink::Never),
    ]);
    for contact in contacts {
        let known: Vec<&str> = contact.identifiers.iter().map(|identifier| identifier.value.as_str()).collect();
        table.row([
            contact.contact_id.clone(),
            contact.name.clone(),
            contact.customer.as_ref().map(customer_text).unwrap_or_default(),
            known.join(" "),
            contact.conversation_ids.len().to_string(),
        ]);
    }
    table
}
