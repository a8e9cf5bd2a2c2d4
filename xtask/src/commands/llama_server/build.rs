//! Builds the server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::sources::{self, SOURCES};
use super::tools::Tools;
use crate::cargo::{run, say, works};

/// One static program, without the web page, downloads by the server, or processes started by it.
const OPTIONS: [&str; 14] = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_BUILD_COMMON=ON",
    "-DLLAMA_BUILD_TOOLS=ON",
    "-DLLAMA_BUILD_SERVER=ON",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_ALL_WARNINGS=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_SUBPROCESS=OFF",
    "-DGGML_OPENMP=OFF",
];

/// Compiler flags against tiles (AMX). A virtual machine may report them and still not let a program use them; a server built for them
/// then ends with "illegal instruction" at its first matrix product.
const WITHOUT_AMX: &str = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16";

/// Returns the program in `dir`, and builds it if it is not there or does not run. An interrupted build resumes.
pub(super) fn ready(dir: &Path, jobs: Option<u32>) -> Result<PathBuf> {
    let program = dir.join("llama-server");
    if runs(&program) {
        return Ok(program);
    }
    let tools = Tools::ready(&dir.join("tools"))?;
    let sources = sources::ready(dir)?;
    let build = dir.join("build");
    say("building llama-server, which takes some minutes");
    run(&mut configure(&tools, &sources, &build))?;
    run(&mut compile(&tools, &build, jobs.unwrap_or_else(cores)))?;
    fs::rename(build.join("bin").join("llama-server"), &program)
        .with_context(|| format!("failed to write {}", program.display()))?;
    run(Command::new(&program).arg("--version"))?;
    for name in ["build", "sources", "tools"] {
        let path = dir.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("failed to remove {}", path.display()))?;
        }
    }
    Ok(program)
}

/// Whether the program exists and this machine's processor runs it.
fn runs(program: &Path) -> bool {
    program.is_file() && works(Command::new(program).arg("--version"))
}

fn configure(tools: &Tools, sources: &Path, build: &Path) -> Command {
    let mut ninja = std::ffi::OsString::from("-DCMAKE_MAKE_PROGRAM=");
    ninja.push(&tools.ninja);
    let mut cmake = Command::new(&tools.cmake);
    cmake.arg("-S").arg(sources).arg("-B").arg(build).args(["-G", "Ninja"]).arg(ninja);
    // The number and the commit would otherwise be those of the Git repository around the sources.
    let commit = format!("-DLLAMA_BUILD_COMMIT={}-{}", SOURCES.package, SOURCES.version);
    cmake.args(OPTIONS).args(["-DLLAMA_BUILD_NUMBER=0", &commit]);
    if names_amx(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()) {
        cmake.args(["C", "CXX"].map(|language| format!("-DCMAKE_{language}_FLAGS={WITHOUT_AMX}")));
    }
    cmake
}

/// Whether a text in the format of Linux's `/proc/cpuinfo` lists tiles among the flags of a processor.
fn names_amx(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().filter(|line| line.starts_with("flags"));
    flags.flat_map(str::split_whitespace).any(|flag| flag == "amx_tile")
}

fn compile(tools: &Tools, build: &Path, jobs: u32) -> Command {
    let mut cmake = Command::new(&tools.cmake);
    cmake.arg("--build").arg(build).args(["--target", "llama-server", "--parallel"]);
    cmake.arg(jobs.to_string());
    cmake
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{Tools, compile, configure, names_amx, runs};

    fn tools() -> Tools {
        Tools { cmake: "/t/cmake".into(), ninja: "/t/ninja".into() }
    }

    fn args(command: &Command) -> Vec<String> {
        command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_build_uses_the_given_tools_and_names_the_package() {
        let cmake = configure(&tools(), Path::new("/src"), Path::new("/build"));
        assert_eq!(cmake.get_program(), "/t/cmake");
        let args = args(&cmake);
        assert_eq!(args[..6], ["-S", "/src", "-B", "/build", "-G", "Ninja"]);
        assert!(args.contains(&"-DCMAKE_MAKE_PROGRAM=/t/ninja".to_owned()));
        assert!(args.contains(&"-DLLAMA_BUILD_COMMIT=llama-cpp-python-0.3.36".to_owned()));
    }

    #[test]
    fn tiles_are_read_from_the_flags_of_the_processor() {
        assert!(names_amx("processor : 0\nflags\t\t: avx2 amx_bf16 amx_tile amx_int8\n"));
        assert!(!names_amx("model name : amx_tile\nflags\t\t: avx2 avx512f\n"));
        assert!(!names_amx(""));
    }

    #[test]
    fn cmake_downloads_nothing() {
        let args = args(&configure(&tools(), Path::new("/src"), Path::new("/build")));
        for option in ["-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_BUILD_UI=OFF"] {
            assert!(args.iter().any(|arg| arg == option), "{option}");
        }
    }

    #[test]
    fn only_the_server_is_compiled() {
        let cmake = compile(&tools(), Path::new("/build"), 3);
        assert_eq!(
            args(&cmake),
            ["--build", "/build", "--target", "llama-server", "--parallel", "3"]
        );
    }

    #[test]
    fn a_missing_program_does_not_run() {
        assert!(!runs(Path::new("/nonexistent/llama-server")));
    }
}
