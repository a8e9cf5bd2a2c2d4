//! `iopo serve-verifier`.

use std::net::SocketAddr;

use anyhow::Result;
use iopo_core::text::counted;
use iopo_verifier::{Limits, Server, ServerError, Settings};

use crate::cli::VerifierArgs;
use crate::failure::Failure;
use crate::{fetch, interrupt, printer};

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn run(args: &VerifierArgs) -> Result<()> {
    let tagger = fetch::tagger()?.map(|table| table.tagger);
    let settings = Settings { limits: limits(args), allow_remote: args.allow_remote, tagger };
    let server = Server::bind(SocketAddr::new(args.host, args.port), settings).map_err(explain)?;
    printer::result(&format!("http://{}", server.address()))?;
    if args.allow_remote {
        printer::note("anyone who can reach this address can use the server");
    }
    printer::stage("serve", "POST /v1/verify, GET /health, GET /openapi.json; Ctrl-C stops");
    interrupt::finishes("the open requests");
    let summary = server.run(interrupt::requested).map_err(explain)?;
    printer::stage("serve", &format!("stopped after {}", counted(summary.answered, "request")));
    if summary.unfinished == 0 {
        return Ok(());
    }
    let what =
        format!("{} did not finish within --stop-timeout", counted(summary.unfinished, "request"));
    Err(Failure::new(what).hint("clients can send them again to the next server").into())
}

fn limits(args: &VerifierArgs) -> Limits {
    // A size that does not fit is out of every range.
    let size = |size| usize::try_from(size).unwrap_or(usize::MAX);
    let defaults = Limits::default();
    Limits {
        max_body_size: size(args.max_body_size),
        max_items: args.max_items,
        max_response_size: size(args.max_response_size),
        max_pending_size: size(args.max_pending_size),
        max_connections: args.max_connections,
        threads: args.threads.unwrap_or(defaults.threads),
        timeout: args.timeout,
        body_timeout: args.body_timeout,
        idle_timeout: args.idle_timeout,
        stop_timeout: args.stop_timeout,
    }
}

fn explain(error: ServerError) -> anyhow::Error {
    let failure = match &error {
        ServerError::NotLoopback { address } => {
            Failure::usage(format!("cannot use --host {}", address.ip())).hint(
                "use 127.0.0.1; there is no authentication, so pass --allow-remote only on a network that you trust",
            )
        }
        ServerError::Limit { name, .. } => {
            let failure = Failure::usage(format!("cannot use --{}", name.replace('_', "-")));
            match *name {
                "max_pending_size" => failure.hint("it must be at least --max-body-size; pass both"),
                _ => failure,
            }
        }
        other => {
            let failure = Failure::new("failed to serve");
            match other.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
    };
    anyhow::Error::new(error).context(failure)
}
