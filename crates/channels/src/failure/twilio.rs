//! Codes of Twilio's messaging API.

use relevo_domain::conversation::outgoing::FailureClass::{
    Account, Auth, Content, Expired, File, Integrity, Quality, Recipient, Template, Throttled, Transient, Window,
};

use super::Row;

pub(super) const ROWS: &[Row] = &[
    ("20003", Auth),
    ("20404", Account),
    ("63007", Account),
    ("63022", Account),
    ("63051", Account),
    ("20429", Throttled),
    ("21611", Throttled),
    ("63018", Throttled),
    ("63016", Window),
    ("21211", Recipient),
    ("21610", Recipient),
    ("63003", Recipient),
    ("63024", Recipient),
    ("63032", Quality),
    ("63049", Recipient),
    ("63013", Integrity),
    ("63020", Integrity),
    ("21617", Content),
    ("63005", Content),
    ("63021", Content),
    ("63019", File),
    ("21656", Template),
    ("63027", Template),
    ("63028", Template),
    ("30001", Expired),
    ("20500", Transient),
    ("20503", Transient),
    ("30008", Transient),
    ("63012", Transient),
];
