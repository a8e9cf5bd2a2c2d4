//! The OpenAPI description of the service.

/// The description, an OpenAPI 3.1 document as JSON. The server sends it at `/openapi.json`.
pub const DOCUMENT: &str = include_str!("../data/openapi.json");
