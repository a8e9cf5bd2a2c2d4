//! Checks that a request is meant for this machine.
//!
//! A page in a browser can send requests to a server on a loopback address if the name of the page's own host is made to
//! resolve to it (DNS rebinding). Such a request names the host of the page.

use std::net::{IpAddr, Ipv6Addr};

use hyper::Request;
use hyper::header::HOST;

use crate::error::RequestError;
use crate::reply::start;

/// Checks the host that a request names.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), RequestError> {
    let named: Vec<_> = request.headers().get_all(HOST).iter().collect();
    let [header] = named[..] else { return Err(RequestError::BadHost { found: named.len() }) };
    let header = header.to_str().unwrap_or("?");
    // A request to a proxy names the host in its first line, too.
    let line = request.uri().authority().map(hyper::http::uri::Authority::as_str);
    match [Some(header), line].into_iter().flatten().find(|host| !is_loopback(host)) {
        Some(other) => Err(RequestError::ForbiddenHost { found: start(other) }),
        None => Ok(()),
    }
}

/// Returns whether a host with an optional port is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    if let Some(v6) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    }
    name.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4() && ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_this_machine_pass() {
        for host in ["localhost", "LocalHost:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "10.0.0.1:80",
            "::1",
            "[::2]",
            "localhost:80@example.com",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
