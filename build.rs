//! Compiles the C seam (`src/pg/c`) against the server headers that the pgrx bindings were made from.

use std::path::PathBuf;
use std::process::Command;

const SOURCES: [&str; 20] = [
    "callbacks.c",
    "commands.c",
    "durable.c",
    "encoding.c",
    "frames.c",
    "hooks.c",
    "log_gate.c",
    "objects.c",
    "process.c",
    "registration.c",
    "senders.c",
    "session.c",
    "settings.c",
    "sources.c",
    "statement.c",
    "subjects.c",
    "targets.c",
    "values.c",
    "watched_settings.c",
    "worker.c",
];

fn main() {
    println!("cargo::rerun-if-env-changed=PGRX_PG_CONFIG_PATH");
    println!("cargo::rerun-if-changed=src/pg/c");
    let pg_config = std::env::var("PGRX_PG_CONFIG_PATH").unwrap_or_else(|_| "pg_config".to_owned());
    let output = Command::new(&pg_config).arg("--includedir-server").output().unwrap_or_else(|e| {
        panic!("cannot run {pg_config}: {e}; set PGRX_PG_CONFIG_PATH to the server's pg_config")
    });
    assert!(output.status.success(), "{pg_config} --includedir-server failed");
    let headers = String::from_utf8_lossy(&output.stdout).trim().to_owned();

    let mut build = cc::Build::new();
    for source in SOURCES {
        build.file(PathBuf::from("src/pg/c").join(source));
    }
    build
        .include(headers)
        .define("_GNU_SOURCE", None)
        .flag("-fno-strict-aliasing")
        .flag("-fwrapv")
        .flag_if_supported("-Wmissing-prototypes")
        // The server's own headers leave parameters unused and compare signs.
        .flag("-Wno-unused-parameter")
        .flag("-Wno-sign-compare")
        .warnings(true)
        .extra_warnings(true)
        .compile("activity_pg");
}
