use plimsoll_registry::{Authentication, Catalog, Cause, Completeness, Credential, Found, Refusal, Support};
use plimsoll_scripted_registry::{Deletes, Habits, Referrers, Scripted, TokenGate, respond};

use crate::mk::{mk_client, mk_registry};

#[tokio::test]
async fn a_registry_is_known_by_what_it_answers_and_is_left_as_it_was() {
    let habits = Habits {
        deletes: Deletes::Off,
        referrers: Referrers::Unknown,
        refuses_above: Some(100),
        ..Habits::default()
    };
    let (server, client) = mk_registry(habits).await;
    let profile = client.probe().await.unwrap();
    assert_eq!(profile.server, Found::Known("registry/2.0".to_owned()));
    assert_eq!(profile.authentication, Found::Known(Authentication::None));
    let catalog = Catalog { largest_page: Some(100), bad_number: Refusal::Taken };
    assert_eq!(profile.catalog, Found::Known(catalog));
    assert_eq!((profile.referrers, profile.deletes), (Found::Known(Support::No), Found::Known(Support::No)));
    let changing =
        server.take_journal().into_iter().filter(|request| request.status < 300 && request.method != "GET");
    assert_eq!(changing.count(), 0);
}

#[tokio::test]
async fn what_a_caller_may_not_ask_stays_unknown_with_the_reason() {
    let gate =
        TokenGate { realm: String::new(), user: Some(("robot".to_owned(), "s3cret".to_owned())), life: 300 };
    let (server, _) = mk_registry(Habits { tokens: Some(gate), ..Habits::default() }).await;
    let password = Credential::Password { user: "robot".to_owned(), password: "s3cret".to_owned().into() };
    let client = mk_client(&server, |access| access.credential(password));
    server.script(|request| {
        let catalog = request.path.contains("_catalog");
        if catalog { Scripted::Instead(respond(403, &[], "no")) } else { Scripted::Pass }
    });
    let profile = client.probe().await.unwrap();
    assert_eq!(profile.authentication, Found::Known(Authentication::Token));
    assert!(
        matches!(&profile.catalog, Found::Unknown(why) if why.ends_with("answered 403 Forbidden: no")),
        "{profile:?}"
    );
    assert_eq!(profile.referrers, Found::Known(Support::Yes));
}

#[tokio::test]
async fn names_that_a_registry_drops_are_asked_for_and_told() {
    let habits = Habits { hidden: vec!["team".to_owned(), "team/app".to_owned()], ..Habits::default() };
    let (server, client) = mk_registry(habits).await;
    for name in ["team/app", "team/app/tools", "other/app"] {
        server.add_repository(name);
    }
    server.script(|request| {
        let bad = request.path.contains("n=none");
        if bad { Scripted::Instead(respond(400, &[], "")) } else { Scripted::Pass }
    });
    let profile = client.probe().await.unwrap();
    assert!(profile.may_drop_names());
    let (mut listed, completeness) = client.all_repositories(&profile).await.unwrap();
    listed.sort();
    let names: Vec<&str> = listed.iter().map(plimsoll_registry::Repository::as_str).collect();
    assert_eq!(names, ["other/app", "team/app", "team/app/tools"]);
    assert_eq!(completeness, Completeness::Incomplete(vec![Cause::Unlisted("team/app".to_owned())]));
}
