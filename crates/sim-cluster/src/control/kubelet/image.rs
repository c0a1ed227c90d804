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
    format!(
        "rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to resolve \
         reference \"{image}\": pull access denied, repository does not exist or may require authorization: \
         authorization failed: no basic auth credentials"
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
