//! What `--help` says beyond the arguments: an example of every verb.

use clap::{Command, CommandFactory as _};

use crate::arguments::Arguments;

/// A verb, and what somebody types who uses it.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "apply",
        &[
            "plimsoll apply -f shop.yaml --wait",
            "plimsoll apply -f apps/ --wait",
            "plimsoll apply -f - -n demo",
        ],
    ),
    ("diff", &["plimsoll diff -f shop.yaml"]),
    (
        "rollback",
        &["plimsoll rollback demo/shop --wait", "plimsoll rollback demo/shop --to 7 --reason outage"],
    ),
    ("unpin", &["plimsoll unpin demo/shop --reason fixed"]),
    (
        "scale",
        &["plimsoll scale demo/shop --replicas 5", "plimsoll scale demo/shop --min 3 --max 9 --dc dc-1"],
    ),
    ("restart", &["plimsoll restart demo/shop --wait"]),
    ("offline", &["plimsoll offline demo/shop --reason maintenance"]),
    ("online", &["plimsoll online demo/shop --wait"]),
    ("delete", &["plimsoll delete demo/shop --yes"]),
    ("get", &["plimsoll get demo/shop", "plimsoll get demo/shop -o yaml"]),
    ("list", &["plimsoll list -n demo", "plimsoll list -A -o wide"]),
    ("history", &["plimsoll history demo/shop"]),
    ("show", &["plimsoll show demo/shop --release 7 -o yaml"]),
    ("operation get", &["plimsoll operation get 0199f3a0-0000-7000-8000-000000000001"]),
    ("operation list", &["plimsoll operation list", "plimsoll operation list demo/shop -o name"]),
    ("operation watch", &["plimsoll operation watch 0199f3a0-0000-7000-8000-000000000001"]),
    ("operation wait", &["plimsoll operation wait 0199f3a0-0000-7000-8000-000000000001 --timeout 5m"]),
    ("operation pause", &["plimsoll operation pause 0199f3a0-0000-7000-8000-000000000001 --reason slow"]),
    ("operation resume", &["plimsoll operation resume 0199f3a0-0000-7000-8000-000000000001 --wait"]),
    ("operation abort", &["plimsoll operation abort 0199f3a0-0000-7000-8000-000000000001"]),
    ("dc list", &["plimsoll dc list"]),
    ("dc get", &["plimsoll dc get dc-1"]),
    ("dc confirm", &["plimsoll dc confirm dc-1 --reason restored"]),
    ("dc refuse", &["plimsoll dc refuse dc-1 --reason investigating"]),
    (
        "dc add",
        &[
            "plimsoll dc add dc-1 --kubeconfig dc-1.yaml",
            "plimsoll dc add dc-1 --kubeconfig dc-1.yaml --shared",
        ],
    ),
    ("namespace list", &["plimsoll namespace list -o name"]),
    ("namespace get", &["plimsoll namespace get demo"]),
    ("namespace create", &["plimsoll namespace create demo"]),
    ("policy show", &["plimsoll policy show", "plimsoll policy show -o yaml > grades.yaml"]),
    ("policy set", &["plimsoll policy set -f grades.yaml --dry-run", "plimsoll policy set -f grades.yaml"]),
    ("image ls", &["plimsoll image ls registry.example.com", "plimsoll image ls registry.example.com/shop"]),
    ("image tags", &["plimsoll image tags registry.example.com/shop/web"]),
    ("image inspect", &["plimsoll image inspect registry.example.com/shop/web:1.4"]),
    (
        "image where",
        &[
            "plimsoll image where registry.example.com/shop/web:1.4",
            "plimsoll image where registry.example.com/shop/web:1.4 --sample 100Mi -o wide",
        ],
    ),
    (
        "image copy",
        &[
            "plimsoll image copy registry.qa.example.com/shop/web:1.4 --wait",
            "plimsoll image copy registry.qa.example.com/shop/web:1.4 --to dc-1 --rate 50M --dry-run",
        ],
    ),
    (
        "image sync",
        &[
            "plimsoll image sync registry.qa.example.com/shop/web --tags '1.*' --newest 20 --wait",
            "plimsoll image sync registry.qa.example.com/shop/web --to dc-2 --window 22:00-06:00",
        ],
    ),
    ("image verify", &["plimsoll image verify registry.qa.example.com/shop/web --sample 64Mi --wait"]),
    (
        "image rm",
        &[
            "plimsoll image rm registry.example.com/shop/web@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --yes",
        ],
    ),
    ("registry ls", &["plimsoll registry ls"]),
    ("registry probe", &["plimsoll registry probe registry.example.com"]),
    (
        "qos quantity",
        &["plimsoll qos quantity 1.5Gi 100m", "plimsoll qos quantity 100m --strict --resource memory"],
    ),
    ("qos classify", &["plimsoll qos classify -f deployment.yaml", "plimsoll qos classify -f - -o json"]),
    (
        "qos size",
        &[
            "plimsoll qos size --grade general-5 --cpu 333m --memory 1Gi",
            "plimsoll qos size -f shop.yaml --policy grades.yaml",
        ],
    ),
    (
        "qos fit",
        &[
            "plimsoll qos fit --cluster dc-1=dc-1.json --cluster dc-2=dc-2.json --grade general-5 --cpu 2 --memory 4Gi",
            "plimsoll qos fit --cluster dc-1=- -f deployment.yaml -o wide",
        ],
    ),
    (
        "qos what-if",
        &[
            "plimsoll qos what-if --cluster dc-1=dc-1.json --cluster dc-2=dc-2.json --lose dc-1",
            "plimsoll qos what-if --cluster dc-1=dc-1.json --lose-node dc-1/node-7 -o json",
        ],
    ),
    ("qos advise", &["plimsoll qos advise -f usage.json"]),
    (
        "qos node-view",
        &["plimsoll qos node-view -f deployment.yaml --memory 64Gi --memory-throttling-factor 0.9"],
    ),
    ("qos eviction", &["plimsoll qos eviction -f pods.json -f podmetrics.json --node node-7"]),
    ("qos lint", &["plimsoll qos lint -f namespace.yaml", "plimsoll qos lint -f - --policy grades.yaml"]),
    ("qos policy", &["plimsoll qos policy", "plimsoll qos policy -f grades.yaml -o yaml"]),
    ("qos eval", &["plimsoll qos eval"]),
    ("init", &["plimsoll init --id prod --name Production", "plimsoll init --id prod --policy grades.yaml"]),
    ("serve", &["plimsoll serve --config plimsoll.toml"]),
    ("dev", &["plimsoll dev", "plimsoll dev --data ./dev --until-healthy --timeout 1m"]),
    ("completion", &["plimsoll completion bash > /etc/bash_completion.d/plimsoll"]),
];

