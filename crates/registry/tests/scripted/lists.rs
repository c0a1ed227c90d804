use plimsoll_registry::{Cause, Completeness, Error, Kind, Registry, Tag};
use plimsoll_scripted_registry::{Habits, Leads, Order, Scripted, ScriptedRegistry, respond};

use crate::mk::{mk_registry, mk_repository};

fn fill(server: &ScriptedRegistry, count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..count).map(|at| format!("team-{:02}/app{at}", at % 37)).collect();
    names.extend(["a", "a-b", "a/b", "a.y", "a_x"].map(str::to_owned));
    for name in &names {
        server.add_repository(name);
    }
    names.sort();
    names
}

async fn list(client: &Registry) -> Result<(Vec<String>, Completeness), Error> {
    let (mut names, completeness) = {
        let (names, completeness) = client.repositories()?.collect().await?;
        (names.into_iter().map(String::from).collect::<Vec<_>>(), completeness)
    };
    names.sort();
    Ok((names, completeness))
}

async fn tags(client: &Registry) -> Result<(Vec<Tag>, Completeness), Error> {
    client.tags(&mk_repository("shop/web"))?.collect().await
}

#[tokio::test]
async fn every_habit_of_paging_gives_the_full_list() {
    for order in [Order::Bytes, Order::Components, Order::Backwards] {
        for leads in [Leads::Relative, Leads::Absolute] {
            for (page, refuses_above) in
                [(1, Some(1)), (7, Some(7)), (100, Some(100)), (100, Some(1000)), (100, None)]
            {
                let habits = Habits { page, refuses_above, order, leads: leads.clone(), ..Habits::default() };
                let (server, client) = mk_registry(habits.clone()).await;
                let names = fill(&server, 300);
                assert_eq!(list(&client).await.unwrap(), (names, Completeness::Complete), "{habits:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_catalog_of_1258_takes_two_pages_where_the_registry_gives_a_thousand() {
    let (server, client) = mk_registry(Habits { refuses_above: Some(1000), ..Habits::default() }).await;
    let names = fill(&server, 1253);
    assert_eq!(list(&client).await.unwrap().0, names);
    assert_eq!(server.take_journal().len(), 2);
}

#[tokio::test]
async fn a_registry_that_ignores_how_many_are_asked_for_gives_them_all_at_once() {
    let (server, client) = mk_registry(Habits { ignores_n: true, ..Habits::default() }).await;
    let names = fill(&server, 300);
    assert_eq!(list(&client).await.unwrap(), (names, Completeness::Complete));
    assert_eq!(server.take_journal().len(), 1);
}

#[tokio::test]
async fn a_list_that_was_cut_at_a_hundred_is_not_called_complete() {
    let (server, client) = mk_registry(Habits { leads: Leads::Nowhere, ..Habits::default() }).await;
    fill(&server, 300);
    // Whatever is asked for, a hundred come.
    server.script(|request| {
        if request.path.contains("n=1000") {
            let names: Vec<String> = (0..100).map(|at| format!("\"x/a{at}\"")).collect();
            Scripted::Instead(respond(200, &[], format!("{{\"repositories\":[{}]}}", names.join(","))))
        } else {
            Scripted::Pass
        }
    });
    let (names, completeness) = list(&client).await.unwrap();
    assert_eq!((names.len(), completeness), (100, Completeness::Incomplete(vec![Cause::Cut(100)])));
}

#[tokio::test]
async fn a_list_that_leads_in_circles_or_for_ever_ends_and_says_so() {
    for (leads, cause) in [(Leads::InCircles, Cause::Cycle), (Leads::ForEver, Cause::Stuck)] {
        let (server, client) = mk_registry(Habits { leads: leads.clone(), ..Habits::default() }).await;
        let names = fill(&server, 1500);
        let (listed, completeness) = list(&client).await.unwrap();
        assert_eq!(listed, names, "{leads:?}");
        let stuck = Completeness::Incomplete(vec![cause]);
        // An empty page at the end of a list that leads on for ever is its end.
        assert!(completeness == stuck || leads == Leads::ForEver, "{leads:?} {completeness}");
        assert!(server.take_journal().len() < 10, "{leads:?}");
    }
}

#[tokio::test]
async fn a_list_that_goes_on_at_another_host_is_not_followed() {
    let other = ScriptedRegistry::start(Habits::default()).await.unwrap();
    let leads = Leads::Elsewhere(format!("http://{}", other.host()));
    let (server, client) = mk_registry(Habits { leads, refuses_above: Some(100), ..Habits::default() }).await;
    fill(&server, 300);
    let error = list(&client).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden, "{error}");
    assert!(other.take_journal().is_empty());
}

#[tokio::test]
async fn an_emptied_repository_has_no_tags() {
    let (server, client) = mk_registry(Habits { null_tags: true, ..Habits::default() }).await;
    server.add_repository("shop/web");
    assert_eq!(tags(&client).await.unwrap(), (vec![], Completeness::Complete));
}

#[tokio::test]
async fn ten_thousand_tags_come_in_any_order_and_none_twice() {
    for order in [Order::Bytes, Order::Backwards] {
        let habits =
            Habits { order, null_tags: true, ignores_n: order == Order::Backwards, ..Habits::default() };
        let (server, client) = mk_registry(habits).await;
        for at in 0..10_000 {
            server.add_manifest("shop/web", Some(&format!("v{at}")), crate::mk::MANIFEST, "{}");
        }
        let (mut listed, completeness) = tags(&client).await.unwrap();
        assert_eq!((listed.len(), completeness), (10_000, Completeness::Complete));
        listed.sort();
        listed.dedup();
        assert_eq!(listed.len(), 10_000);
    }
}

#[tokio::test]
async fn an_entry_that_is_no_name_is_told() {
    let (server, client) = mk_registry(Habits::default()).await;
    server.script(|_| Scripted::Instead(respond(200, &[], "{\"tags\":[\"1\",\"../../x\",\"1\"]}")));
    let (listed, completeness) = tags(&client).await.unwrap();
    assert_eq!(listed, ["1".parse().unwrap()]);
    assert_eq!(completeness.to_string(), "incomplete, because \"../../x\" is listed and is no name");
}

#[tokio::test]
async fn a_page_that_fails_is_no_end() {
    let (server, client) = mk_registry(Habits { refuses_above: Some(100), ..Habits::default() }).await;
    let names = fill(&server, 300);
    let mut listing = client.repositories().unwrap();
    let first = listing.next_page().await.unwrap().unwrap();
    server.script(|_| Scripted::Instead(respond(500, &[], "")));
    assert_eq!(listing.next_page().await.unwrap_err().kind(), Kind::Unavailable);
    assert_ne!(listing.completeness(), Completeness::Complete);
    server.unscript();
    let (rest, completeness) = listing.collect().await.unwrap();
    assert_eq!((first.items.len() + rest.len(), completeness), (names.len(), Completeness::Complete));
}
