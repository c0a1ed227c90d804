use plimsoll_registry::outside;

/// What a registry's headers lead to is a part of what they say; nothing is sent to where no token server can be, and no
/// credential lies in the address.
pub fn answer(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(target) = outside::next(text)
    {
        assert!(!target.is_empty() && text.contains(target), "{text:?} leads to {target:?}");
        assert_eq!(target.trim(), target, "{text:?}");
        assert!(!target.contains(['>']), "{text:?} leads to {target:?}");
    }
    if let Some(realm) = outside::tokens_at(bytes) {
        let web = realm.strip_prefix("https://").or_else(|| realm.strip_prefix("http://"));
        let rest = web.unwrap_or_else(|| panic!("{realm:?} is no place for tokens"));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        assert!(!authority.is_empty() && !authority.contains('@'), "{realm:?} is no place for tokens");
    }
}
