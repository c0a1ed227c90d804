//! What can be said on the command line.

mod image;
mod image_work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use plimsoll_core::name::{AppName, DcName, NamespaceName, RequestId};
use plimsoll_server::dev::RegistryProgram;

pub(crate) use image::{Image, Registry, Remove, Sampled};
pub(crate) use image_work::{Begin, Copy, Pace, Sync, Verify};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed
  2    the request or the document has faults
  3    something was found: differences (diff), faults (qos lint), a loss (qos what-if), an incomplete list
       (image ls, image tags)
  4    not known, or not allowed
  5    not there
  6    somebody was faster, or it is there already
  7    refused by a rule or a quota
  8    timed out while the server goes on
  130  interrupted";

/// Publishes applications to several data centers and keeps them there.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every verb of the client takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server and answer")]
pub(crate) struct Global {
    /// The server, as `https://plimsoll.example.com`; else the one that `plimsoll dev` runs.
    #[arg(long, global = true, env = "PLIMSOLL_SERVER", hide_env_values = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The token; better given by the environment, for other users of the machine see arguments.
    #[arg(long, global = true, env = "PLIMSOLL_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A file of certificates (PEM) that the server's is checked against, beside the system's own.
    #[arg(long, global = true, env = "PLIMSOLL_CA", hide_env_values = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The Namespace.
    #[arg(short, long, global = true, env = "PLIMSOLL_NAMESPACE", hide_env_values = true)]
    pub(crate) namespace: Option<NamespaceName>,
    /// How the answer is written.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For people with wide screens.
    Wide,
    /// As the server answered it.
    Json,
    /// The same as YAML.
    Yaml,
    /// Names or ids alone, one to a line.
    Name,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Publish what a document says: go live, or upgrade.
    Apply(Apply),
    /// Show what an apply would change; ends with 3 if it is anything.
    Diff(Diff),
    /// Bring old content back everywhere at once, and pin the app.
    Rollback(Rollback),
    /// Let a rolled-back app take publishes again.
    Unpin(Change),
    /// Change how much of an app runs where.
    Scale(Scale),
    /// Replace all pods, a few at a time.
    Restart(Change),
    /// Take the pods away; Service and config stay.
    Offline(Change),
    /// Bring the pods back.
    Online(Change),
    /// Delete an app with everything that was made for it.
    Delete(Delete),
    /// Show an app, or list those of a Namespace or of all.
    Get(Get),
    /// List apps.
    List(List),
    /// List the Releases of an app, the newest first.
    History(History),
    /// Show the document of a Release, as `apply` takes it.
    Show(Show),
    /// Follow long-running changes.
    #[command(subcommand)]
    Operation(Operation),
    /// Data centers.
    #[command(subcommand)]
    Dc(Dc),
    /// Namespaces.
    #[command(subcommand)]
    Namespace(Namespace),
    /// The grades of the installation.
    #[command(subcommand)]
    Policy(Policy),
    /// Images: what is there, what it is, where it lies and runs.
    #[command(subcommand)]
    Image(Image),
    /// The registries that images lie in.
    #[command(subcommand)]
    Registry(Registry),
    /// How much of the machines may be sold: quantities, grades, capacity; needs no server.
    #[command(subcommand)]
    Qos(crate::qos::arguments::Qos),
    /// Name the installation, once.
    Init(Init),
    /// Serve by a configuration file.
    Serve(Serve),
    /// Start a whole installation with simulated data centers, and publish an example.
    Dev(Dev),
    /// Print what lets a shell complete these commands.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// An app: `shop`, or `demo/shop` with its Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppArgument {
    pub(crate) namespace: Option<NamespaceName>,
    pub(crate) name: AppName,
}

impl std::str::FromStr for AppArgument {
    type Err = plimsoll_core::name::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((namespace, name)) => Ok(Self { namespace: Some(namespace.parse()?), name: name.parse()? }),
            None => Ok(Self { namespace: None, name: text.parse()? }),
        }
    }
}

