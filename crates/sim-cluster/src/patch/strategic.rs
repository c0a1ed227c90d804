use std::collections::BTreeSet;

use super::PatchError;
use super::order::{self, Items};
use crate::schema::{PatchMeta, Schema, TypeId, golang};
use crate::tree::{List, Map as JsonMap, Text, Value};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const ELEMENT_ORDER: &str = "$setElementOrder";

type Fields = JsonMap;

/// Applies a strategic merge patch: like a merge patch, but lists that the schema marks so are merged by
/// their merge key, and directives in the patch replace, delete and order.
pub fn strategic(schema: &Schema, object: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let (Value::Object(fields), Value::Object(patch)) = (&*object, patch) else {
        return Err(PatchError::Malformed("invalid JSON document".to_owned()));
    };
    let merged = Strategic { schema }.map(Some(schema.root()), fields.clone(), patch.clone())?;
    *object = Value::Object(merged);
    Ok(())
}

struct Strategic<'a> {
    schema: &'a Schema,
}

impl Strategic<'_> {
    fn map(&self, ty: Option<TypeId>, mut original: Fields, mut patch: Fields) -> Result<Fields, PatchError> {
        if let Some(directive) = patch.get(DIRECTIVE) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(DIRECTIVE);
                    Ok(patch)
                }
                Some("delete") => Ok(Fields::new()),
                _ => Err(bad_directive(directive, &patch)),
            };
        }
        retain_keys(&mut original, &mut patch)?;
        self.ordered_lists(ty, &mut original, &mut patch)?;
        for (key, value) in patch {
            let deletion = key.starts_with(DELETE_FROM);
            let name = if deletion { extract_key(&key, DELETE_FROM)?.into() } else { key };
            if value.is_null() {
                original.remove(&name);
                continue;
            }
            match original.get_mut(&name) {
                None if deletion => {}
                None => insert_new(&mut original, name, value),
                Some(present) if std::mem::discriminant(present) != std::mem::discriminant(&value) => {
                    if !deletion {
                        insert_new(&mut original, name, value);
                    }
                }
                Some(present) => {
                    let present = present.take();
                    let merged = self.value(ty, &name, present, value, deletion)?;
                    original.insert(name, merged);
                }
            }
        }
        Ok(original)
    }

    /// Merges two values of the same JSON type.
    fn value(
        &self,
        ty: Option<TypeId>,
        name: &str,
        original: Value,
        patch: Value,
        deletion: bool,
    ) -> Result<Value, PatchError> {
        match (original, patch) {
            (Value::Object(original), Value::Object(patch)) => {
                let (below, meta) = self.field(ty, name)?;
                if meta.replace {
                    return Ok(Value::Object(patch));
                }
                self.map(Some(below), original, patch).map(Value::Object)
            }
            (Value::Array(original), Value::Array(patch)) => {
                let (element, meta) = self.list_field(ty, name)?;
                self.list(element, &meta, original, patch, deletion).map(Value::from)
            }
            (_, patch) => Ok(patch),
        }
    }

    fn list(
        &self,
        element: TypeId,
        meta: &PatchMeta,
        original: Items,
        patch: Items,
        deletion: bool,
    ) -> Result<Items, PatchError> {
        if !meta.merge && !deletion {
            return Ok(patch);
        }
        if original.is_empty() && patch.is_empty() {
            return Ok(original);
        }
        let key = match kind_of(&original, &patch)? {
            Kind::Scalars if deletion => {
                return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
            }
            Kind::Scalars => None,
            Kind::Maps => Some(meta.merge_key.as_deref().ok_or_else(|| {
                let name = self.schema.get(element).name.as_deref().unwrap_or("struct");
                PatchError::Failed(format!("cannot merge lists without merge key for {name}"))
            })?),
        };
        let (original, patch, merged) = match key {
            None => {
                let merged = order::without_repeats(original.iter().chain(&patch).cloned().collect());
                (original, patch, merged)
            }
            Some(key) => {
                let (original, patch) = special_elements(original, patch, key)?;
                let merged = self.items(element, key, original.clone(), patch.clone())?;
                (original, patch, merged)
            }
        };
        let (in_patch, server_only) = order::partition(merged, &patch, key)?;
        order::arrange(in_patch, server_only, &patch, &original, key)
    }

    fn items(
        &self,
        element: TypeId,
        key: &str,
        mut original: Items,
        patch: Items,
    ) -> Result<Items, PatchError> {
        for item in patch {
            let id = order::merge_key(&item, key)?.clone();
            match order::find(&original, key, &id)? {
                None => original.push(item),
                Some(at) => {
                    if let (Value::Object(present), Value::Object(patch)) = (original[at].take(), item) {
                        original[at] = Value::Object(self.map(Some(element), present, patch)?);
                    }
                }
            }
        }
        Ok(original)
    }

    /// Merges every list for which the patch brings an element order, and takes both out of the patch.
    fn ordered_lists(
        &self,
        ty: Option<TypeId>,
        original: &mut Fields,
        patch: &mut Fields,
    ) -> Result<(), PatchError> {
        let directives: Vec<Text> =
            patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
        for directive in directives {
            let Some(order) = patch.remove(&directive) else {
                continue;
            };
            let name = extract_key(&directive, ELEMENT_ORDER)?.to_owned();
            let wanted = as_list(&order)?;
            let before = original.get(&name).map(as_list).transpose()?;
            let changes = patch.get(&name).map(as_list).transpose()?;
            let (element, meta) = self.list_field(ty, &name)?;
            let key = meta.merge_key.as_deref();
            order::check(changes.as_ref().map(List::as_slice).unwrap_or_default(), &wanted, key)?;
            let merged = match (before.clone(), changes.clone()) {
                (None, None) => continue,
                (Some(before), None) => before,
                (None, Some(changes)) => match without_directives(Value::Array(changes)) {
                    Some(Value::Array(added)) => added,
                    _ => continue,
                },
                (Some(before), Some(changes)) => self.list(element, &meta, before, changes, false)?,
            };
            let before = before.unwrap_or_default();
            let (in_patch, server_only) = order::partition(merged, &wanted, key)?;
            kind_of(&before, changes.as_ref().map(List::as_slice).unwrap_or_default())?;
            let arranged = order::arrange(in_patch, server_only, &wanted, &before, key)?;
            original.insert(name.clone(), arranged.into());
            patch.remove(&name);
        }
        Ok(())
    }

    fn field(&self, ty: Option<TypeId>, name: &str) -> Result<(TypeId, PatchMeta), PatchError> {
        let ty = ty.map(|ty| self.schema.get(ty));
        let Some(map) = ty.and_then(|ty| ty.map.as_ref()) else {
            return Err(PatchError::Failed(format!("unable to find api field for the json field {name:?}")));
        };
        if let Some(field) = map.fields.get(name) {
            return Ok((field.ty, field.patch.clone()));
        }
        Err(PatchError::Failed(if map.fields.is_empty() {
            "merging an object in json but data type is not struct, instead is: map".to_owned()
        } else {
            let owner = ty.and_then(|ty| ty.name.as_deref()).unwrap_or_default();
            let owner = owner.rsplit('.').next().unwrap_or_default();
            format!("unable to find api field in struct {owner} for the json field {name:?}")
        }))
    }

    fn list_field(&self, ty: Option<TypeId>, name: &str) -> Result<(TypeId, PatchMeta), PatchError> {
        let (below, meta) = self.field(ty, name)?;
        let list = self.schema.get(below).list.as_ref();
        let list = list
            .ok_or_else(|| PatchError::Failed("expected slice or array type, but got: struct".to_owned()))?;
        Ok((list.element, meta))
    }
}

