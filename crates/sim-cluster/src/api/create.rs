//! Create.

use super::{Answer, Api, Caller, Part, Target, WriteOptions};
use crate::resource::Generation;
use crate::status::{ApiError, Cause};
use crate::store::Tx;
use crate::tree::{Value, json};
use crate::{admission, kinds, object};

/// How long `generateName` may be so that the suffix still fits.
const LONGEST_BASE: usize = 58;

impl Api {
    pub(crate) fn create(
        &self,
        caller: &Caller,
        target: &Target,
        mut body: Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        let warnings = self.decode(target, &mut body, options).map_err(|error| error.of_body(target))?;
        if !object::resource_version(&body).is_empty() {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "", message));
        }
        let target = self.name(target, &mut body)?;
        let mut tx = self.store.begin();
        let answer = self.insert(&mut tx, caller, &target, body, options)?;
        Ok(answer.warn(warnings))
    }

    /// Gives the object its name, generated if need be.
    fn name(&self, target: &Target, body: &mut Value) -> Result<Target, ApiError> {
        let base = object::text(body, "/metadata/generateName").to_owned();
        let name = match object::name(body) {
            "" if base.is_empty() => {
                let cause = Cause::required("metadata.name", "name or generateName is required");
                return Err(ApiError::invalid(target.resource.subject(""), &[cause]));
            }
            "" => {
                let kept =
                    base.char_indices().nth(LONGEST_BASE).map_or(base.as_str(), |(end, _)| &base[..end]);
                format!("{kept}{}", self.name_suffix())
            }
            name => name.to_owned(),
        };
        object::metadata(body).insert("name", name.clone().into());
        Ok(target.named(&name))
    }

    /// The part of a create after the name is known: defaults, ownership, admission, validation, the write.
    pub(super) fn insert(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        target: &Target,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        let resource = &target.resource;
        self.stamp_new(target, &mut object);
        kinds::default(resource, &mut object);
        kinds::prepare_create(self, tx, resource, &mut object)?;
        let object = self.owned_after_update(target, None, object, Part::Main, caller, options);
        self.insert_owned(tx, target, object, options)
    }

    /// Fills in what only the server may set.
    pub(super) fn stamp_new(&self, target: &Target, object: &mut Value) {
        let resource = &target.resource;
        let now = self.timestamp();
        let uid = self.new_uid();
        let metadata = object::metadata(object);
        for field in
            ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion", "generation"]
        {
            metadata.remove(field);
        }
        metadata.insert("uid", uid.into());
        metadata.insert("creationTimestamp", now.into());
        if resource.generation != Generation::None {
            metadata.insert("generation", json!(1));
        }
        if target.has_status() && resource.is_custom() {
            object::fields(object).remove("status");
        }
    }

    /// The last part, shared with apply: the object already says who owns what.
    pub(super) fn insert_owned(
        &self,
        tx: &mut Tx<'_>,
        target: &Target,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        object::check_depth(&object)?;
        admission::on_create(self, tx, target, &mut object)?;
        kinds::validate_create(target, &object)?;
        let bookings = admission::admit(self, tx, target, &object)?;
        let key = target.key();
        if let Some(held) = tx.get(&key) {
            let terminating = object::is_terminating(&held);
            let error = if terminating { ApiError::still_exists } else { ApiError::already_exists };
            return Err(error(target.subject()));
        }
        if options.dry_run {
            return Ok(Answer::created(object.into()));
        }
        bookings.book(tx)?;
        super::update::to_storage_version(target, &mut object);
        let stored = tx.put(&key, object)?;
        Ok(Answer::created(super::read::in_version(target, &stored)))
    }
}
