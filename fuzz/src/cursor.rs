//! Cursors: what this server did not write is never read; what it wrote is read only where it was
//! given out, and not once a bit of it was changed.

use claviger_authority::page::{Cursors, Paging};
use claviger_authority::rng::Rng;

/// The input is a stranger's cursor, and then a scope and a position with a line break between.
pub fn cursor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (scope, position) = text.split_once('\n').unwrap_or(("list", &text));
    let cursors = Cursors::ephemeral(Rng);
    assert!(cursors.read(scope, &text).is_err() && cursors.read(scope, position).is_err(), "a stranger's cursor is read");

    assert!(cursors.page(scope, vec![position], 1, |at| (*at).to_owned()).next_cursor.is_none(), "nothing follows");
    let page = cursors.page(scope, vec![position, "one more"], 1, |at| (*at).to_owned());
    assert_eq!(page.data, [position]);
    let written = page.next_cursor.expect("there is more");
    assert_eq!(cursors.read(scope, &written).expect("it was given out here"), position);
    let paging = Paging { cursor: Some(written.clone()), limit: None };
    assert_eq!(paging.position(&cursors, scope).expect("it was given out here").as_deref(), Some(position));

    for other in [format!("{scope}x"), format!("x{scope}"), format!("{scope}\0"), format!("{scope}\0{position}")] {
        assert!(cursors.read(&other, &written).is_err(), "read for {other:?}");
    }
    assert!(Cursors::ephemeral(Rng).read(scope, &written).is_err(), "read with another key");
    changed(&cursors, scope, &written);
}

fn changed(cursors: &Cursors, scope: &str, written: &str) {
    // Long inputs are looked at in places, so that one run stays short.
    for place in (0..written.len()).step_by(written.len() / 256 + 1).chain([written.len() - 1]) {
        for bit in 0..7 {
            let mut forged = written.as_bytes().to_vec();
            forged[place] ^= 1 << bit;
            let forged = String::from_utf8(forged).expect("ASCII");
            assert!(cursors.read(scope, &forged).is_err(), "bit {bit} of byte {place} of {written} may be flipped");
        }
    }
    for forged in [&written[1..], &written[..written.len() - 1], &format!("{written}A"), &format!("{written}=")] {
        assert!(cursors.read(scope, forged).is_err(), "{forged} is read");
    }
}
