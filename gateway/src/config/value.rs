//! Values that check themselves when they are read, from the file and from the command line alike.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use tars::ObjectAddress;

use crate::object::ObjectName;

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number<const MIN: u64, const MAX: u64>(u64);

/// Why a value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ValueError(String);

impl<const MIN: u64, const MAX: u64> Number<MIN, MAX> {
    /// A number known to be in range.
    pub(crate) const fn new(value: u64) -> Self {
        assert!(MIN <= value && value <= MAX, "a default is in its own range");
        Self(value)
    }

    /// The number.
    #[must_use]
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// The number as a size.
    #[must_use]
    pub(crate) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number as milliseconds.
    #[must_use]
    pub(crate) const fn millis(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> TryFrom<i64> for Number<MIN, MAX> {
    type Error = ValueError;

    fn try_from(value: i64) -> Result<Self, ValueError> {
        match u64::try_from(value) {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(ValueError(format!(
                "expected a number from {MIN} to {MAX}, found {value}"
            ))),
        }
    }
}

impl<const MIN: u64, const MAX: u64> FromStr for Number<MIN, MAX> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = |_| ValueError(format!("expected a number from {MIN} to {MAX}, found `{text}`"));
        text.parse::<i64>().map_err(wrong)?.try_into()
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

/// Networks of IP addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks(pub(crate) Vec<Network>);

impl Networks {
    /// Whether one of them has the address.
    #[must_use]
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.0.contains(&address))
    }
}

/// A network; a bare address is the network of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network(IpNet);

impl FromStr for Network {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse()
            .or_else(|_| {
                text.parse::<IpAddr>()
                    .map(|address| IpNet::from(address.to_canonical()))
            })
            .map(Self)
            .map_err(|_| {
                ValueError(format!(
                    "expected a network as `10.1.0.0/16` or an address, found `{text}`"
                ))
            })
    }
}

/// An object and where it is: what a registry would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locator(String);

impl FromStr for Locator {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let address: ObjectAddress = text.parse().map_err(|error| ValueError(format!("{error}")))?;
        if address.endpoints.is_empty() {
            let text = format!(
                "expected an object and its endpoints as `tars.tarsregistry.QueryObj@tcp -h HOST -p 17890`, found `{text}`"
            );
            return Err(ValueError(text));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Locator {
    /// `OBJECT@ENDPOINT[:ENDPOINT...]`.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A route on the command line: `OBJECT=ENDPOINT[:ENDPOINT...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The object.
    pub(crate) object: ObjectName,
    /// Where it is.
    pub(crate) target: Locator,
}

impl Route {
    /// The route of `object` to `endpoints`.
    pub(crate) fn new(object: &str, endpoints: &str) -> Result<Self, ValueError> {
        let name: ObjectName = object
            .parse()
            .map_err(|error| ValueError(format!("`{object}`: {error}")))?;
        let target = format!("{name}@{endpoints}").parse()?;
        Ok(Self { object: name, target })
    }
}

impl FromStr for Route {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Some((object, endpoints)) = text.split_once('=') else {
            return Err(ValueError(format!(
                "expected `App.Server.Obj=tcp -h HOST -p PORT`, found `{text}`"
            )));
        };
        Self::new(object.trim(), endpoints.trim())
    }
}

/// Reads a value from the text it is written as.
pub(super) struct Text<T>(pub(super) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading<T>(std::marker::PhantomData<T>);
        impl<T: FromStr<Err: fmt::Display>> serde::de::Visitor<'_> for Reading<T> {
            type Value = Text<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<T>, E> {
                text.parse().map(Text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Reading(std::marker::PhantomData))
    }
}

/// `#[serde(with = "text")]` for one value.
pub(super) mod text {
    use super::{Deserialize, Deserializer, FromStr, Text, fmt};

    pub(crate) fn deserialize<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        Text::deserialize(from).map(|Text(value)| value)
    }
}

/// `#[serde(with = "maybe")]` for a value that need not be there.
pub(super) mod maybe {
    use super::{Deserialize, Deserializer, FromStr, Text, fmt};

    pub(crate) fn deserialize<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        Text::deserialize(from).map(|Text(value)| Some(value))
    }
}

/// `#[serde(with = "list")]` for several.
pub(super) mod list {
    use super::{Deserialize, Deserializer, FromStr, Text, fmt};

    pub(crate) fn deserialize<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<T>, D::Error> {
        let values = Vec::<Text<T>>::deserialize(from)?;
        Ok(values.into_iter().map(|Text(value)| value).collect())
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_know_their_range() {
        type Small = Number<1, 10>;
        assert_eq!("10".parse::<Small>().unwrap().get(), 10);
        for (text, message) in [
            ("0", "expected a number from 1 to 10, found 0"),
            ("11", "expected a number from 1 to 10, found 11"),
            ("-1", "expected a number from 1 to 10, found -1"),
            ("ten", "expected a number from 1 to 10, found `ten`"),
        ] {
            assert_eq!(text.parse::<Small>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn networks_see_mapped_addresses() {
        let networks = Networks(vec![
            "10.1.0.0/16".parse().unwrap(),
            "::ffff:192.0.2.7".parse().unwrap(),
        ]);
        for (address, is_in) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::1", false),
        ] {
            assert_eq!(networks.contain(address.parse().unwrap()), is_in, "{address}");
        }
    }

    #[test]
    fn routes_name_an_object_and_endpoints() {
        let route: Route = "App.Server.Obj = tcp -h 10.0.0.1 -p 1:tcp -h 10.0.0.2 -p 1"
            .parse()
            .unwrap();
        assert_eq!(route.object.as_str(), "App.Server.Obj");
        assert_eq!(
            route.target.as_str(),
            "App.Server.Obj@tcp -h 10.0.0.1 -p 1:tcp -h 10.0.0.2 -p 1"
        );
        for wrong in [
            "App.Server.Obj",
            "Obj=tcp -h 1.1.1.1 -p 1",
            "App.Server.Obj=",
            "App.Server.Obj=tcp -p",
        ] {
            assert!(wrong.parse::<Route>().is_err(), "{wrong}");
        }
    }
}
