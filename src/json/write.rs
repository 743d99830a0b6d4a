//! Values to JSON, or to any other format of serde.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::ser::{Error, Serialize, SerializeSeq, SerializeStruct, Serializer};

use crate::ByteString;
use crate::codec::{DEFAULT_MAX_DEPTH, Length};

/// How often the JSON text of a struct may be a key inside another such text: each time its quotes and backslashes double.
const MAX_KEYS: u8 = 4;

/// A value of an IDL that can be written as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of the Tars IDL",
    note = "structs derive `TarsStruct`, enums are a newtype over `i32` with `TarsEnum`"
)]
pub trait ToJson {
    /// Writes the value, which may take `room`.
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error>;

    /// Writes many of this type. An array, unless the type has another form in numbers.
    #[doc(hidden)]
    fn write_list<S: Serializer>(items: &[Self], to: S, room: Room) -> Result<S::Ok, S::Error>
    where
        Self: Sized,
    {
        let room = room.enter()?;
        let mut list = to.serialize_seq(Some(items.len()))?;
        for item in items {
            list.serialize_element(&room.value(item))?;
        }
        list.end()
    }

    /// The value as the key of an object. Its JSON text, unless the type has a simpler one.
    #[doc(hidden)]
    fn write_key<E: Error>(&self, room: Room) -> Result<Cow<'_, str>, E> {
        let text = serde_json::to_string(&room.enter_key()?.value(self)).map_err(E::custom)?;
        Ok(Cow::Owned(text))
    }
}

/// How deep a value being written may still nest.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    depth: u32,
    keys: u8,
}

impl Room {
    /// All the room there is.
    #[doc(hidden)]
    pub fn new() -> Self {
        Self {
            // The outermost struct counts as little as it does in the codec.
            depth: DEFAULT_MAX_DEPTH + 1,
            keys: MAX_KEYS,
        }
    }

    /// The room inside a struct, a vector or a map.
    pub fn enter<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(E::custom(format_args!(
                "more than {DEFAULT_MAX_DEPTH} structs, vectors and maps inside each other"
            ))),
        }
    }

    fn enter_key<E: Error>(self) -> Result<Self, E> {
        match self.keys.checked_sub(1) {
            Some(keys) => Ok(Self { keys, ..self }),
            None => Err(E::custom(format_args!("more than {MAX_KEYS} keys inside each other"))),
        }
    }

    /// `value` with this room, for serde.
    pub fn value<T: ToJson + ?Sized>(self, value: &T) -> Written<'_, T> {
        Written { value, room: self }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

/// A value that serde can serialize.
pub struct Written<'a, T: ?Sized> {
    value: &'a T,
    room: Room,
}

impl<T: ?Sized> fmt::Debug for Written<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl<T: ToJson + ?Sized> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value.write(to, self.room)
    }
}

/// The members of a struct while they are written. This is what the derive calls.
#[doc(hidden)]
pub struct Members<S: Serializer> {
    to: S::SerializeStruct,
    owner: &'static str,
    room: Room,
}

impl<S: Serializer> fmt::Debug for Members<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

#[doc(hidden)]
impl<S: Serializer> Members<S> {
    pub fn begin(to: S, room: Room, owner: &'static str, count: usize) -> Result<Self, S::Error> {
        let room = room.enter()?;
        let to = to.serialize_struct(owner, count)?;
        Ok(Self { to, owner, room })
    }

    pub fn member<T: ToJson>(&mut self, name: &'static str, value: &T) -> Result<(), S::Error> {
        self.to.serialize_field(name, &self.room.value(value))
    }

    pub fn bounded<T: ToJson + Length>(&mut self, name: &'static str, max: usize, value: &T) -> Result<(), S::Error> {
        let (owner, length) = (self.owner, value.length());
        if length > max {
            return Err(S::Error::custom(format_args!(
                "{owner}.{name}: length {length} is more than the {max} allowed"
            )));
        }
        self.member(name, value)
    }

    pub fn present<T: ToJson>(&mut self, name: &'static str, value: Option<&T>) -> Result<(), S::Error> {
        match value {
            Some(value) => self.member(name, value),
            None => self.to.skip_field(name),
        }
    }

    pub fn present_bounded<T: ToJson + Length>(
        &mut self,
        name: &'static str,
        max: usize,
        value: Option<&T>,
    ) -> Result<(), S::Error> {
        match value {
            Some(value) => self.bounded(name, max, value),
            None => self.to.skip_field(name),
        }
    }

    pub fn end(self) -> Result<S::Ok, S::Error> {
        self.to.end()
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error> {
        T::write_list(self, to, room)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error> {
        T::write_list(self, to, room)
    }
}

impl<T: ToJson> ToJson for Box<T> {
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error> {
        T::write(self, to, room)
    }

    fn write_key<E: Error>(&self, room: Room) -> Result<Cow<'_, str>, E> {
        T::write_key(self, room)
    }
}

/// Numbers and bool, which as keys are their own text.
macro_rules! plain {
    ($($type:ty => $serialize:ident, $key:literal $({ $($special:tt)+ })?;)+) => {
        $(impl ToJson for $type {
            fn write<S: Serializer>(&self, to: S, _: Room) -> Result<S::Ok, S::Error> {
                to.$serialize(*self)
            }

            fn write_key<E: Error>(&self, _: Room) -> Result<Cow<'_, str>, E> {
                Ok(Cow::Owned(format!($key, self)))
            }

            $($($special)+)?
        })+
    };
}

plain! {
    bool => serialize_bool, "{}";
    // Bytes are no level of nesting, as in the codec.
    i8 => serialize_i8, "{}" {
        fn write_list<S: Serializer>(items: &[Self], to: S, _: Room) -> Result<S::Ok, S::Error> {
            to.collect_seq(items)
        }
    };
    i16 => serialize_i16, "{}";
    i32 => serialize_i32, "{}";
    i64 => serialize_i64, "{}";
    u8 => serialize_u8, "{}";
    u16 => serialize_u16, "{}";
    u32 => serialize_u32, "{}";
    // In the notation that is short for very large and very small ones.
    f32 => serialize_f32, "{:?}";
    f64 => serialize_f64, "{:?}";
}

impl ToJson for Bytes {
    fn write<S: Serializer>(&self, to: S, _: Room) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(|byte| byte.cast_signed()))
    }
}

impl ToJson for str {
    fn write<S: Serializer>(&self, to: S, _: Room) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }

    fn write_key<E: Error>(&self, _: Room) -> Result<Cow<'_, str>, E> {
        Ok(Cow::Borrowed(self))
    }
}

impl ToJson for String {
    fn write<S: Serializer>(&self, to: S, _: Room) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }

    fn write_key<E: Error>(&self, _: Room) -> Result<Cow<'_, str>, E> {
        Ok(Cow::Borrowed(self))
    }
}

/// What is not UTF-8 becomes U+FFFD: JSON has no bytes.
impl ToJson for ByteString {
    fn write<S: Serializer>(&self, to: S, _: Room) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.to_string_lossy())
    }

    fn write_key<E: Error>(&self, _: Room) -> Result<Cow<'_, str>, E> {
        Ok(self.to_string_lossy())
    }
}