/// What every write takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Write {
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Only check; fails where the real one would.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What you decided on, as `get` showed it: refused if somebody has changed the app since.
    #[arg(long, value_name = "ETAG", conflicts_with = "force")]
    pub(crate) if_match: Option<String>,
    /// Whatever somebody else has changed meanwhile.
    #[arg(long)]
    pub(crate) force: bool,
    /// The id of the request; only to repeat one whose answer was lost.
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<RequestId>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// What a write takes that looks at no App.
#[derive(Debug, Args)]
pub(crate) struct Making {
    /// Only check; fails where the real one would.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The id of the request; only to repeat one whose answer was lost.
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<RequestId>,
}

/// Whether to wait for what was started.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Wait {
    /// Stay until it has come to its end, and show how it goes.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to stay; the change itself goes on.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The documents (YAML or JSON, several in a file apart by `---`): a file, a folder, or `-` for standard input;
    /// may be repeated.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Take the document's scale for an app that is there already.
    #[arg(long)]
    pub(crate) scale: bool,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The documents (YAML or JSON, several in a file apart by `---`): a file, a folder, or `-` for standard input;
    /// may be repeated.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The app.
    pub(crate) app: AppArgument,
    /// The Release to go back to; else the newest that succeeded and differs.
    #[arg(long, value_name = "RELEASE", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) to: Option<u64>,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    /// The app.
    pub(crate) app: AppArgument,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Scale {
    /// The app.
    pub(crate) app: AppArgument,
    /// So many in each data center.
    #[arg(long, conflicts_with_all = ["min", "max", "cpu_percent"])]
    pub(crate) replicas: Option<u32>,
    /// As many as the load asks for, never fewer.
    #[arg(long, requires = "max")]
    pub(crate) min: Option<u32>,
    /// As many as the load asks for, never more.
    #[arg(long, requires = "min")]
    pub(crate) max: Option<u32>,
    /// The CPU use that is aimed at, 1 to 90 percent of the limit; 70 if not given.
    #[arg(long, requires = "min")]
    pub(crate) cpu_percent: Option<u32>,
    /// Only in this data center, as an exception; may be repeated.
    #[arg(long = "dc", value_name = "DC")]
    pub(crate) dcs: Vec<DcName>,
    /// Which data centers have any: `all`, or names with commas between.
    #[arg(long, value_name = "all|DC,DC", value_delimiter = ',')]
    pub(crate) placement: Vec<String>,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The app.
    pub(crate) app: AppArgument,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The app; else all of the Namespace, or of all Namespaces.
    #[arg(conflicts_with = "all")]
    pub(crate) app: Option<AppArgument>,
    #[command(flatten)]
    pub(crate) list: List,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Of all Namespaces, whichever one is usual.
    #[arg(short = 'A', long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The app.
    pub(crate) app: AppArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The app.
    pub(crate) app: AppArgument,
    /// The number of the Release; else the one aimed at.
    #[arg(long, value_name = "RELEASE", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) release: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operation {
    /// Show an operation.
    Get {
        /// Its id.
        id: String,
    },
    /// List operations, the newest first.
    List {
        /// Only those of this app.
        app: Option<AppArgument>,
    },
    /// Show how an operation goes until it has come to its end.
    Watch(Following),
    /// Wait until an operation has come to its end.
    Wait(Following),
    /// Let no further data center get it for now; what was sent goes on.
    Pause(Steering),
    /// Let it go on after a pause; what failed is tried again.
    Resume {
        #[command(flatten)]
        steering: Steering,
        #[command(flatten)]
        wait: Wait,
    },
    /// End it; every data center stays as it is.
    Abort(Steering),
}

/// What is said to an operation that runs.
#[derive(Debug, Args)]
pub(crate) struct Steering {
    /// Its id.
    pub(crate) id: String,
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) making: Making,
}

