//! REST over core's use cases, with the OpenAPI document made from the same declaration.
