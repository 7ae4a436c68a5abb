//! Responses of hooks: `{"hookStatus":"IN_PROGRESS","callBackDelay":60}`. Pure.

use std::time::Duration;

use bluegreen_state::{DEFAULT_CALLBACK_DELAY, HookStatus};
use serde::Deserialize;

/// Longer delays are a mistake: the stage times out before, by default.
const MAX_CALLBACK_DELAY: u64 = 24 * 60 * 60;

/// Other keys are ignored, as ECS does with `hookDetails`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    hook_status: Status,
    #[serde(default)]
    call_back_delay: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Succeeded,
    Failed,
    InProgress,
}

/// The result in a response; or why it is none.
pub(super) fn parse(text: &str) -> Result<HookStatus, String> {
    let response: Response = serde_json::from_str(text).map_err(|error| {
        format!("expected {{\"hookStatus\": \"SUCCEEDED\", \"FAILED\" or \"IN_PROGRESS\"}} as JSON: {error}")
    })?;
    Ok(match response.hook_status {
        Status::Succeeded => HookStatus::Succeeded,
        Status::Failed => HookStatus::Failed("hookStatus is FAILED".to_owned()),
        Status::InProgress => match response.call_back_delay {
            Some(seconds) if seconds > MAX_CALLBACK_DELAY => {
                return Err(format!(
                    "callBackDelay is {seconds}, allowed is at most {MAX_CALLBACK_DELAY}"
                ));
            }
            seconds => HookStatus::InProgress {
                call_after: seconds.map_or(DEFAULT_CALLBACK_DELAY, Duration::from_secs),
            },
        },
    })
}

/// The result in the last line of a command's output; `None` if that is no JSON object with `hookStatus`.
pub(super) fn parse_last_line(line: &str) -> Option<Result<HookStatus, String>> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    value.get("hookStatus")?;
    Some(parse(line))
}
