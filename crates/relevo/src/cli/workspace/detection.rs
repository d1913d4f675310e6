//! `relevo workspace detection …`: what Relevo looks for in what people write, and what is done about it.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use relevo_proto::command::v1::{
    DetectionAct, DetectionLanguages, DetectionPhrase, DetectionPolicy, GetDetectionRequest, SetDetectionRequest,
};

use super::super::moment::seconds;
use super::super::suggestion::Rule;
use super::super::table::{Shrink, Table};
use super::super::write::{How, command_id};
use super::super::{Context, Failure, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What is detected now: each rule with what is done about it, and the entries of your own.
    Show,
    /// Changes rules, languages and numbers. For supervisors and admins.
    Set(Set),
    /// Adds an entry to a rule's list. For supervisors and admins.
    Add(Entry),
    /// Takes an entry out of a rule's list, your own or one that Relevo brings. For supervisors and admins.
    Remove(Entry),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["act", "languages", "repeats", "unresolved", "quiet", "reset"])))]
pub(crate) struct Set {
    /// What is done about a rule: `complaint=pause`, `shouting=suggest`, `price_question=off`. May be given several times.
    #[arg(long, value_name = "RULE=ACT", value_parser = act)]
    act: Vec<(String, String)>,
    /// The languages whose lists are read, instead of those before: es,en,pt.
    #[arg(long, value_name = "LANGUAGE", value_delimiter = ',')]
    languages: Vec<Language>,
    /// How often the same question, or the same answer of the bot, is too often: 2 to 6.
    #[arg(long, value_name = "TIMES")]
    repeats: Option<u32>,
    /// How many messages without an answer of staff are too many: 4 to 1000.
    #[arg(long, value_name = "MESSAGES")]
    unresolved: Option<u32>,
    /// How long the customer must have been silent for a message of staff to be a proactive one: 90m, 24h, 3d.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    quiet: Option<u32>,
    /// Begins with what Relevo brings, without your entries, instead of with what is set now.
    #[arg(long)]
    reset: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Entry {
    /// The rule whose list it is: complaint, frustration, nobody_there, shouting, complex_query or price_question.
    #[arg(value_enum, value_name = "RULE")]
    rule: Rule,
    /// The words: `beginn*` for any word that begins so, `one/other` for either, `..` for up to three words in between. Case and accents
    /// do not matter.
    #[arg(value_name = "TEXT")]
    text: String,
    /// The language of the list.
    #[arg(long, value_enum, default_value_t = Language::Es)]
    language: Language,
    /// The list of what takes the meaning away, instead of what the rule looks for.
    #[arg(long)]
    exception: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// Spanish.
    Es,
    /// English.
    En,
    /// Portuguese.
    Pt,
}

impl Language {
    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// `complaint=pause`; whether there are such words the broker says.
fn act(text: &str) -> Result<(String, String), String> {
    let (rule, act) = text.split_once('=').ok_or("RULE=ACT")?;
    Ok((rule.trim().to_owned(), act.trim().to_owned()))
}

impl Command {
    /// The id of the command, if this is a write.
    pub(crate) fn command_id(&self) -> Option<String> {
        match self {
            Self::Show => None,
            Self::Set(Set { how, .. }) | Self::Add(Entry { how, .. }) | Self::Remove(Entry { how, .. }) => {
                Some(command_id(how))
            }
        }
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let command_id = command_id.to_owned();
        let request = match self {
            Self::Show => return show(context).await,
            Self::Set(set) => set.request(command_id),
            Self::Add(entry) => {
                let (add, expected_version) = (vec![entry.phrase()], entry.how.expected_version);
                SetDetectionRequest { command_id, expected_version, add, ..Default::default() }
            }
            Self::Remove(entry) => {
                let (remove, expected_version) = (vec![entry.phrase()], entry.how.expected_version);
                SetDetectionRequest { command_id, expected_version, remove, ..Default::default() }
            }
        };
        let (client, out) = (&context.client, &context.out);
        let answer = client
            .until_known(|| {
                let mut service = client.workspace();
                let request = client.request(request.clone());
                async move { service.set_detection(request).await }
            })
            .await?;
        if out.json {
            return out.message(&answer);
        }
        let sentence = if answer.already_so { "cli-already-detection" } else { "cli-done-detection" };
        let position = out.words.with("cli-position", &[("position", &answer.position)]);
        out.line(&format!("{} · {position}", out.words.t(sentence)))
    }
}

impl Set {
    fn request(self, command_id: String) -> SetDetectionRequest {
        let languages: Vec<String> = self.languages.into_iter().map(Language::word).collect();
        SetDetectionRequest {
            command_id,
            expected_version: self.how.expected_version,
            reset: self.reset,
            acts: self.act.into_iter().map(|(rule, act)| DetectionAct { rule, act }).collect(),
            languages: (!languages.is_empty()).then_some(DetectionLanguages { languages }),
            repeats: self.repeats,
            unresolved: self.unresolved,
            quiet_seconds: self.quiet.map(u64::from),
            remove: Vec::new(),
            add: Vec::new(),
        }
    }
}

impl Entry {
    fn phrase(&self) -> DetectionPhrase {
        DetectionPhrase {
            rule: self.rule.word(),
            language: self.language.word(),
            list: if self.exception { "exceptions" } else { "phrases" }.to_owned(),
            text: self.text.clone(),
        }
    }
}

async fn show(context: &Context) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let mut service = client.workspace();
    let answer = client.once(service.get_detection(client.request(GetDetectionRequest {}))).await?;
    if out.json {
        return out.message(&answer);
    }
    let words = out.words;
    let DetectionPolicy { acts, languages, repeats, unresolved, quiet_seconds, added, removed } =
        answer.policy.unwrap_or_default();
    let mut table = Table::new(vec![
        (words.t("table-rule"), Shrink::Never),
        (words.t("table-act"), Shrink::Never),
        (words.t("table-noticed"), Shrink::First(16)),
    ]);
    for DetectionAct { rule, act } in acts {
        let meaning = words.t(&format!("rule-{rule}"));
        table.row([rule, act, meaning]);
    }
    out.table(&table, "list-empty")?;
    let quiet = text::duration(quiet_seconds.saturating_mul(1_000));
    let numbers = [
        ("languages", languages.join(" ")),
        ("repeats", repeats.to_string()),
        ("unresolved", unresolved.to_string()),
        ("quiet", quiet),
    ];
    out.line(&words.with("cli-detection-numbers", &numbers.each_ref().map(|(key, value)| (*key, value.as_str()))))?;
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let mut entries = Table::new(vec![
        (String::new(), Shrink::Never),
        (words.t("table-rule"), Shrink::Never),
        (words.t("table-language"), Shrink::Never),
        (words.t("table-list"), Shrink::Never),
        (words.t("table-text"), Shrink::First(16)),
    ]);
    for (sign, phrases) in [("+", added), ("-", removed)] {
        for DetectionPhrase { rule, language, list, text } in phrases {
            entries.row([sign.to_owned(), rule, language, list, text]);
        }
    }
    out.table(&entries, "list-empty")
}
