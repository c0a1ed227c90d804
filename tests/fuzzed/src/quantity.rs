use plimsoll_qos::{Quantity, Resource};

/// A quantity that is read, strictly or as Kubernetes does, is printed as what it is, in its canonical form.
pub fn quantity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = text.parse::<Quantity>();
    if let Ok(quantity) = &read {
        let printed = quantity.to_string();
        let again: Quantity = printed.parse().expect("what is printed is read");
        assert_eq!(
            (&again, again.to_string()),
            (quantity, printed),
            "{text:?}: another amount, or not canonical"
        );
        let json = serde_json::to_value(quantity).unwrap();
        assert_eq!(&serde_json::from_value::<Quantity>(json).unwrap(), quantity, "{text:?}");
    }
    for resource in [Resource::Cpu, Resource::Memory, Resource::EphemeralStorage] {
        match Quantity::parse_strict(text, resource) {
            Ok(strict) => {
                assert_eq!(Some(&strict), read.as_ref().ok(), "{text:?}: strictly another amount");
                let printed = strict.to_string();
                let again = Quantity::parse_strict(&printed, resource);
                assert_eq!(again.as_ref(), Ok(&strict), "{text:?}: printed as {printed:?}, which is refused");
            }
            Err(error) => {
                assert!(!error.to_string().is_empty() && !error.remedy().is_empty(), "{text:?}");
                if let Some(meant) = &error.suggestion {
                    assert!(
                        Quantity::parse_strict(meant, resource).is_ok(),
                        "{text:?}: {meant:?} is advised"
                    );
                }
            }
        }
    }
}
