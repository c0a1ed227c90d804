//! The `Link` header (RFC 8288), as registries write it.

/// The target whose relation is `next`. Registries write one link; some leave the quotes of the relation out, some the
/// relation.
pub(crate) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        // What follows the target up to the next one are its parameters.
        let parameters = after.split_once('<').map_or(after, |(parameters, _)| parameters);
        let relation = parameters.split([';', ',']).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
        });
        let leads_on = relation.is_none_or(|relation| {
            relation.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if leads_on {
            return Some(target.trim()).filter(|target| !target.is_empty());
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_page_is_found_however_it_is_written() {
        for (header, expected) in [
            (r#"</v2/_catalog?last=b&n=100>; rel="next""#, Some("/v2/_catalog?last=b&n=100")),
            (
                "<https://r.example.com/v2/_catalog?n=1>;rel=next",
                Some("https://r.example.com/v2/_catalog?n=1"),
            ),
            ("</v2/x/tags/list?last=a,b;c>; REL=\"last next\"", Some("/v2/x/tags/list?last=a,b;c")),
            (r#"</a>; rel="prev", </b>; title="x"; rel="next""#, Some("/b")),
            ("</c>", Some("/c")),
            (r#"</a>; rel="prev""#, None),
            ("/v2/_catalog; rel=next", None),
            ("<>; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(header), expected, "{header}");
        }
    }
}
