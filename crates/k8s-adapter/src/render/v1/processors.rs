//! How many processors a runtime may count on, said where it would count wrong by itself.

use plimsoll_core::content::{Container, RendererVersion};

use super::config::Config;
use super::{Input, container};

/// The first renderer that says it.
const FIRST: RendererVersion = RendererVersion(2);

/// Go starts as many threads; before 1.25 as many as the server has processors, whatever the limit.
const GO: &str = "GOMAXPROCS";
/// Every JVM reads its options from here, and from its command line after that.
const JVM: &str = "JAVA_TOOL_OPTIONS";
/// JVMs before 17.0.5 count by the request, which is a part of the limit where CPU is sold more than once.
const JVM_OPTION: &str = "-XX:ActiveProcessorCount";

/// The variables that tell a container its processors: its CPU limit, rounded up. What the App says of it is left
/// to it.
pub(super) fn hints(
    input: &Input<'_>,
    config: &Config,
    name: &str,
    container: &Container,
) -> Vec<(&'static str, String)> {
    let (limit, request) = container::amounts(input, &container.size);
    let Some(count) = plimsoll_qos::processors(&limit.cpu).filter(|_| input.content.renderer >= FIRST) else {
        return Vec::new();
    };
    let is_set =
        |variable: &str| config.sets(name, variable) || container.env_from_secrets.contains_key(variable);
    let Container { command, args, .. } = container;
    let counts_itself =
        command.iter().chain(args).chain(config.values(name)).any(|text| text.contains(JVM_OPTION));
    let mut hints = Vec::new();
    if !is_set(GO) {
        hints.push((GO, count.to_string()));
    }
    if request.cpu < limit.cpu && !is_set(JVM) && !counts_itself {
        hints.push((JVM, format!("{JVM_OPTION}={count}")));
    }
    hints
}
