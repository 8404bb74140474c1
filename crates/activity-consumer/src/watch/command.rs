//! The command of `--on-alarm`: run without a shell, with the alarm as JSON on its standard input and its main parts in the environment.
//!
//! | variable | value |
//! |---|---|
//! | `ACTIVITY_ALARM` | the kind, as `--alarm` takes it |
//! | `ACTIVITY_ALARM_TIME` | when it was raised, UTC |
//! | `ACTIVITY_ALARM_STREAM` | the stream |
//! | `ACTIVITY_ALARM_COUNT` | how many findings it stands for |
//! | `ACTIVITY_ALARM_TEXT` | the first of them as a sentence, without control characters |
//! | `ACTIVITY_ALARM_INSTANCE`, `_EPOCH`, `_SEQUENCE` | of the first, where it has them; not set where it has none |
//!
//! What it writes to its standard output goes to this program's standard error: its own output has alarms only. After its time
//! it is killed, and not the processes that it left behind.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::alarm::Alarm;

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnAlarm {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    /// The longest time that it may run.
    pub(crate) limit: Duration,
}

impl OnAlarm {
    /// Whether the program is there: better found out now than at the first alarm.
    pub(crate) fn can_run(&self, search_path: Option<&OsStr>) -> bool {
        let candidates: Vec<PathBuf> = if self.program.contains('/') {
            vec![PathBuf::from(&self.program)]
        } else {
            let folders = std::env::split_paths(search_path.unwrap_or_default());
            folders.map(|folder| folder.join(&self.program)).collect()
        };
        candidates.iter().any(|path| is_program(path))
    }

    /// Runs it. What went wrong is the error.
    pub(crate) async fn run(&self, alarm: &Alarm, time: &str, stream: &str) -> Result<(), String> {
        let mut child = self.start(alarm, time, stream).map_err(|error| format!("cannot be run: {error}"))?;
        let json = alarm.to_json(time, stream);
        match timeout(self.limit, fed(&mut child, &json)).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("failed: {status}")),
            Ok(Err(error)) => Err(format!("was lost sight of: {error}")),
            Err(_) => {
                let limit = self.limit.as_secs_f64();
                let killed = child.kill().await;
                let how = killed.map_or_else(|error| format!("could not be: {error}"), |()| "was".to_owned());
                Err(format!("did not end within {limit} s and {how} killed"))
            }
        }
    }

    fn start(&self, alarm: &Alarm, time: &str, stream: &str) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env("ACTIVITY_ALARM", alarm.kind.name())
            .env("ACTIVITY_ALARM_TIME", time)
            .env("ACTIVITY_ALARM_STREAM", stream)
            .env("ACTIVITY_ALARM_COUNT", alarm.count.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::from(io::stderr()))
            .kill_on_drop(true);
        let first = alarm.findings.first();
        let sequence = first.and_then(|first| first.sequence).map(|sequence| sequence.to_string());
        for (name, value) in [
            ("ACTIVITY_ALARM_TEXT", first.map(|first| &first.text)),
            ("ACTIVITY_ALARM_INSTANCE", first.and_then(|first| first.instance.as_ref())),
            ("ACTIVITY_ALARM_EPOCH", first.and_then(|first| first.epoch.as_ref())),
            ("ACTIVITY_ALARM_SEQUENCE", sequence.as_ref()),
        ] {
            match value {
                // Names of instances are the producer's choice; what cannot stand in an environment must not keep the command from running.
                Some(value) => command.env(name, value.replace('\0', " ")),
                None => command.env_remove(name),
            };
        }
        command.spawn()
    }
}

/// Gives it the alarm, and waits for its end. It need not read what it is given.
async fn fed(child: &mut Child, json: &str) -> io::Result<ExitStatus> {
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // It may have ended, or closed it.
            let _ = stdin.write_all(json.as_bytes()).await;
        }
        // Closed now.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        status = child.wait() => status,
        () = feed => Err(io::ErrorKind::Other.into()),
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod test {
    use super::super::alarm::{Finding, Kind};
    use super::*;

    fn shell(script: &str, limit: Duration) -> OnAlarm {
        OnAlarm { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()], limit }
    }

    fn alarm() -> Alarm {
        Alarm::new(Kind::Intent, Finding { sequence: Some(7), ..Finding::new("what it is") })
    }

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn it_has_the_alarm_on_its_input_and_in_its_environment() {
        let file = std::env::temp_dir().join(format!("activity-alarm-{}", std::process::id()));
        let script = format!(
            "(cat; echo \"$ACTIVITY_ALARM|$ACTIVITY_ALARM_TEXT|$ACTIVITY_ALARM_SEQUENCE|${{ACTIVITY_ALARM_EPOCH-none}}\") > {}",
            file.display()
        );
        assert_eq!(shell(&script, LIMIT).run(&alarm(), "t", "s").await, Ok(()));
        let written = std::fs::read_to_string(&file).expect("a file");
        let (json, rest) = written.split_once('\n').expect("two lines");
        assert_eq!(json.to_owned() + "\n", alarm().to_json("t", "s"));
        assert_eq!(rest, "intent|what it is|7|none\n");
        std::fs::remove_file(file).expect("removed");
    }

    #[tokio::test]
    async fn how_it_failed_is_told() {
        let failed = shell("exit 3", LIMIT).run(&alarm(), "t", "s").await.expect_err("it failed");
        assert!(failed.contains("exit status: 3"), "{failed}");
        let missing = OnAlarm { program: "/no/such/program".into(), ..shell("", LIMIT) };
        assert!(missing.run(&alarm(), "t", "s").await.expect_err("none").starts_with("cannot be run: "));
        let endless = shell("exec sleep 1000", Duration::from_millis(50)).run(&alarm(), "t", "s").await;
        assert_eq!(endless, Err("did not end within 0.05 s and was killed".into()));
    }

    #[tokio::test]
    async fn one_that_does_not_read_is_not_waited_for() {
        let mut alarm = alarm();
        for _ in 0..15 {
            alarm.add(Finding::new("").with_event(&format!("\"{}\"", "x".repeat(16_000))));
        }
        assert_eq!(shell("exit 0", LIMIT).run(&alarm, "t", "s").await, Ok(()));
    }

    #[test]
    fn a_program_that_is_not_there_is_found_out_beforehand() {
        let path = Some(OsStr::new("/nonexistent:/bin"));
        let program = |name: &str| OnAlarm { program: name.into(), ..shell("", LIMIT) };
        assert!(program("sh").can_run(path) && program("/bin/sh").can_run(None));
        assert!(!program("sh").can_run(Some(OsStr::new("/nonexistent"))) && !program("sh").can_run(None));
        assert!(!program("/etc/passwd").can_run(path) && !program("/").can_run(path));
    }
}
