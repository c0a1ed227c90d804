//! What the port refuses before any store sees it.

use std::collections::BTreeSet;

use plimsoll_core::ledger::{
    Compare, Error, MAX_KEY, MAX_OPERATIONS, MAX_PAGE, MAX_TRANSACTION, MAX_VALUE, Range, Transaction, Write,
};

pub(crate) fn key(key: &str) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::Invalid("a key is empty".into()));
    }
    at_most_a_key("a key", key)
}

pub(crate) fn prefix(prefix: &str) -> Result<(), Error> {
    at_most_a_key("a prefix", prefix)
}

/// Returns how many entries the page may have.
pub(crate) fn range(range: &Range) -> Result<usize, Error> {
    prefix(&range.prefix)?;
    if let Some(after) = &range.after {
        at_most_a_key("the key to begin behind", after)?;
    }
    if range.limit == 0 {
        return Err(Error::Invalid("a range of at most 0 entries".into()));
    }
    Ok(range.limit.min(MAX_PAGE))
}

/// Returns the bytes of keys and values that the transaction carries.
pub(crate) fn transaction(transaction: &Transaction) -> Result<usize, Error> {
    let Transaction { compares, writes } = transaction;
    for (what, count) in [("comparisons", compares.len()), ("writes", writes.len())] {
        if count > MAX_OPERATIONS {
            return Err(Error::Invalid(format!(
                "{count} {what} in one transaction, at most {MAX_OPERATIONS} are allowed"
            )));
        }
    }
    let mut bytes = 0;
    for compare in compares {
        let (Compare::Absent(name) | Compare::At(name, _) | Compare::Present(name)) = compare;
        key(name)?;
        bytes += name.len();
    }
    let mut written = BTreeSet::new();
    for write in writes {
        let (Write::Put(name, _) | Write::Delete(name)) = write;
        key(name)?;
        bytes += name.len();
        if !written.insert(name) {
            return Err(Error::Invalid(format!("key {name} is written twice in one transaction")));
        }
        if let Write::Put(_, value) = write {
            self::value(name, value)?;
            bytes += value.len();
        }
    }
    if bytes > MAX_TRANSACTION {
        return Err(Error::Invalid(format!(
            "a transaction of {bytes} bytes, at most {MAX_TRANSACTION} are allowed"
        )));
    }
    Ok(bytes)
}

fn value(key: &str, value: &[u8]) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::Invalid(format!("the value of key {key} is empty")));
    }
    if value.len() > MAX_VALUE {
        return Err(Error::Invalid(format!(
            "the value of key {key} has {} bytes, at most {MAX_VALUE} are allowed",
            value.len()
        )));
    }
    Ok(())
}

fn at_most_a_key(what: &str, text: &str) -> Result<(), Error> {
    if text.len() > MAX_KEY {
        return Err(Error::Invalid(format!("{what} of {} bytes, at most {MAX_KEY} are allowed", text.len())));
    }
    Ok(())
}
