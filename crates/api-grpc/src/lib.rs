//! plimsoll.v1 over gRPC: services over core's use cases, and the client.
