//! Which files are meant, and what they hold.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::tree::MAX_DOCUMENTS;
use super::{Source, Wanted};
use crate::failure::{FAILED, Failure};

/// How much text is taken at once, in bytes.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// What files of a folder end with that are taken.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The documents of files and folders; `-` is standard input. What is wrong with any of them is told of all.
pub(crate) fn open(paths: &[PathBuf], wanted: Wanted) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    let mut failures = Vec::new();
    let mut room = MAX_TEXT;
    for path in paths.iter().map(|path| files(path)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let (name, bytes) = text(&path, room)?;
        room -= bytes.len();
        match Source::parse(&name, bytes, wanted) {
            Ok(documents) => sources.extend(documents),
            Err(failure) => failures.push(failure),
        }
        if sources.len() > MAX_DOCUMENTS {
            let message =
                format!("these are more than {MAX_DOCUMENTS} documents; apply them in several goes");
            return Err(Failure::usage(message));
        }
    }
    Failure::of_all(failures)?;
    Ok(sources)
}

/// The files that are meant: those of a folder by name, and not those of its folders.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if path == Path::new("-") || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error| unreadable(&path.display().to_string(), &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let is_meant = file.extension().is_some_and(|ending| ENDINGS.iter().any(|other| ending == *other));
        if is_meant && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        let endings = ENDINGS.map(|ending| format!(".{ending}")).join(", ");
        return Err(Failure::usage(format!("the folder {} holds no file of {endings}", path.display())));
    }
    files.sort();
    Ok(files)
}

/// A file as it lies there, if it is no longer than `room`.
fn text(path: &Path, room: usize) -> Result<(String, Vec<u8>), Failure> {
    // One byte more than there is room for, so that a longer one is known by that.
    let read = |reader: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        reader.take(room as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let (name, bytes) = if path == Path::new("-") {
        ("stdin".to_owned(), read(&mut std::io::stdin().lock()))
    } else {
        let bytes = std::fs::File::open(path).and_then(|mut file| read(&mut file));
        (path.display().to_string(), bytes)
    };
    let bytes = bytes.map_err(|error| unreadable(&name, &error))?;
    if bytes.len() > room {
        let most = MAX_TEXT / 1024 / 1024;
        return Err(Failure::usage(format!(
            "with {name} it is more than {most} MiB; apply it in several goes"
        )));
    }
    Ok((name, bytes))
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    Failure::new(FAILED, format!("{name} cannot be read: {}", unread(error)))
}

/// Why a file cannot be read, without the numbers of the system.
pub(crate) fn unread(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder; name a file in it".to_owned(),
        _ => error.to_string(),
    }
}
