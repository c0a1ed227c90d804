use plimsoll_bench::{Line, RegistryOptions};
use plimsoll_registry::{Authentication, Catalog, Found, Profile, Reads, Refusal, Support};

use crate::mk::{LINES, mk_bytes, mk_repository, mk_server_with, push_image};

#[tokio::test]
async fn the_lines_are_told_apart_by_what_they_answer() {
    for line in LINES {
        for deletes in [true, false] {
            let (_server, client) =
                mk_server_with(line, RegistryOptions { deletes, ..RegistryOptions::default() }).await;
            push_image(&client, &mk_repository("shop/web"), Some("1"), mk_bytes(1, 100)).await;
            let bad_number = match line {
                Line::Docker => Refusal::Taken,
                Line::Distribution => Refusal::Refused,
            };
            let expected = Profile {
                server: Found::Known("registry/2.0".to_owned()),
                authentication: Found::Known(Authentication::None),
                catalog: Found::Known(Catalog { largest_page: Some(1000), bad_number }),
                referrers: Found::Known(Support::No),
                deletes: Found::Known(if deletes { Support::Yes } else { Support::No }),
                reads: Found::Known(Reads {
                    digests: Support::Yes,
                    entity_tags: Support::Yes,
                    ranges: Support::Yes,
                }),
            };
            assert_eq!(client.probe().await.unwrap(), expected, "{line:?}");
        }
    }
}
