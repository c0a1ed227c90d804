//! The OpenAPI document: what the handlers declare, with what holds for all of them.

use std::collections::BTreeMap;

use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, Modify, OpenApi as _};

use crate::dto::Problem;
use crate::handler;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Plimsoll",
        version = "v1",
        description = "Publishes applications to several data centers and keeps them there.\n\nEvery write \
            names itself by `requestId`, so that it can be repeated; it may carry `If-Match` and \
            `validateOnly`. What takes time answers 202 with an Operation, which `wait` and `watch` follow. \
            Errors are `application/problem+json` (RFC 9457). Fields that are not known are refused in \
            requests; clients ignore them in answers.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "apps", description = "Applications and their Releases."),
        (name = "operations", description = "Long-running changes."),
        (name = "installation", description = "The installation, its data centers, its Namespaces."),
        (name = "images", description = "Registries, and the images in them."),
        (name = "server", description = "The server itself; asks for no token."),
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    security(("bearer" = [])),
)]
pub(crate) struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of this installation."));
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

/// The OpenAPI document of this API.
pub fn document() -> OpenApi {
    let mut document = Description::openapi();
    document.merge(handler::guarded().into_openapi());
    document.merge(handler::open().into_openapi());
    describe_answers(&mut document);
    document
}

/// OpenAPI 3.1 wants words for every response; what the type says already needs no others.
fn describe_answers(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        for response in
            operations.into_iter().flatten().flat_map(|operation| operation.responses.responses.values_mut())
        {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                "As asked.".clone_into(&mut response.description);
            }
        }
    }
}

/// What a change of an App answers.
pub(crate) struct Begun;

/// What a request for work on registries answers.
pub(crate) struct BegunOnRegistries;

/// The errors of a read.
pub(crate) struct Reading;

/// The errors of a change.
pub(crate) struct Changing;

/// The errors of what asks for nobody.
pub(crate) struct Open;

const READING: [(&str, &str); 6] = [
    ("401", "The caller is not known."),
    ("403", "The caller may not; whether what is named exists plays no part."),
    ("404", "What is named is not there."),
    ("422", "The request has faults; `violations` lists them all."),
    ("503", "Something that this needs does not answer; try again."),
    ("default", "Any other error."),
];

const CHANGING: [(&str, &str); 5] = [
    ("409", "It is there already, or a rule stands against it, such as a pin."),
    ("412", "Somebody was faster: the `If-Match` is not what is there."),
    ("413", "The body is too long."),
    ("415", "The body is not JSON."),
    ("429", "A quota or a bound is used up."),
];

impl IntoResponses for Begun {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        begun("Accepted", "Nothing had to change, or it was only validated.")
    }
}

impl IntoResponses for BegunOnRegistries {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        begun("ImageAccepted", "It was only validated: this is what it would take.")
    }
}

/// An Operation that has begun, or none that had to.
fn begun(schema: &str, otherwise: &str) -> BTreeMap<String, RefOr<Response>> {
    let accepted = |description: &str| {
        let content = Content::new(Some(Ref::from_schema_name(schema)));
        ResponseBuilder::new().description(description).content("application/json", content)
    };
    let text = ObjectBuilder::new().schema_type(Type::String);
    let place = HeaderBuilder::new().schema(Some(text)).description(Some("The Operation.")).build();
    let begun = accepted("An Operation has begun.").header("Location", place);
    [("202", begun), ("200", accepted(otherwise))]
        .map(|(status, response)| (status.to_owned(), RefOr::T(response.build())))
        .into()
}

impl IntoResponses for Reading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(READING.iter())
    }
}

impl IntoResponses for Changing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(READING.iter().chain(&CHANGING))
    }
}

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(READING.iter().filter(|(status, _)| matches!(*status, "503" | "default")))
    }
}

fn problems<'a>(statuses: impl Iterator<Item = &'a (&'a str, &'a str)>) -> BTreeMap<String, RefOr<Response>> {
    let problem = |description: &str| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new().description(description).content("application/problem+json", content).build()
    };
    statuses.map(|(status, description)| ((*status).to_owned(), RefOr::T(problem(description)))).collect()
}
