//! Loads the files of a run: those named by the caller and, through them, every file they include.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::ast::{File, Include};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse;
use crate::source::{FileId, Loader, SourceMap, Span, Unusable, fold};
use crate::text::Text;

/// The files of a run.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Included files stand before those that include them; cycles are cut where they close.
    pub(crate) files: Vec<File>,
    /// For each file that somebody includes inside a module: that module's name. Its bare definitions belong there.
    pub(crate) homes: BTreeMap<FileId, Text>,
    /// Which file includes which, in the order they were met.
    pub(crate) includes: Vec<Edge>,
    /// The files named by the caller.
    pub(crate) named: BTreeSet<FileId>,
    /// A file is missing, so a name that is not found may be declared there.
    pub(crate) incomplete: bool,
}

/// An include that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) from: FileId,
    pub(crate) to: FileId,
    pub(crate) span: Span,
}

/// Where files are looked for, and read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) loader: &'a dyn Loader,
    /// The `-I` directories, in order.
    pub(crate) dirs: &'a [PathBuf],
}

/// Loads and parses `roots` and all they include.
pub(crate) fn load(
    roots: &[PathBuf],
    search: Search<'_>,
    sources: &mut SourceMap,
    diagnostics: &mut Diagnostics,
) -> Program {
    let mut walk = Walk {
        search,
        cwd: search.loader.current_dir(),
        sources,
        diagnostics,
        known: BTreeMap::new(),
        program: Program::default(),
    };
    let mut seen = BTreeSet::new();
    for root in roots {
        match search.loader.canonical(root) {
            Some(path) if seen.insert(path.clone()) => {
                walk.tree(path.clone(), root);
                if let Some(Some(id)) = walk.known.get(&path) {
                    walk.program.named.insert(*id);
                    walk.sources.name(*id);
                }
            }
            Some(_) => {}
            None => walk.unreadable(root, None, search.loader.why_not(root)),
        }
    }
    walk.program
}

struct Walk<'a> {
    search: Search<'a>,
    cwd: PathBuf,
    sources: &'a mut SourceMap,
    diagnostics: &'a mut Diagnostics,
    /// By canonical path; `None` for a file that could not be read.
    known: BTreeMap<PathBuf, Option<FileId>>,
    program: Program,
}

/// A file whose includes are being walked through.
struct Open {
    file: File,
    dir: PathBuf,
    next: usize,
}

