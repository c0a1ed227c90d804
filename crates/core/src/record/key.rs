//! The keys of the ledger. Names hold no `/` and ids neither, so no key is a prefix of another's children.

use super::ArchivedContents;
use crate::digest::Digest;
use crate::name::{AppRef, AppUid, DcName, NamespaceName, OperationId, ReleaseNumber, RequestId};

/// The installation.
pub const INSTALLATION: &str = "installation";
/// The grades of the installation.
pub const GRADES: &str = "grades";
/// All data centers.
pub const DCS: &str = "dcs/";
/// All Namespaces.
pub const NAMESPACES: &str = "namespaces/";
/// All Apps.
pub const APPS: &str = "apps/";
/// All Orders.
pub const ORDERS: &str = "orders/";
/// What was good where, of all Apps.
pub const PROVEN: &str = "proven/";
/// All Operations, with what belongs to them.
pub const OPERATIONS: &str = "operations/";

/// A data center.
pub fn dc(name: &DcName) -> String {
    format!("{DCS}{name}")
}

/// A Namespace.
pub fn namespace(name: &NamespaceName) -> String {
    format!("{NAMESPACES}{name}")
}

/// All Apps of a Namespace.
pub fn apps(namespace: &NamespaceName) -> String {
    format!("{APPS}{namespace}/")
}

/// An App.
pub fn app(app: &AppRef) -> String {
    format!("{APPS}{}/{}", app.namespace, app.name)
}

/// All Releases of a life of an App, in the order of their numbers.
pub fn releases(uid: AppUid) -> String {
    format!("releases/{uid}/")
}

/// A Release.
pub fn release(uid: AppUid, number: ReleaseNumber) -> String {
    format!("releases/{uid}/{:016}", number.get())
}

/// The Releases of all Apps.
pub const RELEASES: &str = "releases/";

/// The life of an App that a key under [`RELEASES`] is about.
pub fn parse_release(key: &str) -> Option<AppUid> {
    key.strip_prefix(RELEASES)?.split_once('/')?.0.parse().ok()
}

/// What lies in the archive of a life of an App.
pub fn archived(uid: AppUid) -> String {
    format!("archived/{uid}")
}

/// All that [`archived_contents`] makes for a life of an App.
pub fn archived_blocks(uid: AppUid) -> String {
    format!("archived/{uid}/")
}

/// Which contents the archived Releases had, of as many numbers as [`ArchivedContents`] holds.
pub fn archived_contents(uid: AppUid, number: ReleaseNumber) -> String {
    format!("archived/{uid}/{:016}", ArchivedContents::block_of(number))
}

/// All contents of a life of an App.
pub fn contents(uid: AppUid) -> String {
    format!("contents/{uid}/")
}

/// How Releases fared, in the order of their numbers.
pub fn verdicts(uid: AppUid) -> String {
    format!("verdicts/{uid}/")
}

/// How a Release fared.
pub fn verdict(uid: AppUid, number: ReleaseNumber) -> String {
    format!("verdicts/{uid}/{:016}", number.get())
}

/// Content of Releases of an App; its key is what it hashes to.
pub fn content(uid: AppUid, digest: &Digest) -> String {
    format!("contents/{uid}/{}", digest.short(64))
}

/// All Orders of an App.
pub fn orders(app: &AppRef) -> String {
    format!("{ORDERS}{}/{}/", app.namespace, app.name)
}

/// The Order of an App for a data center.
pub fn order(app: &AppRef, dc: &DcName) -> String {
    format!("{ORDERS}{}/{}/{dc}", app.namespace, app.name)
}

/// What was good of an App, in all data centers.
pub fn all_proven(app: &AppRef) -> String {
    format!("{PROVEN}{}/{}/", app.namespace, app.name)
}

/// What was good of an App in a data center.
pub fn proven(app: &AppRef, dc: &DcName) -> String {
    format!("{PROVEN}{}/{}/{dc}", app.namespace, app.name)
}

/// An Operation.
pub fn operation(id: OperationId) -> String {
    format!("{OPERATIONS}{id}")
}

/// What belongs to an Operation: its control, its outcomes, its end.
pub fn operation_parts(id: OperationId) -> String {
    format!("{OPERATIONS}{id}/")
}

/// What callers say about a running Operation.
pub fn control(id: OperationId) -> String {
    format!("{OPERATIONS}{id}/control")
}

/// The outcomes of an Operation.
pub fn outcomes(id: OperationId) -> String {
    format!("{OPERATIONS}{id}/dc/")
}

/// The outcome of an Operation in a data center.
pub fn outcome(id: OperationId, dc: &DcName) -> String {
    format!("{OPERATIONS}{id}/dc/{dc}")
}

/// The end of an Operation.
pub fn end(id: OperationId) -> String {
    format!("{OPERATIONS}{id}/end")
}

/// All Operations on registries, with what belongs to them.
pub const IMAGE_OPERATIONS: &str = "imageoperations/";

/// An Operation on registries.
pub fn image_operation(id: OperationId) -> String {
    format!("{IMAGE_OPERATIONS}{id}")
}

/// The outcome of an Operation on registries at the target in this place.
pub fn image_outcome(id: OperationId, target: usize) -> String {
    format!("{IMAGE_OPERATIONS}{id}/at/{target:04}")
}

/// The end of an Operation on registries.
pub fn image_end(id: OperationId) -> String {
    format!("{IMAGE_OPERATIONS}{id}/end")
}

/// What a key under [`IMAGE_OPERATIONS`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageOperationKey {
    /// The Operation itself.
    Operation(OperationId),
    /// Its outcome at the target in this place.
    Outcome(OperationId, usize),
    /// Its end.
    End(OperationId),
}

