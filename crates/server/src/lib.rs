//! Config, identity and wiring: the only crate that sees every adapter.
