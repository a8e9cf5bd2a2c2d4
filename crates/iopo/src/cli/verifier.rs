//! The flags of `iopo serve-verifier`.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;

use crate::size;

/// Flags of `serve-verifier`.
#[derive(Debug, Args)]
pub(crate) struct VerifierArgs {
    /// IP address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Port to listen on; 0 means any free port.
    #[arg(long, default_value_t = 8765)]
    pub(crate) port: u16,
    /// Allow an address that other machines can reach, and requests that name any host. Anyone who can reach the address can
    /// use the server.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Threads that check responses [default: one per core].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Maximum size of a request.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = size::parse)]
    pub(crate) max_body_size: u64,
    /// Maximum number of items of a request.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub(crate) max_items: usize,
    /// Maximum size of a response to check.
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size::parse)]
    pub(crate) max_response_size: u64,
    /// Maximum size of all requests and replies in memory. Requests beyond it get status 503.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size::parse)]
    pub(crate) max_pending_size: u64,
    /// Maximum number of open connections. Others wait.
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub(crate) max_connections: usize,
    /// Time for the checks of a request. Items that are not checked by then have an error.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Time in which a request must arrive.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) body_timeout: Duration,
    /// Time after which a connection without requests, or whose client does not read, is closed.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) idle_timeout: Duration,
    /// Time that open requests have to finish after Ctrl-C or SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) stop_timeout: Duration,
}

/// Parses a time in seconds, such as `30` or `0.5`.
fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.trim().parse().ok().and_then(|time| Duration::try_from_secs_f64(time).ok());
    time.ok_or_else(|| "expected a number of seconds, such as 30 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_of_seconds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds(" 30 "), Ok(Duration::from_secs(30)));
        for text in ["", "-1", "nan", "inf", "1e30", "30s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
