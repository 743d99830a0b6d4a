//! Worker ids: small numbers, each of one living instance of an application.

use std::collections::BTreeMap;

/// Numbers are below this, so that they fit where ten bits are kept for them.
pub(crate) const NUMBERS: i64 = 1024;

/// A number that was freed is given to another instance after so many leases: whoever had it and was only cut off has
/// noticed by then.
pub(crate) const REST_LEASES: i64 = 2;

/// What a registration says of its worker id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WorkerWish {
    /// Nothing: what the instance has stays its own. So says a registration that was kept.
    #[default]
    Kept,
    /// It wants none.
    Unwanted,
    /// It wants one, this one if that can be.
    Wanted(Option<i64>),
}

impl WorkerWish {
    /// Reads the word of a request: the number that was held before, or anything else.
    pub(crate) fn from_request(word: Option<&str>) -> Self {
        let Some(word) = word else {
            return Self::Unwanted;
        };
        let number = word.trim().parse().ok();
        Self::Wanted(number.filter(|number| (0..NUMBERS).contains(number)))
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerId {
    /// Nobody asked.
    None,
    /// The instance's number.
    Given(i64),
    /// Somebody asked, and every number is another's.
    Exhausted,
}

/// A number that an instance of the application has or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Its row.
    pub(crate) row: i64,
    /// The number.
    pub(crate) number: i64,
    /// It was freed and has rested.
    pub(crate) is_free: bool,
}

/// A number to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The number.
    pub(crate) number: i64,
    /// The row that has it until now.
    pub(crate) row: Option<i64>,
}

/// Numbers that can be given, the best first: the one that is wished, then from the smallest.
pub(crate) fn choices(numbered: &[Numbered], wish: Option<i64>) -> impl Iterator<Item = Choice> {
    let known: BTreeMap<i64, Numbered> = numbered.iter().map(|row| (row.number, *row)).collect();
    let all = 0..NUMBERS;
    wish.into_iter()
        .chain(all.filter(move |number| Some(*number) != wish))
        .filter_map(move |number| match known.get(&number) {
            None => Some(Choice { number, row: None }),
            Some(has) => has.is_free.then_some(Choice {
                number,
                row: Some(has.row),
            }),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: i64, is_free: bool) -> Numbered {
        Numbered {
            row: number + 100,
            number,
            is_free,
        }
    }

    fn first(numbered: &[Numbered], wish: Option<i64>) -> Option<i64> {
        choices(numbered, wish).next().map(|choice| choice.number)
    }

    #[test]
    fn the_smallest_free_number_is_given_unless_another_is_wished_and_free() {
        assert_eq!(first(&[], None), Some(0));
        assert_eq!(first(&[], Some(7)), Some(7));
        let taken = [numbered(0, false), numbered(1, true), numbered(3, false)];
        assert_eq!(first(&taken, None), Some(1));
        assert_eq!(first(&taken, Some(3)), Some(1), "not free");
        assert_eq!(first(&taken, Some(2)), Some(2));
        let rows: Vec<_> = choices(&taken, Some(1))
            .take(3)
            .map(|choice| (choice.number, choice.row))
            .collect();
        assert_eq!(rows, [(1, Some(101)), (2, None), (4, None)]);
    }

    #[test]
    fn when_all_are_taken_there_is_none() {
        let mut taken: Vec<_> = (0..NUMBERS).map(|number| numbered(number, false)).collect();
        assert_eq!(first(&taken, Some(5)), None);
        taken[1023].is_free = true;
        assert_eq!(first(&taken, None), Some(1023));
    }

    #[test]
    fn what_a_request_says() {
        for (word, wish) in [
            (None, WorkerWish::Unwanted),
            (Some(""), WorkerWish::Wanted(None)),
            (Some("7"), WorkerWish::Wanted(Some(7))),
            (Some("0"), WorkerWish::Wanted(Some(0))),
            (Some("1023"), WorkerWish::Wanted(Some(1023))),
            (Some("1024"), WorkerWish::Wanted(None)),
            (Some("-1"), WorkerWish::Wanted(None)),
            (Some("seven"), WorkerWish::Wanted(None)),
        ] {
            assert_eq!(WorkerWish::from_request(word), wish, "{word:?}");
        }
    }
}
