//! Clients of Parameter Store whose connection fails when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use bluegreen_state::aws_sdk_ssm::config::http::{HttpRequest, HttpResponse};
use bluegreen_state::aws_sdk_ssm::config::retry::RetryConfig;
use bluegreen_state::aws_sdk_ssm::config::{AsyncSleep, BehaviorVersion, Credentials, Region, Sleep};
use bluegreen_state::aws_sdk_ssm::{Client, Config};

/// What goes wrong with a client's connection, by the number of the request, from 0.
#[derive(Debug, Clone)]
pub(crate) enum LocalReply {
    /// Nothing.
    None,
    /// This request and all after it are not sent.
    DeadBefore(usize),
    /// The answer to this request is lost, and nothing is sent after it.
    DeadAfter(usize),
    /// The answer to this request is lost, and all goes well after it.
    AnswerLost(usize),
    /// Before this request is sent, it waits for the test, twice: so that something can happen in between.
    Waits(usize, Arc<Barrier>),
}

/// A client of the server at `address`, and how many requests it has made.
pub(crate) fn client(address: &str, fault: LocalReply) -> (Client, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let connector = SharedHttpConnector::new(Connector {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        fault: fault.clone(),
        requests: Arc::clone(&requests),
    });
    let retries = match &fault {
        LocalReply::None | LocalReply::AnswerLost(_) | LocalReply::Waits(..) => {
            RetryConfig::standard().with_initial_backoff(Duration::from_millis(1))
        }
        LocalReply::DeadBefore(_) | LocalReply::DeadAfter(_) => RetryConfig::disabled(),
    };
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .endpoint_url(address)
        .retry_config(retries)
        .sleep_impl(TokioSleep)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    (Client::from_conf(config), requests)
}

#[derive(Debug)]
struct TokioSleep;

impl AsyncSleep for TokioSleep {
    fn sleep(&self, time: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(time))
    }
}

#[derive(Debug)]
struct Connector {
    http: reqwest::Client,
    fault: LocalReply,
    requests: Arc<AtomicUsize>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let dead = match &self.fault {
            LocalReply::DeadBefore(first) => number >= *first,
            LocalReply::DeadAfter(last) => number > *last,
            LocalReply::None | LocalReply::AnswerLost(_) | LocalReply::Waits(..) => false,
        };
        let lost = matches!(&self.fault, LocalReply::DeadAfter(at) | LocalReply::AnswerLost(at) if *at == number);
        let mut sent = self
            .http
            .request(request.method().parse().unwrap(), request.uri())
            .body(request.body().bytes().unwrap().to_vec());
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        let waits = match &self.fault {
            LocalReply::Waits(at, barrier) if *at == number => Some(Arc::clone(barrier)),
            _ => None,
        };
        HttpConnectorFuture::new(async move {
            if let Some(barrier) = waits {
                barrier.wait().await;
                barrier.wait().await;
            }
            let broken = |what: &str| ConnectorError::io(what.to_owned().into());
            if dead {
                return Err(broken("the connection is dead"));
            }
            let answer = sent.send().await.map_err(|error| ConnectorError::io(error.into()))?;
            let status = answer.status().as_u16();
            let body = answer.bytes().await.map_err(|error| ConnectorError::io(error.into()))?;
            if lost {
                return Err(broken("the answer is lost"));
            }
            Ok(HttpResponse::new(status.try_into().unwrap(), body.into()))
        })
    }
}
