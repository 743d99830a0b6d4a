//! Reading endpoint and object strings.

use std::str::FromStr;

use super::{Endpoint, ObjectAddress, ParseEndpointError, Protocol};

/// A piece of the string that is parsed, knowing where it began.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    offset: usize,
}

/// The string being parsed, for errors that quote it.
#[derive(Clone, Copy)]
struct Source<'a>(&'a str);

impl Source<'_> {
    fn error(self, offset: usize, message: impl Into<String>) -> ParseEndpointError {
        let column = self.0[..offset].chars().count() + 1;
        ParseEndpointError {
            text: self.0.to_owned(),
            column,
            message: message.into(),
        }
    }
}

/// Parses one endpoint.
pub(super) fn endpoint(text: &str) -> Result<Endpoint, ParseEndpointError> {
    endpoint_within(Source(text), Token { text, offset: 0 })
}

/// Parses `NAME[#MARK][@ENDPOINT[:ENDPOINT...]]`.
pub(super) fn object(text: &str) -> Result<ObjectAddress, ParseEndpointError> {
    let source = Source(text);
    let object = text.split('@').next().unwrap_or_default();
    let list = text.find('@').map(|at| Token {
        text: &text[at + 1..],
        offset: at + 1,
    });
    let (name, mark) = match object.split_once('#') {
        Some((name, mark)) => (name.trim(), Some(mark.trim().to_owned())),
        None => (object.trim(), None),
    };
    if name.is_empty() {
        return Err(source.error(0, "expected an object name like `App.Server.Obj`"));
    }
    if let Some(space) = name.find(char::is_whitespace) {
        let offset = name.as_ptr().addr() - text.as_ptr().addr() + space;
        return Err(source.error(offset, "an object name has no white space; endpoints follow an `@`"));
    }
    let endpoints = list.map_or(Ok(Vec::new()), |list| endpoints(source, list))?;
    Ok(ObjectAddress {
        name: name.to_owned(),
        mark,
        endpoints,
    })
}

/// The endpoints of a list; a colon at its very end is allowed.
fn endpoints(source: Source<'_>, list: Token<'_>) -> Result<Vec<Endpoint>, ParseEndpointError> {
    let mut found = Vec::new();
    for piece in pieces(list) {
        if piece.text.trim().is_empty() && !found.is_empty() {
            continue;
        }
        found.push(endpoint_within(source, piece)?);
    }
    Ok(found)
}

/// Cuts a list at the colons that begin an endpoint, so that neither IPv6 addresses nor hosts named like a protocol
/// are torn apart, and at a colon that ends the list.
fn pieces(list: Token<'_>) -> Vec<Token<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (colon, _) in list.text.match_indices(':') {
        let rest = list.text[colon + 1..].trim_start();
        let word = rest.split_whitespace().next();
        let begins = word.is_some_and(|word| protocol(word).is_some() && word.len() < rest.len());
        // `-h ::` ends in a colon too, but then the host is all that is between the space and the colon.
        let ends = rest.is_empty() && !list.text[..colon].ends_with([' ', ':']);
        if begins || ends {
            pieces.push(Token {
                text: &list.text[start..colon],
                offset: list.offset + start,
            });
            start = colon + 1;
        }
    }
    pieces.push(Token {
        text: &list.text[start..],
        offset: list.offset + start,
    });
    pieces
}

fn protocol(word: &str) -> Option<Protocol> {
    [Protocol::Tcp, Protocol::Udp, Protocol::Ssl]
        .into_iter()
        .find(|protocol| protocol.as_str() == word)
}

/// The words of a piece with their offsets in the whole string.
fn words(piece: Token<'_>) -> impl Iterator<Item = Token<'_>> {
    let start = piece.text.as_ptr().addr();
    piece.text.split_whitespace().map(move |text| Token {
        text,
        offset: piece.offset + (text.as_ptr().addr() - start),
    })
}

fn endpoint_within(source: Source<'_>, piece: Token<'_>) -> Result<Endpoint, ParseEndpointError> {
    let mut words = words(piece).peekable();
    let Some(first) = words.next() else {
        return Err(source.error(piece.offset, "expected an endpoint like `tcp -h HOST -p PORT`"));
    };
    let protocol = protocol(first.text).ok_or_else(|| {
        source.error(
            first.offset,
            format!("expected `tcp`, `udp` or `ssl`, found `{}`", first.text),
        )
    })?;
    let mut endpoint = Endpoint::new(protocol, String::new(), 0);
    while let Some(option) = words.next() {
        let letter = option_letter(option).ok_or_else(|| {
            source.error(
                option.offset,
                format!("expected an option like `-h`, found `{}`", option.text),
            )
        })?;
        let value = words.next_if(|word| is_value(*word));
        set(
            source,
            &mut endpoint,
            Flag {
                letter,
                token: option,
                value,
            },
        )?;
    }
    if endpoint.host.is_empty() {
        return Err(source.error(first.offset, "option `-h` (host) is missing"));
    }
    if endpoint.weight_type != 0 && endpoint.weight < 0 {
        endpoint.weight = 100;
    }
    Ok(endpoint)
}

fn option_letter(word: Token<'_>) -> Option<char> {
    let mut chars = word.text.strip_prefix('-')?.chars();
    chars
        .next()
        .filter(|letter| letter.is_ascii_alphabetic() && chars.next().is_none())
}

/// A word is a value unless it looks like an option; `-1` is a number.
fn is_value(word: Token<'_>) -> bool {
    !word.text.starts_with('-') || word.text[1..].starts_with(|c: char| c.is_ascii_digit())
}

/// An option as written.
#[derive(Clone, Copy)]
struct Flag<'a> {
    letter: char,
    token: Token<'a>,
    value: Option<Token<'a>>,
}

