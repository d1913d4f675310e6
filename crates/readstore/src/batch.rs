//! Writes that become visible together, over both families.

use crate::store::Family;

/// Puts and deletes to be written all or nothing. Later operations on a key win over earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub(crate) operations: Vec<Operation>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) family: Family,
    pub(crate) key: Vec<u8>,
    /// `None` deletes.
    pub(crate) value: Option<Vec<u8>>,
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    /// With room for so many changes.
    pub fn with_capacity(operations: usize) -> Self {
        Self { operations: Vec::with_capacity(operations), bytes: 0 }
    }

    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.push(Operation { family, key: key.into(), value: Some(value.into()) });
    }

    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        self.push(Operation { family, key: key.into(), value: None });
    }

    pub fn len(&self) -> usize {
        self.operations.len()
    }

    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Bytes of all keys and values in it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it does to one family, in the order of the calls: key and value, or key and `None` for a delete.
    pub fn changes(&self, family: Family) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let of_family = self.operations.iter().filter(move |operation| operation.family == family);
        of_family.map(|operation| (operation.key.as_slice(), operation.value.as_deref()))
    }

    fn push(&mut self, operation: Operation) {
        self.bytes += operation.key.len() + operation.value.as_ref().map_or(0, Vec::len);
        self.operations.push(operation);
    }
}
