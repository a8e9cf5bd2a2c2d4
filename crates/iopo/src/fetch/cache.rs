//! The cache of downloaded models. A cached file is complete or absent.
//!
//! Several processes can share the cache, so temporary files have unique names.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// Age from which a temporary file cannot belong to a running download.
const LEFT_BEHIND: Duration = Duration::from_hours(24);

/// Returns `IOPO_CACHE`, else `$XDG_CACHE_HOME/iopo`, else `~/.cache/iopo`.
pub(crate) fn dir() -> Result<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("IOPO_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo")))
        .or_else(|| {
            var("HOME").or_else(|| var("USERPROFILE")).map(|dir| dir.join(".cache").join("iopo"))
        })
        .ok_or_else(|| {
            Failure::new("no cache directory: IOPO_CACHE, XDG_CACHE_HOME and HOME are not set")
                .hint("set IOPO_CACHE to a directory with 200 MB free")
                .into()
        })
}

/// Prefix of temporary files and directories of a download.
pub(super) const SCRATCH: &str = ".iopo-fetch-";

/// Removes temporary files and directories that a killed download left more than a day ago. Ignores those that cannot be
/// removed.
pub(crate) fn sweep(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).map(|time| time.elapsed());
        let old = matches!(age, Ok(Ok(age)) if age > LEFT_BEHIND);
        if old && entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            let path = entry.path();
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
    }
}

/// Returns the SHA-256 of a file in hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let mut file =
        std::fs::File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    copy_hashed(&mut file, &mut std::io::sink(), u64::MAX)
        .with_context(|| format!("failed to read {}", path.display()))
}

/// Copies `source` to `target` if its SHA-256 is `want`. `target` is complete or absent afterwards.
pub(crate) fn store(source: &mut impl Read, target: &Path, want: &str, size: u64) -> Result<()> {
    let dir = target.parent().unwrap_or(Path::new("."));
    let what = || format!("failed to write {}", target.display());
    std::fs::create_dir_all(dir).with_context(what)?;
    let mut temporary = tempfile::Builder::new();
    temporary.prefix(SCRATCH);
    // Sets the mode that the umask gives other files; a temporary file is readable by its owner only.
    #[cfg(unix)]
    temporary.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = temporary.tempfile_in(dir).with_context(what)?;
    let got = copy_hashed(source, &mut file, size).with_context(what)?;
    if got != want {
        let message = format!("{} has SHA-256 {got}, expected {want}", target.display());
        return Err(Failure::new(message)
            .hint("the download is damaged or not the version that iopo was tested with; run the command again")
            .into());
    }
    file.as_file().sync_all().with_context(what)?;
    file.persist(target).with_context(what)?;
    Ok(())
}

/// Copies at most `limit` bytes and returns their SHA-256.
fn copy_hashed(
    source: &mut impl Read,
    target: &mut impl Write,
    limit: u64,
) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut left = limit;
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        left = left.checked_sub(read as u64).ok_or_else(|| {
            std::io::Error::other(format!("the file is larger than the expected {limit} bytes"))
        })?;
        hash.update(&buffer[..read]);
        target.write_all(&buffer[..read])?;
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir, write};
    use std::time::SystemTime;

    use super::{LEFT_BEHIND, sha256, store, sweep};

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[cfg(unix)]
    #[test]
    fn only_old_temporary_files_are_removed() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| dir.path().join(name);
        for name in [".iopo-fetch-old", ".iopo-fetch-new"] {
            create_dir(at(name)).expect("made");
            write(at(name).join("wheel"), b"half").expect("written");
        }
        for name in [".iopo-fetch-file", "model.gguf"] {
            write(at(name), b"x").expect("written");
        }
        let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
        for name in [".iopo-fetch-old", ".iopo-fetch-file", "model.gguf"] {
            File::open(at(name)).and_then(|file| file.set_modified(long_ago)).expect("dated");
        }
        sweep(dir.path());
        let left = [".iopo-fetch-old", ".iopo-fetch-new", ".iopo-fetch-file", "model.gguf"]
            .map(|name| at(name).exists());
        assert_eq!(left, [false, true, false, true]);
        sweep(&at("no-such-directory"));
    }

    #[test]
    fn a_stored_file_is_complete_or_absent() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let target = dir.path().join("deep").join("abc");
        store(&mut &b"abc"[..], &target, ABC, 3).expect("stored");
        assert_eq!(sha256(&target).expect("readable"), ABC);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            write(dir.path().join("deep/plain"), b"x").expect("written");
            let [stored, plain] = [target.as_path(), &dir.path().join("deep/plain")]
                .map(|path| path.metadata().expect("it exists").permissions().mode());
            assert_eq!(stored, plain, "the mode of other files");
        }

        let other = dir.path().join("other");
        assert!(store(&mut &b"abd"[..], &other, ABC, 3).is_err(), "a wrong hash must be refused");
        assert!(store(&mut &b"abcd"[..], &other, ABC, 3).is_err(), "a larger file must be refused");
        assert!(!other.exists());
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("readable").count(),
            1,
            "no temporary file is left"
        );
    }
}
