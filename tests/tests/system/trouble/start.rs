//! A server that cannot start: what stands in its way, and what to do.

use super::assert_trouble;
use anyhow::Result;
use plimsoll_tests::{Program, Said, Server, ServerOptions};
use std::path::{Path, PathBuf};

async fn serve(folder: &Path, options: &ServerOptions) -> Result<Said> {
    let config = options.write(folder)?;
    Program::run(folder, &["serve", "--config", &config.to_string_lossy()]).await
}

#[tokio::test]
async fn a_port_that_is_in_use_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let options =
        ServerOptions { listen: taken.local_addr()?.to_string(), ..ServerOptions::new(folder.path()) };

    let said = serve(folder.path(), &options).await?;

    assert_trouble("start_port_in_use", folder.path(), &said);
    Ok(())
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "")?;

    for (name, data) in [
        ("start_data_is_a_file", file.clone()),
        ("start_data_below_a_file", file.join("data")),
        // Nobody may make a folder there, root included.
        ("start_data_where_nothing_can_be_made", PathBuf::from("/proc/plimsoll")),
    ] {
        let options = ServerOptions { data, ..ServerOptions::new(folder.path()) };
        let said = serve(folder.path(), &options).await?;
        assert_trouble(name, folder.path(), &said);
    }
    Ok(())
}

#[tokio::test]
async fn a_corrupt_ledger_is_named_and_left_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().join("data/ledger.redb");
    Server::start(folder.path()).await?.stop().await?;
    let good = std::fs::read(&ledger)?;
    let half = good.len() / 2;
    let scratched: Vec<u8> =
        good.iter().enumerate().map(|(at, byte)| if at < 64 { byte ^ 0x5a } else { *byte }).collect();

    for (name, bytes) in [
        ("start_ledger_is_something_else", b"these are the accounts of the shop\n".to_vec()),
        ("start_ledger_is_cut_off", good.get(..half).unwrap_or_default().to_vec()),
        ("start_ledger_is_scratched", scratched),
    ] {
        std::fs::write(&ledger, &bytes)?;
        let said = serve(folder.path(), &ServerOptions::new(folder.path())).await?;
        assert_trouble(name, folder.path(), &said);
        assert!(std::fs::read(&ledger)? == bytes, "{name}: what is left of the ledger was touched");
    }

    std::fs::write(&ledger, &good)?;
    Server::start(folder.path()).await?.stop().await
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_told_the_pid_of_the_first() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = Server::start(folder.path()).await?;

    let said = serve(folder.path(), &ServerOptions::new(folder.path())).await?;

    assert_trouble("start_data_in_use", folder.path(), &said);
    first.stop().await
}

#[tokio::test]
async fn a_configuration_with_faults_is_told_all_of_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("plimsoll.toml");
    std::fs::write(
        &config,
        "listen = \"here\"\nport = 80\n\n[[tokens]]\nname = \"olga\"\nrole = \"boss\"\n",
    )?;
    let words = ["serve", "--config", &config.to_string_lossy()];

    let said = Program::run(folder.path(), &words).await?;
    assert_trouble("start_config_unknown_field", folder.path(), &said);

    std::fs::write(
        &config,
        "listen = \"here\"\n\n[[tokens]]\nname = \"olga\"\nrole = \"boss\"\ntoken = \"short\"\n",
    )?;
    let said = Program::run(folder.path(), &words).await?;
    assert_trouble("start_config_with_many_faults", folder.path(), &said);

    std::fs::remove_file(&config)?;
    let said = Program::run(folder.path(), &words).await?;
    assert_trouble("start_config_absent", folder.path(), &said);
    Ok(())
}
