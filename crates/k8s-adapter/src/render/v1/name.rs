//! Names that are made of longer texts.

use plimsoll_core::digest::Digest;

/// A label of at most 63 characters that stands for `text` and reads like it: `scratch-var-log-1f3a9c20`.
pub(super) fn volume(prefix: &str, text: &str) -> String {
    let slug = slug(text, 40, |c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let digest = Digest::of_bytes(text.as_bytes()).short(8);
    if slug.is_empty() { format!("{prefix}-{digest}") } else { format!("{prefix}-{slug}-{digest}") }
}

/// A key in a ConfigMap that stands for a path and ends like it.
pub(super) fn key(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or_default();
    let digest = Digest::of_bytes(path.as_bytes()).short(8);
    let file: String = file
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .take(100)
        .collect();
    format!("{digest}-{file}")
}

fn slug(text: &str, longest: usize, keep: impl Fn(char) -> bool) -> String {
    let mut slug = String::new();
    for c in text.to_ascii_lowercase().chars() {
        if keep(c) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(longest);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_what_they_stand_for_and_stay_apart() {
        assert_eq!(volume("scratch", "/var/log/app"), "scratch-var-log-app-802ea47c");
        assert_ne!(volume("scratch", "/a/b"), volume("scratch", "/a-b"));
        assert!(volume("scratch", &format!("/{}", "x".repeat(500))).len() <= 63);
        assert!(volume("secret", &"é".repeat(50)).len() <= 63);
        assert!(key("/etc/nginx/nginx.conf").ends_with("-nginx.conf"));
        assert_ne!(key("/a/nginx.conf"), key("/b/nginx.conf"));
    }
}
