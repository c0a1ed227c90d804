//! Starts a simulated cluster and stays until it is interrupted: `cargo run --example sim [DATA-DIR]`.

use std::path::PathBuf;
use std::time::Duration;

use plimsoll_sim_cluster::{Behavior, SimCluster};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let mut builder = SimCluster::builder().name("dc-1");
    if let Some(folder) = &folder {
        builder = builder.data_dir(folder);
    }
    let cluster = builder.start().await?;
    let scripts = cluster.scripts();
    scripts.set_pattern("missing", Behavior::missing())?;
    scripts.set_pattern("crashing", Behavior::crashing(Duration::from_secs(1), 3))?;
    scripts.set_pattern("unready", Behavior::never_ready())?;
    let file = folder.unwrap_or_else(std::env::temp_dir).join(format!("sim-{}.yaml", std::process::id()));
    std::fs::write(&file, cluster.kubeconfig())?;
    println!("export KUBECONFIG={}", file.display());
    tokio::signal::ctrl_c().await?;
    std::fs::remove_file(&file)?;
    cluster.shutdown().await?;
    Ok(())
}
