//! Tokens in the shape of their braces.

use super::units::Unit;

/// A part of a body.
#[derive(Debug)]
pub(super) enum Node<'s> {
    /// An include, a member or a definition without a body, with its `;` or `,`.
    Line(Vec<Unit<'s>>),
    /// A definition with a body.
    Block(Block<'s>),
}

/// `head { body } ;`
#[derive(Debug)]
pub(super) struct Block<'s> {
    pub(super) head: Vec<Unit<'s>>,
    pub(super) open: Unit<'s>,
    pub(super) body: Vec<Node<'s>>,
    /// The `}`, and the `;` behind it.
    pub(super) close: Vec<Unit<'s>>,
}

impl Node<'_> {
    /// Whether it is `key[..]`, which belongs to the struct above it.
    pub(super) fn is_key(&self) -> bool {
        matches!(self, Node::Line(units) if units.first().is_some_and(|unit| unit.is("key")))
    }

    /// Whether it is an include.
    pub(super) fn is_include(&self) -> bool {
        matches!(self, Node::Line(units) if units.first().is_some_and(Unit::is_include))
    }

    /// What stands between it and the node before.
    pub(super) fn first(&self) -> Option<&Unit<'_>> {
        match self {
            Node::Line(units) => units.first(),
            Node::Block(block) => block.head.first(),
        }
    }
}

/// A file: its nodes, and the end.
#[derive(Debug)]
pub(super) struct Tree<'s> {
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) end: Vec<Unit<'s>>,
}

/// Builds the tree of a text without syntax errors. Whatever it is given, every unit is in the tree, in its order.
pub(super) fn tree(units: Vec<Unit<'_>>) -> Tree<'_> {
    let mut reader = Reader {
        units: units.into_iter().peekable(),
    };
    let nodes = reader.body(false);
    Tree {
        nodes,
        end: reader.units.collect(),
    }
}

struct Reader<'s> {
    units: std::iter::Peekable<std::vec::IntoIter<Unit<'s>>>,
}

impl<'s> Reader<'s> {
    /// Nodes up to the `}` that closes them, or the end.
    fn body(&mut self, commas: bool) -> Vec<Node<'s>> {
        let mut nodes = Vec::new();
        while self.units.peek().is_some_and(|unit| !unit.is("}") && !unit.is_end()) {
            nodes.push(self.node(commas));
        }
        nodes
    }

    fn node(&mut self, commas: bool) -> Node<'s> {
        let mut units: Vec<Unit<'s>> = Vec::new();
        while let Some(mut unit) = self.units.next_if(|unit| !unit.is("}") && !unit.is_end()) {
            if unit.is("{") {
                let in_enum = units.first().is_some_and(|first| first.is("enum"));
                return self.block(units, unit, in_enum);
            }
            let ends = unit.is(";") || (commas && unit.is(",")) || (units.is_empty() && unit.is_include());
            // A block comment documents an enumerator only at the end of a line.
            unit.gap.apart = commas && unit.is(",") && !unit.gap.behind().is_empty();
            units.push(unit);
            if ends {
                break;
            }
        }
        Node::Line(units)
    }

    fn block(&mut self, head: Vec<Unit<'s>>, open: Unit<'s>, in_enum: bool) -> Node<'s> {
        let body = self.body(in_enum);
        let mut close: Vec<Unit<'s>> = self.units.next_if(|unit| unit.is("}")).into_iter().collect();
        close.extend(self.units.next_if(|unit| unit.is(";")));
        Node::Block(Block {
            head,
            open,
            body,
            close,
        })
    }
}
