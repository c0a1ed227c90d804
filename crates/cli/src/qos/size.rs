//! Sizes: what limits request.

use std::process::ExitCode;

use plimsoll_core::content::{Container, Content, Named};
use plimsoll_core::shape::MAIN;
use plimsoll_qos::Policy;
use serde_json::{Value, json};

use super::answer::{ask, show, text};
use super::arguments::{Size, Sizes};
use super::input::{Found, Input};
use super::pods::app;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, note};

const HEAD: [&str; 7] = ["CONTAINER", "GRADE", "CLASS", "RESOURCE", "LIMIT", "REQUEST", "BECAUSE"];

pub(super) fn run(format: Format, arguments: Sizes) -> Result<ExitCode, Failure> {
    let Sizes { size, file, policy } = arguments;
    let policy = policy.policy()?;
    let mut table = Table::new(&HEAD);
    if let Size { grade: Some(grade), cpu: Some(cpu), memory: Some(memory) } = size {
        let answer = one(&policy, grade.as_str(), &cpu, &memory)?;
        rows(&mut table, "", grade.as_str(), [&cpu, &memory], &answer);
        let class = policy.grade(grade.as_str()).map(|rule| rule.qos_class.to_string());
        if let Some(class) = class.filter(|class| answer["class"] != class.as_str()) {
            note(&format!(
                "so small a size leaves nothing to sell: {grade} is {class}, and a document with it is refused"
            ));
        }
        show(format, &answer, || table.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut answers = Vec::new();
    for path in &file {
        let input = Input::open(path)?;
        let before = answers.len();
        for Found { place, item } in input.objects::<Value>()? {
            let Some(document) = app(&place, &item, &policy)? else { continue };
            let Content { grade, main, init, sidecars, .. } = &document.content;
            let named = sidecars.iter().chain(init).map(|Named { name, inner }| (name.as_str(), inner));
            for (name, Container { size, .. }) in [(MAIN, main)].into_iter().chain(named) {
                let (cpu, memory) = (size.cpu.to_string(), size.memory.to_string());
                let mut answer = one(&policy, grade.as_str(), &cpu, &memory)?;
                let what = format!("{} {name}", document.app);
                rows(&mut table, &what, grade.as_str(), [&cpu, &memory], &answer);
                answer["app"] = json!(document.app.to_string());
                answer["container"] = json!(name);
                answers.push(answer);
            }
        }
        if answers.len() == before {
            return Err(Failure::usage(format!("{} holds no App document", input.name())));
        }
    }
    show(format, &Value::Array(answers), || table.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn one(policy: &Policy, grade: &str, cpu: &str, memory: &str) -> Result<Value, Failure> {
    ask(&json!({"op": "size", "grade": grade, "cpu": cpu, "memory": memory, "policy": policy}))
}

fn rows(table: &mut Table, what: &str, grade: &str, limits: [&str; 2], answer: &Value) {
    for ((resource, request), limit) in
        [("cpu", "cpuRequest"), ("memory", "memoryRequest")].iter().zip(limits)
    {
        table.push([
            what.to_owned(),
            grade.to_owned(),
            text(&answer["class"]),
            (*resource).to_owned(),
            limit.to_owned(),
            text(&answer[*request]),
            text(&answer["because"][*resource]),
        ]);
    }
}
