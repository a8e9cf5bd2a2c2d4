//! Reads regular files. A named pipe or a device is refused, because reading it could wait forever.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::Path;

/// The error about a path that is no regular file.
#[derive(Debug)]
pub(super) struct Irregular {
    found: &'static str,
}

impl fmt::Display for Irregular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, expected a regular file", self.found)
    }
}

impl Error for Irregular {}

/// Opens a file for reading. Links are followed.
///
/// # Errors
/// Returns an error of kind [`InvalidInput`](io::ErrorKind::InvalidInput) if the path is a named pipe, a socket or a device,
/// and the operating system's error if the file cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    // Check before opening, because opening a pipe waits for its other end.
    if let Some(found) = irregular(fs::metadata(path)?.file_type()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, Irregular { found }));
    }
    File::open(path)
}

/// Reads the bytes of a file.
///
/// # Errors
/// Returns the errors of [`open`], and the operating system's error if the file cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the text of a file.
///
/// # Errors
/// Returns the errors of [`read`], and an error of kind [`InvalidData`](io::ErrorKind::InvalidData) if the file is not
/// UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    io::read_to_string(open(path)?)
}

/// Names the kind of a file that is neither a regular file nor a directory. (Reading a directory fails at once.)
fn irregular(kind: FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_dir() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        if kind.is_fifo() {
            return Some("a named pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some("a device")
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::path::Path;
    use std::process::Command;

    use super::super::hint;
    use super::{open, read, read_to_string};

    #[test]
    fn regular_files_are_read_through_links() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, link) = (dir.path().join("a.txt"), dir.path().join("link"));
        std::fs::write(&path, "text").expect("written");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        assert_eq!(read(&link).expect("read"), b"text");
        assert_eq!(read_to_string(&path).expect("read"), "text");
        assert_eq!(
            open(&dir.path().join("none")).expect_err("missing").kind(),
            ErrorKind::NotFound
        );
        std::fs::write(&path, [0xff]).expect("written");
        assert_eq!(read_to_string(&path).expect_err("no text").kind(), ErrorKind::InvalidData);
        read(dir.path()).expect_err("a directory");
    }

    #[test]
    fn pipes_sockets_and_devices_are_refused_at_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let (pipe, socket) = (dir.path().join("pipe"), dir.path().join("socket"));
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        let kinds = [
            (pipe.as_path(), "a named pipe"),
            (socket.as_path(), "a socket"),
            (Path::new("/dev/null"), "a device"),
        ];
        for (path, kind) in kinds {
            let error = read(path).expect_err(kind);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert_eq!(error.to_string(), format!("found {kind}, expected a regular file"));
            assert!(hint(&error).is_some_and(|hint| hint.contains("to a file")), "{error}");
        }
        for other in [Error::from(ErrorKind::InvalidInput), Error::other("found a device")] {
            assert_eq!(hint(&other), None, "{other}");
        }
    }
}
