//! What containerd says of images, and how it names them.

use crate::digest::sha256;

/// How large every image is that arrives.
pub(super) const SIZE: u32 = 3_659_416;

/// Of an image that is not there.
pub(super) fn not_found(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve \
         reference \"{image}\": {image}: not found"
    )
}

/// Of an image that the registry does not give.
pub(super) fn denied(image: &str) -> String {
    let (host, repository) = image.split_once('/').filter(|(host, _)| is_host(host)).unwrap_or(("", image));
    let host = if host.is_empty() { "registry-1.docker.io" } else { host };
    let tag = match repository.split_once('@') {
        Some((_, digest)) => digest,
        None => repository.rsplit_once(':').map_or("latest", |(_, tag)| tag),
    };
    format!(
        "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": pulling from host \
         {host} failed with status code [manifests {tag}]: 401 Unauthorized"
    )
}

/// The image as the runtime names it, and its digest, which is made up where the name has none.
pub(super) fn names(image: &str) -> (String, String) {
    if image.contains('@') {
        return (image.to_owned(), image.to_owned());
    }
    let (repository, _) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((image, ""));
    (image.to_owned(), format!("{repository}@sha256:{}", sha256(image)))
}

/// What is wrong with the name of an image, if anything is.
pub(super) fn fault(image: &str) -> Option<String> {
    let path = image.split_once('@').map_or(image, |(path, _)| path);
    let path = path.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(path, |(path, _)| path);
    // A host may have capital letters; what comes behind it may not.
    let (host, repository) = path.split_once('/').filter(|(host, _)| is_host(host)).unwrap_or(("", path));
    if is_repository(repository) {
        return None;
    }
    let why = if repository.chars().any(char::is_uppercase) {
        // Images without a host and a folder lie in this one.
        let folder = if host.is_empty() && !repository.contains('/') { "library/" } else { "" };
        format!("invalid reference format: repository name ({folder}{repository}) must be lowercase")
    } else {
        "invalid reference format".to_owned()
    };
    Some(format!("couldn't parse image name \"{image}\": {why}"))
}

fn is_host(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

/// Words of small letters and digits, with a dot, up to two underscores or any number of dashes between two.
fn is_repository(name: &str) -> bool {
    name.split('/').all(|part| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        ends(part.chars().next())
            && ends(part.chars().last())
            && part.chars().all(known)
            && !["..", "___", "._", "_.", ".-", "-.", "_-", "-_"].iter().any(|pair| part.contains(pair))
    })
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn names_of_images_are_taken_or_told_why_not() {
        for good in ["app", "app:1", "a/b_c/d-e:V1", "registry.test:5000/a/b:1", "localhost/a@sha256:00"] {
            assert_eq!(fault(good), None, "{good}");
        }
        let told = |image: &str| fault(image).unwrap();
        assert_eq!(
            told("registry.test/Plimsoll/App:v1"),
            "couldn't parse image name \"registry.test/Plimsoll/App:v1\": invalid reference format: repository name \
             (Plimsoll/App) must be lowercase"
        );
        assert_eq!(told("a//b"), "couldn't parse image name \"a//b\": invalid reference format");
    }
}