/// What a list is made of; lists of mixed things cannot be merged.
#[derive(PartialEq, Eq)]
enum Kind {
    Scalars,
    Maps,
}

fn kind_of(original: &[Value], patch: &[Value]) -> Result<Kind, PatchError> {
    let all = || original.iter().chain(patch);
    let Some(first) = all().next() else {
        return Err(PatchError::Failed("no elements in any of the given slices".to_owned()));
    };
    if first.is_array() {
        return Err(PatchError::unprocessable());
    }
    if all().any(|item| golang::type_name(item) != golang::type_name(first)) {
        let lists = [Value::from(original.to_vec()), Value::from(patch.to_vec())];
        let lists: Vec<String> = lists.iter().map(golang::plain).collect();
        return Err(PatchError::Failed(format!(
            "list element types are not identical: [{}]",
            lists.join(" ")
        )));
    }
    Ok(if first.is_object() { Kind::Maps } else { Kind::Scalars })
}

/// Obeys `$patch` in the items of a patch: deletes from the original, or empties it.
fn special_elements(mut original: Items, patch: Items, key: &str) -> Result<(Items, Items), PatchError> {
    let mut plain = Items::new();
    let mut replaced = false;
    for item in patch {
        match item.get(DIRECTIVE) {
            None => plain.push(item),
            Some(Value::String(directive)) if directive == "delete" => {
                let id = order::merge_key(&item, key)?;
                while let Some(at) = order::find(&original, key, id)? {
                    original.remove(at);
                }
            }
            Some(Value::String(directive)) if directive == "replace" => replaced = true,
            Some(Value::String(directive)) if directive == "merge" => {
                return Err(PatchError::Failed(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            Some(other) => return Err(bad_directive(other, item.as_object().unwrap_or(&Fields::new()))),
        }
    }
    // A replaced list is the patch's own, with nothing left to merge into it.
    Ok(if replaced { (plain, Items::new()) } else { (original, plain) })
}

/// Obeys `$retainKeys`: what the directive does not list goes, and the patch may set nothing else.
fn retain_keys(original: &mut Fields, patch: &mut Fields) -> Result<(), PatchError> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let bad_format = || PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    let retained: BTreeSet<&str> =
        retained.as_array().ok_or_else(bad_format)?.iter().filter_map(Value::as_str).collect();
    let foreign = patch.iter().any(|(key, value)| {
        !value.is_null()
            && !key.starts_with(DELETE_FROM)
            && !key.starts_with(ELEMENT_ORDER)
            && !retained.contains(key.as_str())
    });
    if foreign {
        return Err(bad_format());
    }
    original.retain(|key, _| retained.contains(key.as_str()));
    Ok(())
}

fn insert_new(original: &mut Fields, name: Text, mut value: Value) {
    drop_nulls(&mut value);
    match without_directives(value) {
        Some(value) => original.insert(name, value),
        None => original.remove(&name),
    };
}

/// A patch for something that is not there has nothing to remove.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The value without anything that carries `$patch`.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => Some(Value::Object(
            fields.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).collect(),
        )),
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

fn extract_key<'a>(key: &'a str, prefix: &str) -> Result<&'a str, PatchError> {
    key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).ok_or_else(|| {
        let list = if prefix == DELETE_FROM { "primitive list" } else { "setElementOrder list" };
        PatchError::Malformed(format!("invalid patch format of {list}"))
    })
}

fn as_list(value: &Value) -> Result<Items, PatchError> {
    value.as_array().cloned().ok_or_else(|| {
        let actual = golang::type_name(value);
        PatchError::Failed(format!("expected a []interface {{}}, but received a {actual}"))
    })
}

fn bad_directive(directive: &Value, map: &Fields) -> PatchError {
    PatchError::Failed(format!(
        "unknown patch type: {} in map: {}",
        golang::plain(directive),
        golang::plain_map(map)
    ))
}
