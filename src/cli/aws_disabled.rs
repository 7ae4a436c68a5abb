//! Commands for an AWS account in a program without the feature `aws`: prints how to enable it.

use std::ffi::OsString;
use std::path::Path;

/// The same command, with the feature enabled.
pub(crate) fn enable_hint() -> String {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let executable = std::env::current_exe().unwrap_or_default();
    format!(
        "this command requires the feature `aws`, which is off by default:\n{}",
        command(&executable, &arguments)
    )
}

fn command(executable: &Path, arguments: &[OsString]) -> String {
    let folder = executable.parent().and_then(Path::file_name);
    let name = executable.file_name().unwrap_or_default().to_string_lossy();
    let target = match folder.is_some_and(|folder| folder == "examples") {
        true => format!("--example {name}"),
        false => format!("--bin {name}"),
    };
    let words = arguments.iter().map(|argument| argument.to_string_lossy());
    let words = shell_words::join(words.collect::<Vec<_>>());
    format!("cargo run --features aws {target} -- {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_the_same_command_with_the_feature() {
        let words = ["deploy", "--parameter", "A=b c"].map(OsString::from);
        assert_eq!(
            command(Path::new("target/debug/examples/appmesh"), &words),
            "cargo run --features aws --example appmesh -- deploy --parameter 'A=b c'"
        );
        let own = Path::new("target/debug/mine");
        assert_eq!(
            command(own, &words[..1]),
            "cargo run --features aws --bin mine -- deploy"
        );
    }
}
