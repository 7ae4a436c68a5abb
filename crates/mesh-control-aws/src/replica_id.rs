//! By which name a copy of the control plane goes.

use uuid::Uuid;

/// The variable by which ECS tells a container where its metadata are: `http://169.254.170.2/v4/ID`.
pub const METADATA_VARIABLE: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// The name of this copy: the id in the path of `metadata`, the value of [`METADATA_VARIABLE`], or a random one. On
/// Fargate the id is the task's with a number behind it, which is left out; what has another form is taken as it is, as it
/// is one container's in any case. Source: the examples of the ECS developer guide, "task metadata version 4" (read
/// 2026-11-23).
#[must_use]
pub fn replica_id(metadata: Option<&str>) -> String {
    let id = metadata
        .and_then(|uri| uri.trim_end_matches('/').rsplit_once("/v4/"))
        .map(|(_, id)| id);
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    match id.filter(|id| !id.is_empty() && id.chars().all(is_allowed)) {
        Some(id) => match id.split_once('-') {
            Some((task, number)) if task.len() == 32 && number.chars().all(|digit| digit.is_ascii_digit()) => {
                task.to_owned()
            }
            _ => id.to_owned(),
        },
        None => Uuid::new_v4().simple().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_gives_its_id_and_everybody_else_is_random() {
        let of = |id: &str| replica_id(Some(&format!("http://169.254.170.2/v4/{id}")));
        assert_eq!(
            of("cd189a933e5849daa93386466019ab50-2495160603"),
            "cd189a933e5849daa93386466019ab50"
        );
        assert_eq!(
            of("0206b271-b33f-47ab-86c6-a0ba208a70a9"),
            "0206b271-b33f-47ab-86c6-a0ba208a70a9"
        );
        for other in [
            None,
            Some(""),
            Some("http://169.254.170.2/v4/"),
            Some("http://x/v4/a/b"),
        ] {
            let (one, two) = (replica_id(other), replica_id(other));
            assert_eq!(one.len(), 32, "{other:?}");
            assert_ne!(one, two, "{other:?}");
        }
    }
}
