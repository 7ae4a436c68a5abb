//! Users of programs in a task, errors of setup, and removal of namespaces.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::*;

#[tokio::test]
async fn a_task_leaves_nothing_behind_and_its_address_can_be_reused() {
    let mesh = TestMesh::start().await;
    let caller = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let before = mesh.links();
    for _ in 0..3 {
        // The same address every time, which is in the caller's ARP cache.
        let pool = AddressPool::of_tasks();
        let _callers = pool.allocate().expect("all are free");
        let task = mesh
            .task_at(
                pool.allocate().expect("all are free"),
                &IptablesRules::default(),
                &[],
                vec![],
            )
            .await;
        assert_eq!(mesh.links().len(), before.len() + 1);
        let listener = task.listen(80);
        let call = caller.call(task.at(80)).expect("there is a route");
        assert_eq!(accept_from(&listener), caller.address.address());
        let pid = task.netns.pid();
        task.netns.end().await;
        drop((listener, call));
        wait_until_blocking("the init process has ended", || is_gone(pid));
        wait_until_blocking("the veth link is deleted", || mesh.links() == before);
    }
    let (bridge, task) = (mesh.bridge.pid(), caller.netns.pid());
    drop((mesh, caller));
    wait_until_blocking("all init processes have ended", || is_gone(bridge) && is_gone(task));
}

#[tokio::test]
async fn programs_that_outlive_a_task_do_not_keep_its_address() {
    let mesh = TestMesh::start().await;
    let task = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let caller = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let (listener, at) = (task.listen(80), task.at(80));
    let _call = caller.call(at).expect("there is a route");
    let program = Program {
        command_line: ["sleep", "1000"].map(Into::into).into(),
        environment: crate::environment::inherited(),
        log: task.files.join("log"),
    };
    let survivor = Process::start(program, &task.launcher()).expect("it can be started");
    let survivor_netns = format!("/proc/{}/ns/net", survivor.pid());
    let netns_of = |link: &str| std::fs::read_link(link).expect("it runs");
    let task_netns = netns_of(&format!("/proc/{}/ns/net", task.netns.pid()));
    wait_until_blocking("the program is in the task", || netns_of(&survivor_netns) == task_netns);

    let TestTask { netns, address, files } = task;
    netns.end().await;
    assert_eq!(netns_of(&survivor_netns), task_netns, "it did not outlive the task");
    assert_eq!(
        mesh.links().len(),
        3,
        "lo, the bridge and the caller's link: {:?}",
        mesh.links()
    );
    let next = TestTask {
        files,
        ..mesh.task_at(address, &IptablesRules::default(), &[], vec![]).await
    };
    let served = next.listen(80);
    let _call = caller.call(at).expect("there is a route");
    assert_eq!(accept_from(&served), caller.address.address());
    drop((listener, survivor));
}

#[tokio::test]
async fn the_end_of_an_init_process_is_reported() {
    let mesh = TestMesh::start().await;
    let task = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let too_early = tokio::time::timeout(Duration::from_millis(1), task.netns.ended()).await;
    assert!(too_early.is_err(), "{too_early:?}");
    let pid = i32::try_from(task.netns.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("it runs"), Signal::KILL).expect("it is ours");
    let status = tokio::time::timeout(TIMEOUT, task.netns.ended())
        .await
        .expect("it ends");
    assert_eq!(status.expect("it is our child").signal(), Some(9));
    // Ending it again has no effect.
    task.netns.end().await;
}

#[tokio::test]
async fn a_run_directory_in_use_is_removed_by_a_later_run() {
    let parent = tempfile::tempdir().expect("a directory");
    let dir = parent.path().join("meshwright-left");
    let busy = dir.join("blue-1");
    std::fs::create_dir_all(&busy).expect("it is ours");
    for file in ["blue-1/log", "lock"] {
        std::fs::write(dir.join(file), "").expect("it is ours");
    }
    let remove_stale = || crate::run_dir::remove_stale(parent.path());
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            // A mount point cannot be removed; the mount is visible only to this thread.
            kernel::unshare_mounts().expect("root may");
            kernel::bind_mount(&busy, &busy).expect("it is ours");
            remove_stale();
        });
        blocked.join().expect("it does not panic");
    });
    assert!(dir.join("lock").exists() && busy.is_dir());
    // The kernel removes the thread's mounts asynchronously.
    wait_until_blocking("the directory is removed", || {
        remove_stale();
        !dir.exists()
    });
}

