//! How many processors the container may use.

use std::fs;

/// What Go programs are told in `GOMAXPROCS`, as K8STARS does: the whole processors of the control group's quota, at least
/// one. `None` without a quota.
pub(super) fn limit() -> Option<u32> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let second = || read("/sys/fs/cgroup/cpu.max").and_then(|text| in_second(&text));
    let first = || {
        let quota = read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?;
        let period = read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?;
        whole(quota.trim(), period.trim())
    };
    second().or_else(first)
}

/// The file of the second version of control groups, `200000 100000` or `max 100000`.
fn in_second(text: &str) -> Option<u32> {
    let (quota, period) = text.trim().split_once(' ')?;
    whole(quota, period)
}

/// No quota is `max`, or -1 in the first version.
fn whole(quota: &str, period: &str) -> Option<u32> {
    let quota: u32 = quota.parse().ok()?;
    let period: u32 = period.parse().ok().filter(|period| *period > 0)?;
    Some((quota / period).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas() {
        let cases = [
            ("200000 100000\n", Some(2)),
            ("250000 100000", Some(2)),
            ("50000 100000", Some(1)),
            ("max 100000", None),
            ("100000 0", None),
            ("", None),
        ];
        for (text, processors) in cases {
            assert_eq!(in_second(text), processors, "{text}");
        }
        assert_eq!(whole("-1", "100000"), None);
    }
}
