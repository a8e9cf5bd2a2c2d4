//! The compiler, cmake and ninja.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{run, say, works};
use crate::pip;

/// The packages that replace missing tools.
const PACKAGES: [&str; 2] = ["cmake==4.4.5", "ninja==1.13.2"];

/// The programs of a build.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tools {
    pub(super) cmake: PathBuf,
    pub(super) ninja: PathBuf,
}

impl Tools {
    /// Returns the installed programs, else those from wheels below `dir`, which are downloaded (30 MB) if necessary.
    pub(super) fn ready(dir: &Path) -> Result<Self> {
        check_compiler()?;
        for tools in [Self::installed(), Self::in_wheels(dir)] {
            if tools.work() {
                return Ok(tools);
            }
        }
        say("installing cmake and ninja from wheels");
        pip::check()?;
        fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
        let mut install = Command::new("python3");
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.args(["--no-deps", "--only-binary", ":all:", "--upgrade", "--target"]).arg(dir);
        run(install.args(PACKAGES))?;
        let tools = Self::in_wheels(dir);
        if !tools.work() {
            bail!(
                "cmake and ninja from wheels do not run; hint: install cmake 3.14 or newer and ninja with the system's package manager"
            );
        }
        Ok(tools)
    }

    fn installed() -> Self {
        Self { cmake: "cmake".into(), ninja: "ninja".into() }
    }

    fn in_wheels(dir: &Path) -> Self {
        // `bin/cmake` is a script that needs PYTHONPATH; this is the program itself.
        Self {
            cmake: dir.join("cmake").join("data").join("bin").join("cmake"),
            ninja: dir.join("bin").join("ninja"),
        }
    }

    fn work(&self) -> bool {
        let works = |program: &Path| works(Command::new(program).arg("--version"));
        works(&self.cmake) && works(&self.ninja)
    }
}

/// Returns an error if no C or no C++ compiler runs. The names are those that cmake tries.
fn check_compiler() -> Result<()> {
    for (language, variable, names) in
        [("C", "CC", ["cc", "gcc", "clang"]), ("C++", "CXX", ["c++", "g++", "clang++"])]
    {
        let chosen = std::env::var(variable).is_ok_and(|value| !value.is_empty());
        if !chosen && !names.iter().any(|name| works(Command::new(name).arg("--version"))) {
            bail!(
                "no {language} compiler is installed; hint: install one, for instance with `apt-get install g++`, or set {variable}"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{PACKAGES, Tools};

    #[test]
    fn tools_that_do_not_exist_do_not_work() {
        assert!(!Tools::in_wheels(Path::new("/nonexistent")).work());
    }

    #[test]
    fn the_programs_are_where_pip_installs_them() {
        let tools = Tools::in_wheels(Path::new("/tools"));
        assert_eq!(tools.cmake, Path::new("/tools/cmake/data/bin/cmake"));
        assert_eq!(tools.ninja, Path::new("/tools/bin/ninja"));
    }

    #[test]
    fn every_package_has_a_version() {
        assert!(PACKAGES.iter().all(|package| package.contains("==")));
    }
}
