//! The fields of a protobuf message, one after another, refused in the words of Go's generated code, which a real
//! server passes on.

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// They end in the middle of something.
    #[error("unexpected EOF")]
    Short,
    /// A number is longer than numbers are.
    #[error("proto: integer overflow")]
    Overflow,
    /// A length is no length.
    #[error("proto: negative length found during unmarshaling")]
    NegativeLength,
    /// A group ends that did not begin.
    #[error("proto: {0}: wiretype end group for non-group")]
    EndGroup(String),
    /// No field has this number.
    #[error("proto: {message}: illegal tag {tag} (wire type {wire_type})")]
    IllegalTag {
        /// The message.
        message: String,
        /// The number.
        tag: i32,
        /// How its value is written.
        wire_type: u64,
    },
    /// Nothing is written in this way.
    #[error("proto: illegal wireType {0}")]
    IllegalWireType(u64),
    /// The value of a field is written as those of another type are.
    #[error("proto: wrong wireType = {wire_type} for field {field}")]
    WrongWireType {
        /// How it is written.
        wire_type: u64,
        /// What the field is called in Go.
        field: String,
    },
    /// A value is none of its type.
    #[error("{0}")]
    Value(String),
}

/// The value of a field as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum WireValue<'a> {
    /// A number of one to ten bytes.
    Varint(u64),
    /// A number of eight bytes.
    Fixed64(u64),
    /// Text, bytes, a message, or numbers one behind the other.
    Bytes(&'a [u8]),
    /// A number of four bytes, or a group: nothing of Kubernetes is written so.
    Other(u64),
}

impl WireValue<'_> {
    /// The number by which the encoding calls it.
    pub(crate) fn wire_type(self) -> u64 {
        match self {
            Self::Varint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) => 2,
            Self::Other(wire_type) => wire_type,
        }
    }
}

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field, by its number; none at the end. `message` is what errors call the message.
    pub(crate) fn field(&mut self, message: &str) -> Result<Option<(u64, WireValue<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let (number, wire_type) = (key >> 3, key & 7);
        if wire_type == 4 {
            return Err(WireError::EndGroup(message.to_owned()));
        }
        // Go keeps the number in 32 bits with a sign.
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "as Go does")]
        let tag = number as u32 as i32;
        if tag <= 0 {
            return Err(WireError::IllegalTag { message: message.to_owned(), tag, wire_type });
        }
        Ok(Some((u64::from(tag.unsigned_abs()), self.value(wire_type)?)))
    }

    /// A number of one to ten bytes.
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take(1)? else { return Err(WireError::Short) };
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Overflow)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn value(&mut self, wire_type: u64) -> Result<WireValue<'a>, WireError> {
        match wire_type {
            0 => self.varint().map(WireValue::Varint),
            1 => {
                let bytes = self.take(8)?;
                let bytes = bytes.try_into().map_err(|_| WireError::Short)?;
                Ok(WireValue::Fixed64(u64::from_le_bytes(bytes)))
            }
            2 => {
                let length = self.varint()?;
                if i64::try_from(length).is_err() {
                    return Err(WireError::NegativeLength);
                }
                let length = usize::try_from(length).map_err(|_| WireError::Short)?;
                self.take(length).map(WireValue::Bytes)
            }
            3 => self.group(),
            5 => self.take(4).map(|_| WireValue::Other(5)),
            other => Err(WireError::IllegalWireType(other)),
        }
    }

    /// Skips a group, and those in it.
    fn group(&mut self) -> Result<WireValue<'a>, WireError> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.varint()? & 7 {
                3 => depth += 1,
                4 => depth -= 1,
                wire_type => drop(self.value(wire_type)?),
            }
        }
        Ok(WireValue::Other(3))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Short)?;
        self.rest = rest;
        Ok(taken)
    }
}
