use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt as _;
use plimsoll_registry::{Access, Registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::mk::{LINES, mk_bytes, mk_descriptor, mk_repository, mk_server, push_blob};

/// When a connection breaks.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// After so many bytes of a body that goes to the registry.
    Sending(usize),
    /// When all went there and the reply begins.
    Reply,
    /// After so many bytes that come from the registry.
    Receiving(usize),
}

/// A way to a registry that breaks once.
struct Cutter {
    address: SocketAddr,
    broke: Arc<AtomicBool>,
}

impl Cutter {
    async fn start(target: String, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let broke = Arc::new(AtomicBool::new(false));
        let told = broke.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(carry(client, server, cut, told.clone()));
            }
        });
        Self { address, broke }
    }

    fn client(&self) -> Registry {
        Registry::new(Access::new(self.address.to_string().parse().unwrap())).unwrap()
    }
}

async fn carry(client: TcpStream, server: TcpStream, cut: Cut, broke: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut sent, mut received, mut puts) = (0, 0, false);
    let (mut up, mut down) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                puts |= up[..count].starts_with(b"PUT ");
                sent += if puts { count } else { 0 };
                let over = matches!(cut, Cut::Sending(most) if sent > most);
                if over && !broke.swap(true, Ordering::SeqCst) {
                    return;
                }
                if to_server.write_all(&up[..count]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                received += count;
                let over = match cut {
                    Cut::Reply => puts,
                    Cut::Receiving(most) => received > most,
                    Cut::Sending(_) => false,
                };
                if over && !broke.swap(true, Ordering::SeqCst) {
                    return;
                }
                if to_client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

const SIZE: usize = 1_000_000;

#[tokio::test]
async fn a_push_that_breaks_anywhere_arrives_whole() {
    for line in LINES {
        let (server, direct) = mk_server(line).await;
        let repository = mk_repository("shop/web");
        let cuts = [SIZE / 100, SIZE / 4, SIZE / 2, SIZE / 100 * 99, SIZE - 1].map(Cut::Sending);
        for (seed, cut) in cuts.into_iter().chain([Cut::Reply]).enumerate() {
            let cutter = Cutter::start(server.host(), cut).await;
            let bytes = mk_bytes(seed as u64, SIZE);
            let blob = push_blob(&cutter.client(), &repository, "application/x", bytes.clone()).await;
            assert!(cutter.broke.load(Ordering::SeqCst), "{line:?} {cut:?}: nothing broke");
            let pieces: Vec<_> = direct.blob(&repository, &blob).try_collect().await.unwrap();
            assert!(pieces.concat() == bytes, "{line:?} {cut:?}");
        }
    }
}

#[tokio::test]
async fn a_pull_that_breaks_anywhere_comes_whole() {
    for line in LINES {
        let (server, direct) = mk_server(line).await;
        let repository = mk_repository("shop/web");
        let bytes = mk_bytes(7, SIZE);
        push_blob(&direct, &repository, "application/x", bytes.clone()).await;
        for cut in [1, SIZE / 4, SIZE / 2, SIZE / 100 * 99, SIZE - 1].map(Cut::Receiving) {
            let cutter = Cutter::start(server.host(), cut).await;
            let blob = mk_descriptor("application/x", &bytes);
            let pieces: Vec<_> = cutter.client().blob(&repository, &blob).try_collect().await.unwrap();
            assert!(pieces.concat() == bytes, "{line:?} {cut:?}");
            assert!(cutter.broke.load(Ordering::SeqCst), "{line:?} {cut:?}: nothing broke");
        }
    }
}
