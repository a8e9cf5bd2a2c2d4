//! A reward server: an HTTP service on a loopback address that checks responses with IFEval, IFBench and iopo's constraints.
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | binds an address, serves until it is asked to stop |
//! | [`limits`] | sizes, counts and times that a server accepts |
//! | [`error`] | errors of the server, and of requests and items with their status codes |
//! | [`openapi`] | the OpenAPI description that the server sends |
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! use iopo_verifier::{Server, Settings};
//!
//! let server = Server::bind(([127, 0, 0, 1], 0).into(), Settings::default())?;
//! let (address, stopped) = (server.address(), AtomicBool::new(false));
//! std::thread::scope(|scope| {
//!     let running = scope.spawn(|| server.run(|| stopped.load(Ordering::Relaxed)));
//!     let body = r#"{"items": [{"response": "Tea is hot.", "constraints": [{"id": "max_words", "params": {"n": 3}}]}]}"#;
//!     let head = format!(
//!         "POST /v1/verify HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
//!          Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
//!         body.len()
//!     );
//!     let mut stream = TcpStream::connect(address)?;
//!     stream.write_all((head + body).as_bytes())?;
//!     let mut reply = String::new();
//!     stream.read_to_string(&mut reply)?;
//!     assert!(reply.contains(r#"{"reward":1.0,"verdicts":[{"satisfied":true,"#), "{reply}");
//!     stopped.store(true, Ordering::Relaxed);
//!     assert_eq!(running.join().expect("no panic").expect("no error").unfinished, 0);
//!     Ok::<(), std::io::Error>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate contains no checks: `iopo-constraints` decides, as it does for the command line and the Python package. There is
//! no authentication and no TLS, so a server listens on other addresses only if a setting allows it.

mod batch;
mod body;
mod budget;
mod connection;
pub mod error;
mod fields;
mod host;
mod item;
pub mod limits;
pub mod openapi;
mod reply;
mod route;
pub mod server;
mod split;
mod stalls;
mod state;
mod work;

pub use error::{ItemError, RequestError, ServerError};
pub use limits::Limits;
pub use server::{Server, Settings, Summary};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
