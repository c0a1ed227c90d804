//! The loops that carry Orders to the data centers and their health back, over core's ports.
