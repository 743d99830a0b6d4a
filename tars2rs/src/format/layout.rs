//! Where lines begin, and where blanks stand.

use super::tree::{Block, Node, Tree};
use super::units::{Gap, Unit};
use super::writer::{INDENT, Writer};
use crate::parse::lexemes::LexemeKind;

/// Longer lines are broken, where there is something that can stand on lines of its own.
const WIDTH: usize = 100;

/// The text of a tree.
pub(super) fn write(tree: &Tree<'_>) -> String {
    let mut layout = Layout {
        writer: Writer::default(),
    };
    layout.body(&tree.nodes, 0);
    if let Some(end) = tree.end.first() {
        layout.end(&end.gap);
    }
    layout.writer.finish()
}

struct Layout {
    writer: Writer,
}

/// A place where a line begins whatever the source says.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    /// Indent of the comments.
    comments: usize,
    /// Indent of the token.
    token: usize,
    blank: Blank,
}

/// What becomes of empty lines at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blank {
    /// They stay, one at most.
    Keep,
    /// There is one.
    Force,
    /// There is none above the first line.
    Trim,
    /// There is none.
    Drop,
}

impl Boundary {
    fn at(indent: usize, blank: Blank) -> Self {
        Self {
            comments: indent,
            token: indent,
            blank,
        }
    }
}