/// Reads a key under [`IMAGE_OPERATIONS`]; `None` for one that none of the functions above makes.
pub fn parse_image_operation(key: &str) -> Option<ImageOperationKey> {
    let rest = key.strip_prefix(IMAGE_OPERATIONS)?;
    let Some((id, part)) = rest.split_once('/') else {
        return rest.parse().ok().map(ImageOperationKey::Operation);
    };
    let id = id.parse().ok()?;
    match part {
        "end" => Some(ImageOperationKey::End(id)),
        part => part.strip_prefix("at/")?.parse().ok().map(|target| ImageOperationKey::Outcome(id, target)),
    }
}

/// The Operations of all Apps, by App.
pub const HISTORY: &str = "history/";

/// Reads a key under [`HISTORY`].
pub fn parse_history(key: &str) -> Option<(AppRef, OperationId)> {
    let mut parts = key.strip_prefix(HISTORY)?.splitn(3, '/');
    let namespace = parts.next()?.parse().ok()?;
    let name = parts.next()?.parse().ok()?;
    let id = parts.next()?.parse().ok()?;
    Some((AppRef { namespace, name }, id))
}

/// The Operations of an App, oldest first.
pub fn history(app: &AppRef) -> String {
    format!("history/{}/{}/", app.namespace, app.name)
}

/// An Operation among those of its App.
pub fn history_entry(app: &AppRef, id: OperationId) -> String {
    format!("history/{}/{}/{id}", app.namespace, app.name)
}

/// All requests that were seen.
pub const REQUESTS: &str = "requests/";

/// A request that was seen, by who made it.
pub fn request(caller: &str, id: &RequestId) -> String {
    // A caller's name may hold anything; its digest holds no '/'.
    format!("{REQUESTS}{}/{}", Digest::of_bytes(caller.as_bytes()).short(16), id.as_str())
}

/// What a key under [`OPERATIONS`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationKey {
    /// The Operation itself.
    Operation(OperationId),
    /// Its control.
    Control(OperationId),
    /// Its outcome in a data center.
    Outcome(OperationId, DcName),
    /// Its end.
    End(OperationId),
}

/// Reads a key under [`OPERATIONS`]; `None` for one that none of the functions above makes.
pub fn parse_operation(key: &str) -> Option<OperationKey> {
    let rest = key.strip_prefix(OPERATIONS)?;
    let Some((id, part)) = rest.split_once('/') else {
        return rest.parse().ok().map(OperationKey::Operation);
    };
    let id = id.parse().ok()?;
    match part {
        "control" => Some(OperationKey::Control(id)),
        "end" => Some(OperationKey::End(id)),
        part => part.strip_prefix("dc/")?.parse().ok().map(|dc| OperationKey::Outcome(id, dc)),
    }
}

/// Reads a key under [`ORDERS`].
pub fn parse_order(key: &str) -> Option<(AppRef, DcName)> {
    parse_app_and_dc(key.strip_prefix(ORDERS)?)
}

/// Reads a key under [`PROVEN`].
pub fn parse_proven(key: &str) -> Option<(AppRef, DcName)> {
    parse_app_and_dc(key.strip_prefix(PROVEN)?)
}

fn parse_app_and_dc(rest: &str) -> Option<(AppRef, DcName)> {
    let mut parts = rest.splitn(3, '/');
    let namespace = parts.next()?.parse().ok()?;
    let name = parts.next()?.parse().ok()?;
    let dc = parts.next()?.parse().ok()?;
    Some((AppRef { namespace, name }, dc))
}

/// Reads a key under [`APPS`].
pub fn parse_app(key: &str) -> Option<AppRef> {
    let (namespace, name) = key.strip_prefix(APPS)?.split_once('/')?;
    Some(AppRef { namespace: namespace.parse().ok()?, name: name.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_under_operations_is_read_back() {
        let id: OperationId = "0199f3a0-0000-7000-8000-000000000001".parse().unwrap();
        let dc: DcName = "dc-1".parse().unwrap();
        assert_eq!(parse_operation(&operation(id)), Some(OperationKey::Operation(id)));
        assert_eq!(parse_operation(&control(id)), Some(OperationKey::Control(id)));
        assert_eq!(parse_operation(&outcome(id, &dc)), Some(OperationKey::Outcome(id, dc)));
        assert_eq!(parse_operation(&end(id)), Some(OperationKey::End(id)));
        assert_eq!(parse_operation("operations/x"), None);
    }

    #[test]
    fn every_key_under_operations_on_registries_is_read_back() {
        let id: OperationId = "0199f3a0-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(parse_image_operation(&image_operation(id)), Some(ImageOperationKey::Operation(id)));
        assert_eq!(parse_image_operation(&image_outcome(id, 63)), Some(ImageOperationKey::Outcome(id, 63)));
        assert_eq!(parse_image_operation(&image_end(id)), Some(ImageOperationKey::End(id)));
        // The Apps' machinery does not see them.
        assert_eq!(parse_operation(&image_operation(id)), None);
    }

    #[test]
    fn orders_and_apps_are_read_back() {
        let shop = AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() };
        let dc: DcName = "dc-1".parse().unwrap();
        assert_eq!(parse_order(&order(&shop, &dc)), Some((shop.clone(), dc.clone())));
        assert_eq!(parse_proven(&proven(&shop, &dc)), Some((shop.clone(), dc)));
        assert_eq!(parse_app(&app(&shop)), Some(shop));
    }
}
