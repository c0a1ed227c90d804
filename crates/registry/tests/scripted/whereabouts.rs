use std::time::Duration;

use plimsoll_registry::{Access, Kind, Registry, Whereabouts, whereabouts};
use plimsoll_scripted_registry::{Habits, Scripted, respond};

use crate::copies::{digest, mk_image, mk_place};
use crate::mk::{mk_bytes, mk_registry};

#[tokio::test]
async fn where_an_image_is_whole_is_told_of_every_place_whatever_the_others_do() {
    let layer = mk_bytes(5000);
    let mut servers = Vec::new();
    for _ in 0..5 {
        servers.push(mk_registry(Habits::default()).await);
    }
    let mut root = None;
    for (server, _) in servers.iter().take(4) {
        root = Some(digest(&mk_image(server, Some("1"), std::slice::from_ref(&layer))));
    }
    let root = root.unwrap();
    let large = plimsoll_scripted_registry::digest(&layer);
    let of_layer = move |request: &plimsoll_scripted_registry::Request| request.path.ends_with(&large);
    let missing = of_layer.clone();
    servers[1].0.script(move |request| {
        if missing(request) { Scripted::Instead(respond(404, &[], "")) } else { Scripted::Pass }
    });
    // In the right size, and something else.
    let other = of_layer.clone();
    servers[2].0.script(move |request| {
        let read = request.method == "GET" && other(request);
        if read { Scripted::Instead(respond(200, &[], vec![7; 5000])) } else { Scripted::Pass }
    });
    servers[3].0.script(|_| Scripted::Instead(respond(403, &[], "")));
    let places: Vec<_> = servers.iter().map(|(_, client)| mk_place(client, "shop/web")).collect();
    let found = whereabouts(&places, &root, 1 << 20, Duration::from_secs(20)).await;
    assert!(
        matches!(
            found.as_slice(),
            [
                Whereabouts::Whole(_),
                Whereabouts::Broken(one),
                Whereabouts::Broken(two),
                Whereabouts::Unknown(denied),
                Whereabouts::Absent,
            ] if one.missing.len() == 1 && two.damaged.len() == 1 && denied.kind() == Kind::Denied
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_place_that_does_not_answer_in_time_holds_up_no_other() {
    let (server, client) = mk_registry(Habits::default()).await;
    let root = digest(&mk_image(&server, None, &[mk_bytes(10)]));
    // Takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let mute = Registry::new(Access::new(host.parse().unwrap())).unwrap();
    let places = [mk_place(&mute, "shop/web"), mk_place(&client, "shop/web")];
    let found = whereabouts(&places, &root, 0, Duration::from_millis(500)).await;
    assert!(
        matches!(found.as_slice(), [Whereabouts::Unknown(late), Whereabouts::Whole(_)] if late.kind() == Kind::TimedOut),
        "{found:?}"
    );
}
