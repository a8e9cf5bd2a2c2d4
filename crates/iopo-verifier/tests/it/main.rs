//! The server as its clients see it.

mod client;
mod http;
mod limits;
mod mutations;
mod openapi;
mod rows;
mod stop;
mod storm;
mod support;
mod verdicts;
