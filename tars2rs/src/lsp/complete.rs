//! What may stand at a place, told by the tokens before it, so that it works on a text that is being typed.

use std::collections::BTreeSet;
use std::path::Path;

use super::declaration::{Token, tokens};
use super::index::{Kind, Symbol};
use super::text::{MARK, Position, Range};
use super::workspace::Workspace;
use crate::parse::lexemes::LexemeKind;
use crate::source::listing;

/// Something that may be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) text: String,
    /// `None` for words of the language and tags.
    pub(crate) kind: Option<Kind>,
    pub(crate) detail: String,
}

/// What may stand at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completions {
    /// What is typed of it already.
    pub(crate) replaces: Range,
    pub(crate) all: Vec<Completion>,
}

/// Where the cursor stands.
#[derive(Debug, Default)]
struct Context<'t> {
    /// The braces around it, the innermost last: word and name before each.
    blocks: Vec<(&'t str, &'t str)>,
    /// Tokens before it in the same declaration.
    before: Vec<&'t str>,
    /// Tags in the innermost struct.
    tags: BTreeSet<u32>,
}

const BASIC: [&str; 10] = [
    "bool", "byte", "short", "int", "long", "float", "double", "string", "vector", "map",
];

impl Workspace {
    /// What may stand at a position of an open text.
    pub(crate) fn complete(&self, path: &Path, position: Position) -> Completions {
        let Some((marked, offset)) = self.text_at(path, position) else {
            return Completions::default();
        };
        // A byte order mark is no part of the language.
        let text = marked.strip_prefix(MARK).unwrap_or(marked);
        let mark = marked.len() - text.len();
        let offset = offset.saturating_sub(mark);
        if let Some(typed) = include_path(text, offset) {
            let name = typed.rfind('/').map_or(0, |slash| slash + 1);
            let all = self.files(path, &typed[..name]);
            let start = offset - typed.len() + name;
            return self.completions(path, (start + mark, offset + mark), all);
        }
        let Some(context) = context(text, offset) else {
            return Completions::default();
        };
        let symbols = self.recent(path).map_or(&[][..], |known| &known.index.symbols);
        let start = word(text, offset);
        self.completions(path, (start + mark, offset + mark), answer(&context, symbols))
    }

    fn completions(&self, path: &Path, (start, end): (usize, usize), all: Vec<Completion>) -> Completions {
        let Some((text, starts)) = self.text(path) else {
            return Completions::default();
        };
        let (start, end) = (starts.position(text, start), starts.position(text, end));
        let replaces = Range { start, end };
        Completions { replaces, all }
    }

    /// Files and directories that an include may name, where its path begins like this.
    fn files(&self, path: &Path, begun: &str) -> Vec<Completion> {
        let begun = Path::new(begun);
        let own = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let root = self.overlay.root.clone();
        let further = self.manner.include_dirs.iter().map(|dir| self.overlay.root.join(dir));
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for base in [own, root].into_iter().chain(further) {
            for (name, is_dir) in listing(&base.join(begun)) {
                let itself = base.join(begun).join(&name) == path;
                if !itself && seen.insert(name.clone()) {
                    all.push(Completion {
                        text: if is_dir { format!("{name}/") } else { name },
                        kind: None,
                        detail: String::new(),
                    });
                }
            }
        }
        all
    }
}

/// What is typed of the path of an include, if the offset is inside one.
fn include_path(text: &str, offset: usize) -> Option<&str> {
    let line = text[..offset].rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let rest = text[line..offset].trim_start().strip_prefix("#include")?;
    let typed = rest.trim_start().strip_prefix('"')?;
    (!typed.contains('"')).then_some(typed)
}

/// Where the word that ends at an offset begins.
fn word(text: &str, offset: usize) -> usize {
    let of_words = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text[..offset].trim_end_matches(of_words).len()
}

/// `None` inside a comment or a string.
fn context(text: &str, offset: usize) -> Option<Context<'_>> {
    let all = tokens(text);
    let word = word(text, offset);
    let inside = |token: &&Token| {
        let ended = match token.kind {
            LexemeKind::Comment { line, .. } => !line && token.end <= offset,
            LexemeKind::Str | LexemeKind::Include => token.end <= offset,
            _ => true,
        };
        token.start < offset && !ended && token.end >= offset
    };
    if all.iter().any(|token| inside(&token)) {
        return None;
    }
    let code = |token: &&Token| !matches!(token.kind, LexemeKind::Comment { .. } | LexemeKind::Include);
    let mut context = Context::default();
    for token in all.iter().filter(code).take_while(|token| token.end <= word) {
        let piece = &text[token.start..token.end];
        match piece {
            "{" => {
                let keyword = context.before.first().copied().unwrap_or_default();
                context
                    .blocks
                    .push((keyword, context.before.get(1).copied().unwrap_or_default()));
                context.tags.clear();
                context.before.clear();
            }
            "}" => {
                context.blocks.pop();
                context.before.clear();
            }
            ";" => context.before.clear(),
            _ => context.before.push(piece),
        }
        if let ([tag], LexemeKind::Number) = (context.before.as_slice(), token.kind) {
            context.tags.extend(tag.parse::<u32>());
        }
    }
    // Tags of fields further down are taken too.
    let behind = all.iter().filter(code).skip_while(|token| token.start < offset);
    let mut first = context.before.is_empty() && text[word..offset].is_empty();
    for token in behind {
        let piece = &text[token.start..token.end];
        if piece == "}" || piece == "{" {
            break;
        }
        if first && token.kind == LexemeKind::Number {
            context.tags.extend(piece.parse::<u32>());
        }
        first = piece == ";";
    }
    Some(context)
}

