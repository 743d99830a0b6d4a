//! One configuration laid over another.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::domain::{Domain, Item, Kind};
use super::error::MergeConfigError;

/// Lays `overlay` over `below`.
pub(super) fn merge(below: &mut Domain, overlay: &Domain) -> Result<(), MergeConfigError> {
    merge_at(below, overlay, &mut Vec::new())
}

fn merge_at<'a>(below: &mut Domain, overlay: &'a Domain, path: &mut Vec<&'a str>) -> Result<(), MergeConfigError> {
    for item in &overlay.items {
        check(below, item, path)?;
    }
    let mut merged = Domain::default();
    let lines = lines_by_key(overlay);
    let was = mem::take(below);
    for (place, item) in was.items.iter().enumerate() {
        let mut item = item.clone();
        match &mut item.kind {
            Kind::Entry(entry) => match lines.get(&*entry.key()) {
                None => {
                    add(&mut merged, item);
                }
                // All lines of the key make way for all lines of the overlay's, where the last one was.
                Some(lines) if was.place_of_key(&entry.key()) == Some(place) => {
                    merged.rest.append(&mut item.comments);
                    for line in lines {
                        say(&mut merged.rest, &line.comments);
                        merged.add(line.kind.clone(), line.line);
                    }
                }
                Some(_) => merged.rest.append(&mut item.comments),
            },
            Kind::Domain { name, body } => {
                if let Some(place) = overlay.place_of(name) {
                    let over = &overlay.items[place];
                    if let Kind::Domain { name, body: over } = &over.kind {
                        path.push(name);
                        merge_at(body, over, path)?;
                        path.pop();
                    }
                    say(&mut item.comments, &over.comments);
                }
                add(&mut merged, item);
            }
        }
    }
    merged.rest.extend(was.rest.iter().cloned());
    for item in &overlay.items {
        let is_new = match &item.kind {
            Kind::Entry(entry) => was.place_of_key(&entry.key()).is_none(),
            Kind::Domain { name, .. } => was.place_of(name).is_none(),
        };
        if is_new {
            add(&mut merged, item.clone());
        }
    }
    say(&mut merged.rest, &overlay.rest);
    *below = merged;
    Ok(())
}

/// Adds an item with its comments behind those that wait.
fn add(merged: &mut Domain, item: Item) {
    merged.rest.extend(item.comments);
    merged.add(item.kind, item.line);
}

/// Adds comments that are not there.
fn say(comments: &mut Vec<String>, more: &[String]) {
    let known: HashSet<&str> = comments.iter().map(String::as_str).collect();
    let is_new = |comment: &&String| !comment.is_empty() && !known.contains(comment.as_str());
    let new: Vec<_> = more.iter().filter(is_new).cloned().collect();
    comments.extend(new);
}

fn lines_by_key(domain: &Domain) -> HashMap<String, Vec<&Item>> {
    let mut lines: HashMap<String, Vec<&Item>> = HashMap::new();
    for item in &domain.items {
        if let Kind::Entry(entry) = &item.kind {
            lines.entry(entry.key().into_owned()).or_default().push(item);
        }
    }
    lines
}

/// A name that is a key in one and a domain in the other is a mistake in one of them. (Within one file it can be both.)
fn check(below: &Domain, item: &Item, path: &[&str]) -> Result<(), MergeConfigError> {
    let (name, key, domain) = match &item.kind {
        Kind::Entry(entry) => {
            let name = entry.key().into_owned();
            let (key, domain) = (below.place_of_key(&name), below.place_of(&name));
            (name, key, domain)
        }
        Kind::Domain { name, .. } => (name.clone(), below.place_of_key(name), below.place_of(name)),
    };
    let overlay_is_domain = matches!(item.kind, Kind::Domain { .. });
    let (same, other) = if overlay_is_domain {
        (domain, key)
    } else {
        (key, domain)
    };
    match (same, other) {
        (None, Some(place)) => Err(MergeConfigError {
            path: format!("/{}", path.join("/")),
            name,
            overlay_is_domain,
            line: below.items[place].line,
            overlay_line: item.line,
        }),
        _ => Ok(()),
    }
}
