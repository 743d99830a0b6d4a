//! Mistakes in the attributes are compile errors at their place, all of them at once.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
