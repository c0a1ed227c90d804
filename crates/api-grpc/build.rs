//! Generates `plimsoll.v1` from its `.proto` files with a parser in Rust: the machine needs no protoc.

use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 4] = [
    "plimsoll/v1/app_service.proto",
    "plimsoll/v1/operation_service.proto",
    "plimsoll/v1/installation_service.proto",
    "plimsoll/v1/image_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // Reflection serves this file: what a caller sees is what was compiled.
    std::fs::write(out.join("plimsoll.v1.bin"), prost::Message::encode_to_vec(&descriptors))?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
