//! The program that answers with Kubernetes' own code.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use plimsoll_bench::Binaries;
use serde_json::Value;

/// A running `qos-oracle`; it ends with its standard input.
pub(crate) struct Oracle {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        let program = Binaries::tool("qos-oracle").unwrap_or_else(|error| panic!("{error:#}"));
        let mut process = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, requests, answers }
    }

    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.ask_all(std::slice::from_ref(request)).remove(0)
    }

    /// Asks and listens side by side: a pipe that is full in both directions would stop both.
    pub(crate) fn ask_all(&mut self, all: &[Value]) -> Vec<Value> {
        let requests = self.requests.as_mut().unwrap();
        let answers = &mut self.answers;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut requests = BufWriter::new(requests);
                for request in all {
                    writeln!(requests, "{request}").unwrap();
                }
                requests.flush().unwrap();
            });
            all.iter()
                .map(|request| {
                    let mut line = String::new();
                    answers.read_line(&mut line).unwrap();
                    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{request}: {error}: {line}"))
                })
                .collect()
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.requests.take());
        // It ends at the end of its input; there is nobody left to tell of anything else.
        let _ = self.process.wait();
    }
}
