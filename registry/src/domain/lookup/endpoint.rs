//! The endpoint of a row, read as TarsCpp reads it.
//!
//! Not `tars::Endpoint`: rows are what others wrote, and what its clients can be told of decides, not what we would accept
//! at a registration. Two things TarsCpp refuses are read, because we accept them there: a negative number, and brackets
//! around an IPv6 address.

use tars::protocol::EndpointF;

/// Milliseconds of an endpoint that says nothing of them.
const DEFAULT_TIMEOUT: i32 = 3000;

/// Reads `<tcp|udp|ssl> -h HOST -p PORT [-t MS] [-w WEIGHT] [-v WEIGHTTYPE] [-e AUTH]`, options in any order, letters
/// nobody knows ignored. `None` when no client could do anything with it: not of that form, or port 0.
///
/// Grid and quality of service are checked but not told to clients, as TarsFramework's registry does.
pub(super) fn parse(text: &str) -> Option<EndpointF> {
    let mut words = text.split_ascii_whitespace().peekable();
    let istcp = match words.next()? {
        "udp" => 0,
        "tcp" => 1,
        "ssl" => 2,
        _ => return None,
    };
    let mut endpoint = EndpointF {
        host: "0.0.0.0".to_owned(),
        timeout: DEFAULT_TIMEOUT,
        istcp,
        weight: -1,
        ..EndpointF::default()
    };
    while let Some(option) = words.next() {
        let &[b'-', letter] = option.as_bytes() else {
            return None;
        };
        let value = words.next_if(|word| is_value(word)).unwrap_or_default();
        match letter {
            b'h' => host(value)?.clone_into(&mut endpoint.host),
            b'p' => endpoint.port = value.parse::<u16>().ok()?.into(),
            b't' => endpoint.timeout = value.parse().ok()?,
            b'w' => endpoint.weight = value.parse().ok()?,
            b'v' => endpoint.weight_type = value.parse().ok()?,
            b'e' => endpoint.auth_type = value.parse().ok().filter(|auth| (0..=1).contains(auth))?,
            b'g' | b'q' => drop(value.parse::<i32>().ok()?),
            _ => {}
        }
    }
    (endpoint.port > 0).then(|| tidied(endpoint))
}

/// The host that clients are told, if they are told of the endpoint at all.
pub(crate) fn told_host(text: &str) -> Option<String> {
    parse(text).map(|endpoint| endpoint.host)
}

/// What follows an option, unless it is the next one.
fn is_value(word: &str) -> bool {
    match word.strip_prefix('-') {
        Some(rest) => rest.starts_with(|c: char| c.is_ascii_digit()),
        None => true,
    }
}

fn host(text: &str) -> Option<&str> {
    match text {
        "" => None,
        "*" => Some("0.0.0.0"),
        _ => Some(
            text.strip_prefix('[')
                .and_then(|inner| inner.strip_suffix(']'))
                .unwrap_or(text),
        )
        .filter(|host| !host.is_empty()),
    }
}

fn tidied(mut endpoint: EndpointF) -> EndpointF {
    if endpoint.timeout <= 0 {
        endpoint.timeout = DEFAULT_TIMEOUT; // K8STARS' clients use it as it is
    }
    endpoint.weight = endpoint.weight.max(-1);
    if endpoint.weight_type != 0 {
        endpoint.weight = if endpoint.weight < 0 {
            100
        } else {
            endpoint.weight.min(100)
        };
    }
    endpoint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        parse(text).map(|e| {
            let EndpointF {
                host,
                port,
                timeout,
                istcp,
                weight,
                weight_type,
                auth_type,
                ..
            } = e;
            format!("{istcp} {host} {port} {timeout} {weight} {weight_type} {auth_type}")
        })
    }

    #[test]
    fn endpoints_that_are_read() {
        let cases = [
            ("tcp -h 10.0.0.1 -p 80", "1 10.0.0.1 80 3000 -1 0 0"),
            (" udp\t-p 80 -t 500 -w 7  -v 1 -e 1 -h a -g 3 -q 2", "0 a 80 500 7 1 1"),
            ("ssl -h * -p 1", "2 0.0.0.0 1 3000 -1 0 0"),
            ("tcp -p 1", "1 0.0.0.0 1 3000 -1 0 0"),
            ("tcp -h a -p 1 -v 1", "1 a 1 3000 100 1 0"),
            ("tcp -h a -p 1 -v 2 -w 101", "1 a 1 3000 100 2 0"),
            ("tcp -h a -p 1 -w 101", "1 a 1 3000 101 0 0"),
            ("tcp -h a -p 1 -w -1 -t 0", "1 a 1 3000 -1 0 0"),
            ("tcp -h a -p 1 -z x -x -s n.a.g", "1 a 1 3000 -1 0 0"),
            ("tcp -h [::1] -p 1", "1 ::1 1 3000 -1 0 0"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn endpoints_nobody_could_use() {
        for text in [
            "",
            "http -h a -p 1",
            "tcp -h -p 1",
            "tcp -h [] -p 1",
            "tcp -h a -p 65536",
            "tcp -h a -p 0",
            "tcp -h a",
            "tcp -h a -p -1",
            "tcp -h a -p",
            "tcp -h a -p 1 -t soon",
            "tcp -h a -p 1 -e 2",
            "tcp -h a -p 1 -g x",
            "tcp -h a -p 1 x",
            "tcp -h a -p 1 --wide 1",
            "tcp -h a -p 1:tcp -h b -p 2",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
