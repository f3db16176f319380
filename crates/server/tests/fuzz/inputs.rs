//! What people and programs send: pieces that mean something somewhere, put together in any order, and text that
//! means nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ringback_domain::region::Region;

/// What breaks careless code: ends of ranges, invisible marks, other scripts' digits, our own blanks and words.
const PIECES: &[&str] = &[
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{fffd}",
    "\u{10ffff}",
    "é",
    "ß",
    "İ",
    "ǆ",
    "ﬃ",
    "Ω",
    "٣",
    "५",
    "１",
    "😀",
    "👨‍👩‍👧",
    "0",
    "1",
    "9",
    "00",
    "007",
    "-",
    "--",
    "+",
    "+1",
    "(",
    ")",
    ".",
    "/",
    "\\",
    "'",
    "\"",
    "<script>",
    "</b>",
    "&",
    "%",
    "%00",
    "%ED%A0%80",
    "{",
    "}",
    "{{",
    "}}",
    "{link}",
    "{business}",
    "{name}",
    "{service}",
    "{ link }",
    "{x}",
    "STOP",
    "stop",
    "Start",
    "HELP",
    "null",
    "true",
    "[]",
    "{\"a\":1}",
    "-1",
    "1e999",
    "9223372036854775808",
    "NaN",
    "602-555-0142",
    "(602) 555-0142",
    "+44 7700 900123",
    "85004",
    "85004-1234",
    "K1A 0B6",
    "SW1A 1AA",
    "D02 X285",
    "2000",
    "6011",
    "ana@example.com",
    "@",
    "example.com",
    "AZ",
    "Arizona",
    "Ontario",
    "NSW",
    "ext. 5",
    "x5",
    "tel:",
    ";",
    ",",
    "#",
    "?",
    "=",
    "a",
    "Z",
    "Ana",
    "Ruiz",
    "O'Neil",
    "http://",
    "sqlite:",
    "postgres://u:p@h/d",
    "2026-11-23T17:00:00Z",
];

/// Any text.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(select(PIECES), 0..8).prop_map(|pieces| pieces.concat()),
        2 => "[ -~]{0,40}",
        2 => vec(any::<char>(), 0..40).prop_map(|chars| chars.into_iter().collect()),
        1 => (select(PIECES), 1..600_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

/// Digits as people group them, perhaps with something that does not belong there.
pub fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[+(]{0,2}[0-9]{1,4}[) .-]{0,2}[0-9]{2,4}[ .-]?[0-9]{2,5}( ?(x|ext\\.?) ?[0-9]{1,5})?",
        2 => "(\\+|00)?[0-9]{5,16}",
        2 => "[2-9][0-9]{2}[ .-]?[2-9][0-9]{2}[ .-]?[0-9]{4}",
        3 => text(),
    ]
}

/// Bytes, not always text.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => text().prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..80),
    ]
}

pub fn region() -> impl Strategy<Value = Region> {
    select(Region::ALL)
}

/// Fields by these names, or by any.
pub fn fields(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        9 => select(names).prop_map(str::to_owned),
        1 => text(),
    ];
    let value = prop_oneof![3 => text(), 1 => number()];
    vec((name, value), 0..10)
}