#[tokio::test]
async fn a_killed_runner_leaves_nothing_behind() {
    let mesh = TestMesh::start().await;
    let task = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let before = mesh.links();
    let setup = netns_init::NetnsSetup::Task(TaskNetnsSetup {
        bridge: mesh.bridge.pid(),
        address: Ipv4Addr::new(10, 77, 0, 9),
        rules: None,
        mounts: Vec::new(),
    });
    // A shell in the role of the runner, as the parent of both launches.
    let script = r#"
        "$0" __launch --init-netns "$1" $$ & echo $!
        "$0" __launch --netns "$2" --user 1337:1337 $$ sleep 1000 & echo $!
        wait"#;
    let mut runner = tokio::process::Command::new("sh")
        .args(["-c", script])
        .arg(launcher().init_netns("").expect("there is a host").swap_remove(0))
        .arg(serde_json::to_string(&setup).expect("it is JSON"))
        .arg(task.netns.pid().to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a shell is there");
    let mut lines = BufReader::new(runner.stdout.take().expect("it is piped")).lines();
    let mut printed = Vec::new();
    while printed.len() < 3 {
        let line = lines.next_line().await.expect("it is text");
        printed.push(line.unwrap_or_else(|| panic!("only {printed:?} was printed")));
    }
    assert!(printed.contains(&netns_init::READY.to_owned()), "{printed:?}");
    let pids: Vec<u32> = printed.iter().filter_map(|line| line.parse().ok()).collect();
    let [netns, program] = pids[..] else {
        panic!("not two process ids: {printed:?}");
    };
    let command = || std::fs::read_to_string(format!("/proc/{program}/comm")).unwrap_or_default();
    wait_until_blocking("the program runs", || command() == "sleep\n");
    assert_eq!(mesh.links().len(), before.len() + 1);

    runner.kill().await.expect("it runs");
    wait_until_blocking("the init process has ended", || is_gone(netns));
    wait_until_blocking("the program has ended", || is_gone(program));
    wait_until_blocking("the veth link is deleted", || mesh.links() == before);
}

#[tokio::test]
async fn setup_errors_contain_their_cause() {
    let mesh = TestMesh::start().await;
    let failure = async |setup| {
        NetnsHandle::of_task(setup, &launcher())
            .await
            .expect_err("it is invalid")
            .to_string()
    };
    let setup = TaskNetnsSetup {
        bridge: mesh.bridge.pid(),
        address: Ipv4Addr::new(10, 77, 0, 9),
        rules: Some("*nat\n-A OUTPUT -p bogus -j ACCEPT\nCOMMIT\n".to_owned()),
        mounts: Vec::new(),
    };
    let message = failure(setup.clone()).await;
    let call =
        "cannot create the network of the task at 10.77.0.9: `iptables-restore --noflush --wait` failed (exit status: ";
    assert!(message.starts_with(call) && message.contains("\"bogus\""), "{message}");

    let missing = Path::new("/etc/no-such-file");
    let mount = Mount {
        file: missing.into(),
        over: missing.into(),
    };
    let message = failure(TaskNetnsSetup {
        rules: None,
        mounts: vec![mount],
        ..setup.clone()
    })
    .await;
    let mounting = "mounting /etc/no-such-file over /etc/no-such-file failed: No such file or directory";
    assert!(message.contains(mounting), "{message}");

    let missing_bridge = TaskNetnsSetup {
        rules: None,
        bridge: u32::MAX,
        ..setup
    };
    let message = failure(missing_bridge).await;
    assert!(
        message.contains("cannot enter /proc/4294967295/ns/net: No such file"),
        "{message}"
    );

    let error = NetnsHandle::of_bridge(&Launcher::new(["sh", "-c", "echo no such verb >&2"])).await;
    let message = error.expect_err("it is not a launcher").to_string();
    assert_eq!(message, "cannot create the network between tasks: no such verb");
}

#[tokio::test]
async fn envoy_runs_as_its_own_user_with_mounted_files() {
    let mesh = TestMesh::start().await;
    // A program in the role of Envoy, in a private directory.
    let closed = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("it is ours");
    let program = closed.path().join("envoy");
    let id = commands::find("id", std::env::var_os("PATH").as_deref()).expect("every system has it");
    std::fs::copy(id, &program).expect("the directory is ours");
    let dir = EnvoyDir::create(mesh.dir.path().join("1"), ENVOY, Some("token")).expect("all users can enter it");
    let bootstrap = dir.bootstrap();
    let mounts = dir.mounts(&program, closed.path()).expect("the directory is ours");
    let task = mesh.task(&IptablesRules::default(), &[], mounts.into()).await;
    // Written through its source, as by the runner: the target directory belongs to Envoy's user.
    std::fs::write(closed.path().join(BOOTSTRAP), "{}").expect("it is ours");
    let launcher = task.launcher().with_user(ENVOY);
    let here = std::env::current_dir().expect("there is one").display().to_string();
    let executable = dir.executable().display().to_string();
    let (ran, printed) = task.run(&launcher, &[&executable]).await;
    assert!(ran && printed.trim() == "uid=1337 gid=1337 groups=1337", "{printed}");
    let write = format!("cat {} && touch {}", bootstrap.display(), dir.access_log().display());
    let (ran, printed) = task.run(&launcher, &["sh", "-c", &write]).await;
    assert!(ran && printed == "{}" && dir.access_log().exists(), "{printed}");
    let token = dir.xds_token();
    let (ran, printed) = task.run(&launcher, &["cat", &token.display().to_string()]).await;
    assert!(ran && printed == "token", "{printed}");
    assert_eq!(token.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    let (ran, _) = task.run(&launcher, &["ls", &closed.path().display().to_string()]).await;
    assert!(!ran, "a private directory is accessible");
    let (ran, printed) = task.run(&task.launcher(), &["sh", "-c", "pwd -P; id -u"]).await;
    let own = rustix::process::geteuid().as_raw();
    assert!(ran && printed == format!("{here}\n{own}\n"), "{printed}");
    for file in [dir.executable(), bootstrap] {
        assert_eq!(
            file.metadata().expect("it is there").len(),
            0,
            "the mount is visible outside"
        );
    }
}
