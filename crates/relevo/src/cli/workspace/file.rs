//! The workspace as a file, and what differs from it.

use std::collections::BTreeMap;

use relevo_proto::query::v1::{QuickReply, Tag};
use serde::{Deserialize, Serialize};

/// The longest file, in bytes: 500 quick replies of 4,096 characters.
const BYTES_MAX: usize = 8 << 20;

/// What a file says. A part that is not in it is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    /// By name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quick_replies: Option<BTreeMap<String, Reply>>,
    /// Colours, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tags: Option<BTreeMap<String, String>>,
}

/// A quick reply.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) title: String,
    pub(super) text: String,
}

/// What the broker has.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) replies: Vec<QuickReply>,
    pub(super) tags: Vec<Tag>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    SetReply { name: String, title: String, text: String, new: bool },
    RemoveReply { name: String },
    CreateTag { name: String, colour: String },
    AlterTag { tag_id: String, name: String, colour: String },
    DeleteTag { tag_id: String, name: String },
}

impl Change {
    /// `+` what comes, `~` what changes, `-` what goes.
    pub(super) fn line(&self) -> String {
        match self {
            Self::SetReply { name, title, new, .. } => format!("{} quick_replies.{name} ({title})", sign(*new)),
            Self::RemoveReply { name } => format!("- quick_replies.{name}"),
            Self::CreateTag { name, colour } => format!("+ tags.{name} ({colour})"),
            Self::AlterTag { name, colour, .. } => format!("~ tags.{name} ({colour})"),
            Self::DeleteTag { name, .. } => format!("- tags.{name}"),
        }
    }
}

const fn sign(new: bool) -> char {
    if new { '+' } else { '~' }
}

impl Workspace {
    /// Reads a file; why not, in a line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("≤ {BYTES_MAX} B"));
        }
        // The first line says what and where; the rest draws it.
        let first = |error: serde_saphyr::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
        serde_saphyr::from_str(text).map_err(first)
    }
}

impl Known {
    pub(super) fn workspace(&self) -> Workspace {
        let reply =
            |reply: &QuickReply| (reply.name.clone(), Reply { title: reply.title.clone(), text: reply.text.clone() });
        Workspace {
            quick_replies: Some(self.replies.iter().map(reply).collect()),
            tags: Some(self.tags.iter().map(|tag| (tag.name.clone(), tag.colour.clone())).collect()),
        }
    }

    /// What has to be done so that this becomes what is wanted. Removals last, so that a name can be had again at once.
    pub(super) fn changes(&self, wanted: &Workspace, prune: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut removals = Vec::new();
        if let Some(replies) = &wanted.quick_replies {
            for (name, Reply { title, text }) in replies {
                let known = self.replies.iter().find(|known| known.name == *name);
                if known.is_none_or(|known| known.title != *title || known.text != *text) {
                    let (name, title, text) = (name.clone(), title.clone(), text.clone());
                    changes.push(Change::SetReply { name, title, text, new: known.is_none() });
                }
            }
            let gone = self.replies.iter().filter(|known| prune && !replies.contains_key(&known.name));
            removals.extend(gone.map(|known| Change::RemoveReply { name: known.name.clone() }));
        }
        if let Some(tags) = &wanted.tags {
            // Names are unique whatever their case.
            let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
            for (name, colour) in tags {
                let (name, colour) = (name.clone(), colour.to_lowercase());
                match self.tags.iter().find(|known| same(&known.name, &name)) {
                    None => changes.push(Change::CreateTag { name, colour }),
                    Some(known) if known.name != name || known.colour.to_lowercase() != colour => {
                        changes.push(Change::AlterTag { tag_id: known.tag_id.clone(), name, colour });
                    }
                    Some(_) => {}
                }
            }
            let gone = self.tags.iter().filter(|known| prune && !tags.keys().any(|name| same(name, &known.name)));
            removals
                .extend(gone.map(|known| Change::DeleteTag { tag_id: known.tag_id.clone(), name: known.name.clone() }));
        }
        changes.extend(removals);
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "quick_replies:\n  hola:\n    title: Saludo\n    text: |-\n      Hola {contact.name}:\n      ¿en qué ayudo?\n\
                        tags:\n  VIP: '#FFA500'\n";

    fn known() -> Known {
        let reply =
            |name: &str, text: &str| QuickReply { name: name.into(), title: "Saludo".into(), text: text.into() };
        let tag = |id: &str, name: &str| Tag { tag_id: id.into(), name: name.into(), colour: "#ffa500".into() };
        Known {
            replies: vec![reply("hola", "Hola {contact.name}:\n¿en qué ayudo?"), reply("adios", "Chau")],
            tags: vec![tag("tag_1", "VIP"), tag("tag_2", "Otro")],
        }
    }

    #[test]
    fn what_is_the_same_changes_nothing_and_what_is_not_in_the_file_stays_unless_pruned() {
        let wanted = Workspace::parse(FILE).unwrap();
        assert_eq!(known().changes(&wanted, false), []);
        let pruned: Vec<String> = known().changes(&wanted, true).iter().map(Change::line).collect();
        assert_eq!(pruned, ["- quick_replies.adios", "- tags.Otro"]);
        assert_eq!(known().changes(&Workspace::default(), true), []);
    }

    #[test]
    fn what_is_shown_can_be_applied() {
        let shown = serde_saphyr::to_string(&known().workspace()).unwrap();
        let again = Workspace::parse(&shown).unwrap();
        assert_eq!(again, known().workspace(), "{shown}");
        assert_eq!(known().changes(&again, true), []);
        let new: Vec<String> = Known::default().changes(&again, true).iter().map(Change::line).collect();
        assert_eq!(
            new,
            [
                "+ quick_replies.adios (Saludo)",
                "+ quick_replies.hola (Saludo)",
                "+ tags.Otro (#ffa500)",
                "+ tags.VIP (#ffa500)"
            ]
        );
    }

    #[test]
    fn a_tag_that_is_written_otherwise_is_changed_and_not_made_twice() {
        let wanted = Workspace::parse("tags: { vip: '#000000' }").unwrap();
        let id = "tag_1".to_owned();
        let change = Change::AlterTag { tag_id: id, name: "vip".to_owned(), colour: "#000000".to_owned() };
        assert_eq!(known().changes(&wanted, false), [change]);
    }

    #[test]
    fn a_slip_is_refused() {
        for text in
            ["quick_reply: {}", "tags: [a]", "tags: { a: 1, a: 2 }", "quick_replies: { a: { title: x } }", "- a"]
        {
            assert!(Workspace::parse(text).is_err(), "{text}");
        }
    }
}
