//! Everything that `dev` runs: three simulated data centers, and the server that a real one would be.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::digest::Digest;
use plimsoll_core::enrol::{Enrol as _, Sharing};
use plimsoll_core::image::Host;
use plimsoll_core::name::{DcName, InstallationId};
use plimsoll_core::record::Environment;
use plimsoll_core::usecase::{Mode, NewInstallation, Plimsoll, Write};
use plimsoll_worker::Sights;
use secrecy::{ExposeSecret as _, SecretString};

use super::RegistryProgram;
use super::folder::Folder;
use super::registries::Registries;
use super::simulation::Simulation;
use crate::data_centers::DataCenters;
use crate::data_dir::{DataDir, write_private};
use crate::error::Error;
use crate::identity::Tokens;
use crate::net::Listener;
use crate::random;
use crate::stack::{OpenLedger, Setup, Stack};

const INSTALLATION: &str = "dev";
const TOKEN: &str = "token";

/// What is there before anything runs.
pub(super) struct Ground {
    pub(super) dir: DataDir,
    pub(super) ledger: OpenLedger,
    pub(super) listener: Listener,
    pub(super) registries: Option<RegistryProgram>,
}

/// Three simulated data centers and the server.
pub(super) struct World {
    simulation: Simulation,
    registries: Option<Registries>,
    stack: Stack,
    url: String,
    token: SecretString,
    caller: Caller,
}

impl World {
    /// Starts what the folder holds, or a new installation.
    pub(super) async fn start(ground: Ground, folder: &Folder) -> Result<Self, Error> {
        let Ground { dir, ledger, listener, registries } = ground;
        let url = reachable(listener.address());
        let token = token(dir.path())?;
        let caller = Caller { name: "dev".to_owned(), role: Role::Operator };
        let digest = Digest::of_bytes(token.expose_secret().as_bytes());
        let tokens = Tokens::new([(digest, caller.clone())]);
        // The ways to the data centers are there before the server looks for them.
        let simulation = Simulation::start(&dir, folder).await?;
        let registries = match registries {
            Some(program) => Some(Registries::start(&program, folder).await?),
            None => None,
        };
        let images = match &registries {
            Some(registries) => registries.images(&dir)?,
            None => None,
        };
        let stack = Stack::start(Setup { dir, ledger, listener, tokens, proxy: None, images }).await?;
        let world = Self { simulation, registries, stack, url, token, caller };
        world.furnish().await?;
        Ok(world)
    }

    /// Names the installation and adds the data centers that it does not have yet.
    async fn furnish(&self) -> Result<(), Error> {
        let plimsoll = self.plimsoll();
        let id: InstallationId = INSTALLATION.parse().map_err(defect)?;
        let name = "plimsoll dev".to_owned();
        let new = NewInstallation { id, name, environment: Environment::Production, policy: None };
        plimsoll.init(&self.caller, new, write("init")?).await?;
        let known: Vec<DcName> = plimsoll.dcs(&self.caller).await?.into_iter().map(|dc| dc.name).collect();
        for (dc, kubeconfig) in self.simulation.kubeconfigs() {
            if !known.contains(dc) {
                let write = write(&format!("add-{dc}"))?;
                self.stack
                    .data_centers
                    .add(&self.caller, dc.clone(), kubeconfig.into(), Sharing::Alone, write)
                    .await?;
            }
        }
        Ok(())
    }

    pub(super) fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// The registry that images are pushed to, where there are any.
    pub(super) fn qa(&self) -> Option<&Host> {
        self.registries.as_ref().and_then(Registries::qa)
    }

    pub(super) fn plimsoll(&self) -> &Plimsoll {
        &self.stack.plimsoll
    }

    pub(super) fn sights(&self) -> &Arc<Sights> {
        &self.stack.sights
    }

    pub(super) fn data_centers(&self) -> &DataCenters {
        &self.stack.data_centers
    }

    pub(super) fn dir(&self) -> &DataDir {
        self.stack.dir()
    }

    /// How a client on this machine reaches it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn token(&self) -> &SecretString {
        &self.token
    }

    /// Who publishes the example.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns when a part of it has ended that was not told to.
    pub(super) async fn failed(&mut self) -> Error {
        self.stack.failed().await
    }

    /// Ends the server, then the data centers, with everything written that is kept.
    pub(super) async fn stop(self) -> Result<(), Error> {
        self.stack.stop().await;
        if let Some(registries) = self.registries {
            registries.stop().await;
        }
        self.simulation.stop().await
    }
}

/// A write of `dev` itself, which it makes once in the life of a folder.
pub(super) fn write(what: &str) -> Result<Write, Error> {
    Ok(Write {
        request_id: format!("plimsoll-dev-{what}").parse().map_err(defect)?,
        if_match: None,
        mode: Mode::Do,
        reason: None,
    })
}

pub(super) fn defect(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Failed("a defect of this program".to_owned(), error.into())
}

/// The token of this folder, the same at every start, so that whoever has it may go on.
fn token(folder: &Path) -> Result<SecretString, Error> {
    let path = folder.join(TOKEN);
    let unusable = |error: io::Error| Error::DataDir {
        path: path.clone(),
        message: format!("cannot be used ({error})"),
        remedy: "let this user read and write it, or use another directory",
    };
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unusable(error)),
    }
    let token = random::token()?;
    write_private(&path, &format!("{token}\n")).map_err(unusable)?;
    Ok(token.into())
}

/// An address that listens everywhere is reached on loopback.
fn reachable(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_reached_on_loopback() {
        let table = [
            ("127.0.0.1:7400", "http://127.0.0.1:7400"),
            ("0.0.0.0:7400", "http://127.0.0.1:7400"),
            ("[::]:1", "http://[::1]:1"),
            ("10.0.0.7:80", "http://10.0.0.7:80"),
        ];
        for (address, expected) in table {
            assert_eq!(reachable(address.parse().unwrap()), expected);
        }
    }

    #[test]
    fn a_folder_keeps_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let first = token(folder.path()).unwrap();
        let second = token(folder.path()).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
    }
}
