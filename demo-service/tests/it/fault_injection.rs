//! A version that plays one that is not well.

use reqwest::StatusCode;

use crate::service_process::Settings;

#[tokio::test]
async fn a_share_of_its_greetings_fails() {
    let green = Settings::green().with("SERVICE_FAILURES", "20%").start().await;
    let mut failed = 0;
    for _ in 0..20 {
        let (status, document) = green.document("/").await;
        if status == StatusCode::OK {
            continue;
        }
        failed += 1;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        let expected = r#"{"message":"error","service":"green","error":"this version plays one that is not well"}"#;
        assert_eq!(document, expected);
    }
    assert_eq!(failed, 4);
}
