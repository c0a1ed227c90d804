//! Advice from what was used.

use std::process::ExitCode;

use jiff::Timestamp;
use plimsoll_qos::evidence::{AdviseRequest, advise};
use serde_json::{Value, json};

use super::answer::{amounts, answered, items, show, text};
use super::arguments::Advise;
use super::input::Input;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, clean};

pub(super) fn run(format: Format, arguments: &Advise) -> Result<ExitCode, Failure> {
    let Advise { file, now, policy } = arguments;
    let input = Input::open(file)?;
    let mut request: Value = input.one()?;
    let Some(fields) = request.as_object_mut() else {
        return Err(Failure::usage(format!("{} is no usage; write {{\"apps\": […]}}", input.name())));
    };
    if let Some(now) = now {
        fields.insert("now".to_owned(), json!(now));
    }
    fields.entry("now").or_insert_with(|| json!(Timestamp::now().as_second()));
    if policy.policy.is_some() {
        fields.insert("policy".to_owned(), json!(policy.policy()?));
    }
    let request: AdviseRequest = serde_json::from_value(request)
        .map_err(|error| Failure::usage(format!("{} is no usage: {error}", input.name())))?;
    let answer = advise(&request).map_err(|error| Failure::usage(format!("{}: {error}", input.name())))?;
    let answer = answered(&answer)?;
    show(format, &answer, || told(&answer))?;
    Ok(ExitCode::SUCCESS)
}

fn told(answer: &Value) -> String {
    let mut table = Table::new(&["APP", "GRADE", "SOLD", "SUPPORTS", "ADVICE", "SIZE", "SAVES", "BECAUSE"]);
    for app in items(&answer["apps"]) {
        let field = |name: &str| text(&app[name]);
        let size = &app["rightSize"];
        let because = [field("because"), text(&size["because"])];
        table.push([
            format!("{}/{}", field("namespace"), field("name")),
            field("grade"),
            field("ratio"),
            text(&app["supported"]["ratio"]),
            field("advisedGrade"),
            amounts(&size["size"]),
            amounts(&size["saving"]),
            because.iter().filter(|why| !why.is_empty()).cloned().collect::<Vec<_>>().join("; "),
        ]);
    }
    let saving = amounts(&answer["saving"]);
    if saving.is_empty() {
        return table.to_string();
    }
    format!("{table}\n\nall sizes together save requests of {}", clean(&saving))
}
