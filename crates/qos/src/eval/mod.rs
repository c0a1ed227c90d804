//! One JSON request per line, one JSON answer per line: the engine for other programs, and for comparing it
//! with other implementations over a million cases.
//!
//! An answer says `"ok":true` and the result, or `"ok":false` and why not in `"error"`; a bad line is answered
//! like any other and never ends the stream. Unknown fields of a request are refused, those of a pod ignored.
//!
//! | Request | Answer |
//! |---|---|
//! | `{"op":"quantity","value":"1.5Gi"}` | `{"ok":true,"canonical":"1536Mi"}` |
//! | `{"op":"quantity","value":"100m","strict":true,"resource":"memory"}` | `{"ok":false,"error":"…; did you mean 100Mi?"}` |
//! | `{"op":"arithmetic","left":"1500m","right":"500m","scale":0}` | `{"ok":true,"order":"Greater","sum":"2","difference":"1","rounded":"2"}` |
//! | `{"op":"qosClass","pod":{…}}` | `{"ok":true,"class":"Burstable","because":"container …"}` |
//! | `{"op":"podRequests","pod":{…}}` | `{"ok":true,"requests":{"cpu":"250m"},"limits":{}}` |
//! | `{"op":"quotaUsage","pod":{…}}` | `{"ok":true,"usage":{"pods":"1","requests.cpu":"250m"}}` |
//! | `{"op":"defaulted","pod":{…}}` | `{"ok":true,"pod":{…}}` |
//! | `{"op":"resize","pod":{…},"to":{…}}` | `{"ok":true,"allowed":true,"refusals":[],"restarts":["main"],"bestEffort":[]}` |
//! | `{"op":"size","grade":"general-5","cpu":"333m","memory":"1Gi"}` | `{"ok":true,"cpuRequest":"67m","memoryRequest":"683Mi","class":"Burstable","because":{"cpu":"ceil(333m / 5), grade general-5","memory":"…"}}` |
//! | `{"op":"fit","clusters":[…],"want":{"grade":"general-5","size":{"cpu":"2","memory":"4Gi"}}}` | `{"ok":true,"fits":110,"binding":"pods","because":"…",…}`: [`FitRequest`](crate::FitRequest), [`FitAnswer`](crate::FitAnswer) |
//! | `{"op":"lose","clusters":[…],"lose":{"dataCenters":["dc-1"]}}` | `{"ok":true,"displaced":420,"returns":412,"bound":415,"because":"…",…}`: [`LossRequest`](crate::LossRequest), [`LossAnswer`](crate::LossAnswer) |
//! | `{"op":"advise","now":1790000000,"apps":[{"grade":"general-2",…}]}` | `{"ok":true,"apps":[{"advisedGrade":"general-10",…}],"saving":{…}}`: [`AdviseRequest`](crate::evidence::AdviseRequest), [`AdviseAnswer`](crate::evidence::AdviseAnswer) |
//! | `{"op":"nodeView","pod":{…},"machine":{"memory":"64Gi"}}` | `{"ok":true,"qos":{…},"containers":[{"name":"main","oomScoreAdj":{…},…}],"eviction":"…"}`: [`Machine`](crate::Machine), [`NodeView`](crate::NodeView) |
//! | `{"op":"evictionOrder","pods":[{"name":"a","priority":500,"request":"1Gi","usage":"2Gi"}]}` | `{"ok":true,"order":[{"name":"a","because":"uses 2Gi, 1Gi more than it requests; priority 500"}]}`: [`Candidate`](crate::Candidate), [`Victim`](crate::Victim) |
//! | `{"op":"lint","objects":[…]}` | `{"ok":true,"findings":[{"severity":"error","rule":"bestEffort",…}]}`: [`Object`](crate::lint::Object), [`Finding`](crate::lint::Finding) |
//! | `{"op":"policy","policy":{"grades":[…]}}` | `{"ok":true,"grades":[…],"priorityClasses":[…],"limitRange":{…}}`: [`Policy`](crate::Policy) |
//!
//! - `pod` is a `PodSpec` as the API stores it. It is judged as it stands; with `"template":true` it is filled
//!   in first as the API server fills in a new pod, which is what the template of a Deployment needs.
//! - `server` is the version of Kubernetes whose rules hold, `"1.37"` where it is absent.
//! - `status` of `podRequests` is the pod's `PodStatus`; with it, a resize under way is counted as the scheduler
//!   counts it.
//! - Amounts that are zero are left out of `requests` and `limits`.
//! - `qosClass`, `podRequests`, `quotaUsage` and `defaulted` answer any pod as Kubernetes' own code does, and have `faults`
//!   beside where an API server would store no such pod: a limit below its request, an amount below zero. Every other
//!   operation refuses such a pod, naming the field and what to do.
//! - `resource` of a strict quantity is `cpu`, `memory` or `ephemeral-storage`; without it what is right for CPU
//!   or for memory passes. `size` reads its amounts strictly, and `terms` (`{"cpu":"5","memory":"3/2"}`) replace
//!   those of the grade.
//! - `policy` names the grades that there are, `{"grades":[{"name":"gold","qosClass":"Burstable","cpu":"4",
//!   "memory":"3/2","priority":600000000}]}`: `size`, `fit`, `advise` and `lint` take it, Plimsoll's own where it is
//!   absent. `policy` without one shows these.
//! - `notCounted` of `fit` and `lose` names what of the pods the scheduler looks at and the answer does not (volumes,
//!   claims to devices, gates, groups), which `because` says too; host ports are counted, as `hostPorts`.
//! - `clusters` lists `{"name":"dc-1","dataCenter":"dc-1","nodes":[…],"pods":[…],"budgets":[…],"peaks":{…}}`, nodes, pods
//!   and disruption budgets as `kubectl get -o json` lists them in `items`; `"ledgers":{"requestsAndPeaks":{"targetPercent":90}}` counts
//!   predicted peaks beside requests; `"detail"` of `fit` is `Nodes` (where it is absent), `Clusters` or
//!   `DataCenters`. With `"wants":[…]` in the place of `want`, the fleet is counted once and the answer is
//!   `{"ok":true,"answers":[…]}`, one for each, with `"error"` where there is none.
//!
//! Bounds: a line has at most [`MAX_LINE`] bytes, JSON at most 127 levels, a list at most 20,000 items, a map at
//! most 4,096 names, a quantity at most 512 characters.

