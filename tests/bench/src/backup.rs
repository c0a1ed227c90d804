use crate::DataCenter;
use crate::http::ApiClient;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The data of an etcd that was stopped, to be put back later.
pub struct Backup {
    folder: TempDir,
}

impl DataCenter {
    /// Copies the data of its etcd; everything is away for that long.
    pub async fn back_up(&self) -> Result<Backup> {
        let backup = Backup { folder: tempfile::tempdir().context("making a folder")? };
        self.without_etcd(|data| copy(data, &backup.data())).await?;
        Ok(backup)
    }

    /// Puts back what etcd held when the backup was made, and starts everything again on its port: what else runs there
    /// would go on with what it knows, which is of a time that is no more.
    pub async fn put_back(&self, backup: &Backup) -> Result<()> {
        self.without_etcd(|data| {
            std::fs::remove_dir_all(data).with_context(|| format!("clearing {}", data.display()))?;
            copy(&backup.data(), data)
        })
        .await
    }

    /// Lets etcd forget everything before its present revision, and restarts the API server, which remembers some of it
    /// for itself.
    pub async fn compact(&self) -> Result<()> {
        let etcd = self.etcd();
        let current = ApiClient::ask_etcd(&etcd, "kv/range", r#"{"key":"AA=="}"#).await?;
        let revision = current["header"]["revision"].as_str().context("etcd tells no revision")?;
        let request = format!(r#"{{"revision":"{revision}","physical":true}}"#);
        ApiClient::ask_etcd(&etcd, "kv/compaction", &request).await?;
        self.stop_apiserver().await?;
        self.start_apiserver().await
    }

    async fn without_etcd(&self, work: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        for component in self.components().iter().rev() {
            if self.is_started(*component).await {
                self.stop(*component).await?;
            }
        }
        work(&self.etcd_data())?;
        for component in self.components() {
            self.start(*component).await?;
        }
        Ok(())
    }
}

impl Backup {
    fn data(&self) -> PathBuf {
        self.folder.path().join("etcd")
    }
}

/// Copies a folder and what is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let reading = || format!("reading {}", from.display());
    std::fs::create_dir(to).with_context(|| format!("making {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().with_context(reading)?.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
        }
    }
    Ok(())
}
