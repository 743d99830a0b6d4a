//! `#[tars(..)]` as written, parsed into typed fields once. Rules that need more than one attribute are in `check`.

use std::fmt::Display;
use std::str::FromStr;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, ExprLit, ExprUnary, Lit, LitInt, LitStr, Token, UnOp, parenthesized, token};

use crate::ctxt::Ctxt;

/// An attribute that may be given once.
pub(crate) struct Once<T> {
    name: &'static str,
    value: Option<(T, Span)>,
}

impl<T> Once<T> {
    const fn new(name: &'static str) -> Self {
        Self { name, value: None }
    }

    fn set(&mut self, cx: &Ctxt, meta: &ParseNestedMeta<'_>, value: T) {
        if self.value.is_some() {
            cx.error_at(&meta.path, format_args!("`{}` is given twice", self.name));
        } else {
            self.value = Some((value, syn::spanned::Spanned::span(&meta.path)));
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().map(|(value, _)| value)
    }

    /// Where the attribute is.
    pub(crate) fn span(&self) -> Option<Span> {
        self.value.as_ref().map(|(_, span)| *span)
    }
}

/// What stands on the struct or the enum.
pub(crate) struct ContainerAttrs {
    pub(crate) name: Once<LitStr>,
    pub(crate) key: Once<Vec<Ident>>,
    pub(crate) values: Once<Vec<(Ident, Option<LitStr>)>>,
}

/// What stands on a field.
pub(crate) struct FieldAttrs {
    pub(crate) tag: Once<u8>,
    pub(crate) require: Once<()>,
    pub(crate) name: Once<LitStr>,
    pub(crate) default: Once<DefaultValue>,
    pub(crate) presence: Once<()>,
    pub(crate) max_len: Once<usize>,
}

/// The value after `default =`.
pub(crate) enum DefaultValue {
    /// A string literal: the field is a `String` or a `ByteString`.
    Text(LitStr),
    /// A number; an integer is fine for a float field too.
    Number { negative: bool, literal: Lit },
    /// `true`, `false`, or a path to a constant.
    Value(Expr),
}

impl ContainerAttrs {
    /// Parses the attributes of a struct.
    pub(crate) fn of_struct(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut this = Self::new();
        each(cx, attrs, |meta| {
            if meta.path.is_ident("name") {
                this.name.set(cx, &meta, meta.value()?.parse()?);
            } else if meta.path.is_ident("key") {
                let fields = list(&meta, Ident::parse)?;
                this.key.set(cx, &meta, fields);
            } else {
                unknown(cx, &meta, &["name", "key"])?;
            }
            Ok(())
        });
        this
    }

    /// Parses the attributes of an enum.
    pub(crate) fn of_enum(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut this = Self::new();
        each(cx, attrs, |meta| {
            if meta.path.is_ident("name") {
                this.name.set(cx, &meta, meta.value()?.parse()?);
            } else if meta.path.is_ident("values") {
                let values = list(&meta, |input| {
                    let constant = input.parse()?;
                    let name = match input.parse::<Option<Token![=]>>()? {
                        Some(_) => Some(input.parse()?),
                        None => None,
                    };
                    Ok((constant, name))
                })?;
                this.values.set(cx, &meta, values);
            } else {
                unknown(cx, &meta, &["name", "values"])?;
            }
            Ok(())
        });
        this
    }

    const fn new() -> Self {
        Self {
            name: Once::new("name"),
            key: Once::new("key"),
            values: Once::new("values"),
        }
    }
}

impl FieldAttrs {
    /// Parses the attributes of a field.
    pub(crate) fn parse(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut this = Self {
            tag: Once::new("tag"),
            require: Once::new("require"),
            name: Once::new("name"),
            default: Once::new("default"),
            presence: Once::new("presence"),
            max_len: Once::new("max_len"),
        };
        each(cx, attrs, |meta| {
            if meta.path.is_ident("tag") {
                let tag = number(&meta, "tag", "0 to 255")?;
                this.tag.set(cx, &meta, tag);
            } else if meta.path.is_ident("require") {
                this.require.set(cx, &meta, ());
            } else if meta.path.is_ident("name") {
                this.name.set(cx, &meta, meta.value()?.parse()?);
            } else if meta.path.is_ident("default") {
                let value = DefaultValue::parse(meta.value()?.parse()?)?;
                this.default.set(cx, &meta, value);
            } else if meta.path.is_ident("presence") {
                this.presence.set(cx, &meta, ());
            } else if meta.path.is_ident("max_len") {
                let max = number(&meta, "length", "a number of bytes or elements")?;
                this.max_len.set(cx, &meta, max);
            } else {
                unknown(cx, &meta, &["tag", "require", "name", "default", "presence", "max_len"])?;
            }
            Ok(())
        });
        this
    }
}

impl DefaultValue {
    fn parse(value: Expr) -> syn::Result<Self> {
        match value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Ok(Self::Text(text)),
            Expr::Lit(ExprLit {
                lit: literal @ (Lit::Int(_) | Lit::Float(_)),
                ..
            }) => Ok(Self::Number {
                negative: false,
                literal,
            }),
            Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) | Expr::Path(_) => Ok(Self::Value(value)),
            Expr::Unary(ExprUnary {
                op: UnOp::Neg(_), expr, ..
            }) if matches!(
                &*expr,
                Expr::Lit(ExprLit {
                    lit: Lit::Int(_) | Lit::Float(_),
                    ..
                })
            ) =>
            {
                let Expr::Lit(ExprLit { lit: literal, .. }) = *expr else {
                    unreachable!("the guard has seen a literal")
                };
                Ok(Self::Number {
                    negative: true,
                    literal,
                })
            }
            other => Err(syn::Error::new_spanned(
                other,
                "`default` must be a literal or the path of a constant",
            )),
        }
    }
}

/// The literal or path alone, as the place of a message.
impl ToTokens for DefaultValue {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Number { literal, .. } => literal.to_tokens(tokens),
            Self::Value(value) => value.to_tokens(tokens),
        }
    }
}

/// Calls `logic` for each item of each `#[tars(..)]`. A malformed attribute ends there; the others are still read.
fn each(cx: &Ctxt, attrs: &[Attribute], mut logic: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("tars")) {
        if let Err(error) = attr.parse_nested_meta(&mut logic) {
            cx.error(error);
        }
    }
}

/// Parses `(a, b, ..)`.
fn list<T>(meta: &ParseNestedMeta<'_>, item: fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    let content;
    parenthesized!(content in meta.input);
    Ok(content.parse_terminated(item, Token![,])?.into_iter().collect())
}

fn number<T>(meta: &ParseNestedMeta<'_>, what: &str, range: &str) -> syn::Result<T>
where
    T: FromStr<Err: Display>,
{
    let literal: LitInt = meta.value()?.parse()?;
    let message = || {
        syn::Error::new_spanned(
            &literal,
            format_args!("{what} {literal} is out of range, expected {range}"),
        )
    };
    literal.base10_digits().parse().map_err(|_| message())
}

/// Reports an unknown item and steps over what belongs to it.
fn unknown(cx: &Ctxt, meta: &ParseNestedMeta<'_>, known: &[&str]) -> syn::Result<()> {
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let path = &meta.path;
    let given = quote::quote!(#path).to_string();
    cx.error_at(
        path,
        format_args!("unknown attribute `{given}`, expected one of {}", names.join(", ")),
    );
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}
