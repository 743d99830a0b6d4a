//! The large file that benchmarks compile: the same bytes on every run.

use std::fmt::Write as _;

/// How much stands in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) structs: usize,
    /// Of each struct.
    pub(crate) fields: usize,
    pub(crate) interfaces: usize,
    /// Of each interface.
    pub(crate) operations: usize,
}

impl Shape {
    /// 2.2 MB of text.
    pub(crate) const USUAL: Self = Self {
        structs: 800,
        fields: 45,
        interfaces: 10,
        operations: 100,
    };

    /// So many times the structs and the interfaces.
    pub(crate) fn times(self, factor: usize) -> Self {
        Self {
            structs: self.structs * factor,
            interfaces: self.interfaces * factor,
            ..self
        }
    }
}

/// Types of fields; `#` is the number of a struct.
const TYPES: [&str; 12] = [
    "int",
    "string",
    "long",
    "vector<string>",
    "map<string, long>",
    "bool",
    "vector<Record#>",
    "unsigned int",
    "double",
    "map<int, vector<Record#>>",
    "vector<byte>",
    "short",
];

/// The first parts of names.
const WORDS: [&str; 8] = [
    "user",
    "orderItem",
    "iTimeout",
    "sTraceId",
    "account",
    "lastUpdateTime",
    "node",
    "vPending",
];

/// One module with structs and interfaces, without a mistake.
pub(crate) fn text(shape: Shape) -> String {
    let mut out = String::from("// A large file.\nmodule Bench\n{\n");
    for number in 0..shape.structs {
        structure(&mut out, shape, number);
    }
    for number in 0..shape.interfaces {
        interface(&mut out, shape, number);
    }
    out.push_str("};\n");
    out
}

fn structure(out: &mut String, shape: Shape, number: usize) {
    let _ = writeln!(
        out,
        "    /// Holds what record {number} is about.\n    struct Record{number}\n    {{"
    );
    for field in 0..shape.fields {
        let ty = TYPES[field % TYPES.len()];
        // One that stands above, or the struct itself.
        let ty = ty.replace('#', &((number * 7 + field) % (number + 1)).to_string());
        let word = WORDS[(number + field) % WORDS.len()];
        let need = if field % 3 == 0 { "require" } else { "optional" };
        let default = match (field % TYPES.len(), need) {
            (1, "optional") => " = \"none\"",
            (2, "optional") => " = 42",
            (8, "optional") => " = 0.5",
            _ => "",
        };
        let remark = match field % 4 {
            0 => "    // what it is about",
            2 => "    // for old clients",
            _ => "",
        };
        let _ = writeln!(out, "        {field} {need} {ty} {word}{field}{default};{remark}");
    }
    out.push_str("    };\n\n");
}

fn interface(out: &mut String, shape: Shape, number: usize) {
    let _ = writeln!(out, "    interface Service{number}\n    {{");
    for operation in 0..shape.operations {
        let record = (number * 31 + operation) % shape.structs;
        let word = WORDS[operation % WORDS.len()];
        let _ = writeln!(
            out,
            "        // Looks something up.\n        int {word}Query{operation}(string id, Record{record} request, \
             out vector<Record{record}> found, out string reason);"
        );
    }
    out.push_str("    };\n\n");
}
