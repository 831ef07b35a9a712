//! Reads a target's template and what it includes.

use crate::host::read;
use std::path::Path;
use std::{fs, io};

/// Reads an included template. It must lie, with every symlink followed, in the folder of the template or in the one that
/// the template itself is linked from: a dotfiles manager may link every file by itself.
pub(super) fn read_include(template: &Path, name: &str) -> io::Result<String> {
    let folder = match template.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folders = [
        fs::canonicalize(folder).ok(),
        fs::canonicalize(template).ok().and_then(|real| Some(real.parent()?.to_owned())),
    ];
    let mut folders: Vec<_> = folders.into_iter().flatten().collect();
    folders.dedup();
    let found = folders.iter().find_map(|folder| fs::canonicalize(folder.join(name)).ok());
    let path = found.ok_or(io::ErrorKind::NotFound)?;
    if !folders.iter().any(|folder| path.starts_with(folder)) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside the template's folder"));
    }
    read::text(&path)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn an_include_may_be_linked_like_its_template_and_lead_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["repo/servers", "home/servers", "elsewhere"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        for file in
            ["repo/t.json", "repo/servers/a.json", "repo/servers/only.json", "elsewhere/x.json", "home/own.json"]
        {
            fs::write(path(file), file).unwrap();
        }
        symlink("../repo/t.json", path("home/t.json")).unwrap();
        symlink("../../repo/servers/a.json", path("home/servers/a.json")).unwrap();
        symlink("../elsewhere/x.json", path("home/x.json")).unwrap();
        symlink("../elsewhere/x.json", path("repo/y.json")).unwrap();
        let read = |name| read_include(&path("home/t.json"), name);
        assert_eq!(read("servers/a.json").unwrap(), "repo/servers/a.json");
        assert_eq!(read("servers/only.json").unwrap(), "repo/servers/only.json");
        assert_eq!(read("own.json").unwrap(), "home/own.json");
        for outside in ["x.json", "y.json"] {
            assert_eq!(read(outside).unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{outside}");
        }
        assert_eq!(read("none.json").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
