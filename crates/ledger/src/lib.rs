//! The ledger port of plimsoll-core on real stores.
