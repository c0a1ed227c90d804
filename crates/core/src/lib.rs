//! The domain of Plimsoll: its words, its rules and its use cases, without any IO.