#[derive(Debug, Args)]
pub(crate) struct Following {
    /// Its id.
    pub(crate) id: String,
    /// How long to stay; the operation itself goes on.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dc {
    /// List the data centers.
    List,
    /// Show a data center.
    Get {
        /// Its name.
        name: DcName,
    },
    /// Let a data center that is held go on: what was found missing there is put back.
    Confirm(Decide),
    /// Leave a data center that is held as it is: nothing is written there until somebody confirms.
    Refuse(Decide),
    /// Add a data center.
    Add {
        /// Its name.
        name: DcName,
        /// How to reach it; the current context of the file is used.
        #[arg(long, value_name = "FILE")]
        kubeconfig: PathBuf,
        /// Its cluster is a data center of another installation too, and that is meant.
        #[arg(long)]
        shared: bool,
        #[command(flatten)]
        making: Making,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// Its name.
    pub(crate) name: DcName,
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// What you decided on, as `dc get -o json` showed it: refused if something has changed since.
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_match: Option<String>,
    #[command(flatten)]
    pub(crate) making: Making,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Namespace {
    /// List the Namespaces.
    List,
    /// Show a Namespace.
    Get {
        /// Its name.
        name: NamespaceName,
    },
    /// Make a Namespace in every data center.
    Create {
        /// Its name.
        name: NamespaceName,
        #[command(flatten)]
        making: Making,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Show the grades; with `-o yaml` in the form that `policy set` takes.
    Show,
    /// Set the grades: those that new Releases may have, the most important first.
    Set(SetPolicy),
}

#[derive(Debug, Args)]
pub(crate) struct SetPolicy {
    /// The grades (YAML or JSON), `-` for standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Why, for the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Go on only if the grades are still those of this etag; else that of the file, else that of now.
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_match: Option<String>,
    #[command(flatten)]
    pub(crate) making: Making,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The id: an RFC 1123 label of at most 40 characters, fixed for good.
    #[arg(long)]
    pub(crate) id: String,
    /// The name, for people; else the id.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Which rules hold.
    #[arg(long, value_enum, default_value = "production")]
    pub(crate) environment: Environment,
    /// The installation's own grades (YAML or JSON); else Plimsoll's.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) making: Making,
}

/// Which rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Environment {
    /// All of them.
    Production,
    /// Those that a try-out can live with.
    Testing,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "plimsoll.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Keep everything in this folder; else it is gone with the process, unless that fails.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where REST and gRPC are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7400")]
    pub(crate) listen: SocketAddr,
    /// Run registries too: one that images are pushed to and one for each data center. They are CNCF Distribution, by
    /// the program `registry` or `docker-registry` where a shell finds it or Go has built it, or by this one.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = registry_program
    )]
    pub(crate) registries: Option<RegistryProgram>,
    /// End with 0 when the example is healthy everywhere, and with the reason when it is not in time.
    #[arg(long)]
    pub(crate) until_healthy: bool,
    /// How long that may take.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration, requires = "until_healthy")]
    pub(crate) timeout: Duration,
}

/// What is not named is to be found.
fn registry_program(text: &str) -> Result<RegistryProgram, String> {
    let path = PathBuf::from(text);
    match text {
        "" => Ok(RegistryProgram::Found),
        _ if path.is_file() => Ok(RegistryProgram::At(path)),
        _ => {
            Err("there is no such file; name the program of a registry, or none to have it found".to_owned())
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    plimsoll_core::duration::parse(text).ok_or_else(|| "give a duration such as 90s, 5m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_app_may_be_given_with_its_namespace() {
        let parse = |text: &str| text.parse::<AppArgument>().ok().map(|app| (app.namespace, app.name));
        assert_eq!(parse("shop"), Some((None, "shop".parse().unwrap())));
        assert_eq!(parse("demo/shop"), Some((Some("demo".parse().unwrap()), "shop".parse().unwrap())));
        assert_eq!(parse("a/b/c"), None);
        assert_eq!(parse("Shop"), None);
    }

    #[test]
    fn a_scale_says_what_is_to_change_and_only_one_number() {
        let accepts = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        assert!(accepts("plimsoll scale shop --replicas 3 --dc dc-1 --dc dc-2"));
        assert!(accepts("plimsoll scale shop --min 3 --max 9 --placement dc-1,dc-2"));
        assert!(accepts("plimsoll scale shop --placement all"));
        assert!(!accepts("plimsoll scale shop --max 9"));
        assert!(!accepts("plimsoll scale shop --replicas 3 --min 3 --max 9"));
        assert!(!accepts("plimsoll scale shop --min 3"));
        assert!(!accepts("plimsoll scale shop --cpu-percent 50 --replicas 3"));
    }
}
