//! What to do next.

use std::io;

use super::context::Context;
use super::folder::Folder;
use super::shop;
use super::world::World;
use secrecy::ExposeSecret as _;

/// How to go on, as commands that can be copied.
pub(super) fn text(world: &World, folder: &Folder, context: &Result<Option<Context>, io::Error>) -> String {
    let mut text: Vec<String> = Vec::new();
    let mut say = |what: &str, commands: &[String]| {
        text.push(format!("\n{what}:"));
        text.extend(commands.iter().map(|command| format!("  {command}")));
    };
    let found = matches!(context, Ok(Some(_)));
    if !found {
        let exports = [
            format!("export PLIMSOLL_SERVER={}", world.url()),
            format!("export PLIMSOLL_TOKEN={}", world.token().expose_secret()),
        ];
        say("The client verbs do not find this server by themselves, so first", &exports);
    }
    let verbs = [
        "plimsoll get shop -n demo",
        "plimsoll scale shop -n demo --replicas 5 --wait",
        "plimsoll history shop -n demo",
    ];
    say("In another terminal", &verbs.map(str::to_owned));
    let broken = "plimsoll apply -f examples/shop-broken.yaml --wait";
    say("A release that crashes, and goes back by itself", &[broken.to_owned()]);
    if let Some(registry) = world.qa() {
        let next = shop::next(registry);
        let upgrade = format!(
            "plimsoll show shop -n demo | sed 's|image: .*|image: {next}|' | plimsoll apply -f - --wait"
        );
        let located = format!("plimsoll image where {next}");
        let host = registry.as_str();
        say(
            &format!(
                "Images are pushed to {host}, and copied to where they run; where one is, and an upgrade to it"
            ),
            &[located, upgrade],
        );
    }
    let kubeconfigs: Vec<String> = world
        .simulation()
        .kubeconfigs()
        .map(|(dc, _)| {
            let file = world.dir().kubeconfig(dc);
            format!("kubectl --kubeconfig {} get deployments,pods -A", file.display())
        })
        .collect();
    say("In a data center", &kubeconfigs);
    let token = folder.path().join("token");
    let curl = format!(
        "curl -H \"Authorization: Bearer $(cat {})\" {}/v1/namespaces/demo/apps/shop",
        token.display(),
        world.url()
    );
    say("Over REST (the document is at /openapi.json) and, on the same port, gRPC", &[curl]);
    text.push("\nCtrl-C ends it.".to_owned());
    if matches!(folder, Folder::Temporary(_)) {
        text.push("Nothing is kept then; plimsoll dev --data DIR keeps everything.".to_owned());
    }
    text.join("\n")
}
