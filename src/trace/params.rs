//! Parameters as they stand in a line: a JSON object by the names of the IDL.

use bytes::Bytes;

use crate::Operation;
use crate::codec::{self, Limits};

/// Makes the JSON of a call's encoded parameters, at most so many bytes long.
pub(crate) type Describe = fn(&[u8], &Limits, usize) -> Bytes;

/// What stands for parameters that are too long, as in every peer.
pub(super) const OVER_MAX_LEN: Bytes = Bytes::from_static(br#"{"trace_param_over_max_len":true}"#);

/// The encoded parameters of a call of `O`. They are decoded again, because a client's parameters are encoded as they
/// are borrowed.
pub(crate) fn describe_args<O: Operation>(body: &[u8], limits: &Limits, max: usize) -> Bytes {
    if body.len() > max {
        return OVER_MAX_LEN;
    }
    match codec::decode::<O::Args>(body, limits) {
        Ok(decoded) => args::<O>(&decoded, body.len(), max),
        Err(_) => Bytes::new(),
    }
}

/// The parameters of a call, which took `size` bytes to encode. That size is limited, as in the peers, and the text's
/// too, whose writing ends at the limit.
pub(super) fn args<O: Operation>(args: &O::Args, size: usize, max: usize) -> Bytes {
    if size > max {
        return OVER_MAX_LEN;
    }
    text::args(args, max)
}

/// The return value, under an empty name, and `out` parameters.
pub(super) fn reply<O: Operation>(reply: &O::Reply, size: usize, max: usize) -> Bytes {
    if size > max {
        return OVER_MAX_LEN;
    }
    text::reply(reply, max)
}

/// A body that is JSON already.
pub(super) fn raw(body: &[u8], max: usize) -> Bytes {
    if body.len() > max {
        return OVER_MAX_LEN;
    }
    Bytes::copy_from_slice(body)
}

/// Without JSON there are no names to write.
#[cfg(not(feature = "json"))]
mod text {
    use bytes::Bytes;

    pub(super) fn args<T>(_: &T, _: usize) -> Bytes {
        Bytes::new()
    }

    pub(super) fn reply<T>(_: &T, _: usize) -> Bytes {
        Bytes::new()
    }
}

#[cfg(feature = "json")]
mod text {
    use std::cell::Cell;
    use std::io;

    use bytes::Bytes;
    use serde::Serialize;
    use serde_json::ser::{Formatter, Serializer};

    use super::OVER_MAX_LEN;
    use crate::json::{Room, ToJson};

    /// How JSON bodies name the return value, which they have behind the `out` parameters.
    const RETURN: &str = r#""tars_ret":"#;

    pub(super) fn args<T: ToJson>(value: &T, max: usize) -> Bytes {
        write(value, max).map_or_else(|failed| failed, |(text, _)| text.into())
    }

    pub(super) fn reply<T: ToJson>(value: &T, max: usize) -> Bytes {
        match write(value, max) {
            Ok((text, last)) => return_first(&text, last).unwrap_or(text).into(),
            Err(failed) => failed,
        }
    }

    /// `{"c":3,"tars_ret":0}` to `{"":0,"c":3}`. `None` when there is no return value.
    fn return_first(text: &[u8], last: usize) -> Option<Vec<u8>> {
        let (others, returned) = text.split_at_checked(last)?;
        let value = returned.strip_prefix(RETURN.as_bytes())?.strip_suffix(b"}")?;
        let others = others.strip_prefix(b"{")?;
        let mut first = [br#"{"":"#, value].concat();
        if let Some(others) = others.strip_suffix(b",") {
            first.push(b',');
            first.extend_from_slice(others);
        }
        first.push(b'}');
        Some(first)
    }

    /// The text and where its last member begins; or, when it has none or is too long, what stands for it.
    fn write<T: ToJson>(value: &T, max: usize) -> Result<(Vec<u8>, usize), Bytes> {
        let length = Cell::new(0);
        let mut bounded = Bounded {
            text: Vec::new(),
            length: &length,
            max,
            is_full: false,
        };
        let mut outline = Outline {
            length: &length,
            depth: 0,
            last: 0,
        };
        let written = Room::new()
            .value(value)
            .serialize(&mut Serializer::with_formatter(&mut bounded, &mut outline));
        match written {
            Ok(()) => Ok((bounded.text, outline.last)),
            Err(_) if bounded.is_full => Err(OVER_MAX_LEN),
            Err(_) => Err(Bytes::new()),
        }
    }

    /// Takes at most `max` bytes.
    struct Bounded<'a> {
        text: Vec<u8>,
        length: &'a Cell<usize>,
        max: usize,
        is_full: bool,
    }

    impl io::Write for Bounded<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.text.len() + bytes.len() > self.max {
                self.is_full = true;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.text.extend_from_slice(bytes);
            self.length.set(self.text.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Writes without spaces, noting where the last member of the outermost object begins.
    struct Outline<'a> {
        length: &'a Cell<usize>,
        depth: u32,
        last: usize,
    }

    impl Formatter for &mut Outline<'_> {
        fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
            self.depth += 1;
            writer.write_all(b"{")
        }

        fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
            self.depth -= 1;
            writer.write_all(b"}")
        }

        fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
            if !first {
                writer.write_all(b",")?;
            }
            if self.depth == 1 {
                self.last = self.length.get();
            }
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use std::collections::BTreeMap;

        use super::*;
        use crate::TarsStruct;

        #[derive(Clone, Debug, TarsStruct)]
        struct Reply {
            #[tars(tag = 0, require, name = "tars_ret")]
            ret: BTreeMap<String, i32>,
            #[tars(tag = 2, require)]
            b: String,
            #[tars(tag = 3, require)]
            c: Vec<i32>,
        }

        #[derive(Clone, Debug, TarsStruct)]
        struct OnlyReturn {
            #[tars(tag = 0, require, name = "tars_ret")]
            ret: i32,
        }

        #[derive(Clone, Debug, TarsStruct)]
        struct NoReturn {
            #[tars(tag = 1, require)]
            list: Vec<OnlyReturn>,
        }

        #[derive(Clone, Debug, TarsStruct)]
        struct Nothing {}

        #[test]
        fn the_return_value_comes_first_and_has_no_name() {
            let value = Reply {
                ret: BTreeMap::from([("tars_ret".to_owned(), 1)]),
                b: r#""tars_ret":{|"#.to_owned(),
                c: vec![1, 2],
            };
            for (text, expected) in [
                (
                    reply(&value, 1000),
                    r#"{"":{"tars_ret":1},"b":"\"tars_ret\":{|","c":[1,2]}"#,
                ),
                (reply(&OnlyReturn { ret: 7 }, 1000), r#"{"":7}"#),
                (
                    reply(
                        &NoReturn {
                            list: vec![OnlyReturn { ret: 7 }],
                        },
                        1000,
                    ),
                    r#"{"list":[{"tars_ret":7}]}"#,
                ),
                (reply(&Nothing {}, 1000), "{}"),
                (args(&OnlyReturn { ret: 7 }, 1000), r#"{"tars_ret":7}"#),
            ] {
                assert_eq!(str::from_utf8(&text).unwrap(), expected);
            }
        }

        #[test]
        fn texts_that_are_too_long_are_not_written() {
            let list = NoReturn {
                list: vec![OnlyReturn { ret: 7 }; 100],
            };
            let length = args(&list, 10_000).len();
            assert_eq!(args(&list, length).len(), length);
            assert_eq!(args(&list, length - 1), OVER_MAX_LEN);
            assert_eq!(reply(&list, 10), OVER_MAX_LEN);
        }
    }
}
