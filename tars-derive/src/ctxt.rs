//! Collects mistakes, so that all of them are reported at once.

use std::cell::RefCell;
use std::fmt::Display;
use std::thread;

use quote::ToTokens;

/// The mistakes found so far. Panics when it is dropped without [`check`](Self::check): no mistake can be lost.
pub(crate) struct Ctxt {
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self {
            errors: RefCell::new(Some(Vec::new())),
        }
    }

    /// Adds a mistake at `tokens`.
    pub(crate) fn error_at(&self, tokens: impl ToTokens, message: impl Display) {
        self.error(syn::Error::new_spanned(tokens, message));
    }

    /// Adds a mistake that already knows its place.
    pub(crate) fn error(&self, error: syn::Error) {
        if let Some(errors) = &mut *self.errors.borrow_mut() {
            errors.push(error);
        }
    }

    /// All mistakes as one error, if there are any.
    pub(crate) fn check(self) -> syn::Result<()> {
        let errors = self.errors.take().unwrap_or_default();
        let all = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        all.map_or(Ok(()), Err)
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        let checked = self.errors.borrow().is_none();
        assert!(checked || thread::panicking(), "the collected errors were not checked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_come_out() {
        let cx = Ctxt::new();
        cx.error_at(quote::quote!(a), "first");
        cx.error_at(quote::quote!(b), "second");
        let texts: Vec<_> = cx
            .check()
            .unwrap_err()
            .into_iter()
            .map(|error| error.to_string())
            .collect();
        assert_eq!(texts, ["first", "second"]);
    }

    #[test]
    #[should_panic(expected = "not checked")]
    fn an_unchecked_collector_panics() {
        let _ = Ctxt::new();
    }
}
