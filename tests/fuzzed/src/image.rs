use plimsoll_core::image::{Host, ImageRef, Prefix, Repository, Tag};

/// What names an image, or a part of its name, is printed as it was read, and can be asked for: it makes a path of a URL
/// that is the same when it was read as one.
pub fn image(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(image) = text.parse::<ImageRef>() {
        assert_eq!(image.to_string(), text, "printed otherwise");
        let pinned: ImageRef = image.pinned().parse().expect("what is pinned is an image");
        assert_eq!((&pinned.repository, &pinned.digest), (&image.repository, &image.digest), "{text:?}");
        assert_eq!(pinned.tag, None, "{text:?}");
    }
    let names = [
        text.parse::<Repository>().ok().map(|name| name.to_string()),
        text.parse::<Tag>().ok().map(|name| name.to_string()),
    ];
    for name in names.into_iter().flatten() {
        assert_eq!(name, text, "printed otherwise");
        let asked = format!("https://registry.example.com/v2/{name}/end");
        let url: http::Uri = asked.parse().expect("a name makes a path");
        assert_eq!((url.path(), url.query()), (format!("/v2/{name}/end").as_str(), None), "{text:?}");
        let leaves = name.split('/').any(|part| matches!(part, "" | "." | ".."));
        assert!(!leaves, "{text:?} leads elsewhere");
    }
    if let Ok(host) = text.parse::<Host>() {
        assert_eq!(host.as_str(), text, "printed otherwise");
        let url: http::Uri = format!("https://{host}/v2/").parse().expect("a host makes an address");
        let name = url.host().expect("an address has a host").trim_start_matches('[').trim_end_matches(']');
        assert_eq!(name, host.name(), "{text:?}: another host is asked");
    }
    if let Ok(prefix) = text.parse::<Prefix>() {
        let again: Prefix = prefix.to_string().parse().expect("what is printed is read");
        assert_eq!(again, prefix, "{text:?}");
    }
}
