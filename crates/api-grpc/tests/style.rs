//! The `.proto` files keep to the rules of `buf lint` STANDARD that matter to callers, and every element
//! says what it is.

use plimsoll_api_grpc::proto;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::FileDescriptorProto;

fn files() -> Vec<FileDescriptorProto> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap_or_default();
    let ours = pool.file_descriptor_protos().filter(|file| file.package() == "plimsoll.v1").cloned();
    ours.collect()
}

#[test]
fn the_package_is_its_folder() {
    assert_eq!(files().len(), 11);
    for file in files() {
        assert!(file.name().starts_with("plimsoll/v1/"), "{}", file.name());
    }
}

#[test]
fn values_of_an_enum_carry_its_name_and_begin_with_unspecified() {
    for declared in files().iter().flat_map(|file| &file.enum_type) {
        let prefix = declared.name().chars().fold(String::new(), |prefix, c| {
            let separator = if c.is_uppercase() && !prefix.is_empty() { "_" } else { "" };
            prefix + separator + &c.to_uppercase().to_string()
        });
        assert_eq!(declared.value[0].name(), format!("{prefix}_UNSPECIFIED"));
        assert_eq!(declared.value[0].number(), 0);
        for value in &declared.value {
            assert!(value.name().starts_with(&format!("{prefix}_")), "{}", value.name());
        }
    }
}

#[test]
fn a_method_has_a_request_and_a_response_of_its_own() {
    for service in files().iter().flat_map(|file| &file.service) {
        assert!(service.name().ends_with("Service"), "{}", service.name());
        for method in &service.method {
            let own = |suffix: &str| format!(".plimsoll.v1.{}{suffix}", method.name());
            assert_eq!(method.input_type(), own("Request"));
            assert_eq!(method.output_type(), own("Response"));
        }
    }
}

#[test]
fn every_element_has_a_comment_that_is_a_sentence() {
    let mut seen = 0;
    for file in files() {
        let source = file.source_code_info.clone().unwrap_or_default();
        for location in source.location {
            // Paths of messages (4), enums (5), services (6), and the fields (2), oneofs (8), values (2) and
            // methods (2) in them; everything longer or other is a part of one of these.
            let is_element = matches!(location.path[..], [4..=6, _] | [4..=6, _, 2, _] | [4, _, 8, _]);
            if is_element {
                let comment = location.leading_comments().trim();
                assert!(comment.ends_with('.'), "{} {:?}: {comment:?}", file.name(), location.path);
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "the descriptors carry no comments: {seen}");
}
