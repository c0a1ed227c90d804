//! Images.

mod show;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use plimsoll_api_rest::dto::{Image, ImageRemoval, ImageTag, ImageWhereabouts, RegistryPage, Repository};
use plimsoll_core::image::{Home, Named, Prefix};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::change::repeatable;
use super::image_work;
use super::list::Pages;
use super::session::Session;
use crate::arguments::{self, Format, Making, Remove};
use crate::client::read;
use crate::failure::Failure;
use crate::output::{clean, note, note_all, print, structured};

/// Something may be missing in a list: scripts tell it from a failure.
const INCOMPLETE: u8 = 3;

pub(super) async fn run(session: &Session, command: arguments::Image) -> Result<ExitCode, Failure> {
    match command {
        arguments::Image::Ls { place } => repositories(session, &place).await,
        arguments::Image::Tags { repository } => tags(session, &repository).await,
        arguments::Image::Inspect { image } => inspect(session, &image).await,
        arguments::Image::Where { image, sample } => locate(session, &image, sample).await,
        arguments::Image::Copy(arguments) => image_work::copy(session, arguments).await,
        arguments::Image::Sync(arguments) => image_work::sync(session, arguments).await,
        arguments::Image::Verify(arguments) => image_work::verify(session, arguments).await,
        arguments::Image::Rm(arguments) => remove(session, arguments).await,
    }
}

async fn repositories(session: &Session, place: &Prefix) -> Result<ExitCode, Failure> {
    let Prefix { host, path } = place;
    let mut query = Vec::new();
    if let Some(path) = path {
        query.push(("prefix", path.as_str()));
    }
    let path = ["registries", host.as_str(), "repositories"];
    listed(session, &path, &query, "REPOSITORY", |repository: Repository| repository.name).await
}

async fn tags(session: &Session, Home { host, repository }: &Home) -> Result<ExitCode, Failure> {
    let path = ["registries", host.as_str(), "tags"];
    listed(session, &path, &[("repository", repository.as_str())], "TAG", |tag: ImageTag| tag.name).await
}

/// Prints a list as its pages come, for people; for programs it is one value. What may be missing is told at its end.
async fn listed<T: DeserializeOwned>(
    session: &Session,
    path: &[&str],
    query: &[(&str, &str)],
    head: &str,
    name: impl Fn(T) -> String,
) -> Result<ExitCode, Failure> {
    let is_structured = matches!(session.format, Format::Json | Format::Yaml);
    let mut all: Vec<Value> = Vec::new();
    let mut incomplete = None;
    let mut printed = 0_usize;
    let mut pages = Pages::new(path, query);
    while let Some(page) = pages.next(session).await? {
        let page: RegistryPage<Value> = read(&page)?;
        incomplete = incomplete.or(page.incomplete);
        note_all(&page.notes);
        if is_structured {
            all.extend(page.items);
            continue;
        }
        for item in &page.items {
            if printed == 0 && session.format != Format::Name {
                print(head)?;
            }
            printed += 1;
            print(&clean(&name(read(item)?)))?;
        }
    }
    if is_structured {
        let mut value = json!({"items": all, "complete": incomplete.is_none()});
        if let Some(why) = &incomplete {
            value["incomplete"] = json!(why);
        }
        structured(session.format, &value).unwrap_or(Ok(()))?;
    } else if printed == 0 {
        note("there is none");
    }
    match incomplete {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(Failure::new(INCOMPLETE, format!("the list is incomplete, {why}"))),
    }
}

async fn inspect(session: &Session, image: &Named) -> Result<ExitCode, Failure> {
    let call = session.client.call(Method::GET, &["images"]).query("image", &image.to_string());
    let value = call.send().await?;
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let image: Image = read(&value)?;
    match session.format {
        Format::Name => print(&clean(&show::pinned(&image.repository, &image.digest)))?,
        _ => print(&show::image(&image))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn locate(
    session: &Session,
    image: &Named,
    sample: Option<arguments::Sampled>,
) -> Result<ExitCode, Failure> {
    let path = ["images", "whereabouts"];
    let mut call = session.client.call(Method::GET, &path).query("image", &image.to_string());
    if let Some(arguments::Sampled(sample)) = &sample {
        call = call.query("sample", sample);
    }
    let value = call.send().await?;
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let whereabouts: ImageWhereabouts = read(&value)?;
    note_all(&whereabouts.notes);
    match session.format {
        Format::Name => print(&clean(&show::pinned(&whereabouts.repository, &whereabouts.digest)))?,
        Format::Wide => print(&show::whereabouts(&whereabouts, show::Room::Wide))?,
        _ => print(&show::whereabouts(&whereabouts, show::Room::Narrow))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(session: &Session, arguments: Remove) -> Result<ExitCode, Failure> {
    let Remove { image, yes, reason, making } = arguments;
    let Making { dry_run, request_id } = making;
    if !yes && !dry_run {
        confirm(&image)?;
    }
    let request_id = request_id.map_or_else(|| uuid::Uuid::now_v7().to_string(), String::from);
    let mut call = session.client.call(Method::DELETE, &["images"]).query("image", &image.to_string());
    call = call.query("requestId", &request_id);
    if dry_run {
        call = call.query("validateOnly", "true");
    }
    if let Some(reason) = &reason {
        call = call.query("reason", reason);
    }
    let value = call.send().await.map_err(|failure| repeatable(failure, &request_id))?;
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let ImageRemoval { repository, digest, notes } = read(&value)?;
    let pinned = show::pinned(&repository, &digest);
    note_all(&notes);
    let said = match session.format {
        Format::Name => pinned,
        _ if dry_run => "nothing was changed: this would be accepted".to_owned(),
        _ => format!("{pinned} is removed"),
    };
    print(&clean(&said))?;
    Ok(ExitCode::SUCCESS)
}

/// Asks, so that nobody removes what another window meant.
fn confirm(image: &Named) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{image} is not removed: nobody can be asked here; say --yes")));
    }
    eprint!("This removes {image} with every tag that points to it. Type yes to go on: ");
    let _ = std::io::stderr().flush();
    let mut typed = String::new();
    let read = std::io::stdin().read_line(&mut typed);
    if read.is_ok() && typed.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::usage(format!("{image} is not removed")))
}
