//! As whom programs run in a task, what is said if there can be none, and what is left of one.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::*;

#[tokio::test]
async fn nothing_is_left_of_a_task_and_its_address_serves_again() {
    let mesh = Mesh::start().await;
    let caller = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let before = mesh.links();
    for _ in 0..3 {
        // The same address every time, which the caller remembers.
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
        let call = caller.call(task.at(80)).expect("there is a way");
        assert_eq!(accepted(&listener), caller.address.address());
        let pid = task.holder.pid();
        task.holder.end().await;
        drop((listener, call));
        eventually("the end of the holder", || is_gone(pid));
        eventually("the end of its veth", || mesh.links() == before);
    }
    let (bridge, task) = (mesh.bridge.pid(), caller.holder.pid());
    drop((mesh, caller));
    eventually("the end of all holders", || is_gone(bridge) && is_gone(task));
}

#[tokio::test]
async fn what_outlives_a_task_does_not_keep_its_address() {
    let mesh = Mesh::start().await;
    let task = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let caller = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let (listener, at) = (task.listen(80), task.at(80));
    let _call = caller.call(at).expect("there is a way");
    let program = Program {
        command_line: ["sleep", "1000"].map(Into::into).into(),
        environment: crate::environment::inherited(),
        log: task.files.join("log"),
    };
    let outlives = Process::start(program, &task.launcher()).expect("it can be started");
    let of_it = format!("/proc/{}/ns/net", outlives.pid());
    let network = |of: &str| std::fs::read_link(of).expect("it runs");
    let of_task = network(&format!("/proc/{}/ns/net", task.holder.pid()));
    eventually("the program in the task", || network(&of_it) == of_task);

    let Place { holder, address, files } = task;
    holder.end().await;
    assert_eq!(network(&of_it), of_task, "it did not outlive the task");
    assert_eq!(
        mesh.links().len(),
        3,
        "lo, the bridge and the caller's veth: {:?}",
        mesh.links()
    );
    let next = Place {
        files,
        ..mesh.task_at(address, &IptablesRules::default(), &[], vec![]).await
    };
    let served = next.listen(80);
    let _call = caller.call(at).expect("there is a way");
    assert_eq!(accepted(&served), caller.address.address());
    drop((listener, outlives));
}

#[tokio::test]
async fn whoever_waits_for_it_learns_that_a_holder_was_killed() {
    let mesh = Mesh::start().await;
    let task = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let too_early = tokio::time::timeout(Duration::from_millis(1), task.holder.ended()).await;
    assert!(too_early.is_err(), "{too_early:?}");
    let pid = i32::try_from(task.holder.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("it runs"), Signal::KILL).expect("it is ours");
    let status = tokio::time::timeout(PATIENCE, task.holder.ended())
        .await
        .expect("it ends");
    assert_eq!(status.expect("it is our child").signal(), Some(9));
    // To end it once more is no mistake.
    task.holder.end().await;
}

#[tokio::test]
async fn a_folder_that_could_not_be_swept_is_swept_by_the_next_runner() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("meshwright-left");
    let busy = folder.join("blue-1");
    std::fs::create_dir_all(&busy).expect("it is ours");
    for file in ["blue-1/log", "lock"] {
        std::fs::write(folder.join(file), "").expect("it is ours");
    }
    let remove_stale = || crate::run_dir::remove_stale(parent.path());
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            // Nobody removes what something is mounted on, and only this thread sees it.
            kernel::unshare_mounts().expect("root may");
            kernel::bind(&busy, &busy).expect("it is ours");
            remove_stale();
        });
        refused.join().expect("it does not panic");
    });
    assert!(folder.join("lock").exists() && busy.is_dir());
    // The kernel takes the thread's mounts away after the thread is gone, in its own time.
    eventually("its removal", || {
        remove_stale();
        !folder.exists()
    });
}

