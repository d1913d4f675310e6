//! Codes of the WhatsApp Cloud API. Its titles change; its codes do not.

use relevo_domain::conversation::outgoing::FailureClass;
use relevo_domain::conversation::outgoing::FailureClass::{
    Account, Auth, Content, File, Integrity, PairLimit, Quality, Recipient, Template, Throttled, Transient, Window,
};

use super::{Row, find};

/// Permissions that the token lacks: the whole range.
const PERMISSIONS: std::ops::RangeInclusive<i64> = 200..=299;

pub(super) const ROWS: &[Row] = &[
    ("0", Auth),
    ("3", Auth),
    ("10", Auth),
    ("190", Auth),
    ("131005", Auth),
    ("4", Throttled),
    ("613", Throttled),
    ("80007", Throttled),
    ("130429", Throttled),
    ("133016", Throttled),
    ("131056", PairLimit),
    ("131048", Quality),
    ("131064", Quality),
    ("368", Integrity),
    ("130497", Integrity),
    ("131031", Integrity),
    ("1", Transient),
    ("2", Transient),
    ("131000", Transient),
    ("131016", Transient),
    ("131057", Transient),
    ("133004", Transient),
    ("131047", Window),
    ("130472", Recipient),
    ("131021", Recipient),
    ("131026", Recipient),
    ("131030", Recipient),
    ("131049", Recipient),
    ("131050", Recipient),
    ("131062", Recipient),
    ("137000", Recipient),
    ("33", Content),
    ("100", Content),
    ("131008", Content),
    ("131009", Content),
    ("131051", Content),
    ("135000", Content),
    ("131052", File),
    ("131053", File),
    ("131063", Template),
    ("132000", Template),
    ("132001", Template),
    ("132005", Template),
    ("132007", Template),
    ("132008", Template),
    ("132012", Template),
    ("132015", Template),
    ("132016", Template),
    ("132068", Template),
    ("132069", Template),
    ("131037", Account),
    ("131042", Account),
    ("131044", Account),
    ("131045", Account),
    ("133010", Account),
    ("134011", Account),
];

pub(super) fn class(number: i64, code: &str) -> Option<FailureClass> {
    find(ROWS, code).or_else(|| PERMISSIONS.contains(&number).then_some(Auth))
}
