//! Who did it: the actor of a commit.

use crate::id::AgentId;

/// Who caused a commit. Comes from the caller's credential or from Relevo itself, never from a request's body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The customer, through a provider.
    Customer,
    /// A person of the staff (agent, supervisor, admin, analyst or ops).
    Staff(AgentId),
    /// A bot, by the name of its API key.
    Bot(AgentId),
    /// The WhatsApp Business app on the owner's phone.
    PhoneApp,
    /// A provider: delivery reports, account updates.
    Provider,
    /// Relevo itself.
    System,
}

impl Actor {
    /// One word for rows and listings: `customer`, `staff:laura`, `bot:helper`, `phone_app`, `provider`, `system`.
    pub fn to_word(&self) -> String {
        match self {
            Self::Customer => "customer".to_owned(),
            Self::Staff(name) => format!("staff:{name}"),
            Self::Bot(name) => format!("bot:{name}"),
            Self::PhoneApp => "phone_app".to_owned(),
            Self::Provider => "provider".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    /// Who pauses the bot when this one's commit does: what a rule does in the commit of a customer's message, Relevo does.
    #[must_use]
    pub fn pausing(&self, automatic: bool) -> Self {
        match self {
            Self::Customer if automatic => Self::System,
            Self::Customer | Self::Staff(_) | Self::Bot(_) | Self::PhoneApp | Self::Provider | Self::System => {
                self.clone()
            }
        }
    }

    /// The actor of that word, as [`Actor::to_word`] writes it.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.split_once(':') {
            Some(("staff", name)) => AgentId::new(name).ok().map(Self::Staff),
            Some(("bot", name)) => AgentId::new(name).ok().map(Self::Bot),
            Some(_) => None,
            None => match word {
                "customer" => Some(Self::Customer),
                "phone_app" => Some(Self::PhoneApp),
                "provider" => Some(Self::Provider),
                "system" => Some(Self::System),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_reads_back_from_its_word_and_nothing_else_does() {
        let laura = AgentId::new("laura").unwrap();
        let actors = [
            Actor::Customer,
            Actor::Staff(laura.clone()),
            Actor::Bot(laura),
            Actor::PhoneApp,
            Actor::Provider,
            Actor::System,
        ];
        for actor in actors {
            assert_eq!(Actor::from_word(&actor.to_word()), Some(actor));
        }
        for bad in ["", "staff", "staff:", "staff:Laura", "customer:x", "root"] {
            assert_eq!(Actor::from_word(bad), None, "{bad}");
        }
    }
}
