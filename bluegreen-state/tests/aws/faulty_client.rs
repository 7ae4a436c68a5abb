//! Parameter Store clients with connection faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;

use aws_sdk_ssm::config::http::{HttpRequest, HttpResponse};
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::{AsyncSleep, BehaviorVersion, Credentials, Region, Sleep};
use aws_sdk_ssm::{Client, Config};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// A fault of a client's connection, at the request with this number, from 0.
#[derive(Debug, Clone)]
pub(crate) enum ConnectionFault {
    /// No fault.
    None,
    /// This request and all later ones are not sent.
    DeadBefore(usize),
    /// The response to this request is lost, and no later request is sent.
    DeadAfter(usize),
    /// The response to this request is lost.
    ResponseLost(usize),
    /// The request waits at the barrier twice before it is sent, so that the test can act in between.
    WaitsAt(usize, Arc<Barrier>),
}

/// A client of the server at `address`, and its number of requests.
pub(crate) fn client(address: &str, fault: ConnectionFault) -> (Client, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let connector = SharedHttpConnector::new(Connector {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        fault: fault.clone(),
        requests: Arc::clone(&requests),
    });
    let retries = match &fault {
        ConnectionFault::None | ConnectionFault::ResponseLost(_) | ConnectionFault::WaitsAt(..) => {
            RetryConfig::standard().with_initial_backoff(Duration::from_millis(1))
        }
        ConnectionFault::DeadBefore(_) | ConnectionFault::DeadAfter(_) => RetryConfig::disabled(),
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
    fault: ConnectionFault,
    requests: Arc<AtomicUsize>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let dead = match &self.fault {
            ConnectionFault::DeadBefore(first) => number >= *first,
            ConnectionFault::DeadAfter(last) => number > *last,
            ConnectionFault::None | ConnectionFault::ResponseLost(_) | ConnectionFault::WaitsAt(..) => false,
        };
        let lost =
            matches!(&self.fault, ConnectionFault::DeadAfter(at) | ConnectionFault::ResponseLost(at) if *at == number);
        let mut sent = self
            .http
            .request(request.method().parse().unwrap(), request.uri())
            .body(request.body().bytes().unwrap().to_vec());
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        let barrier = match &self.fault {
            ConnectionFault::WaitsAt(at, barrier) if *at == number => Some(Arc::clone(barrier)),
            _ => None,
        };
        HttpConnectorFuture::new(async move {
            if let Some(barrier) = barrier {
                barrier.wait().await;
                barrier.wait().await;
            }
            let error = |text: &str| ConnectorError::io(text.to_owned().into());
            if dead {
                return Err(error("the connection is dead"));
            }
            let response = sent.send().await.map_err(|error| ConnectorError::io(error.into()))?;
            let status = response.status().as_u16();
            let body = response
                .bytes()
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            if lost {
                return Err(error("the response is lost"));
            }
            Ok(HttpResponse::new(status.try_into().unwrap(), body.into()))
        })
    }
}
