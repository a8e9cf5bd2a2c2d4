//! Groups as rows of other trainers, and back.

use std::fs;

use iopo_pairs::admit::FULL_TABLE;
use iopo_pairs::exchange::{Container, Export, Format, Import, SkipReason};
use iopo_pairs::{export, import};
use iopo_schema::{GroupKind, Method, PreferenceRow, Provenance, Split, read, write};

use crate::{WAYS, options, preferences, texts};

#[test]
fn full_groups_round_trip_through_every_format_and_file() {
    let dir = tempfile::tempdir().expect("folder");
    let (groups, path) = preferences(dir.path());
    let full: Vec<&PreferenceRow> =
        groups.iter().filter(|group| group.kind == GroupKind::Full).collect();
    let sided = (groups.len() - full.len()) as u64;
    assert!(full.len() > 5 && sided > 0);
    for (format, conversational) in WAYS {
        for (container, ending) in [(Container::Jsonl, "jsonl"), (Container::Parquet, "parquet")] {
            let what = format!("{}-{conversational}.{ending}", format.name());
            let (out, back) = (dir.path().join(&what), dir.path().join(format!("{what}.back")));
            let made = export(&path, &out, &options(format, conversational, container));
            let made = made.expect(&what);
            assert_eq!(made.groups, groups.len() as u64);
            let taken = import(&[(Split::Train, &out)], &back, &Import::new(format)).expect(&what);
            let imported: Vec<PreferenceRow> = read(&back).expect("ours");
            assert_eq!(taken.rows, made.rows);
            assert_eq!(taken.groups + taken.pairs, imported.len() as u64);
            let left: u64 = taken.skipped.values().sum();
            if format == Format::Trl {
                assert_eq!(made.rows, 2 * full.len() as u64 + sided);
                // A sided group has one strict pair, whose row has no mirrored row.
                assert_eq!(2 * taken.groups + taken.pairs + left, taken.rows);
                assert!(taken.pairs > 0 && taken.pairs <= sided);
            } else {
                assert_eq!(made.skipped[&SkipReason::Sided], sided);
                assert_eq!((taken.groups, left), (full.len() as u64, 0));
            }
            for (group, back) in full.iter().zip(&imported) {
                assert_eq!(texts(back), texts(group), "{what}");
                assert_eq!(back.task, group.task);
                assert_eq!(back.truth_table(), FULL_TABLE);
                let verdicts = [&back.proof.x1y1, &back.proof.x1y2, &back.proof.x2y1];
                let claimed = |verdict: &iopo_schema::VerdictRow| {
                    verdict.method == Method::Judge && verdict.evidence.contains("not checked")
                };
                assert!(verdicts.into_iter().flatten().all(claimed));
                assert!(back.x1_constraints.is_empty() && back.x2_constraints.is_empty());
            }
        }
    }
}

#[test]
fn one_split_can_be_exported_and_the_bytes_are_reproducible() {
    let dir = tempfile::tempdir().expect("folder");
    let (groups, path) = preferences(dir.path());
    let train = groups.iter().filter(|group| group.split == Split::Train).count() as u64;
    assert!(train > 0 && train < groups.len() as u64);
    for container in [Container::Jsonl, Container::Parquet] {
        let [one, two] = ["one", "two"].map(|name| dir.path().join(name));
        let mut options = options(Format::Trl, true, container);
        options.split = Some(Split::Train);
        let made = export(&path, &one, &options).expect("exported");
        assert_eq!((made.groups, made.splits), (train, [(Split::Train, train)].into()));
        export(&path, &two, &options).expect("exported");
        assert_eq!(fs::read(&one).expect("file"), fs::read(&two).expect("file"));
    }
}

#[test]
fn an_export_of_a_split_without_groups_names_the_split() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut groups, _) = preferences(dir.path());
    groups.retain(|group| group.split == Split::Train);
    let path = dir.path().join("train.parquet");
    write(&path, &groups, &Provenance::new("test", serde_json::json!({}))).expect("written");
    let mut options = Export::new(Format::Trl, Container::Jsonl);
    options.split = Some(Split::Dev);
    let error = export(&path, &dir.path().join("out"), &options).expect_err("no dev groups");
    assert!(error.to_string().contains("found no groups of the dev split"), "{error}");
}
