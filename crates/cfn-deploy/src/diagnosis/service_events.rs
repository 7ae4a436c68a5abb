//! The event log of an ECS service: failures only, each once. Pure.

use serde_json::Value as Json;

use super::task::{millis, without_ids};

/// The number of messages that are kept.
const MAX_EVENTS: usize = 5;

/// Messages of normal operation, by a part of their text (ECS developer guide, "Amazon ECS service event messages", read
/// 2026-11-30).
const NORMAL: [&str; 8] = [
    "has reached a steady state",
    "has started ",
    "has stopped ",
    "has begun draining",
    "registered ",
    "deployment completed",
    "rolling back to deployment",
    "has set the desired count",
];

/// The last messages about failures since a time in milliseconds, oldest first.
pub(super) fn failures(service: &Json, since: i64) -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    // Newest first.
    for event in service["events"].as_array().into_iter().flatten() {
        let message = event["message"].as_str().unwrap_or_default().trim();
        let time = millis(&event["createdAt"]);
        let is_old = time != 0 && time < since;
        if message.is_empty() || is_old || NORMAL.iter().any(|part| message.contains(part)) {
            continue;
        }
        let key = without_ids(message);
        if found.len() < MAX_EVENTS && !found.iter().any(|(known, _)| *known == key) {
            found.push((key, message.trim_end_matches('.').to_owned()));
        }
    }
    found.into_iter().rev().map(|(_, message)| message).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failures_are_listed_once_and_oldest_first() {
        let message = |time: i64, text: &str| json!({"createdAt": time, "message": text});
        let service = json!({"events": [
            message(30, "(service web) (port 80) is unhealthy in (target-group arn:1234) due to (reason Health checks failed)."),
            message(29, "(service web) has reached a steady state."),
            message(28, "(service web) has started 1 tasks: (task 0123456789abcdef)."),
            message(27, "(service web) was unable to place a task. Reason: Capacity is unavailable at this time."),
            message(26, "(service web) (port 80) is unhealthy in (target-group arn:5678) due to (reason Health checks failed)."),
            message(1, "(service web) is unable to consistently start tasks successfully."),
        ]});
        let found = failures(&service, 10_000);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("unable to place a task"), "{found:?}");
        assert!(
            found[1].contains("is unhealthy") && !found[1].ends_with('.'),
            "{found:?}"
        );
        assert_eq!(failures(&service, 0).len(), 3);
        assert_eq!(failures(&json!({}), 0), [""; 0]);
    }
}
