//! Everything that is generated pleases rustc, clippy and rustdoc, in every edition that people use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod outside;

use std::fs;
use std::path::{Path, PathBuf};

use outside::{Outside, root, runtime, text};
use tars2rs::Config;

const EDITIONS: [&str; 2] = ["2021", "2024"];

/// Folders whose files compile. Where a file needs others, they are in a folder `X.include` beside it.
const FOLDERS: [&str; 6] = [
    "examples/hello",
    "examples/trace",
    "idl",
    "tars2rs/tests/ui/lint",
    "tars2rs/tests/ui/ok",
    "tests/system/idl",
];

fn samples() -> Vec<PathBuf> {
    let entries = FOLDERS
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "tars"));
    files.sort();
    assert!(files.len() > 25);
    files
}

type Wishes = fn(&mut Config);

/// Other ways to generate the samples that have the most of everything.
const VARIANTS: [(&str, &str, Wishes); 8] = [
    ("client", "interfaces", |config| _ = config.build_server(false)),
    ("server", "interfaces", |config| _ = config.build_client(false)),
    ("structs", "interfaces", |config| {
        config.build_client(false).build_server(false);
    }),
    ("types", "all_types", |config| {
        config.bytes(["."]).hash_map(["."]).presence(["."]);
    }),
    ("deep", "deep", |config| _ = config.hash_map(["."]).presence(["."])),
    ("framework", "framework", |config| {
        config
            .bytes(["."])
            .hash_map(["."])
            .presence(["."])
            .const_attribute(".", "#[doc(alias = \"wished\")]");
    }),
    ("elsewhere", "queryf", |config| {
        config.extern_type("tars.EndpointF", "::tars::protocol::EndpointF");
    }),
    ("attributes", "interfaces", |config| {
        config
            .type_attribute(".", "#[non_exhaustive]")
            .field_attribute(".", "#[doc(alias = \"wished\")]")
            .client_attribute(".", "#[must_use]")
            .trait_attribute(".", "#[doc(alias = \"b\")]");
    }),
];

/// Writes a sample's modules below `src/NAME` of each edition's package.
fn generate(package: &Outside, name: &str, sample: &Path, wishes: Wishes) {
    let mut config = Config::new();
    config.include_file("mod.rs");
    wishes(&mut config);
    let generated = config
        .generate(&[sample], &[sample.with_extension("include")])
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    for edition in EDITIONS {
        let dir = package.path(&format!("edition-{edition}/src/{name}"));
        generated.write_to(dir).unwrap();
    }
}

/// Packages with all generated modules: public ones in a library, and private ones in a program that uses none of them.
/// They are files of the packages, since lints look away from what another crate or a macro brings.
fn packages() -> Outside {
    let package = Outside::new("lints");
    let mut modules = String::new();
    let mut add = |name: &str, sample: &Path, wishes: Wishes| {
        generate(&package, name, sample, wishes);
        modules.extend(["/// A sample.\npub mod ", name, ";\n"]);
    };
    for sample in samples() {
        let name = sample.file_stem().unwrap().to_str().unwrap().to_lowercase();
        let folder = sample.parent().unwrap().file_name().unwrap().to_str().unwrap();
        add(&format!("{folder}_{name}"), &sample, |_| ());
    }
    for (name, sample, wishes) in VARIANTS {
        let sample = root().join(format!("tars2rs/tests/ui/ok/{sample}.tars"));
        add(&format!("wished_{name}"), &sample, wishes);
    }
    for edition in EDITIONS {
        package.write(
            &format!("edition-{edition}/Cargo.toml"),
            &format!(
                "[package]\nname = \"edition-{edition}\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\n\n[dependencies]\n{}",
                runtime()
            ),
        );
        let public = format!("//! Library.\n#![warn(missing_docs, clippy::pedantic)]\n{modules}");
        package.write(&format!("edition-{edition}/src/lib.rs"), &public);
    }
    let private = modules.replace("pub mod", "mod");
    package.write("edition-2024/src/main.rs", &format!("{private}\nfn main() {{}}\n"));
    let members = EDITIONS.map(|edition| format!("\"edition-{edition}\"")).join(", ");
    package.write(
        "Cargo.toml",
        &format!("[workspace]\nresolver = \"2\"\nmembers = [{members}]\n"),
    );
    package
}

#[track_caller]
fn succeeds(package: &Outside, args: &[&str]) {
    let output = package.cargo(args);
    assert!(output.status.success(), "{args:?}\n{}", text(&output.stderr));
}

#[test]
fn generated_code_is_free_of_warnings() {
    let package = packages();
    // What one package does not please would hide what the other does not.
    succeeds(&package, &["clippy", "--keep-going", "--", "-D", "warnings"]);
    succeeds(
        &package,
        &["rustdoc", "-p", "edition-2024", "--lib", "--", "-D", "warnings"],
    );
}
