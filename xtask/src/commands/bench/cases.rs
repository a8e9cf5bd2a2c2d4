//! The cases of `cargo xtask bench --peer`.

/// A case that both sides measure, or only ours.
#[derive(Debug)]
pub(super) struct Case {
    /// Name for `--only`.
    pub(super) name: &'static str,
    /// Title in the table.
    pub(super) title: &'static str,
    /// Flags of our side.
    pub(super) ours: &'static [&'static str],
    /// Flags of the other side, if it has the case.
    pub(super) theirs: Option<&'static [&'static str]>,
    /// Whether both sides compute in f32. Their numbers must agree then.
    pub(super) same: bool,
    /// Whether the table of floors has a row for our step. Cases that differ only in the other side share one row.
    pub(super) floor: bool,
}

/// Training steps. Both sides use our adapter; [`super::peer`] fills in `--adapter`.
///
/// To measure another way to compute a step, add a flag to `bench_step step` and a case here.
pub(super) const STEPS: [Case; 9] = [
    Case {
        name: "iopo-lora",
        title: "IOPO, LoRA",
        ours: &["--mode", "iopo"],
        theirs: Some(&["--mode", "official", ADAPTER]),
        same: true,
        floor: true,
    },
    Case {
        name: "iopo-full",
        title: "IOPO, every weight",
        ours: &["--mode", "iopo", "--full"],
        theirs: Some(&["--mode", "official"]),
        same: true,
        floor: true,
    },
    Case {
        name: "iopo-lora-bf16",
        title: "IOPO, LoRA, theirs in bf16",
        ours: &["--mode", "iopo"],
        theirs: Some(&["--mode", "official", ADAPTER, "--dtype", "bf16"]),
        same: false,
        floor: false,
    },
    Case {
        name: "iopo-full-bf16",
        title: "IOPO, every weight, theirs in bf16",
        ours: &["--mode", "iopo", "--full"],
        theirs: Some(&["--mode", "official", "--dtype", "bf16"]),
        same: false,
        floor: false,
    },
    Case {
        name: "iopo-lora-two-groups",
        title: "IOPO, LoRA, two groups an update",
        ours: &["--mode", "iopo", "--groups-per-update", "2"],
        theirs: Some(&["--mode", "official", ADAPTER, "--groups-per-update", "2"]),
        same: true,
        floor: true,
    },
    Case {
        name: "iopo-lora-gradient-checkpointing",
        title: "IOPO, LoRA, ours with --gradient-checkpointing",
        ours: &["--mode", "iopo", "--gradient-checkpointing"],
        theirs: Some(&["--mode", "official", ADAPTER]),
        same: true,
        floor: true,
    },
    Case {
        name: "iopo-lora-four-rows",
        title: "IOPO, LoRA, ours without shared segments",
        ours: &["--mode", "iopo", "--four-rows"],
        theirs: None,
        same: false,
        floor: false,
    },
    Case {
        name: "dpo-lora",
        title: "DPO, both mirrored pairs, LoRA (theirs by TRL)",
        ours: &["--mode", "dpo"],
        theirs: Some(&["--mode", "dpo", ADAPTER]),
        same: true,
        floor: true,
    },
    Case {
        name: "dpo-pair-lora",
        title: "DPO, one pair, LoRA (theirs by TRL)",
        ours: &["--mode", "dpo-paper"],
        theirs: Some(&["--mode", "dpo-pair", ADAPTER]),
        same: true,
        floor: true,
    },
];

/// Placeholder for `--adapter` and its path.
pub(super) const ADAPTER: &str = "--adapter";

/// Cases of our side that are compared with each other: the cost of a group and of pairs.
pub(super) const OWN: [&str; 4] = ["iopo-lora", "iopo-lora-four-rows", "dpo-lora", "dpo-pair-lora"];

/// Greedy generation.
pub(super) const DECODING: [Case; 4] = [
    Case {
        name: "decode-1",
        title: "batch 1",
        ours: &["--batch", "1"],
        theirs: Some(&["--batch", "1"]),
        same: true,
        floor: false,
    },
    Case {
        name: "decode-1-bf16",
        title: "batch 1, theirs in bf16",
        ours: &["--batch", "1"],
        theirs: Some(&["--batch", "1", "--dtype", "bf16"]),
        same: false,
        floor: false,
    },
    Case {
        name: "decode-16",
        title: "batch 16",
        ours: &["--batch", "16"],
        theirs: Some(&["--batch", "16"]),
        same: true,
        floor: false,
    },
    Case {
        name: "decode-16-bf16",
        title: "batch 16, theirs in bf16",
        ours: &["--batch", "16"],
        theirs: Some(&["--batch", "16", "--dtype", "bf16"]),
        same: false,
        floor: false,
    },
];

/// Synthesis by rules.
pub(super) const SYNTHESIS: Case =
    Case { name: "synth", title: "synthesis", ours: &[], theirs: None, same: false, floor: false };

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{DECODING, OWN, STEPS};

    #[test]
    fn every_case_has_a_unique_name() {
        let names: BTreeSet<&str> = STEPS.iter().chain(&DECODING).map(|case| case.name).collect();
        assert_eq!(names.len(), STEPS.len() + DECODING.len());
        assert!(OWN.iter().all(|name| names.contains(name)));
    }
}