impl<'a> Flag<'a> {
    fn text(self, source: Source<'_>) -> Result<&'a str, ParseEndpointError> {
        self.value
            .map(|value| value.text)
            .ok_or_else(|| source.error(self.token.offset, format!("option `{}` needs a value", self.token.text)))
    }

    fn number<T: FromStr>(self, source: Source<'_>, range: &str) -> Result<T, ParseEndpointError> {
        let text = self.text(source)?;
        text.parse().map_err(|_| {
            let offset = self.value.map_or(self.token.offset, |value| value.offset);
            source.error(
                offset,
                format!("option `{}` needs {range}, found `{text}`", self.token.text),
            )
        })
    }

    fn integer(self, source: Source<'_>) -> Result<i32, ParseEndpointError> {
        self.number(source, "a number")
    }
}

/// Takes one option over. Letters nobody knows are ignored with their value, as TarsCpp does: they are how later
/// versions speak to each other.
fn set(source: Source<'_>, endpoint: &mut Endpoint, option: Flag<'_>) -> Result<(), ParseEndpointError> {
    match option.letter {
        'h' => endpoint.host = host(option.text(source)?),
        'p' => endpoint.port = option.number(source, "a number from 0 to 65535")?,
        't' => endpoint.timeout_ms = Some(option.number(source, "a number of milliseconds")?),
        'g' => endpoint.grid = option.integer(source)?,
        'q' => endpoint.qos = option.integer(source)?,
        'w' => endpoint.weight = option.integer(source)?.clamp(-1, 100),
        'v' => endpoint.weight_type = option.integer(source)?,
        'e' => endpoint.auth = option.integer(source)?,
        'b' => endpoint.bind = Some(host(option.text(source)?)),
        's' => endpoint.set = Some(option.text(source)?.to_owned()),
        _ => {}
    }
    Ok(())
}

fn host(text: &str) -> String {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if bare == "*" {
        "0.0.0.0".to_owned()
    } else {
        bare.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn message<T: FromStr<Err = ParseEndpointError> + std::fmt::Debug>(text: &str) -> String {
        text.parse::<T>().expect_err("must not parse").to_string()
    }

    #[test]
    fn every_option() {
        let endpoint = parsed("ssl -h 10.0.0.1 -p 18015 -t 60000 -g 1 -q 2 -w 30 -v 1 -e 1 -b 0.0.0.0 -s app.sz.1");
        assert_eq!(endpoint.protocol, Protocol::Ssl);
        assert_eq!((endpoint.timeout_ms, endpoint.grid, endpoint.qos), (Some(60000), 1, 2));
        assert_eq!((endpoint.weight, endpoint.weight_type, endpoint.auth), (30, 1, 1));
        assert_eq!(
            (endpoint.bind.as_deref(), endpoint.set.as_deref()),
            (Some("0.0.0.0"), Some("app.sz.1"))
        );
        assert_eq!(parsed(&endpoint.to_string()), endpoint);
    }

    #[test]
    fn defaults() {
        let endpoint = parsed("tcp -h db");
        assert_eq!(endpoint, Endpoint::tcp("db", 0));
        assert_eq!((endpoint.timeout(), endpoint.weight), (Endpoint::DEFAULT_TIMEOUT, -1));
        assert_eq!(endpoint.to_string(), "tcp -h db -p 0");
    }

    #[test]
    fn weights_are_capped_and_filled_in() {
        assert_eq!(parsed("tcp -h a -p 1 -w 1000").weight, 100);
        assert_eq!(parsed("tcp -h a -p 1 -v 1").weight, 100);
        assert_eq!(parsed("tcp -h a -p 1 -w -1").weight, -1);
    }

    #[test]
    fn odd_spellings_are_read() {
        assert_eq!(parsed("  tcp   -p 1\t-h  *  "), Endpoint::tcp("0.0.0.0", 1));
        assert_eq!(parsed("tcp -h [fe80::1] -p 1"), Endpoint::tcp("fe80::1", 1));
        assert_eq!(parsed("tcp -h a -p 1 -x -z 5"), Endpoint::tcp("a", 1));
        assert_eq!(Endpoint::tcp("::1", 80).address(), "[::1]:80");
    }

    #[test]
    fn errors_name_option_and_place() {
        let cases = [
            ("", "``, column 1: expected an endpoint like `tcp -h HOST -p PORT`"),
            (
                "http -h a",
                "`http -h a`, column 1: expected `tcp`, `udp` or `ssl`, found `http`",
            ),
            ("tcp -p 1", "`tcp -p 1`, column 1: option `-h` (host) is missing"),
            ("tcp -h -p 1", "`tcp -h -p 1`, column 5: option `-h` needs a value"),
            (
                "tcp -h a -p 65536",
                "`tcp -h a -p 65536`, column 13: option `-p` needs a number from 0 to 65535, found `65536`",
            ),
            (
                "tcp -h a -p 1 -t soon",
                "`tcp -h a -p 1 -t soon`, column 18: option `-t` needs a number of milliseconds, found `soon`",
            ),
            (
                "tcp -h a -p 1 x",
                "`tcp -h a -p 1 x`, column 15: expected an option like `-h`, found `x`",
            ),
            (
                "tcp --host a",
                "`tcp --host a`, column 5: expected an option like `-h`, found `--host`",
            ),
            (
                "tcp -h ä -w ö",
                "`tcp -h ä -w ö`, column 13: option `-w` needs a number, found `ö`",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(message::<Endpoint>(text), expected);
        }
    }

    #[test]
    fn objects() {
        let object: ObjectAddress = "App.Server.Obj".parse().expect("a bare name");
        assert_eq!(
            (object.name.as_str(), object.mark, object.endpoints.len()),
            ("App.Server.Obj", None, 0)
        );

        let text = "App.Server.Obj#2@tcp -h a -p 1:udp -h ::1 -p 2:ssl -h tcp -p 3";
        let object: ObjectAddress = text.parse().expect("three endpoints");
        assert_eq!(object.mark.as_deref(), Some("2"));
        let hosts: Vec<_> = object.endpoints.iter().map(|endpoint| endpoint.host.as_str()).collect();
        assert_eq!(hosts, ["a", "::1", "tcp"]);
        assert_eq!(object.to_string(), text);
    }

    #[test]
    fn hosts_named_like_a_protocol_and_loose_colons() {
        let object: ObjectAddress = "a.b.c@tcp -h tcpserver.ssl-zone -p 1 : tcp -p 2 -h fe80::: "
            .parse()
            .expect("loose");
        let hosts: Vec<_> = object.endpoints.iter().map(|endpoint| endpoint.host.as_str()).collect();
        assert_eq!(hosts[0], "tcpserver.ssl-zone");
        let object: ObjectAddress = "a.b.c@tcp -h x -p 1:".parse().expect("a colon at the end");
        assert_eq!(object.endpoints, [Endpoint::tcp("x", 1)]);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(
            protocol in prop::sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Ssl]),
            host in prop::sample::select(vec!["10.0.0.1", "fe80::1", "::", "tcp", "my-ssl.tcp.example", "ü"]),
            port in any::<u16>(),
            timeout_ms in any::<Option<u32>>(),
            (grid, qos, auth) in any::<(i32, i32, i32)>(),
            (weight, weight_type) in (-1..=100, prop::sample::select(vec![0, 1])),
            set in prop::option::of("[a-z]{1,5}\\.[a-z]{1,5}\\.([0-9]|\\*)"),
        ) {
            let weight = if weight_type == 0 || weight >= 0 { weight } else { 100 };
            let bind = (port % 2 == 0).then(|| "0.0.0.0".to_owned());
            let endpoint = Endpoint {
                timeout_ms, grid, qos, weight, weight_type, auth, bind, set,
                ..Endpoint::new(protocol, host, port)
            };
            prop_assert_eq!(&parsed(&endpoint.to_string()), &endpoint);
            let object = format!("A.B.C@{endpoint}:{endpoint}:");
            let object: ObjectAddress = object.parse().expect("two endpoints");
            prop_assert_eq!(object.endpoints, vec![endpoint.clone(), endpoint]);
        }

        #[test]
        fn no_string_panics(text in "(?s)[-@#: a-z0-9ä]{0,60}") {
            let _ = text.parse::<Endpoint>();
            if let Ok(object) = text.parse::<ObjectAddress>() {
                prop_assert_eq!(object.to_string().parse::<ObjectAddress>(), Ok(object));
            }
        }
    }

    #[test]
    fn object_errors() {
        assert_eq!(
            message::<ObjectAddress>("@tcp -h a"),
            "`@tcp -h a`, column 1: expected an object name like `App.Server.Obj`"
        );
        assert_eq!(
            message::<ObjectAddress>("a.b.c@"),
            "`a.b.c@`, column 7: expected an endpoint like `tcp -h HOST -p PORT`"
        );
        assert_eq!(
            message::<ObjectAddress>("a.b.c tcp -h x"),
            "`a.b.c tcp -h x`, column 6: an object name has no white space; endpoints follow an `@`"
        );
        assert_eq!(
            message::<ObjectAddress>("a.b.c@tcp -h x -p 1:tcp -h y -p z"),
            "`a.b.c@tcp -h x -p 1:tcp -h y -p z`, column 33: option `-p` needs a number from 0 to 65535, found `z`"
        );
    }
}
