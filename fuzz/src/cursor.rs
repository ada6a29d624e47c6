//! Cursors: what this server did not write is never read, and what it wrote is read only where it was given out.

use claviger_authority::page::Cursors;

pub fn cursor(data: &[u8]) {
    let cursors = Cursors::new(b"a key of the server");
    let text = String::from_utf8_lossy(data);
    assert!(cursors.read("list", &text).is_err(), "a stranger's cursor was read");
    let page = cursors.page("list", vec![text.as_ref(), "one more"], 1, |position| (*position).to_owned());
    let written = page.next_cursor.expect("there is one more");
    assert_eq!(cursors.read("list", &written).expect("it was written here"), text);
    assert!(cursors.read("another list", &written).is_err());
    let mut forged = written.into_bytes();
    let place = data.first().map_or(0, |byte| usize::from(*byte)) % forged.len();
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    // The last digit may carry bits that no byte uses: then the cursor is refused or the same.
    if let Ok(position) = cursors.read("list", &forged) {
        assert_eq!(position, text);
    }
}
