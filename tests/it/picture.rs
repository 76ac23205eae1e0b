//! `viewtide evaluate --svg`: the picture is there whole beside the table, or the file is as it was before.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::process::{Finished, viewtide};
use crate::scenario::{DEADLINE, data_file};

fn evaluated(models: &[&str], svg: &Path) -> Finished {
    let csv = data_file("tracked_dense.csv.gz");
    let args = ["evaluate", "--csv", csv.to_str().unwrap(), "--svg", svg.to_str().unwrap()];
    viewtide(args.iter().chain(models)).wait(DEADLINE)
}

const NAIVE: [&str; 2] = ["--models", "none"];

#[test]
fn a_picture_takes_the_place_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("forecasts.svg");
    std::fs::write(&file, "the one before").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let finished = evaluated(&NAIVE, &file).expect_code(0);
    assert!(finished.stdout.contains("relative error"), "the table is there too: {}", finished.stdout);
    let drawn = std::fs::read_to_string(&file).unwrap();
    assert!(drawn.starts_with("<?xml ") && drawn.ends_with("</svg>\n"), "{drawn}");
    // The video that gains most, and the one that gains least of those that are active.
    for named in ["blend of naives", "41 videos, 46,068 snapshots", ">T24rF_x0TmQ<", ">_zrMHFLFK2Q<"] {
        assert!(drawn.contains(named), "{named}");
    }
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["forecasts.svg"], "no other file is left");

    let standard = evaluated(&NAIVE, Path::new("-")).expect_code(0);
    assert!(standard.stdout == drawn, "the same picture every time, and nothing else beside it");
}

#[test]
fn a_picture_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing").join("forecasts.svg");
    let finished = evaluated(&NAIVE, &file).expect_code(1);
    assert!(finished.stderr.contains(file.to_str().unwrap()), "{}", finished.stderr);
    assert!(finished.stderr.contains("No such file or directory"), "{}", finished.stderr);
    assert!(finished.stdout.contains("relative error"), "the table is not lost: {}", finished.stdout);
    assert!(!file.exists());
}

#[test]
fn networks_are_drawn_and_videos_that_they_saw_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("forecasts.svg");
    evaluated(&["--in-sample", "label"], &file).expect_code(0);
    let drawn = std::fs::read_to_string(&file).unwrap();
    let (others, seen) = drawn.split_once("In sample: the networks were trained on these videos").unwrap();
    assert!(others.contains(">8 videos, ") && others.contains(">33 videos, "), "the caveat is below what it is of");
    for part in [others, seen] {
        assert!(part.contains("forecast of 1, 6 and 24 hours by the blend of LSTM and naives"));
        assert!(part.contains("<title>LSTM, views 24 h ahead: "));
    }
}
