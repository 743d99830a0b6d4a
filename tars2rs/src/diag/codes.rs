//! The codes. A code keeps its meaning for ever; a new meaning gets a new code.

use super::Severity;

/// What findings of a code are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A mistake: always an error.
    Error,
    /// The generated Rust is not what one may expect.
    Warning,
    /// Compilers for other languages refuse it, or understand it differently.
    Portability,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a diagnostic is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub(crate) const ALL: &[Code] = &[$(Code::$name,)*];

            /// The code as written in messages, such as `T0203`.
            pub(crate) fn text(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }

            /// The page about it: a bad example, the message, what to do.
            pub(crate) fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("../../diagnostics/", $text, ".md")),)*
                }
            }
        }
    };
}

codes! {
    // Characters, numbers, strings and syntax.
    /// A character that no token begins with.
    IllegalCharacter = "T0101",
    /// `/*` without `*/`.
    UnterminatedComment = "T0102",
    /// A string that does not end on its line.
    UnterminatedString = "T0103",
    /// An escape that means nothing, or NUL.
    BadEscape = "T0104",
    /// `08`, `0X1F`.
    MalformedNumber = "T0105",
    /// A literal beyond 64 bits or beyond a double.
    NumberTooLarge = "T0106",
    /// Something else was expected.
    Syntax = "T0107",
    /// A `;` is missing.
    MissingSemicolon = "T0108",
    /// Types nested without end.
    TooDeep = "T0109",
    /// A `#` line that is not `#include "path"`.
    BadDirective = "T0110",
    /// A string literal whose bytes are not UTF-8.
    StringNotUtf8 = "T0111",
    /// A `{` without its `}`.
    UnclosedBrace = "T0112",
    // Structs.
    /// A tag outside 0..=255.
    TagOutOfRange = "T0201",
    /// A struct without fields.
    EmptyStruct = "T0202",
    /// Two fields with one tag.
    DuplicateTag = "T0203",
    /// Two fields with one name.
    DuplicateField = "T0204",
    /// Neither `require` nor `optional`, or both.
    MissingRequire = "T0205",
    /// A field without a tag.
    MissingTag = "T0206",
    /// A struct that holds itself by value.
    InfiniteStruct = "T0207",
    /// `key[..]` of something that is not a struct.
    KeyTarget = "T0208",
    /// `key[..]` with a member that the struct does not have.
    KeyMember = "T0209",
    // Modules, names and includes.
    /// A name that is declared nowhere.
    UnknownType = "T0301",
    /// Two types with one name.
    DuplicateType = "T0302",
    /// Two interfaces, or two constants, with one name.
    DuplicateItem = "T0303",
    /// A definition outside every module.
    OutsideModule = "T0304",
    /// A module inside a module.
    NestedModule = "T0305",
    /// An interface named like a module.
    InterfaceNamedLikeModule = "T0306",
    /// A keyword where a name belongs.
    KeywordAsName = "T0307",
    /// A name that is not a type.
    NotAType = "T0308",
    /// An included file that is nowhere.
    IncludeNotFound = "T0310",
    /// A file that includes itself.
    SelfInclude = "T0311",
    /// A file that cannot be read.
    Unreadable = "T0312",
    // Types and values.
    /// A type that does not exist or may not stand here.
    BadType = "T0401",
    /// A size outside 1..=1048575.
    SizeOutOfRange = "T0402",
    /// A default on something other than a basic type or an enum.
    DefaultNotAllowed = "T0403",
    /// A value of another kind than the type.
    WrongKind = "T0404",
    /// A value that the type cannot hold.
    ValueOutOfRange = "T0405",
    /// A name that is not an enumerator of the wanted enum.
    UnknownEnumerator = "T0406",
    /// A constant of a type that has no literals.
    ConstType = "T0407",
    /// A size where none is possible.
    SizeNotAllowed = "T0408",
    // Enums.
    /// Two enumerators with one name.
    DuplicateEnumerator = "T0501",
    /// A value outside 32 bits.
    EnumValueOutOfRange = "T0502",
    /// A value that is not an integer.
    EnumValueKind = "T0503",
    /// A name that is no enumerator declared before.
    EnumValueName = "T0504",
    /// A comma without an enumerator.
    StrayComma = "T0505",
    // Operations.
    /// Two operations with one name.
    DuplicateOperation = "T0601",
    /// Two parameters with one name.
    DuplicateParam = "T0602",
    /// A parameter named like its operation.
    ParamNamedLikeOperation = "T0603",
    /// More parameters than there are tags.
    TooManyParams = "T0604",
    /// An out parameter with the name under which the return value travels.
    ParamNamedLikeReturn = "T0605",
    // Settings of the build script.
    /// A path that names nothing in the files.
    UnknownPath = "T0701",
    /// A setting that changes nothing at its path.
    SettingWithoutEffect = "T0702",
    /// A setting whose Rust text does not parse.
    BadSetting = "T0703",
    /// A file that cannot be written.
    Unwritable = "T0801",
    // Warnings about the generated Rust.
    /// Two names became one and `_` was appended.
    Renamed = "T0901",
    /// A map whose key has no order.
    UnorderedKey = "T0902",
    /// Comments that are not UTF-8.
    CommentNotUtf8 = "T0903",
    /// A size inside another type, which is not checked.
    InnerSize = "T0904",
    /// A member that is in the key already.
    RepeatedKeyMember = "T0905",
    // Warnings about other languages.
    /// A name that is used before it is declared.
    ForwardReference = "T1001",
    /// Structs that hold each other through containers.
    MutualRecursion = "T1002",
    /// `routekey`
    RouteKey = "T1003",
    /// An enum in which some enumerators have values and others do not.
    MixedEnum = "T1004",
    /// A default value or constant that is given by the name of an enumerator.
    EnumeratorDefault = "T1005",
    /// `unsigned byte`, `unsigned short`
    UnsignedType = "T1006",
    /// A constant.
    Constant = "T1007",
    /// `T x[N]`
    FixedArray = "T1008",
    /// `byte *x`
    Pointer = "T1009",
    /// `string:N`, `vector<T>:N`
    SizedType = "T1010",
    /// Names that differ only in the case of the first letter, or not at all.
    SameNameElsewhere = "T1011",
    /// A name that another language keeps for itself.
    ReservedName = "T1012",
    /// Files that include each other.
    CyclicInclude = "T1013",
    /// An optional byte without a default value.
    OptionalByte = "T1014",
    /// A map whose key is a fraction.
    FloatKey = "T1015",
    /// A map whose key is a struct without a `key[..]`.
    StructKey = "T1016",
    /// An enumerator whose name another enum of the module has too.
    SharedEnumerator = "T1017",
    // What a new version of the files breaks.
    /// A struct that is gone.
    StructRemoved = "T2001",
    /// A struct that became an enum, or an enum that became a struct.
    TypeKindChanged = "T2002",
    /// An optional field that is gone.
    OptionalFieldRemoved = "T2003",
    /// A required field that is gone.
    RequiredFieldRemoved = "T2004",
    /// A new field that is required.
    RequiredFieldAdded = "T2005",
    /// An optional field that is required now.
    FieldBecameRequired = "T2006",
    /// A required field that is optional now.
    FieldBecameOptional = "T2007",
    /// Another value for an absent field.
    DefaultChanged = "T2008",
    /// A field with another name.
    FieldRenamed = "T2009",
    /// A field with another tag.
    FieldMoved = "T2010",
    /// A tag that another field has now.
    TagReused = "T2011",
    /// Another `key[..]`.
    KeyChanged = "T2012",
    /// An enum that is gone.
    EnumRemoved = "T2101",
    /// An enumerator with another number.
    EnumeratorRenumbered = "T2102",
    /// An enumerator that is gone.
    EnumeratorRemoved = "T2103",
    /// An enumerator with another name.
    EnumeratorRenamed = "T2104",
    /// Another first enumerator, which is the default.
    FirstEnumeratorChanged = "T2105",
    /// A constant that is gone.
    ConstRemoved = "T2201",
    /// A constant with another value.
    ConstChanged = "T2202",
    /// A constant with another type.
    ConstTypeChanged = "T2203",
    /// An interface that is gone.
    InterfaceRemoved = "T2301",
    /// An interface with another name.
    InterfaceRenamed = "T2302",
    /// An operation that is gone.
    OperationRemoved = "T2303",
    /// An operation with another name.
    OperationRenamed = "T2304",
    /// A parameter that is gone.
    ParamRemoved = "T2305",
    /// A new parameter.
    ParamAdded = "T2306",
    /// Parameters in another order.
    ParamsReordered = "T2307",
    /// An in parameter that goes out, or the other way round.
    ParamDirectionChanged = "T2308",
    /// A parameter with another name.
    ParamRenamed = "T2309",
    /// A return value where there was none, or none where there was one.
    ReturnChanged = "T2310",
    /// A parameter that routes calls, or does so no longer.
    RouteKeyChanged = "T2311",
    /// A module that is gone.
    ModuleRemoved = "T2401",
    /// A type with another form on the wire.
    TypeReplaced = "T2501",
    /// A type that holds more.
    TypeWidened = "T2502",
    /// A type that holds less.
    TypeNarrowed = "T2503",
    /// A type of the same form with another name.
    TypeRenamed = "T2504",
    /// Another bound on a length.
    LengthChanged = "T2505",
}

impl Code {
    /// The code of a text such as `T0203`.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let same = |code: &&Code| code.text().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(same).copied()
    }

    /// What findings of this code are about.
    pub(crate) fn kind(self) -> Kind {
        if self >= Code::StructRemoved {
            Kind::Error
        } else if self >= Code::ForwardReference {
            Kind::Portability
        } else if self >= Code::Renamed {
            Kind::Warning
        } else {
            Kind::Error
        }
    }

    /// How bad findings of this code are, unless something else is asked for.
    pub(crate) fn severity(self) -> Severity {
        if self.kind() == Kind::Error {
            Severity::Error
        } else {
            Severity::Warning
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ordered() {
        for pair in Code::ALL.windows(2) {
            assert!(
                pair[0].text() < pair[1].text(),
                "{} before {}",
                pair[0].text(),
                pair[1].text()
            );
        }
    }
}
