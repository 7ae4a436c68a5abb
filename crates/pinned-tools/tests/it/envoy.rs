//! Where an Envoy comes from, in the order in which it is looked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use pinned_tools::envoy::{ENVOY_VERSION, LocalReply};
use pinned_tools::{Envoy, Error, Origin, Step, Surroundings, Version};

use crate::fakes::{PINNED, Room, machine, path_of, quiet, unpack_envoy};

#[test]
fn it_is_installed_once_from_the_real_wheel_and_then_found() {
    let room = Room::new();
    let mut steps = Vec::new();
    let installed = Envoy::locate(&room.with_real_python(), &mut |step| steps.push(step.to_string())).unwrap();
    assert_eq!(installed.origin, Origin::Installed);
    assert_eq!(installed.version, ENVOY_VERSION);
    let folder = room.envoy_shelf().join(machine());
    assert_eq!(steps, [format!("installing Envoy 1.40.0 into {}", folder.display())]);
    assert_eq!(room.on_envoy_shelf(), [".lock".to_owned(), machine()]);

    let output = installed.command().arg("--version").output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(Version::from_output(&printed), Some(ENVOY_VERSION), "{printed}");

    // Neither Python nor a PATH any more.
    let found = Envoy::locate(&room.with_python(Path::new("/nowhere/python")), &mut quiet).unwrap();
    assert_eq!(found.origin, Origin::Cache);
    assert_eq!((found.path, found.version), (installed.path, installed.version));
}

#[test]
fn envoy_bin_comes_before_path() {
    let room = Room::new();
    let named = room.envoy("own/envoy-of-mine", "1.39.2");
    room.envoy("bin/envoy", "1.40.0");
    let surroundings = Surroundings {
        envoy_bin: Some(named.clone()),
        path: path_of(&[&room.path("bin")]),
        ..room.empty()
    };
    let envoy = Envoy::locate(&surroundings, &mut quiet).unwrap();
    assert_eq!((envoy.path, envoy.origin), (named, Origin::EnvoyBin));
    assert_eq!(envoy.version.to_string(), "1.39.2");
    assert!(!room.path("cache").exists(), "the cache is not touched");
}

#[test]
fn the_first_supported_envoy_on_path_is_used_and_the_others_are_mentioned() {
    let room = Room::new();
    let old = room.envoy("old/envoy", "1.22.0");
    let foreign = room.script("foreign/envoy", "echo Laravel Envoy 2.10.1\n");
    let good = room.envoy("good/envoy", "1.37.4");
    room.envoy("later/envoy", "1.40.0");
    fs::create_dir_all(room.path("folder/envoy")).unwrap();
    fs::create_dir_all(room.path("data")).unwrap();
    fs::write(room.path("data/envoy"), "not a program").unwrap();
    let folders = ["missing", "folder", "data", "old", "foreign", "old", "good", "later"].map(|name| room.path(name));
    let surroundings = Surroundings {
        path: path_of(&folders.each_ref().map(PathBuf::as_path)),
        ..room.empty()
    };

    let mut steps = Vec::new();
    let envoy = Envoy::locate(&surroundings, &mut |step| steps.push(step)).unwrap();
    assert_eq!((envoy.path, envoy.origin), (good, Origin::Path));
    let too_old = Version {
        major: 1,
        minor: 22,
        patch: 0,
    };
    let expected = [
        Step::PassedOver {
            envoy: old.clone(),
            fault: LocalReply::Unsupported(too_old),
        },
        Step::PassedOver {
            envoy: foreign,
            fault: LocalReply::Foreign("Laravel Envoy 2.10.1".to_owned()),
        },
    ];
    assert_eq!(steps, expected);
    assert_eq!(
        steps[0].to_string(),
        format!(
            "passing over {}: is Envoy 1.22.0, and supported are 1.37 to 1.40",
            old.display()
        )
    );
}

#[test]
fn an_envoy_bin_that_will_not_do_is_an_error_that_names_it() {
    let room = Room::new();
    let locate = |envoy_bin: &Path| {
        let surroundings = Surroundings {
            envoy_bin: Some(envoy_bin.to_owned()),
            ..room.empty()
        };
        let error = Envoy::locate(&surroundings, &mut quiet).unwrap_err();
        assert!(matches!(error, Error::EnvoyBin { .. }), "{error:?}");
        let remedy =
            "Set ENVOY_BIN=/path/to/envoy to an Envoy 1.37 to 1.40, or unset it to have Envoy 1.40.0 installed.";
        let start = format!("ENVOY_BIN={}: ", envoy_bin.display());
        let message = error.to_string();
        let fault = message
            .strip_prefix(&start)
            .and_then(|rest| rest.strip_suffix(remedy))
            .unwrap_or_else(|| panic!("{message}"));
        fault.trim_end().to_owned()
    };

    assert_eq!(
        locate(&room.envoy("newer", "1.41.0")),
        "is Envoy 1.41.0, and supported are 1.37 to 1.40."
    );
    assert_eq!(
        locate(&room.path("missing")),
        "cannot be started (No such file or directory (os error 2))."
    );
    assert_eq!(
        locate(&room.script("failing", "echo no such option >&2; exit 3\n")),
        "`--version` failed: exit status: 3, no such option."
    );
    assert_eq!(
        locate(&room.script("silent", "")),
        "is not Envoy, as `--version` prints \"nothing was printed\"."
    );
    let plain = room.script("plain", "");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(locate(&plain), "cannot be started (Permission denied (os error 13)).");
    assert!(!room.path("cache").exists(), "nothing is installed in its place");
}

#[test]
fn a_program_without_its_mode_is_made_executable() {
    let room = Room::new();
    let python = room.python(&unpack_envoy(PINNED));
    let envoy = Envoy::locate(&room.with_python(&python), &mut |_| {}).unwrap();
    assert_eq!(envoy.path.metadata().unwrap().permissions().mode() & 0o111, 0o111);
    Envoy::locate(&room.empty(), &mut quiet).unwrap();
}