/// The whole command line, with its examples.
pub(crate) fn command() -> Command {
    EXAMPLES.iter().fold(Arguments::command(), |command, (verb, examples)| {
        let words: Vec<_> = verb.split(' ').collect();
        let told = format!("Examples:\n  {}", examples.join("\n  "));
        with_examples(command, &words, told)
    })
}

fn with_examples(command: Command, words: &[&str], told: String) -> Command {
    match words.split_first() {
        None => command.after_help(told),
        Some((word, rest)) => command.mut_subcommand(word, |below| with_examples(below, rest, told)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every verb that does something, as `dc add`.
    fn verbs(command: &Command, at: &str, all: &mut Vec<String>) {
        if !command.has_subcommands() {
            all.push(at.trim().to_owned());
        }
        for below in command.get_subcommands() {
            verbs(below, &format!("{at} {}", below.get_name()), all);
        }
    }

    #[test]
    fn every_verb_has_an_example() {
        let mut all = Vec::new();
        verbs(&Arguments::command(), "", &mut all);
        let told: Vec<_> = EXAMPLES.iter().map(|(verb, _)| *verb).collect();
        assert_eq!(all, told);
    }

    #[test]
    fn every_example_can_be_typed() {
        for (verb, examples) in EXAMPLES {
            for example in *examples {
                // What a shell does with the output is its own affair.
                let words = example.split(" > ").next().unwrap().split(' ');
                assert!(example.starts_with(&format!("plimsoll {verb}")), "{example}");
                if let Err(error) = command().try_get_matches_from(words) {
                    panic!("{example}: {error}");
                }
            }
        }
    }
}
