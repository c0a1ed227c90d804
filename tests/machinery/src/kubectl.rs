//! One run of kubectl, and what it printed.

use std::future::{Future, IntoFuture};
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;

use kube::config::Kubeconfig;
use plimsoll_bench::Binaries;
use regex::Regex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::Server;
use crate::server::PATIENCE;

/// A run of kubectl in the case's namespace, which begins when it is awaited. What it prints goes into the transcript.
#[must_use = "kubectl runs when it is awaited"]
pub struct Kubectl<'a> {
    server: &'a Server,
    arguments: Vec<String>,
    input: String,
    editor: Option<String>,
    /// Ended after as many lines on standard output.
    lines: Option<usize>,
    shown: Shown,
}

/// How much of what kubectl prints goes into the transcript.
enum Shown {
    All,
    /// The lines in which a pattern is found.
    Lines(Regex),
    /// Nothing: this is set-up, and must succeed.
    Nothing,
}

/// What kubectl printed.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    /// Its exit code; none where it was ended.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl<'a> Kubectl<'a> {
    pub(crate) fn new(server: &'a Server, command: &str) -> Self {
        let arguments = command.replace("{ns}", &server.namespace);
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Self { server, arguments, input: String::new(), editor: None, lines: None, shown: Shown::All }
    }

    /// One more argument, which may have spaces in it.
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.replace("{ns}", &self.server.namespace));
        self
    }

    /// What it reads from standard input.
    pub fn input(mut self, input: impl Into<String>) -> Self {
        self.input = input.into();
        self
    }

    /// What it opens files with.
    pub fn editor(mut self, editor: &str) -> Self {
        self.editor = Some(editor.to_owned());
        self
    }

    /// Ends it as soon as it has printed as many lines on standard output, as a person does who watches.
    pub fn until(mut self, lines: usize) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Shows the lines in which a pattern is found.
    ///
    /// # Panics
    /// If it is no pattern.
    pub fn lines(mut self, pattern: &str) -> Self {
        self.shown = Shown::Lines(Regex::new(pattern).expect("a pattern"));
        self
    }

    /// Shows nothing; it must succeed.
    pub fn unseen(mut self) -> Self {
        self.shown = Shown::Nothing;
        self
    }

    async fn run(self) -> Printed {
        let Self { server, arguments, input, editor, lines, shown } = self;
        server.introduce().await;
        let mut command = Command::new(Binaries::tool("kubectl").expect("kubectl is built"));
        let home = server.kubectl_home();
        command
            .args(&arguments)
            .current_dir(home.path())
            .env("KUBECONFIG", home.path().join("config"))
            .env("KUBECACHEDIR", home.path().join("cache"))
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(editor) = editor {
            command.env("KUBE_EDITOR", editor);
        }
        let whole = format!("kubectl {}", arguments.join(" "));
        let printed = tokio::time::timeout(PATIENCE, printed(command, &input, lines)).await;
        let printed = printed.unwrap_or_else(|_| panic!("never ended: {whole}\n{}", server.said()));
        let mut transcript = server.transcript.borrow_mut();
        match shown {
            Shown::All => transcript.printed(&arguments, &printed),
            Shown::Lines(pattern) => {
                let only = |text: &str| -> String {
                    text.lines().filter(|line| pattern.is_match(line)).flat_map(|line| [line, "\n"]).collect()
                };
                let shown = Printed { stdout: only(&printed.stdout), ..printed.clone() };
                transcript.printed(&arguments, &shown);
            }
            Shown::Nothing => assert_eq!(printed.code, Some(0), "{whole}: {}", printed.stderr),
        }
        printed
    }
}

async fn printed(mut command: Command, input: &str, lines: Option<usize>) -> Printed {
    let mut child = command.spawn().expect("kubectl starts");
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        // One that ends without reading it all says why itself.
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let mut printed = Printed::default();
    let mut stdout = BufReader::new(stdout.expect("a pipe"));
    if let Some(lines) = lines {
        let read = async {
            for _ in 0..lines {
                stdout.read_line(&mut printed.stdout).await.expect("text");
            }
        };
        tokio::join!(feed, read);
        child.kill().await.expect("kubectl ends");
        return printed;
    }
    let mut stderr = stderr.expect("a pipe");
    let read = async {
        tokio::try_join!(
            stdout.read_to_string(&mut printed.stdout),
            stderr.read_to_string(&mut printed.stderr)
        )
    };
    let ((), read) = tokio::join!(feed, read);
    read.expect("text");
    printed.code = child.wait().await.expect("kubectl ends").code();
    printed
}

/// Writes a kubeconfig that begins in a namespace.
pub(crate) fn write_kubeconfig(kubeconfig: &Kubeconfig, namespace: &str, folder: &Path) {
    let mut kubeconfig = kubeconfig.clone();
    for context in kubeconfig.contexts.iter_mut().filter_map(|named| named.context.as_mut()) {
        context.namespace = Some(namespace.to_owned());
    }
    let text = serde_json::to_string(&kubeconfig).expect("a kubeconfig");
    std::fs::write(folder.join("config"), text).expect("a file");
}

impl<'a> IntoFuture for Kubectl<'a> {
    type Output = Printed;
    type IntoFuture = Pin<Box<dyn Future<Output = Printed> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