impl Layout {
    fn body(&mut self, nodes: &[Node<'_>], indent: usize) {
        let mut before: Option<&Node<'_>> = None;
        for node in nodes {
            let gap = node.first().map(|unit| &unit.gap);
            let blank = match before {
                None => Blank::Trim,
                Some(before) if apart(before, node) && gap.is_some_and(Gap::takes_blank) => Blank::Force,
                Some(_) => Blank::Keep,
            };
            let boundary = Boundary::at(indent, blank);
            match node {
                Node::Line(units) => self.statement(units, boundary),
                Node::Block(block) => self.block(block, boundary),
            }
            before = Some(node);
        }
    }

    fn block(&mut self, block: &Block<'_>, boundary: Boundary) {
        let indent = boundary.token;
        self.statement(&block.head, boundary);
        self.begin(&block.open, Boundary::at(indent, Blank::Drop));
        self.body(&block.body, indent + INDENT);
        if let [close, rest @ ..] = block.close.as_slice() {
            let empty = block.body.is_empty();
            self.close_body(close, indent, empty);
            self.rest(close, rest, indent + INDENT);
        }
    }

    /// The `}` of a body. Comments before it belong into the body.
    fn close_body(&mut self, close: &Unit<'_>, indent: usize, empty: bool) {
        let boundary = Boundary {
            comments: indent + INDENT,
            token: indent,
            blank: if empty { Blank::Trim } else { Blank::Keep },
        };
        let first = self.comments(&close.gap, boundary);
        if let Some(comment) = close.gap.before().first() {
            let blank = blank_above(boundary.blank, first, close.gap.blank);
            self.writer.own_line(boundary.comments, blank, comment);
            self.row(close.gap.before());
        }
        self.writer.line(indent, false);
        self.writer.text(close.text);
    }

    /// The comments behind the last token.
    fn end(&mut self, gap: &Gap<'_>) {
        let boundary = Boundary::at(0, Blank::Keep);
        if gap.joint {
            for comment in gap.before() {
                self.writer.space();
                self.writer.behind(comment);
            }
            return;
        }
        self.comments(gap, boundary);
        if let Some(comment) = gap.before().first() {
            self.writer.own_line(0, gap.blank, comment);
            self.row(gap.before());
        }
    }

    /// Tokens up to `;` or `,`, on one line as far as comments and the width let them.
    fn statement(&mut self, units: &[Unit<'_>], boundary: Boundary) {
        let Some((first, rest)) = units.split_first() else {
            return;
        };
        self.begin(first, boundary);
        let indent = boundary.token;
        let Some((open, close)) = group(units).filter(|group| is_broken(units, *group, indent)) else {
            self.rest(first, rest, indent + INDENT);
            return;
        };
        self.rest(first, &units[1..=open], indent + INDENT);
        self.list(&units[open..=close], indent);
        self.rest(&units[close], &units[close + 1..], indent + INDENT);
    }

    /// A list with one item a line, from behind its opening to its closing bracket.
    fn list(&mut self, units: &[Unit<'_>], indent: usize) {
        let (inner, mut angles) = (indent + INDENT, 0usize);
        for (index, pair) in units.windows(2).enumerate() {
            let [before, unit] = pair else { continue };
            if index + 2 == units.len() {
                self.close_list(unit, indent);
            } else if index == 0 || (before.is(",") && angles == 0) {
                self.begin(unit, Boundary::at(inner, Blank::Drop));
            } else {
                self.join(before, unit, inner + INDENT);
            }
            match unit.text {
                "<" => angles += 1,
                ">" => angles = angles.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// The closing bracket of a list. A comment on its line stays with what it stands behind.
    fn close_list(&mut self, close: &Unit<'_>, indent: usize) {
        let gap = &close.gap;
        let boundary = Boundary {
            comments: indent + INDENT,
            token: indent,
            blank: Blank::Drop,
        };
        self.comments(gap, boundary);
        if gap.joint {
            for comment in gap.before() {
                self.writer.space();
                self.writer.behind(comment);
            }
        } else if let Some(comment) = gap.before().first() {
            self.writer.own_line(boundary.comments, false, comment);
            self.row(gap.before());
        }
        self.writer.line(indent, false);
        self.writer.text(close.text);
    }

    /// A token at the beginning of a line, with the comments above it.
    fn begin(&mut self, unit: &Unit<'_>, boundary: Boundary) {
        let first = self.comments(&unit.gap, boundary);
        let blank = blank_above(boundary.blank, first, unit.gap.blank);
        self.writer.line(boundary.token, blank);
        for comment in unit.gap.before() {
            self.writer.comment(comment);
            self.writer.space();
        }
        self.unit(unit);
    }

    /// The comments that end the line of the token before, and those with lines of their own. Whether the next line is
    /// the first below that token's.
    fn comments(&mut self, gap: &Gap<'_>, boundary: Boundary) -> bool {
        self.ends_of_line(gap);
        let mut first = true;
        for row in gap.rows() {
            let blank = blank_above(boundary.blank, first, row.blank);
            if let Some(comment) = row.comments.first() {
                self.writer.own_line(boundary.comments, blank, comment);
            }
            self.row(&row.comments);
            first = false;
        }
        first
    }

    fn ends_of_line(&mut self, gap: &Gap<'_>) {
        for comment in gap.behind() {
            self.writer.space();
            self.writer.behind(comment);
        }
        for comment in gap.tail() {
            self.writer.continued(comment);
        }
    }

    fn row(&mut self, comments: &[super::units::Comment<'_>]) {
        for (index, comment) in comments.iter().enumerate() {
            if index > 0 {
                self.writer.space();
            }
            self.writer.comment(comment);
        }
    }

    /// Tokens that follow `before` on its line.
    fn rest(&mut self, before: &Unit<'_>, units: &[Unit<'_>], indent: usize) {
        let mut before = before;
        for unit in units {
            self.join(before, unit, indent);
            before = unit;
        }
    }

    /// A token on the line of the one before, unless a comment or an include ends that line.
    fn join(&mut self, before: &Unit<'_>, unit: &Unit<'_>, indent: usize) {
        let gap = &unit.gap;
        if gap.breaks() || before.is_include() || unit.is_include() {
            self.begin(unit, Boundary::at(indent, Blank::Drop));
            return;
        }
        for (index, comment) in gap.inline().enumerate() {
            if index > 0 || !opens(before) {
                self.writer.space();
            }
            self.writer.comment(comment);
        }
        let space = if gap.inline().next().is_some() {
            !closes(unit)
        } else {
            is_spaced(before, unit)
        };
        if space {
            self.writer.space();
        }
        self.unit(unit);
    }

    fn unit(&mut self, unit: &Unit<'_>) {
        if let (true, Some(path)) = (unit.is_include(), unit.text.split('"').nth(1)) {
            self.writer.text("#include \"");
            self.writer.text(path);
            self.writer.text("\"");
        } else {
            self.writer.text(unit.text);
        }
    }
}

/// Whether an empty line belongs between two nodes: around what has a body, but not above the key of a struct.
fn apart(before: &Node<'_>, node: &Node<'_>) -> bool {
    let block = |node: &Node<'_>| matches!(node, Node::Block(_));
    (block(before) || block(node)) && !(block(before) && node.is_key()) && !(before.is_include() && node.is_include())
}

fn blank_above(rule: Blank, first: bool, in_source: bool) -> bool {
    match rule {
        Blank::Keep => in_source,
        Blank::Force => in_source || first,
        Blank::Trim => in_source && !first,
        Blank::Drop => false,
    }
}

/// The outermost list of a statement that can be broken: the parameters of an operation, the members of a key.
fn group(units: &[Unit<'_>]) -> Option<(usize, usize)> {
    let key = units.first()?.is("key");
    let (open, close) = if key { ("[", "]") } else { ("(", ")") };
    let first = units.iter().position(|unit| unit.is(open))?;
    let last = units.iter().rposition(|unit| unit.is(close))?;
    (first < last).then_some((first, last))
}

/// Whether a list stands on several lines: because of a comment in it, or because one line is too short. That depends on
/// nothing that breaking changes, or formatting twice would be different from formatting once.
fn is_broken(units: &[Unit<'_>], (open, close): (usize, usize), indent: usize) -> bool {
    let forced = units[open + 1..=close].iter().any(|unit| {
        let mut comments = unit.gap.inline();
        unit.gap.breaks() || unit.is_include() || comments.any(|comment| comment.text.contains('\n'))
    });
    let blanks = units.windows(2).filter(|pair| is_spaced(&pair[0], &pair[1])).count();
    let width: usize = units.iter().map(width).sum();
    // An empty list has nothing to put on lines of its own.
    forced || (open + 1 < close && indent + width + blanks > WIDTH)
}

/// Bytes of a token and of the comments that share its line. Of a comment of several lines the first one counts: what is
/// in front of the others changes.
fn width(unit: &Unit<'_>) -> usize {
    let first = |text: &str| text.lines().next().map_or(0, |line| line.trim_end().len());
    let comments = unit.gap.inline().map(|comment| first(comment.text) + 1);
    unit.text.len() + comments.sum::<usize>()
}

/// Whether no blank belongs behind.
fn opens(unit: &Unit<'_>) -> bool {
    matches!(unit.text, "(" | "[" | "<")
}

/// Whether no blank belongs in front, not even behind a comment.
fn closes(unit: &Unit<'_>) -> bool {
    matches!(unit.text, ";" | "," | ")" | "]" | ">")
}

/// Whether a blank belongs between two tokens of a line.
fn is_spaced(before: &Unit<'_>, unit: &Unit<'_>) -> bool {
    match (before.text, unit.text) {
        (_, ";" | "," | ")" | "]" | ">" | "(" | "[" | "<" | ":") | ("(" | "[" | "<" | ":" | "::" | "*", _) => false,
        // `M::A`, but `require ::M::A`.
        (_, "::") => before.kind != Some(LexemeKind::Word),
        _ => true,
    }
}
