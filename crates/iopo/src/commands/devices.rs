//! `iopo devices`.

use crate::printer;

/// Lists what `--device` takes in this binary, the one of `auto` first.
pub(crate) fn run() {
    for (index, name) in iopo_model::device::available().iter().enumerate() {
        printer::result(&if index == 0 { format!("{name} (auto)") } else { (*name).to_owned() });
    }
}