mod by_name;
mod capacity;
mod objects;
mod pod;
mod quantity;
mod size;

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use by_name::ByName;

/// The longest line that is read.
pub const MAX_LINE: usize = 64 << 20;

/// What `serde_json` reads down to.
const MAX_DEPTH: usize = 127;

/// How much is read and written at once.
const BUFFER: usize = 64 << 10;

/// What an operation gives: the fields of the answer, or why there is none.
type Answer = Result<Map<String, Value>, String>;

/// Answers one request. The answer is one line of JSON without the end of the line.
///
/// ```
/// use plimsoll_qos::eval;
///
/// assert_eq!(eval::line(br#"{"op":"quantity","value":"1.5Gi"}"#), r#"{"ok":true,"canonical":"1536Mi"}"#);
/// ```
pub fn line(request: &[u8]) -> String {
    match answer(request) {
        Ok(result) => {
            // The verdict stands first, for people who read along.
            let fields = Value::Object(result).to_string();
            match fields.as_str() {
                "{}" => r#"{"ok":true}"#.to_owned(),
                fields => format!(r#"{{"ok":true,{}"#, &fields[1..]),
            }
        }
        Err(error) => format!(r#"{{"ok":false,"error":{}}}"#, Value::String(error)),
    }
}

/// Answers every line of `requests` on `answers`, in order, until there are no more; gives their number.
///
/// A line that is too long is read to its end, kept nowhere and answered with an error. Answers are handed on
/// whenever no further request is at hand, so that a program may ask, wait for the answer and ask again.
pub fn stream(requests: impl Read, answers: impl Write) -> io::Result<u64> {
    let mut requests = BufReader::with_capacity(BUFFER, requests);
    let mut answers = BufWriter::with_capacity(BUFFER, answers);
    let mut request = Vec::new();
    let mut count = 0;
    while next_line(&mut requests, &mut request, MAX_LINE)? {
        answers.write_all(line(&request).as_bytes())?;
        answers.write_all(b"\n")?;
        count += 1;
        if requests.buffer().is_empty() {
            answers.flush()?;
        }
        // One huge line is no reason to keep its memory for the rest of the stream.
        request.shrink_to(BUFFER);
    }
    answers.flush()?;
    Ok(count)
}

/// Reads a line without its end, at most one byte more than `max` of it. False at the end of what there is.
fn next_line(requests: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> io::Result<bool> {
    line.clear();
    let bound = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = requests.by_ref().take(bound).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > max {
        requests.skip_until(b'\n')?;
    }
    Ok(true)
}

fn answer(request: &[u8]) -> Answer {
    /// What every request has; the rest is read by the operation.
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        op: Cow<'a, str>,
    }

    if request.len() > MAX_LINE {
        return Err(format!(
            "a line has at most {} MiB; ask about fewer nodes and pods at a time, or with `plimsoll qos fit --cluster`",
            MAX_LINE >> 20
        ));
    }
    if !request.trim_ascii_start().starts_with(b"{") {
        return Err(r#"a request is an object, such as {"op":"quantity","value":"1.5Gi"}"#.to_owned());
    }
    let Asked { op } = read(request)?;
    match op.as_ref() {
        "quantity" => quantity::quantity(request),
        "arithmetic" => quantity::arithmetic(request),
        "qosClass" => pod::qos_class(request),
        "podRequests" => pod::pod_requests(request),
        "quotaUsage" => pod::quota_usage(request),
        "defaulted" => pod::defaulted(request),
        "resize" => pod::resize(request),
        "size" => size::size(request),
        "fit" => capacity::fit(request),
        "lose" => capacity::lose(request),
        "advise" => capacity::advise(request),
        "nodeView" => objects::node_view(request),
        "evictionOrder" => objects::eviction_order(request),
        "lint" => objects::lint(request),
        "policy" => objects::policy(request),
        other => Err(format!(
            "unknown op `{}`; there are quantity, arithmetic, qosClass, podRequests, quotaUsage, defaulted, \
             resize, size, fit, lose, advise, nodeView, evictionOrder, lint and policy",
            other.chars().take(40).collect::<String>()
        )),
    }
}

fn read<'a, T: Deserialize<'a>>(request: &'a [u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(request);
    let read = T::deserialize(ByName(&mut json)).and_then(|read| json.end().map(|()| read));
    read.map_err(|error| {
        let said = error.to_string();
        match said.strip_prefix("recursion limit exceeded") {
            Some(place) => format!("JSON is read down to {MAX_DEPTH} levels, and there are more{place}"),
            None => said,
        }
    })
}

/// The fields of an answer, in the order in which they are given.
fn fields<const COUNT: usize>(fields: [(&str, Value); COUNT]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn text(value: &impl ToString) -> Value {
    json!(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_beyond_the_bound_is_dropped_and_the_next_one_read() {
        let mut lines: &[u8] = b"12345\n1234567890\n123\n12";
        let mut read = Vec::new();
        let mut line = Vec::new();
        while next_line(&mut lines, &mut line, 5).unwrap() {
            read.push(String::from_utf8(line.clone()).unwrap());
        }
        // One byte more than allowed is kept, by which the caller sees that the line was too long.
        assert_eq!(read, ["12345", "123456", "123", "12"]);
    }
}
