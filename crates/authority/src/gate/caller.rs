//! Who calls a verification: a management key, checked from memory like every other credential, and known again
//! by the connection that it came on for as long as nothing has changed.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::directory::Place;
use super::verify::was_used_in_this_second;
use super::{Answer, Ask, Code, EnvironmentRef, Gate, Presented, own_id};
use crate::access::Permission;
use crate::clock::Timestamp;
use crate::credential::Class;
use crate::db::Db;
use crate::error::{Refusal, Result};
use crate::ids::OrganizationId;

/// Where a caller may ask, and of which organization only.
pub type CallerScope = (EnvironmentRef, Option<OrganizationId>);

/// A caller that was let in, with all that this rested on. Wiped when the connection ends.
pub struct KnownCaller {
    bearer: Zeroizing<String>,
    place: Place,
    /// Position among the environments, which are only ever added to.
    environment: usize,
    epoch: i64,
    /// Microseconds since the Unix epoch; 0 for never.
    expires_at: i64,
    only: Option<OrganizationId>,
}

impl Gate {
    /// Lets a caller in who holds `needed`; `named` is the environment that an instance administrator names.
    pub async fn caller(
        &self,
        db: &Db,
        bearer: &str,
        named: Option<&str>,
        needed: Permission,
    ) -> Result<(CallerScope, Option<KnownCaller>)> {
        let presented = Presented::parse(bearer);
        let Presented::Ours(parsed) = &presented else { return Err(Refusal::BadCredential.into()) };
        if parsed.class != Class::ManagementKey {
            return Err(Refusal::BadCredential.into());
        }
        let state = self.environment_of_prefix(parsed.prefix).ok_or(Refusal::BadCredential)?;
        let ask = Ask { management: true, ..Ask::default() };
        // Before the decision: what changes during it makes what is remembered void.
        let epoch = state.epoch();
        let place = self.directory.find(own_id(parsed.id)).map(|(place, _)| place);
        let answer: Answer = match self.verify_resident(&state, bearer, &ask) {
            Some(answer) => answer,
            None => Box::pin(self.verify(db, &state, bearer, &ask)).await?,
        };
        let (Code::Valid, Some(holder)) = (answer.code, answer.holder) else { return Err(Refusal::BadCredential.into()) };
        let permissions = holder.grants().map(|grants| grants.management).unwrap_or_default();
        if !permissions.has(needed) {
            return Err(Refusal::PermissionMissing { needed: needed.as_str() }.into());
        }
        let only = holder.organization().map(|organization| organization.id);
        let Some(named) = named.filter(|named| *named != state.environment.load().slug && *named != state.id.to_string()) else {
            let known = place.filter(|_| !holder.is_retiring).map(|place| KnownCaller {
                bearer: Zeroizing::new(bearer.to_owned()),
                place,
                environment: state.place,
                epoch,
                expires_at: holder.expires_at,
                only,
            });
            return Ok(((state, only), known));
        };
        if !permissions.has(Permission::InstanceAdminister) || only.is_some() {
            return Err(Refusal::PermissionMissing { needed: Permission::InstanceAdminister.as_str() }.into());
        }
        let other = self.environment_named(named).ok_or_else(|| Refusal::not_found("environment", named))?;
        Ok(((other, only), None))
    }

    /// Lets a known caller in again, unless it is another or anything changed in its environment since; then it has to be
    /// looked at anew. Also once a second, so that its last use is noted.
    pub fn caller_again(&self, known: &KnownCaller, bearer: &str, now: Timestamp) -> Option<CallerScope> {
        let environment = EnvironmentRef { states: self.environments.load(), place: known.environment };
        let is_same = is_same(&known.bearer, bearer)
            && (known.expires_at == 0 || now.micros() < known.expires_at)
            && self.lease.holds(&self.clock)
            && was_used_in_this_second(&self.directory, known.place, now)
            && self.directory.is_unchanged(known.place)
            && environment.epoch() == known.epoch;
        is_same.then_some((environment, known.only))
    }
}

/// Takes the same time wherever two texts of one length differ; by eight bytes at a time.
fn is_same(known: &str, given: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = u64> {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        words.iter().copied().chain([last]).map(u64::from_ne_bytes)
    }
    let differs = words(known).zip(words(given)).fold(0, |differs, (known, given)| differs | (known ^ given));
    known.len() == given.len() && bool::from(differs.ct_eq(&0))
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn texts_are_the_same_only_in_every_byte() {
        let text = "clv_live_mk_0123456789";
        assert!(is_same(text, text) && is_same("", ""));
        for place in 0..text.len() {
            let mut other = text.as_bytes().to_vec();
            other[place] ^= 1;
            assert!(!is_same(text, std::str::from_utf8(&other).unwrap()), "{place}");
        }
        assert!(!is_same(text, &text[1..]) && !is_same(text, &format!("{text}\0")));
    }
}
