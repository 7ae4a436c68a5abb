//! What is tried again, with whom, and who is left alone for a while.

use mesh_control::ads::Variant;
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Manner, Mesh, Task, Upstream, egress_cluster, endpoint, eventually, in_both_variants};

in_both_variants!(
    a_503_is_tried_again_with_another_task,
    each_attempt_avoids_the_tasks_before,
    a_500_is_not_tried_again,
    a_task_that_keeps_failing_is_left_alone,
    the_only_task_is_never_left_alone,
);

async fn a_503_is_tried_again_with_another_task(variant: Variant) {
    let mesh = Mesh::start(variant, &[endpoint("blue", AppProtocol::Http)]).await;
    let broken = Upstream::start("broken", Manner::Status(503)).await;
    let sound = Upstream::start("sound", Manner::Name).await;
    mesh.serve("blue", &[broken.address, sound.address]);
    let green = Task::start(&mesh, "green").await;
    // One less than it takes to be left alone.
    for _ in 0..4 {
        let answer = green.get("blue.serviceconnect").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "sound"));
    }
    assert_eq!(sound.requests(), 4);
    assert!(broken.requests() > 0, "the broken task had its turn");
}

async fn each_attempt_avoids_the_tasks_before(variant: Variant) {
    let mesh = Mesh::start(variant, &[endpoint("blue", AppProtocol::Http)]).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(Upstream::start("broken", Manner::Status(503)).await);
    }
    let addresses: Vec<_> = tasks.iter().map(|task| task.address).collect();
    mesh.serve("blue", &addresses);
    let green = Task::start(&mesh, "green").await;
    let answer = green.get("blue.serviceconnect").await;
    assert_eq!((answer.status, answer.fault), (503, None));
    let attempts: Vec<usize> = tasks.iter().map(Upstream::requests).collect();
    assert_eq!(attempts, [1, 1, 1], "one call and two retries, each with another task");
}

async fn a_500_is_not_tried_again(variant: Variant) {
    let mesh = Mesh::start(variant, &[endpoint("blue", AppProtocol::Http)]).await;
    let one = Upstream::start("one", Manner::Status(500)).await;
    let two = Upstream::start("two", Manner::Status(500)).await;
    mesh.serve("blue", &[one.address, two.address]);
    let green = Task::start(&mesh, "green").await;
    assert_eq!(green.post("blue.serviceconnect").await.status, 500);
    assert_eq!(one.requests() + two.requests(), 1);
    assert_eq!(green.get("blue.serviceconnect").await.status, 500);
    assert_eq!(one.requests() + two.requests(), 2);
}

async fn a_task_that_keeps_failing_is_left_alone(variant: Variant) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(variant, std::slice::from_ref(&blue)).await;
    let broken = Upstream::start("broken", Manner::Status(503)).await;
    let sound = Upstream::start("sound", Manner::Name).await;
    mesh.serve("blue", &[broken.address, sound.address]);
    let green = Task::start(&mesh, "green").await;
    // Envoy's workers go on while its main thread decides, so it may take one failure more than five.
    let health = eventually("the broken task is left alone", async || {
        assert_eq!(green.get("blue.serviceconnect").await.body, "sound");
        let health = green.envoy.health_of(&egress_cluster(&blue)).await;
        let left_alone = health[&broken.address] == "/failed_outlier_check";
        if left_alone {
            Ok(health)
        } else {
            Err(format!("{health:?}"))
        }
    })
    .await;
    assert_eq!(health[&sound.address], "healthy");
    let failures = broken.requests();
    assert!(failures >= 5, "left alone after {failures} failures");
    for _ in 0..20 {
        assert_eq!(green.get("blue.serviceconnect").await.body, "sound");
    }
    assert_eq!(broken.requests(), failures, "it is left alone");
}

/// Whoever has one task would rather have its errors than none of its answers.
async fn the_only_task_is_never_left_alone(variant: Variant) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(variant, std::slice::from_ref(&blue)).await;
    let broken = Upstream::start("broken", Manner::Status(503)).await;
    mesh.serve("blue", &[broken.address]);
    let green = Task::start(&mesh, "green").await;
    for _ in 0..10 {
        let answer = green.get("blue.serviceconnect").await;
        assert_eq!((answer.status, answer.fault), (503, None), "the task's own answer");
    }
    let health = green.envoy.health_of(&egress_cluster(&blue)).await;
    assert_eq!(health[&broken.address], "healthy");
}
