use plimsoll_core::document::read_policy;
use plimsoll_qos::Policy;

use crate::yaml;

/// Grades that are taken read the same when they are printed again, by both of their readers; grades that are refused
/// are refused by both, with a reason.
pub fn policy(bytes: &[u8]) {
    for value in yaml::documents(bytes) {
        let exact = serde_json::from_value::<Policy>(value.clone());
        match read_policy(&value) {
            Ok(policy) => {
                let printed = serde_json::to_value(&policy).unwrap();
                assert_eq!(read_policy(&printed).as_ref(), Ok(&policy), "{value}: printed as {printed}");
                assert_eq!(exact.as_ref().ok(), Some(&policy), "{value}: the readers do not agree");
            }
            Err(faults) => {
                assert!(!faults.is_empty(), "{value}: refused without a reason");
                assert!(exact.is_err(), "{value}: taken, and refused with {faults:?}");
            }
        }
    }
}
