//! Damaged bodies get an error or results, and never more than that.

use iopo_verifier::Limits;

use crate::rows;
use crate::support::Running;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

const PIECES: [&str; 16] = [
    "\"", "\\", "{", "}", "[", "]", ",", ":", "null", "NaN", "-1", "1e999", "\\ud800", "\u{feff}",
    "\0", "items",
];

fn damage(body: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(body.len());
        match numbers.below(4) {
            0 => body[at] = numbers.below(256) as u8,
            1 => {
                let end = body.len().min(at + 1 + numbers.below(20));
                body.drain(at..end);
            }
            2 => {
                let piece = PIECES[numbers.below(PIECES.len())].bytes();
                body.splice(at..at, piece);
            }
            _ => {
                let end = body.len().min(at + numbers.below(40));
                let copy = body[at..end].to_vec();
                let to = numbers.below(body.len());
                body.splice(to..to, copy);
            }
        }
        if body.is_empty() {
            body.push(b' ');
        }
    }
}

#[test]
fn damaged_bodies_are_errors_or_have_results() {
    let server = Running::start(Limits::default());
    let rows = rows::fixtures();
    let mut numbers = Numbers(7);
    let mut client = server.connect();
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for turn in 0..4000 {
        let first = numbers.below(rows.len() - 3);
        let mode = iopo_constraints::ifbench::Mode::ALL[turn % 2];
        let mut body = rows::body(&rows[first..first + 3], mode).into_bytes();
        damage(&mut body, &mut numbers);
        let head =
            "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        client.send(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        client.send(&body);
        let text = String::from_utf8_lossy(&body);
        let reply = client.reply().unwrap_or_else(|error| panic!("{error}: {text}"));
        *statuses.entry(reply.status).or_default() += 1;
        let found = reply.json();
        let panicked = reply.body.windows(15).any(|part| part == b"\"InternalError\"");
        assert!([200, 400, 422].contains(&reply.status) && !panicked, "{found} for {text}");
        assert!(found["results"].is_array() || found["error"].is_object(), "{found} for {text}");
    }
    // Some bodies are still valid, and some are not.
    assert!(statuses[&200] > 400 && statuses[&400] > 400, "{statuses:?}");
}
