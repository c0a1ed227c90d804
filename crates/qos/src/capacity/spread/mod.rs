//! Hard topology spread: how many of what nodes could take the constraints let through.

mod levels;
mod play;
mod rule;

pub(crate) use levels::Levels;
pub(crate) use play::{MAX_PLAYED, play};
pub(crate) use rule::{Domains, Rule};

/// How many more each domain may get, when as many as possible are placed under one constraint.
///
/// `existing` is how many matching pods each domain has, `room` how many more its nodes could take. The emptiest
/// domain decides: it may always be filled further, until it is full, so in the end the emptiest holds
/// `m = min(existing + room)`, and no domain may then hold more than `m + skew`. With fewer domains than the
/// constraint asks for, the emptiest counts as empty for ever. Where the pod does not count itself, nothing that
/// is placed changes anything: a domain is open or closed from the beginning.
pub(crate) fn most(rule: &Rule, existing: &[u64], room: &[u128]) -> Vec<u128> {
    let enough = existing.len() as u128 >= u128::from(rule.min_domains);
    let pairs = || existing.iter().map(|there| u128::from(*there)).zip(room.iter().copied());
    let skew = u128::from(rule.max_skew);
    if !rule.counts_itself {
        let emptiest = if enough { pairs().map(|(there, _)| there).min().unwrap_or(0) } else { 0 };
        return pairs().map(|(there, room)| if there <= emptiest + skew { room } else { 0 }).collect();
    }
    let level =
        if enough { pairs().map(|(there, room)| there.saturating_add(room)).min().unwrap_or(0) } else { 0 };
    let highest = level.saturating_add(skew);
    pairs().map(|(there, room)| room.min(highest.saturating_sub(there))).collect()
}

#[cfg(test)]
mod tests;
