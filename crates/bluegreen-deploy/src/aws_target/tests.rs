//! Templates with other weights.

use bluegreen_state::{Event, step};
use mesh_infra::app_mesh::{Kind, Protocol};
use mesh_infra::{HttpRoute, Listener, Mesh, Stack, VirtualNode, VirtualRouter};

use super::*;
use crate::sides::Sides;

/// A stack that was deployed with a template.
struct Deployed(Template);

impl StackUpdater for Deployed {
    async fn update_stack(&self, _: Template, _: StackUpdate) -> Result<(), CommandError> {
        Err(CommandError::Rejected("templates are only read".to_owned()))
    }

    async fn deployed_template(&self) -> Result<Template, CommandError> {
        Ok(self.0.clone())
    }
}

struct Silent;

impl Reporter for Silent {
    fn report(&self, _: &str) {}

    fn waiting(&self, _: &str) {}
}

fn describe(sides: &Sides, has_test_route: bool) -> Stack {
    let mut stack = Stack::new("shop");
    let mesh = stack.add("Mesh", Mesh::new("shop"));
    let router = VirtualRouter::new(&mesh, "split").with_listener(80, Protocol::Http);
    let router = stack.add("Split", router);
    let mut route = HttpRoute::new(&router, "sides").with_prefix("/");
    let mut test = HttpRoute::new(&router, "test").with_prefix("/test").with_priority(0);
    for (index, name) in ["blue", "green"].into_iter().enumerate() {
        let node = VirtualNode::new(&mesh, name).with_listener(Listener::http(80));
        let node = stack.add(name, node.with_dns_endpoints(format!("{name}.shop")));
        route = route.with_target(&node, sides.weights()[index]);
        test = test.with_target(&node, sides.test_weights()[index]);
    }
    stack.add("Sides", route);
    if has_test_route {
        stack.add("Test", test);
    }
    stack
}

fn application(has_test_route: bool) -> Application {
    let node = |name| ResourcePath::new("shop", Kind::VirtualNode, name);
    let route = |name| ResourcePath::within("shop", "split", Kind::Route, name);
    let nodes = [node("blue"), node("green")];
    let application = Application::new("shop", nodes, route("sides"), move |sides| {
        describe(sides, has_test_route)
    });
    match has_test_route {
        true => application.with_test_route(route("test")),
        false => application,
    }
}

/// The rollout of version 2 with test traffic: waiting for its first weights, with test traffic, and aborted.
fn states() -> [State<Version>; 3] {
    let now = std::time::SystemTime::UNIX_EPOCH.into();
    let deploy = Event::Deploy {
        version: 2,
        strategy: "all-at-once,test:hold".parse().expect("a strategy"),
        controller: "ci".to_owned(),
    };
    let first = step(&State::initial(1), deploy, now).0;
    let mut testing = first.clone();
    while testing.test_side().is_none() {
        let request = testing.last_request();
        for event in [Event::WeightsApplied { request }, Event::Ready { request }] {
            testing = step(&testing, event, now).0;
        }
    }
    let aborted = step(&testing, Event::Abort, now).0;
    [first, testing, aborted]
}

#[tokio::test]
async fn a_stack_from_before_the_test_route_is_deployed_and_rolled_back() {
    let (before, after) = (application(false), application(true));
    let deployed = before.template(&State::initial(1)).expect("a template");
    let config = SdkConfig::builder().build();
    let target = AwsTarget::new(&after, config, Deployed(deployed), &Silent);
    let changed = async |state: &State<Version>| {
        let routes = after.route_parameters(state).expect("parameters");
        assert_eq!(routes.len(), 2);
        let (_, changes) = target.template_with_routes(state, &routes).await?;
        Ok::<usize, CommandError>(changes.len())
    };
    let [first, testing, aborted] = states();
    assert_eq!(changed(&first).await, Ok(1));
    assert_eq!(changed(&aborted).await, Ok(1));
    // Test traffic would reach the former version.
    let error = changed(&testing).await.expect_err("it has no test route");
    assert!(
        matches!(&error, CommandError::Rejected(reason) if reason.contains("route/test`")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_stack_without_the_route_is_rejected() {
    let application = application(true);
    let mut deployed = application.template(&State::initial(1)).expect("a template");
    let name = ResourcePath::within("shop", "split", Kind::Route, "sides").to_parameter();
    let count = deployed.resources.len();
    deployed
        .resources
        .retain(|_, resource| resource.properties["Name"] != name);
    assert_eq!(deployed.resources.len(), count - 1);
    let config = SdkConfig::builder().build();
    let target = AwsTarget::new(&application, config, Deployed(deployed), &Silent);
    for state in &states() {
        let routes = application.route_parameters(state).expect("parameters");
        let error = target.template_with_routes(state, &routes).await.map(|_| ());
        assert!(matches!(error, Err(CommandError::Rejected(_))), "{error:?}");
    }
}
