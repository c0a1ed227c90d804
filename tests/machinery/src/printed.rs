//! What a program printed, without what differs from run to run.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::kubectl::Printed;
use crate::transcript::Transcript;

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a pattern"));
    };
}

// Suffixes that servers make up have no vowels: that of a replica set is a number, that of a pod five letters.
pattern!(SET, "([-=])([bcdfghjklmnpqrstvwxz2456789]{6,10})\\b");
pattern!(SUFFIX, "-[bcdfghjklmnpqrstvwxz2456789]{5}\\b");
pattern!(ADDRESS, r"\b(10\.\d+\.\d+\.\d+|127\.0\.0\.1)\b");
pattern!(AGE, r"^\d+[dhms](\d+[hms])?$");
pattern!(AGES, r"^\d+[dhms]\S* \(x(\d+) over \d+[dhms]\S*\)$");
pattern!(LONG_TIME, r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d \+0000");
pattern!(FILE_TIME, r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000");
pattern!(LOG_LINE, r"(?m)^([IWE])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ");
pattern!(VERSION, r#"(resourceVersion"?: ?"?)(\d+)"#);
// Other cases have nodes of their own at the same time.
pattern!(NODES, r"\b0/\d+ nodes are available: \d+ ");
pattern!(SCRATCH, r"\b(LIVE|MERGED)-\d+\b");
pattern!(CELLS, " {2,}|\t+");

/// What each line of standard error begins with.
const COMPLAINT: &str = "! ";

impl Transcript {
    pub(crate) fn printed(&mut self, arguments: &[String], printed: &Printed) {
        let command = arguments.join(" ");
        let command = self.without_chance(&format!("kubectl {command}\n"));
        let _ = write!(self.text, "$ {command}");
        let said = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        let stdout = match said.as_slice() {
            // Its first form is whole objects, in which spaces mean something.
            [.., "-o", "yaml" | "json"] => self.without_chance(&printed.stdout),
            ["get" | "events" | "top" | "api-resources", ..] => self.table(&printed.stdout),
            ["describe", ..] => self.described(&printed.stdout),
            _ => self.without_chance(&printed.stdout),
        };
        self.text.push_str(&stdout);
        let stderr = self.without_chance(&printed.stderr);
        for line in stderr.lines() {
            let _ = writeln!(self.text, "{COMPLAINT}{line}");
        }
        match printed.code {
            Some(0) => {}
            Some(code) => drop(writeln!(self.text, "exit {code}")),
            None => drop(writeln!(self.text, "(goes on)")),
        }
        self.text.push('\n');
    }

    /// A table: the width of its columns is that of its names and ages.
    fn table(&mut self, text: &str) -> String {
        let text = self.without_chance(text);
        text.lines().flat_map(|line| [row(line), "\n".to_owned()]).collect()
    }

    /// Sections of names and values, and in the end a table of events.
    fn described(&mut self, text: &str) -> String {
        let text = self.without_chance(text);
        let mut events = false;
        let lines = text.lines().flat_map(|line| {
            events |= line.starts_with("Events:");
            let indent = &line[..line.len() - line.trim_start().len()];
            let line =
                if events || line.starts_with("Age:") { row(line) } else { columns(line.trim_start()) };
            [if events { String::new() } else { indent.to_owned() }, line, "\n".to_owned()]
        });
        lines.collect()
    }

    fn without_chance(&mut self, text: &str) -> String {
        let text = self.named(text);
        let text = LONG_TIME.replace_all(&text, "(time)");
        let text = FILE_TIME.replace_all(&text, "(time)");
        let text = LOG_LINE.replace_all(&text, "$1 ");
        let text = VERSION.replace_all(&text, "$1(version=$2)");
        let text = NODES.replace_all(&text, "0/(all) nodes are available: (all) ");
        let text = SCRATCH.replace_all(&text, "$1");
        let text = SET.replace_all(&text, |found: &Captures<'_>| {
            let next = self.sets.len() + 1;
            format!("{}(set {})", &found[1], self.sets.entry(found[2].to_owned()).or_insert(next))
        });
        let text = SUFFIX.replace_all(&text, "-(suffix)");
        let mut text = ADDRESS.replace_all(&text, "(address)").into_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("(no newline)\n");
        }
        text
    }
}

/// A line of a table.
fn row(line: &str) -> String {
    let cells = CELLS.split(line.trim_end()).map(|cell| {
        if AGE.is_match(cell) {
            return "(age)".to_owned();
        }
        AGES.replace(cell, "(age) (x$1 over (age))").into_owned()
    });
    cells.collect::<Vec<_>>().join("  ")
}

fn columns(line: &str) -> String {
    CELLS.replace_all(line.trim_end(), "  ").into_owned()
}
