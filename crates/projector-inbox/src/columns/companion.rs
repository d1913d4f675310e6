//! Follows the rows that columns are made of, and gives readers a copy that shares what did not change.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use relevo_domain::TenantId;
use relevo_projection::row::decode;
use relevo_projection::{ApplyError, Companion, Frozen};

use super::tenant::TenantColumns;
use crate::keys::{self, ColumnKey};
use crate::row::{CountRow, FacetsRow, LinkRow};

/// Every tenant's columns at one position, as readers get them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    tenants: BTreeMap<Arc<str>, Arc<TenantColumns>>,
}

/// The columns' writer. What is read at open is sorted when somebody wants to read it: that is while it is frozen.
#[derive(Debug, Default)]
pub(crate) struct ColumnsCompanion(RefCell<Columns>);

impl Columns {
    /// `None` for a tenant that has nothing yet.
    pub(crate) fn of(&self, tenant: &TenantId) -> Option<&TenantColumns> {
        self.tenants.get(tenant.as_str()).map(Arc::as_ref)
    }

    /// Makes the orders of tenants that are new.
    fn settle(&mut self) {
        for columns in self.tenants.values_mut().filter(|columns| !columns.is_settled()) {
            Arc::make_mut(columns).settle();
        }
    }

    fn of_mut(&mut self, tenant: &str) -> &mut TenantColumns {
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.into(), Arc::default());
        }
        Arc::make_mut(self.tenants.entry(tenant.into()).or_default())
    }
}

impl Companion for ColumnsCompanion {
    fn prefixes(&self) -> Vec<Vec<u8>> {
        keys::of_columns()
    }

    fn changed(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), ApplyError> {
        match keys::read_column(key)? {
            ColumnKey::Conversation { tenant, conversation } => {
                let gone = || ApplyError::BadRow("conversation: a row went that never goes".to_owned());
                let row: FacetsRow = decode("conversation", value.ok_or_else(gone)?)?;
                let known = self.0.get_mut().of_mut(&tenant).conversation(conversation, &row);
                known.ok_or_else(|| ApplyError::BadRow("conversation: a word is not one".to_owned()))
            }
            ColumnKey::Link { tenant, contact, other } => {
                let row: Option<LinkRow> = value.map(|value| decode("link", value)).transpose()?;
                self.0.get_mut().of_mut(&tenant).link(contact, other, row.map(|row| row.other_ordinal));
                Ok(())
            }
            ColumnKey::Count(cell) => {
                let count: Option<CountRow> = value.map(|value| decode("count", value)).transpose()?;
                self.0.get_mut().of_mut(&cell.tenant).count(cell.holder, cell.channel, cell.team, count);
                Ok(())
            }
        }
    }

    fn freeze(&self) -> Frozen {
        let mut columns = self.0.borrow_mut();
        columns.settle();
        Arc::new(columns.clone())
    }

    fn fingerprint(&self) -> Vec<u8> {
        let mut columns = self.0.borrow_mut();
        columns.settle();
        let tenants = columns
            .tenants
            .iter()
            .filter(|(_, columns)| !columns.is_empty())
            .map(|(tenant, columns)| format!("{tenant}\n{}", columns.fingerprint()));
        tenants.collect::<String>().into_bytes()
    }
}
