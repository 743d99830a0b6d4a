use proptest::prelude::*;

use super::*;

const SAMPLE: &str = "\u{feff}# head

<tars>
    <application>
\tenableset=n \t\r
        # the set
        setdivision=
        <server> # what is served
            app = TestApp
            allow
            a\\=b = c=d\\=e
        </server> # all of it


        # again
        <server>
            app = Other
        </server>
    </application>
</tars>
# tail
";

fn parsed(text: &str) -> Config {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn message(text: &str) -> String {
    Config::parse(text).expect_err("must not parse").to_string()
}

fn entries(config: &Config, path: &str) -> Vec<(String, String)> {
    let entries = config.entries(path);
    entries
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

#[test]
fn values_and_domains() {
    let config = parsed(SAMPLE);
    assert_eq!(config.get("/tars/application<enableset>").unwrap(), "n");
    assert_eq!(config.get("/tars/application<setdivision>").unwrap(), "");
    assert_eq!(config.get("/tars/application/server<allow>").unwrap(), "");
    assert_eq!(config.get("/tars/application/server<app>").unwrap(), "Other");
    assert_eq!(config.get("/tars/application/server<a=b>").unwrap(), "c=d=e");
    assert_eq!(config.domains("/").collect::<Vec<_>>(), ["tars"]);
    assert_eq!(config.domains("/tars/application").collect::<Vec<_>>(), ["server"]);
    let expected = [("allow", ""), ("a=b", "c=d=e"), ("app", "Other")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(entries(&config, "/tars/application/server"), expected);
    let lines: Vec<_> = config.lines("/tars/application/server").collect();
    assert_eq!(lines, ["app = TestApp", "allow", "a\\=b = c=d\\=e", "app = Other"]);
    assert!(config.contains_domain("/tars/application/server") && !config.contains_domain("/tars/server"));
}

#[test]
fn what_is_not_there_is_none() {
    let config = parsed("a = 1\n<b>\n</b>\n");
    assert_eq!(config.get("/<a>").unwrap(), "1");
    for path in ["", "a", "<a>", "/a", "/b", "/b<a>", "/c<a>", "/<a", "/<b>", "/<>"] {
        assert_eq!(config.get(path), None, "{path}");
    }
    assert_eq!((config.domains("/c").count(), config.lines("/b<a>").count()), (0, 0));
}

#[test]
fn all_lines_are_kept_with_their_comments() {
    let printed = "# head

<tars>
    <application>
        enableset=n
        # the set
        setdivision=
        # what is served
        <server>
            app = TestApp
            allow
            a\\=b = c=d\\=e
            # all of it

            # again
            app = Other
        </server>
    </application>
</tars>
# tail
";
    assert_eq!(parsed(SAMPLE).to_string(), printed);
    assert_eq!(parsed(printed), parsed(SAMPLE));
    for (text, printed) in [
        ("", ""),
        (" ", "\n"),
        ("\n\n\n", "\n"),
        ("a\n \n", "a\n\n"),
        ("a", "a\n"),
    ] {
        assert_eq!(parsed(text).to_string(), printed, "{text:?}");
        assert_eq!(parsed(printed), parsed(text), "{text:?}");
    }
}

#[test]
fn values_are_verbatim() {
    let cases = [
        ("a&b<c=d>e", "a&b<c=d>e"),
        ("x # y", "x # y"),
        ("\"quoted\"", "\"quoted\""),
        ("'", "'"),
        ("=", "="),
        (r"\\\r\n\t\=", "\\\r\n\t="),
        (r"C:\dir\\x", r"C:\dir\x"),
        (r"\d+\.\", r"\d+\.\"),
        ("&amp;", "&amp;"),
        ("ü 中", "ü 中"),
        ("\u{a0}x\u{a0}", "\u{a0}x\u{a0}"),
        ("a\rb", "a\rb"),
    ];
    for (written, value) in cases {
        let config = parsed(&format!("<d>\n k =\t{written} \n</d>"));
        assert_eq!(config.get("/d<k>").unwrap(), value);
        assert!(config.to_string().contains(written), "{written}");
    }
}

#[test]
fn keys_end_at_the_first_equals_sign_that_is_not_escaped() {
    for (line, key, value) in [
        ("a=b=c", "a", "b=c"),
        (r"a\=b=c", "a=b", "c"),
        (r"a\=b", "a=b", ""),
        (r"a\\=b", r"a\=b", ""),
        (r"a\ =b", r"a\", "b"),
        ("=b", "", "b"),
        ("a b = c", "a b", "c"),
    ] {
        let config = parsed(line);
        assert_eq!(entries(&config, "/"), [(key.to_owned(), value.to_owned())], "{line}");
        assert_eq!(parsed(&config.to_string()), config);
    }
}

#[test]
fn errors_name_line_and_expectation_and_no_value() {
    let cases = [
        (
            "a=1\n<b\npass=secret",
            "line 2: expected a `>`: a line that begins with `<` names a domain",
        ),
        (
            "<a>\n\n</b>",
            "line 3: expected `</a>`, for the domain that line 1 opens",
        ),
        (
            "\n</a>",
            "line 2: expected a key or the begin of a domain: no domain is open that could end here",
        ),
        (
            "<a>\n<b>\n</b>",
            "line 1: expected `</a>` further down: this domain never ends",
        ),
        (
            "<a>secret=1</a>",
            "line 1: expected the end of the line, or a comment, behind a domain's `>`",
        ),
        (
            "<!-- secret -->",
            "line 1: expected a domain's name without `<` and `/`; a comment begins with `#`",
        ),
        (
            "<>",
            "line 1: expected a domain's name without `<` and `/`; a comment begins with `#`",
        ),
        (
            "<a/>",
            "line 1: expected a domain's name without `<` and `/`; a comment begins with `#`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(text), expected, "{text}");
        assert!(!message(text).contains("secret"));
    }
    assert_eq!(Config::parse("<a>\n</b>").unwrap_err().line(), 2);
    assert!(!format!("{:?}", parsed("pass=secret")).contains("secret"));
}

#[test]
fn size_and_depth_have_bounds() {
    let nested = |depth: usize| "<a>\n".repeat(depth) + &"</a>\n".repeat(depth);
    assert!(Config::parse(&nested(Config::MAX_DEPTH)).is_ok());
    let error = message(&nested(Config::MAX_DEPTH + 1));
    assert_eq!(error, "line 65: expected at most 64 domains inside each other");

    let long = "a=1\n".repeat(Config::MAX_SIZE / 4);
    assert_eq!(parsed(&long).get("/<a>").unwrap(), "1");
    assert!(message(&(long + "b")).starts_with("line 262145: expected at most 1048576 bytes, found "));
}

#[test]
fn values_are_set() {
    let mut config = parsed("<a>\n    # why\n    k = 1\n    l = 2\n</a>\n");
    config.set("/a<k>", "x=y\\d").unwrap();
    config.set("/a/b/c<m=n>", "1\n2\t").unwrap();
    config.set("/a/b<empty>", "").unwrap();
    config.set_flag("/a/b<flag>").unwrap();
    config.set_flag("/<top>").unwrap();
    let printed = "<a>
    # why
    k = x=y\\\\d
    l = 2
    <b>
        <c>
            m\\=n = 1\\n2\\t
        </c>
        empty =
        flag
    </b>
</a>
top
";
    assert_eq!(config.to_string(), printed);
    assert_eq!(config.get("/a<k>").unwrap(), "x=y\\d");
    assert_eq!(config.get("/a/b/c<m=n>").unwrap(), "1\n2\t");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let deep = "/a".repeat(65) + "<k>";
    for (path, value, error) in [
        ("a<k>", "", SetConfigError::Path),
        ("/a", "", SetConfigError::Path),
        ("/a<>", "", SetConfigError::Key),
        ("/a<#k>", "", SetConfigError::Key),
        ("/a< k>", "", SetConfigError::Key),
        ("/a<<k>", "", SetConfigError::Key),
        ("/a<k>", " 1", SetConfigError::Value),
        ("/a<k>", "1 ", SetConfigError::Value),
        ("/!a<k>", "", SetConfigError::Domain),
        ("/a>b<k>", "", SetConfigError::Domain),
        (deep.as_str(), "", SetConfigError::Depth),
    ] {
        let mut config = Config::new();
        assert_eq!(config.set(path, value), Err(error), "{path}");
        assert_eq!(config, Config::new(), "{path}");
    }
}

#[test]
fn an_overlay_wins_and_nothing_else_changes() {
    let mut config =
        parsed("# base\n<a>\n  # one\n  k=1\n  l=2\n  <c>\n    x=1\n  </c>\n  # end\n</a>\n<gone-on>\n</gone-on>\n");
    let overlay = parsed(
        "<a>\n  # new\n  m=a&b<c=d\n  # one\n  # two\n  k=3\n  <c>\n    y=1\n  </c>\n  <d>\n    flag\n  </d>\n</a>\nz=1\n# over\n",
    );
    config.merge(&overlay).unwrap();
    let merged = "# base
<a>
    # one
    # two
    k=3
    l=2
    <c>
        x=1
        y=1
    </c>
    # end
    # new
    m=a&b<c=d
    <d>
        flag
    </d>
</a>
<gone-on>
</gone-on>
z=1
# over
";
    assert_eq!(config.to_string(), merged);
    // Once more changes nothing.
    config.merge(&overlay).unwrap();
    assert_eq!(config.to_string(), merged);
}

#[test]
fn lines_that_repeat_are_replaced_together() {
    let mut config = parsed("<list>\n# first\na=1\nb=1\na=2\n</list>");
    config.merge(&parsed("<list>\na=3\na=4\n</list>")).unwrap();
    assert_eq!(
        config.to_string(),
        "<list>\n    # first\n    b=1\n    a=3\n    a=4\n</list>\n"
    );
}

#[test]
fn a_name_of_two_kinds_is_a_conflict() {
    let conflict = |below: &str, overlay: &str| {
        let mut config = parsed(below);
        let error = config.merge(&parsed(overlay)).unwrap_err();
        assert_eq!(config, parsed(below), "a failed merge changes nothing");
        error
    };
    let error = conflict("<a>\nlog=secret\n</a>", "b=1\n<a>\n<log>\n</log>\n</a>");
    let expected = "`log` in `/a` is a domain here (line 3) and a key in the configuration below (line 2)";
    assert_eq!(error.to_string(), expected);
    assert_eq!((error.line(), error.overlay_line()), (Some(2), Some(3)));
    let error = conflict("<log>\n</log>", "log=secret");
    let expected = "`log` in `/` is a key here (line 1) and a domain in the configuration below (line 1)";
    assert_eq!(error.to_string(), expected);

    // What is both in one file, as TarsCpp allows, is no conflict.
    let mut both = parsed("log=1\n<log>\n</log>");
    both.merge(&parsed("log=2\n<log>\nx=1\n</log>")).unwrap();
    assert_eq!(both.to_string(), "log=2\n<log>\n    x=1\n</log>\n");
}

#[test]
fn many_names_and_comments_take_no_long_time() {
    let names: Vec<_> = (0..10_000).map(|n| format!("<d{n}>\n</d{n}>\n# {n}\n")).collect();
    let names = names.concat();
    let mut config = parsed(&names);
    let overlay = parsed(&names.replace('#', "##"));
    config.merge(&overlay).unwrap();
    assert_eq!(config.domains("/").count(), 10_000);
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(text in "([<>/#= ab\\\\&\t\r]{0,6}\n|<[ab]>\n|</[ab]>\n|#[ab]\n|[ab]=[<&=\\\\a ]{0,4}\n){0,30}") {
        if let Ok(config) = Config::parse(&text) {
            let printed = config.to_string();
            let again = parsed(&printed);
            prop_assert_eq!(&again, &config);
            prop_assert_eq!(again.to_string(), printed);
        }
    }

    #[test]
    fn no_line_is_lost(lines in prop::collection::vec("[ab][=&<> \\\\ab]{0,8}[ab]", 0..20)) {
        let text = format!("<d>\n{}\n</d>", lines.join("\n"));
        let config = parsed(&text);
        let found: Vec<_> = config.lines("/d").collect();
        prop_assert_eq!(found, lines);
    }

    #[test]
    fn what_is_set_is_got(
        values in prop::collection::vec(("[a-c=\\\\\n&>]{1,3}", "(?s).{0,12}"), 0..12),
    ) {
        let mut config = Config::new();
        let mut last = std::collections::BTreeMap::new();
        for (key, value) in &values {
            let path = format!("/d<{key}>");
            if config.set(&path, value).is_ok() {
                last.insert(path, value);
            } else {
                prop_assert!(value.starts_with(' ') || value.ends_with(' '));
            }
        }
        let again = parsed(&config.to_string());
        prop_assert_eq!(&again, &config);
        for (path, value) in &last {
            prop_assert_eq!(again.get(path), Some(Cow::Borrowed(value.as_str())));
        }
    }

    #[test]
    fn merging_into_nothing_is_the_overlay(
        text in "(<[ab]>\n|</[ab]>\n|[ab]=[ab]\n){0,20}",
        other in "(<[ab]>\n|</[ab]>\n|[ab]=[ab]\n){0,20}",
    ) {
        if let (Ok(overlay), Ok(mut config)) = (Config::parse(&text), Config::parse(&other)) {
            let mut empty = Config::new();
            prop_assert_eq!(empty.merge(&overlay), Ok(()));
            prop_assert_eq!(&empty, &overlay);
            if config.merge(&overlay).is_ok() {
                for (key, value) in overlay.entries("/") {
                    prop_assert_eq!(config.get(&format!("/<{key}>")), Some(value));
                }
            }
        }
    }
}
