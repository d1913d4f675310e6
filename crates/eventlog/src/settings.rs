//! What the streams are set to now, next to what Relevo made them: for whoever wants to be sure that nobody has changed them.

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use crate::budget::Budgets;
use crate::connection::Connection;
use crate::log::LogError;
use crate::streams::{self, StreamName};

/// One setting of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub stream: StreamName,
    /// As the server calls it.
    pub name: &'static str,
    pub found: String,
    pub wanted: String,
    /// Whether what was found will do.
    pub good: bool,
}

impl Connection {
    /// The settings of every stream, asked from the server now.
    pub async fn settings(&self) -> Result<Vec<Setting>, LogError> {
        let options = &self.shared.options;
        let budgets = Budgets::of(options.store_bytes).map_err(|small| LogError::Refused(small.to_string()))?;
        let mut settings = Vec::new();
        for stream in StreamName::ALL {
            let found = self.shared.context.get_stream(stream.as_str()).await;
            let found = found.map_err(|error| LogError::Unavailable(error.to_string()))?;
            let wanted = streams::config(stream, options, &budgets);
            settings.extend(compare(stream, &found.cached_info().config, &wanted));
        }
        Ok(settings)
    }
}

fn compare(stream: StreamName, found: &Config, wanted: &Config) -> Vec<Setting> {
    let same = |name, found: String, wanted: String| {
        let good = found == wanted;
        Setting { stream, name, found, wanted, good }
    };
    // A larger budget than wanted does no harm, and the events' never shrinks.
    let roomy = Setting {
        stream,
        name: "max_bytes",
        found: found.max_bytes.to_string(),
        wanted: wanted.max_bytes.to_string(),
        good: found.max_bytes >= wanted.max_bytes || found.max_bytes <= 0,
    };
    let seconds = |config: &Config| config.max_age.as_secs().to_string();
    // The server writes "no limit" in more than one way.
    let limit = |number: i64| number.max(0).to_string();
    let copied = |config: &Config| config.mirror.is_some() || config.sources.is_some();
    vec![
        same("subjects", found.subjects.join(" "), wanted.subjects.join(" ")),
        same("retention", retention(found).to_owned(), retention(wanted).to_owned()),
        same("discard", discard(found).to_owned(), discard(wanted).to_owned()),
        same("storage", storage(found).to_owned(), storage(wanted).to_owned()),
        same("num_replicas", found.num_replicas.to_string(), wanted.num_replicas.to_string()),
        same("deny_delete", found.deny_delete.to_string(), wanted.deny_delete.to_string()),
        same("deny_purge", found.deny_purge.to_string(), wanted.deny_purge.to_string()),
        same("max_age", seconds(found), seconds(wanted)),
        same("max_msgs", limit(found.max_messages), limit(wanted.max_messages)),
        same("max_msgs_per_subject", limit(found.max_messages_per_subject), limit(wanted.max_messages_per_subject)),
        same("max_msg_size", limit(found.max_message_size.into()), limit(wanted.max_message_size.into())),
        same("allow_rollup_hdrs", found.allow_rollup.to_string(), wanted.allow_rollup.to_string()),
        same("allow_atomic", found.allow_atomic_publish.to_string(), wanted.allow_atomic_publish.to_string()),
        same("no_ack", found.no_ack.to_string(), wanted.no_ack.to_string()),
        same("sealed", found.sealed.to_string(), wanted.sealed.to_string()),
        same("mirror or sources", copied(found).to_string(), copied(wanted).to_string()),
        same("subject_transform", found.subject_transform.is_some().to_string(), false.to_string()),
        roomy,
    ]
}

const fn retention(config: &Config) -> &'static str {
    match config.retention {
        RetentionPolicy::Limits => "limits",
        RetentionPolicy::Interest => "interest",
        RetentionPolicy::WorkQueue => "workqueue",
    }
}

const fn discard(config: &Config) -> &'static str {
    match config.discard {
        DiscardPolicy::Old => "old",
        DiscardPolicy::New => "new",
    }
}

const fn storage(config: &Config) -> &'static str {
    match config.storage {
        StorageType::File => "file",
        StorageType::Memory => "memory",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connection::Options;

    fn wanted() -> Config {
        let options = Options::new("nats://127.0.0.1:1");
        let budgets = Budgets::of(options.store_bytes).unwrap();
        streams::config(StreamName::Events, &options, &budgets)
    }

    fn wrong(found: &Config) -> Vec<&'static str> {
        let settings = compare(StreamName::Events, found, &wanted());
        settings.into_iter().filter(|setting| !setting.good).map(|setting| setting.name).collect()
    }

    #[test]
    fn what_was_changed_is_named_and_more_room_is_no_change() {
        assert_eq!(wrong(&wanted()), Vec::<&str>::new());
        let changed = Config {
            deny_purge: false,
            max_age: Duration::from_secs(1),
            discard: DiscardPolicy::Old,
            max_bytes: wanted().max_bytes + 1,
            max_messages: -1,
            ..wanted()
        };
        assert_eq!(wrong(&changed), ["discard", "deny_purge", "max_age"]);
        assert_eq!(wrong(&Config { max_bytes: 1, ..wanted() }), ["max_bytes"]);
    }
}
