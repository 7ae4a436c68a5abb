//! AWS's published test vectors, read from the sources of `aws-sigv4`, which Cargo.lock pins with their checksum.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use sigv4_verify::{AccessKey, KeyRing, PathRule, RequestHead, Secret, Verified, Verifier, VerifyError};

/// 2015-08-30T12:36:00Z, the time of all vectors.
const TIME: u64 = 1_440_938_160;

#[derive(Debug, Deserialize)]
struct Context {
    credentials: Credentials,
    normalize: bool,
    region: String,
    service: String,
    timestamp: String,
    #[serde(default)]
    omit_session_token: bool,
}

#[derive(Debug, Deserialize)]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

/// A request as its file has it: paths may have spaces, and headers several lines.
#[derive(Debug)]
struct SignedRequest {
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: String,
}

/// The folder of the vectors, as Cargo knows it.
fn folder() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let signer = packages
        .iter()
        .find(|package| package["name"] == "aws-sigv4")
        .expect("aws-sigv4");
    let manifest = Path::new(signer["manifest_path"].as_str().expect("a path"));
    manifest.with_file_name("aws-signing-test-suite").join("v4")
}

fn read_request(text: &str) -> SignedRequest {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let request_line = lines.next().expect("a request line");
    let (method, rest) = request_line.split_once(' ').expect("a method");
    let target = rest.strip_suffix(" HTTP/1.1").expect("a version");
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    // A line that begins with a space continues the one before it.
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with(' ') {
            let value = &mut headers.last_mut().expect("a header").1;
            value.push(' ');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':').expect("a header");
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    let mut map = HeaderMap::new();
    for (name, value) in &headers {
        let name: HeaderName = name.parse().expect("a name");
        map.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    SignedRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        headers: map,
        body: body.to_owned(),
    }
}

fn verify(context: &Context, secret: &str, request: &SignedRequest) -> Result<Verified, VerifyError> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(TIME);
    let mut key = AccessKey::new(&context.credentials.access_key_id, Secret::new(secret.to_owned()));
    if let Some(token) = &context.credentials.token {
        key = key.with_session(Secret::new(token.clone()), now + Duration::from_secs(1));
    }
    let keys: KeyRing = [key].into_iter().collect();
    let path_rule = if context.normalize {
        PathRule::Normalize
    } else {
        PathRule::Verbatim
    };
    let verifier = Verifier::new(&context.service)
        .with_region(&context.region)
        .with_path_rule(path_rule);
    let head = RequestHead::new(
        &request.method,
        &request.path,
        request.query.as_deref(),
        &request.headers,
    );
    verifier.check_head(&head, &keys, now)?.verify(request.body.as_bytes())
}

#[test]
fn every_vector_is_accepted_in_both_forms() {
    let mut checked = 0;
    for case in fs::read_dir(folder()).expect("the vectors") {
        let case = case.expect("a case").path();
        // Two cases of an earlier suite have neither a context nor, consistently, a signature.
        let Ok(context) = fs::read_to_string(case.join("context.json")) else {
            continue;
        };
        let context: Context = serde_json::from_str(&context).expect("a context");
        assert_eq!(context.timestamp, "2015-08-30T12:36:00Z");
        for form in ["header", "query"] {
            let file = case.join(format!("{form}-signed-request.txt"));
            let text = fs::read_to_string(&file).expect("a request");
            let request = read_request(&text);
            let name = file.display();
            let secret = &context.credentials.secret_access_key;
            if form == "query" && context.omit_session_token {
                // The README's table has this as not supported.
                assert_eq!(verify(&context, secret, &request), Err(VerifyError::Mismatch), "{name}");
                continue;
            }
            if let Err(error) = verify(&context, secret, &request) {
                panic!("{name}: {error}\n{request:?}");
            }
            let error = verify(&context, "another", &request).expect_err("another secret");
            assert_eq!(error, VerifyError::Mismatch, "{name}");
            checked += 1;
        }
    }
    assert!(checked >= 75, "only {checked} requests were found");
}
