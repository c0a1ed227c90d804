use futures::TryStreamExt as _;
use plimsoll_bench::{Line, RegistryOptions};
use plimsoll_registry::{Kind, Mount, Reference};

use crate::mk::{
    LINES, digests, mk_bytes, mk_client, mk_descriptor, mk_referrer, mk_repository, mk_server,
    mk_server_with, mk_tag, push_blob, push_image, push_index,
};

#[tokio::test]
async fn what_was_pushed_comes_back_byte_for_byte() {
    for line in LINES {
        let (_server, client) = mk_server(line).await;
        let repository = mk_repository("shop/web");
        let layer = mk_bytes(1, 3_000_000);
        let image = push_image(&client, &repository, None, layer.clone()).await;
        let index = push_index(&client, &repository, Some("1.4"), &[&image]).await;
        for (reference, expected) in [
            (mk_tag("1.4"), &index),
            (Reference::Digest(index.digest().clone()), &index),
            (Reference::Digest(image.digest().clone()), &image),
        ] {
            assert_eq!(
                client.manifest(&repository, &reference).await.unwrap().as_ref(),
                Some(expected),
                "{line:?}"
            );
            assert_eq!(
                client.head(&repository, &reference).await.unwrap(),
                Some(expected.descriptor()),
                "{line:?}"
            );
        }
        let blob = mk_descriptor("application/x", &layer);
        assert_eq!(client.head_blob(&repository, blob.digest()).await.unwrap(), Some(3_000_000), "{line:?}");
        let pieces: Vec<_> = client.blob(&repository, &blob).try_collect().await.unwrap();
        assert!(pieces.concat() == layer, "{line:?}");
        assert_eq!(client.manifest(&repository, &mk_tag("none")).await.unwrap(), None, "{line:?}");
        assert_eq!(client.head_blob(&mk_repository("none"), blob.digest()).await.unwrap(), None, "{line:?}");
    }
}

#[tokio::test]
async fn an_empty_blob_and_one_in_chunks_arrive() {
    for line in LINES {
        let (server, client) = mk_server(line).await;
        let repository = mk_repository("shop/web");
        push_blob(&client, &repository, "application/x", mk_bytes(1, 0)).await;
        let limits =
            plimsoll_registry::Limits { chunk: Some(1_000_000), ..plimsoll_registry::Limits::default() };
        let access = plimsoll_registry::Access::new(server.host().parse().unwrap()).limits(limits);
        let client = plimsoll_registry::Registry::new(access).unwrap();
        let bytes = mk_bytes(2, 3_500_000);
        let blob = push_blob(&client, &repository, "application/x", bytes.clone()).await;
        let pieces: Vec<_> = client.blob(&repository, &blob).try_collect().await.unwrap();
        assert!(pieces.concat() == bytes, "{line:?}");
    }
}

#[tokio::test]
async fn a_blob_is_mounted_from_another_repository() {
    for line in LINES {
        let (_server, client) = mk_server(line).await;
        let (base, shop) = (mk_repository("base/jdk"), mk_repository("shop/web"));
        let blob = push_blob(&client, &base, "application/x", mk_bytes(1, 10_000)).await;
        assert_eq!(client.mount(&shop, blob.digest(), &base).await.unwrap(), Mount::Mounted, "{line:?}");
        assert_eq!(client.head_blob(&shop, blob.digest()).await.unwrap(), Some(10_000), "{line:?}");
        let other = mk_descriptor("x", b"not there");
        assert_eq!(client.mount(&shop, other.digest(), &base).await.unwrap(), Mount::Declined, "{line:?}");
    }
}

#[tokio::test]
async fn deleting_is_refused_where_it_is_off_and_done_where_it_is_on() {
    let repository = mk_repository("shop/web");
    for line in LINES {
        let (_server, client) = mk_server_with(line, RegistryOptions::default()).await;
        let image = push_image(&client, &repository, Some("1"), mk_bytes(1, 1000)).await;
        let error = client.delete_manifest(&repository, image.digest()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported, "{line:?}: {error}");

        let (_server, client) = mk_server(line).await;
        let image = push_image(&client, &repository, Some("1"), mk_bytes(1, 1000)).await;
        client.put_manifest(&repository, &mk_tag("2"), &image).await.unwrap();
        let tag = "1".parse().unwrap();
        match (line, client.delete_tag(&repository, &tag).await) {
            (Line::Docker, Err(error)) => assert_eq!(error.kind(), Kind::Unsupported, "{error}"),
            (Line::Distribution, Ok(())) => {
                assert_eq!(client.head(&repository, &mk_tag("1")).await.unwrap(), None);
            }
            (_, other) => panic!("{line:?}: {other:?}"),
        }
        assert!(client.head(&repository, &mk_tag("2")).await.unwrap().is_some(), "{line:?}");
        client.delete_manifest(&repository, image.digest()).await.unwrap();
        assert_eq!(client.head(&repository, &mk_tag("2")).await.unwrap(), None, "{line:?}");
        client.delete_manifest(&repository, image.digest()).await.unwrap();
    }
}

#[tokio::test]
async fn two_writers_of_referrers_lose_none_on_a_registry_that_keeps_no_list() {
    for line in LINES {
        let (server, client) = mk_server(line).await;
        let repository = mk_repository("shop/web");
        let image = push_image(&client, &repository, Some("1"), mk_bytes(1, 1000)).await;
        let mut referrers = Vec::new();
        for at in 0..8 {
            let text = format!("signature {at}");
            referrers.push(mk_referrer(&client, &repository, &image, "application/sig", &text).await);
        }
        let other = mk_client(&server);
        let write = async |client: &plimsoll_registry::Registry, parity: usize| {
            for referrer in referrers.iter().skip(parity).step_by(2) {
                client.put_referrer(&repository, referrer).await.unwrap();
            }
        };
        tokio::join!(write(&client, 0), write(&other, 1));
        let listed = client.referrers(&repository, image.digest(), None).await.unwrap();
        assert_eq!(
            digests(listed.iter().map(plimsoll_registry::Descriptor::digest)),
            digests(referrers.iter().map(plimsoll_registry::Manifest::digest)),
            "{line:?}"
        );
    }
}
