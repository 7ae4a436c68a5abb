//! The id of a replica of the control plane.

use uuid::Uuid;

/// The environment variable with the metadata URI of an ECS container: `http://169.254.170.2/v4/ID`.
pub const METADATA_VARIABLE: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// The id of this replica: the id in the path of `metadata`, the value of [`METADATA_VARIABLE`], or a random one. On
/// Fargate it is the task id with a numeric suffix, which is removed; another form is kept, as it is unique to a
/// container. Source: the examples of the ECS developer guide, "task metadata version 4" (read 2026-11-23).
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
    fn the_id_is_that_of_the_task_or_random() {
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
