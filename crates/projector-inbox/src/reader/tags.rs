//! The workspace's tags. A row keeps ids of deleted tags; nobody gets to see them.

use std::collections::{HashMap, HashSet};

use relevo_domain::tag::Colour;
use relevo_domain::workspace::command::TAGS_MAX;
use relevo_domain::{TagId, TenantId};
use relevo_projection::{RowSource, row};
use relevo_readstore::{Direction, KeyRange};

use super::{ReadError, bad, load, load_many, tag_of};
use crate::keys;
use crate::row::TagRow;

/// A tag of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
    pub colour: Colour,
}

/// The tags that the workspace has, by id. At most as many as a workspace may have.
pub fn tags(source: &dyn RowSource, tenant: &TenantId) -> Result<Vec<Tag>, ReadError> {
    let rows = source.scan(&KeyRange::prefix(keys::tag_prefix(tenant)), Direction::Forward, TAGS_MAX)?;
    rows.iter().map(|(key, value)| read_tag(keys::read_tag(key)?, row::decode("tag", value)?)).collect()
}

/// Tags that were looked up in one read.
#[derive(Default)]
pub(super) struct Cache(HashMap<Vec<u8>, Option<Tag>>);

impl Cache {
    /// Looks all of these up at once.
    pub(super) fn load<'i>(
        &mut self,
        source: &dyn RowSource,
        tenant: &TenantId,
        ids: impl Iterator<Item = &'i Vec<u8>>,
    ) -> Result<(), ReadError> {
        let wanted: HashSet<&Vec<u8>> = ids.filter(|id| !self.0.contains_key(*id)).collect();
        let wanted = wanted.into_iter().map(|id| Ok((id, tag_of(id)?))).collect::<Result<Vec<_>, ReadError>>()?;
        let keys: Vec<_> = wanted.iter().map(|(_, tag)| keys::tag(tenant, *tag)).collect();
        for ((id, tag), row) in wanted.into_iter().zip(load_many(source, "tag", &keys)?) {
            self.0.insert(id.clone(), row.map(|row| read_tag(tag, row)).transpose()?);
        }
        Ok(())
    }

    /// Those of these tags that exist, in this order.
    pub(super) fn named(
        &mut self,
        source: &dyn RowSource,
        tenant: &TenantId,
        ids: &[Vec<u8>],
    ) -> Result<Vec<Tag>, ReadError> {
        let mut found = Vec::new();
        for id in ids {
            if !self.0.contains_key(id) {
                let tag = tag_of(id)?;
                let row: Option<TagRow> = load(source, "tag", &keys::tag(tenant, tag))?;
                self.0.insert(id.clone(), row.map(|row| read_tag(tag, row)).transpose()?);
            }
            found.extend(self.0.get(id).cloned().flatten());
        }
        Ok(found)
    }
}

fn read_tag(id: TagId, row: TagRow) -> Result<Tag, ReadError> {
    let colour = row.colour.as_slice().try_into().map_err(|_length| bad("colour"))?;
    Ok(Tag { id, name: row.name, colour: Colour(colour) })
}