fn answer(context: &Context<'_>, symbols: &[Symbol]) -> Vec<Completion> {
    let module = context
        .blocks
        .iter()
        .find(|(word, _)| *word == "module")
        .map_or("", |(_, name)| *name);
    let block = context.blocks.last().map_or("", |(word, _)| *word);
    let types = || types(module, symbols);
    match (block, context.before.as_slice()) {
        (_, [.., qualifier, "::"]) => qualified(module, qualifier, symbols),
        ("", []) => words(&["module", "#include"]),
        (_, ["key", .., "["]) => named(symbols, |found| found.kind == Kind::Struct && found.owner == module),
        (_, ["key", "[", target, .., ","]) => {
            let owner = format!("{module}::{target}");
            named(symbols, |found| found.kind == Kind::Field && *found.owner == *owner)
        }
        ("module", []) => words(&["struct", "enum", "const", "interface", "key"]),
        ("module", ["const"]) => basic(),
        (_, [.., "unsigned"]) => words(&["byte", "short", "int"]),
        ("struct", []) => tag(&context.tags),
        ("struct", [_]) => words(&["require", "optional"]),
        ("struct", [.., "="]) | ("module", ["const", .., "="]) => {
            let mut all = words(&["true", "false"]);
            all.extend(values(context, module, symbols));
            all
        }
        ("enum", [.., "="]) => named(symbols, |found| {
            found.kind == Kind::Enumerator && found.owner.starts_with(&format!("{module}::"))
        }),
        ("interface", []) => [words(&["void"]), types()].concat(),
        ("interface", [.., "(" | ","]) if in_map(&context.before) => types(),
        ("interface", [.., "(" | ","]) => [words(&["out", "routekey"]), types()].concat(),
        ("interface", [.., "out" | "routekey" | "<"]) | ("struct", [.., "require" | "optional" | "<" | ","]) => types(),
        _ => Vec::new(),
    }
}

/// Whether the last comma stands between the types of a map.
fn in_map(before: &[&str]) -> bool {
    let opened = before.iter().filter(|piece| **piece == "<").count();
    opened > before.iter().filter(|piece| **piece == ">").count()
}

/// The next tag: behind the highest, or a gap when there is none behind it.
fn tag(taken: &BTreeSet<u32>) -> Vec<Completion> {
    const HIGHEST: u32 = 255;
    let next = taken.last().map_or(0, |last| last + 1);
    let free = if next <= HIGHEST {
        Some(next)
    } else {
        (0..=HIGHEST).find(|tag| !taken.contains(tag))
    };
    let field = |how: &str| {
        Some(Completion {
            text: format!("{} {how}", free?),
            kind: None,
            detail: "next free tag".to_owned(),
        })
    };
    ["require", "optional"].iter().filter_map(|how| field(how)).collect()
}

fn words(words: &[&str]) -> Vec<Completion> {
    let word = |word: &&str| Completion {
        text: (*word).to_owned(),
        kind: None,
        detail: String::new(),
    };
    words.iter().map(word).collect()
}

fn basic() -> Vec<Completion> {
    let mut all = words(&BASIC);
    all.extend(words(&["unsigned"]));
    all
}

fn item(symbol: &Symbol, text: String) -> Completion {
    Completion {
        text,
        kind: Some(symbol.kind),
        detail: symbol.owner.to_string(),
    }
}

fn named(symbols: &[Symbol], wanted: impl Fn(&Symbol) -> bool) -> Vec<Completion> {
    let found = symbols.iter().filter(|symbol| wanted(symbol));
    found.map(|symbol| item(symbol, symbol.name.to_string())).collect()
}

fn is_type(symbol: &Symbol) -> bool {
    matches!(symbol.kind, Kind::Struct | Kind::Enum)
}

/// All types: those of other modules with their module.
fn types(module: &str, symbols: &[Symbol]) -> Vec<Completion> {
    let mut all = named(symbols, |found| is_type(found) && found.owner == module);
    all.extend(basic());
    let others = symbols.iter().filter(|found| is_type(found) && found.owner != module);
    all.extend(others.map(|found| item(found, format!("{}::{}", found.owner, found.name))));
    all
}

/// What follows `qualifier::`: types of a module, enumerators of an enum.
fn qualified(module: &str, qualifier: &str, symbols: &[Symbol]) -> Vec<Completion> {
    let own = format!("{module}::{qualifier}");
    named(symbols, |found| {
        (is_type(found) && found.owner == qualifier) || (found.kind == Kind::Enumerator && *found.owner == *own)
    })
}

/// The enumerators of the type of a field or constant, when that is an enum.
fn values(context: &Context<'_>, module: &str, symbols: &[Symbol]) -> Vec<Completion> {
    let (["const", typed @ .., _, "="] | [_, _, typed @ .., _, "="]) = context.before.as_slice() else {
        return Vec::new();
    };
    let owner = match typed {
        [name] => format!("{module}::{name}"),
        [home, "::", name] => format!("{home}::{name}"),
        _ => return Vec::new(),
    };
    named(symbols, |found| {
        found.kind == Kind::Enumerator && *found.owner == *owner
    })
}
