//! The example documents are what the documentation says of them.

use plimsoll_qos::Policy;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use super::super::{Host, admit};
use super::{AppDocument, read};
use crate::builders::mk_dcs;
use crate::content::Probe;
use crate::record::Environment;

fn example(text: &str) -> AppDocument {
    let documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    let value = to_value(&documents[0]);
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]);
    let document =
        admit(&value, Host { environment: Environment::Production, dcs: &dcs, grades: &Policy::default() })
            .unwrap();
    assert_eq!(read(&document.to_value()), document);
    document
}

fn to_value(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => Value::from(*truth),
        Yaml::Value(Scalar::Integer(number)) => Value::from(*number),
        Yaml::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => items.iter().map(to_value).collect(),
        Yaml::Mapping(entries) => {
            let entry =
                |(key, value): (&Yaml<'_>, &Yaml<'_>)| (key.as_str().unwrap().to_owned(), to_value(value));
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
        other => panic!("no example has {other:?}"),
    }
}

#[test]
fn the_minimal_example_obeys_every_rule() {
    let document = example(include_str!("../../../../../examples/minimal.yaml"));
    assert_eq!(document.app.to_string(), "demo/hello");
    assert_eq!(document.scale.size.at_least(), 3);
}

#[test]
fn the_shop_obeys_every_rule() {
    let document = example(include_str!("../../../../../examples/shop.yaml"));
    assert_eq!(document.app.to_string(), "demo/shop");
    assert_eq!(document.content.publish.waves.len(), 2);
}

#[test]
fn a_java_application_that_starts_in_ninety_seconds_is_safe() {
    let document = example(include_str!("../../../../../examples/java-tomcat.yaml"));
    let content = &document.content;
    let Some(Probe { period, failure_threshold, initial_delay, .. }) = &content.main.probes.startup else {
        panic!("no startup probe");
    };
    let budget = *initial_delay + *period * *failure_threshold;
    assert!(budget.as_secs() >= 2 * 90, "the start may take {budget:?}");
    assert!(budget < content.publish.deadline);
    for path in ["work", "temp", "logs"] {
        let path = format!("/usr/local/tomcat/{path}");
        assert!(content.scratch.iter().any(|scratch| scratch.path == path), "{path}");
    }
    assert!(content.shutdown.grace.as_secs() > 40, "the application waits up to 40 s for what it has begun");
    assert!(content.main.env["JAVA_OPTS"].contains("-XX:ActiveProcessorCount=2"));
    assert_eq!(content.main.size.cpu.to_string(), "2");
}

#[test]
fn the_document_in_the_documentation_is_the_minimal_example() {
    let docs = include_str!("../../../../../docs/app.md");
    let (_, rest) = docs.split_once("```yaml\n").unwrap();
    let (yaml, _) = rest.split_once("```").unwrap();
    assert_eq!(example(yaml), example(include_str!("../../../../../examples/minimal.yaml")));
}