#[tokio::test]
async fn nothing_is_left_of_a_runner_that_is_killed() {
    let mesh = Mesh::start().await;
    let task = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let before = mesh.links();
    let setup = netns_init::NetnsSetup::Task(TaskNetnsSetup {
        bridge: mesh.bridge.pid(),
        address: Ipv4Addr::new(10, 77, 0, 9),
        rules: None,
        mounts: Vec::new(),
    });
    // A shell plays the runner; what it starts is told that it is its child.
    let script = r#"
        "$0" --hold "$1" $$ & echo $!
        "$0" --inside "$2" --as 1337:1337 $$ sleep 1000 & echo $!
        wait"#;
    let mut runner = tokio::process::Command::new("sh")
        .args(["-c", script])
        .arg(launcher().hold("").expect("there is a host").swap_remove(0))
        .arg(serde_json::to_string(&setup).expect("it is JSON"))
        .arg(task.holder.pid().to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a shell is there");
    let mut lines = BufReader::new(runner.stdout.take().expect("it is piped")).lines();
    let mut printed = Vec::new();
    while printed.len() < 3 {
        let line = lines.next_line().await.expect("it is text");
        printed.push(line.unwrap_or_else(|| panic!("it said no more than {printed:?}")));
    }
    assert!(printed.contains(&netns_init::READY.to_owned()), "{printed:?}");
    let pids: Vec<u32> = printed.iter().filter_map(|line| line.parse().ok()).collect();
    let [holder, program] = pids[..] else {
        panic!("it did not say whom it started: {printed:?}");
    };
    let command = || std::fs::read_to_string(format!("/proc/{program}/comm")).unwrap_or_default();
    eventually("the program", || command() == "sleep\n");
    assert_eq!(mesh.links().len(), before.len() + 1);

    runner.kill().await.expect("it runs");
    eventually("the end of the holder", || is_gone(holder));
    eventually("the end of the program", || is_gone(program));
    eventually("the end of the veth", || mesh.links() == before);
}

#[tokio::test]
async fn what_is_refused_is_said_in_the_words_of_whoever_refused() {
    let mesh = Mesh::start().await;
    let failure = async |setup| {
        NetnsHandle::of_task(setup, &launcher())
            .await
            .expect_err("it is wrong")
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
        "cannot make the network of the task at 10.77.0.9: `iptables-restore --noflush --wait` failed (exit status: ";
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

    let nobody = TaskNetnsSetup {
        rules: None,
        bridge: u32::MAX,
        ..setup
    };
    let message = failure(nobody).await;
    assert!(
        message.contains("cannot enter /proc/4294967295/ns/net: No such file"),
        "{message}"
    );

    let error = NetnsHandle::of_bridge(&Launcher::new(["sh", "-c", "echo no such verb >&2"])).await;
    let message = error.expect_err("it holds nothing").to_string();
    assert_eq!(message, "cannot make a network for tasks: no such verb");
}

#[tokio::test]
async fn envoy_runs_as_somebody_else_from_where_it_cannot_go() {
    let mesh = Mesh::start().await;
    // What stands for Envoy lies where only its owner can go.
    let closed = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("it is ours");
    let program = closed.path().join("envoy");
    let id = commands::find("id", std::env::var_os("PATH").as_deref()).expect("every system has it");
    std::fs::copy(id, &program).expect("the folder is ours");
    let folder = EnvoyDir::create(mesh.folder.path().join("1"), ENVOY).expect("everybody can get there");
    let bootstrap = folder.bootstrap();
    let mounts = folder.mounts(&program, closed.path()).expect("the folder is ours");
    let task = mesh.task(&IptablesRules::default(), &[], mounts.into()).await;
    // As the runner does: it never goes where Envoy's user could have put a link.
    std::fs::write(closed.path().join(BOOTSTRAP), "{}").expect("it is ours");
    let launcher = task.launcher().as_user(ENVOY);
    let here = std::env::current_dir().expect("there is one").display().to_string();
    let executable = folder.executable().display().to_string();
    let (ran, printed) = task.run(&launcher, &[&executable]).await;
    assert!(ran && printed.trim() == "uid=1337 gid=1337 groups=1337", "{printed}");
    let write = format!("cat {} && touch {}", bootstrap.display(), folder.access_log().display());
    let (ran, printed) = task.run(&launcher, &["sh", "-c", &write]).await;
    assert!(ran && printed == "{}" && folder.access_log().exists(), "{printed}");
    let (ran, _) = task.run(&launcher, &["ls", &closed.path().display().to_string()]).await;
    assert!(!ran, "it could go everywhere");
    let (ran, printed) = task.run(&task.launcher(), &["sh", "-c", "pwd -P; id -u"]).await;
    let own = rustix::process::geteuid().as_raw();
    assert!(ran && printed == format!("{here}\n{own}\n"), "{printed}");
    for file in [folder.executable(), bootstrap] {
        assert_eq!(file.metadata().expect("it is there").len(), 0, "mounted for everybody");
    }
}