impl Walk<'_> {
    /// Loads a file and what it includes, included files first. An own stack instead of recursion: a chain of includes
    /// may be as long as it likes.
    fn tree(&mut self, path: PathBuf, shown: &Path) {
        let mut stack: Vec<Open> = self.open(path, shown, None).into_iter().collect();
        while let Some(top) = stack.last_mut() {
            let Some(include) = top.file.includes.get(top.next).cloned() else {
                self.program.files.extend(stack.pop().map(|open| open.file));
                continue;
            };
            top.next += 1;
            let modules = &top.file.modules;
            let at = modules.partition_point(|module| module.body.end < include.span.end);
            let inside = modules.get(at).filter(|module| module.body.contains(include.span));
            let home = inside.map(|module| module.name.text.clone());
            let (includer, dir) = (top.file.id, top.dir.clone());
            let opened = self.follow(&include, includer, &dir, home);
            stack.extend(opened);
        }
    }

    /// The file behind an include, if it is new.
    fn follow(&mut self, include: &Include, includer: FileId, dir: &Path, home: Option<Text>) -> Option<Open> {
        let Some((path, shown)) = self.find(include, dir) else {
            self.program.incomplete = true;
            self.diagnostics.push(self.not_found(include, dir));
            return None;
        };
        if path == self.sources.file(includer).path {
            let error = Diagnostic::new(Code::SelfInclude, include.span, "file includes itself");
            self.diagnostics.push(error.help("remove the include"));
            return None;
        }
        let opened = match self.known.get(&path) {
            Some(_) => None,
            None => self.open(path.clone(), &shown, Some(include.span)),
        };
        if let Some(Some(to)) = self.known.get(&path).copied() {
            let (from, span) = (includer, include.span);
            self.program.includes.push(Edge { from, to, span });
            if let Some(home) = home {
                self.program.homes.entry(to).or_insert(home);
            }
        }
        opened
    }

    fn open(&mut self, path: PathBuf, shown: &Path, from: Option<Span>) -> Option<Open> {
        if self.known.contains_key(&path) {
            return None;
        }
        let id = match self.search.loader.read(&path) {
            Ok(bytes) => {
                let name = self.shown(shown);
                self.sources
                    .add(name, path.clone(), bytes, from)
                    .map_err(|unusable| match unusable {
                        Unusable::TooLarge => "all files together are larger than 4 GiB".to_owned(),
                        Unusable::Utf16 => "it is UTF-16, not UTF-8".to_owned(),
                    })
            }
            Err(error) => Err(error.to_string()),
        };
        match id {
            Ok(id) => {
                self.known.insert(path, Some(id));
                let file = parse::file(id, self.sources.file(id), self.diagnostics);
                let dir = fold(shown).parent().map(Path::to_path_buf).unwrap_or_default();
                Some(Open { file, dir, next: 0 })
            }
            Err(reason) => {
                self.known.insert(path, None);
                self.unreadable(shown, from, &reason);
                None
            }
        }
    }

    /// Canonical and shown path of an included file: relative to the including file, then to the working directory, then
    /// to the `-I` directories. An absolute path of another machine falls back to its last part in the `-I` directories.
    fn find(&self, include: &Include, dir: &Path) -> Option<(PathBuf, PathBuf)> {
        let written = Path::new(&include.path);
        let mut candidates = Vec::new();
        if written.is_absolute() {
            candidates.push(written.to_path_buf());
            let last = written.file_name().map_or(written, Path::new);
            candidates.extend(self.search.dirs.iter().map(|base| base.join(last)));
        } else {
            candidates.extend([dir.join(written), written.to_path_buf()]);
            candidates.extend(self.search.dirs.iter().map(|base| base.join(written)));
        }
        let found = |candidate: PathBuf| Some((self.search.loader.canonical(&candidate)?, candidate));
        candidates.into_iter().find_map(found)
    }

    fn not_found(&self, include: &Include, dir: &Path) -> Diagnostic {
        let here = if dir.as_os_str().is_empty() {
            "the working directory".to_owned()
        } else {
            format!("`{}`", self.shown(dir))
        };
        let error = Diagnostic::new(
            Code::IncludeNotFound,
            include.span,
            format!("include `{}` not found", include.path),
        );
        let dirs = self.search.dirs.len();
        let places = match dirs {
            0 => String::from("there is no include directory"),
            1 => String::from("it is not in the include directory either"),
            _ => format!("it is in none of the {dirs} include directories either"),
        };
        error
            .label(format!("not in {here}"))
            .help(format!("{places}; set one with `-I DIR` or in the build script"))
    }

    fn unreadable(&mut self, shown: &Path, from: Option<Span>, reason: &str) {
        self.program.incomplete = true;
        let message = format!("cannot read `{}`", self.shown(shown));
        let error = match from {
            Some(span) => Diagnostic::new(Code::Unreadable, span, message).label(reason),
            None => Diagnostic::general(Code::Unreadable, message).help(reason),
        };
        self.diagnostics.push(error);
    }

    /// A path for messages and headers: the same on every machine where possible.
    fn shown(&self, path: &Path) -> String {
        let path = fold(path);
        let path = path.strip_prefix(&self.cwd).unwrap_or(&path);
        if path.as_os_str().is_empty() {
            return ".".to_owned();
        }
        path.to_string_lossy().replace('\\', "/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryLoader;

    fn load_all(loader: &MemoryLoader, root: &str, dirs: &[&str]) -> (Vec<String>, Vec<&'static str>) {
        let dirs: Vec<PathBuf> = dirs.iter().map(PathBuf::from).collect();
        let (mut sources, mut diagnostics) = (SourceMap::default(), Diagnostics::default());
        let search = Search { loader, dirs: &dirs };
        let program = load(&[PathBuf::from(root)], search, &mut sources, &mut diagnostics);
        let names = program
            .files
            .iter()
            .map(|file| sources.file(file.id).name.clone())
            .collect();
        (names, diagnostics.finish().iter().map(|d| d.code.text()).collect())
    }

    #[test]
    fn cycles_end_and_every_file_is_read_once() {
        let loader = MemoryLoader::default()
            .with("a.tars", "#include \"sub/b.tars\"\n#include \"./sub/../sub/b.tars\"\n")
            .with("sub/b.tars", "#include \"../a.tars\"\n");
        assert_eq!(
            load_all(&loader, "a.tars", &[]),
            (vec!["sub/b.tars".into(), "a.tars".into()], vec![])
        );
    }

    #[test]
    fn search_goes_from_the_file_to_the_include_directories() {
        let loader = MemoryLoader::default()
            .with(
                "x/a.tars",
                "#include \"b.tars\"\n#include \"c.tars\"\n#include \"/usr/local/d.tars\"",
            )
            .with("x/b.tars", "")
            .with("b.tars", "")
            .with("c.tars", "")
            .with("inc/d.tars", "");
        let (names, codes) = load_all(&loader, "x/a.tars", &["inc"]);
        assert_eq!(
            (names, codes),
            (
                vec![
                    "x/b.tars".into(),
                    "c.tars".into(),
                    "inc/d.tars".into(),
                    "x/a.tars".into()
                ],
                vec![]
            )
        );
    }

    #[test]
    fn what_is_missing_is_said_once() {
        let loader = MemoryLoader::default().with("a.tars", "#include \"a.tars\"\n#include \"b.tars\"");
        assert_eq!(load_all(&loader, "a.tars", &[]).1, ["T0311", "T0310"]);
        assert_eq!(load_all(&loader, "z.tars", &[]).1, ["T0312"]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut loader = MemoryLoader::default();
        for i in 0..3000 {
            loader = loader.with(&format!("{i}.tars"), format!("#include \"{}.tars\"", i + 1));
        }
        let loader = loader.with("3000.tars", "");
        assert_eq!(load_all(&loader, "0.tars", &[]).0.len(), 3001);
    }
}
