//! Where in a document something stands.

use std::fmt;
use std::str::FromStr;

/// A place in a document, written `spec.ports[0].name`; the document itself is the empty text.
///
/// Keys other than letters, digits, `_` and `-` are written in brackets and as JSON text:
/// `metadata.labels["app.kubernetes.io/name"]`. What is printed reads back as the same path, so that a
/// [`Violation`](crate::error::Violation) leads to its line and column in the text that was parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path(Vec<Segment>);

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// To the value of a key.
    Field(String),
    /// To an item of a list, counted from 0.
    Index(usize),
}

/// A text that is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path of a field looks like spec.ports[0].name")]
pub struct InvalidPath;

impl Path {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps from the document down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The value of `key` here.
    #[must_use]
    pub fn field(&self, key: impl Into<String>) -> Self {
        self.step(Segment::Field(key.into()))
    }

    /// The item `index` here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Segment::Index(index))
    }

    /// The place that this one lies in; none around the document itself.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// Whether this is `other`, or lies in it.
    pub fn lies_in(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    fn step(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Self(segments)
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(key) if is_plain(key) && position == 0 => f.write_str(key)?,
                Segment::Field(key) if is_plain(key) => write!(f, ".{key}")?,
                Segment::Field(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str()))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (segment, behind) = if let Some(bracket) = rest.strip_prefix('[') {
                in_brackets(bracket)?
            } else {
                let plain = match rest.strip_prefix('.') {
                    Some(plain) if !segments.is_empty() => plain,
                    None if segments.is_empty() => rest,
                    _ => return Err(InvalidPath),
                };
                let end = plain.find(['.', '[']).unwrap_or(plain.len());
                let (key, behind) = plain.split_at(end);
                if !is_plain(key) {
                    return Err(InvalidPath);
                }
                (Segment::Field(key.to_owned()), behind)
            };
            segments.push(segment);
            rest = behind;
        }
        Ok(Self(segments))
    }
}

/// Reads what stands behind an opening bracket, up to and with the closing one.
fn in_brackets(text: &str) -> Result<(Segment, &str), InvalidPath> {
    let (segment, behind) = if text.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = stream.next().and_then(Result::ok).ok_or(InvalidPath)?;
        (Segment::Field(key), text.get(stream.byte_offset()..).ok_or(InvalidPath)?)
    } else {
        let end = text.find(']').ok_or(InvalidPath)?;
        let (digits, behind) = text.split_at(end);
        (Segment::Index(digits.parse().map_err(|_| InvalidPath)?), behind)
    };
    Ok((segment, behind.strip_prefix(']').ok_or(InvalidPath)?))
}
