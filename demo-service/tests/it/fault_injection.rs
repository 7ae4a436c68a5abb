//! Fault injection.

use reqwest::StatusCode;

use crate::service_process::Settings;

#[tokio::test]
async fn the_configured_share_of_responses_fails() {
    let green = Settings::green().with("SERVICE_FAILURES", "20%").start().await;
    let mut failed = 0;
    for _ in 0..20 {
        let (status, document) = green.get_json("/").await;
        if status == StatusCode::OK {
            continue;
        }
        failed += 1;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        let expected = r#"{"message":"error","service":"green","error":"injected fault"}"#;
        assert_eq!(document, expected);
    }
    assert_eq!(failed, 4);
}
